"""A ClientHello is read from its bytes; what is not whole, or none, says nothing."""

from __future__ import annotations

import ssl

import pytest

from netlab.tls import hello
from tests.tls.client_hello import FFDHE8192, X25519, client_hello


def test_groups_and_protocols_come_in_the_client_s_order() -> None:
    said = client_hello((FFDHE8192, X25519), (b"h2", b"http/1.1"))
    assert hello.groups(said) == [FFDHE8192, X25519]
    assert hello.protocols(said) == [b"h2", b"http/1.1"]


def test_a_hello_of_openssl_is_read() -> None:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["spdy/3", "h2"])
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    said = outgoing.read()
    assert hello.protocols(said) == [b"spdy/3", b"h2"]
    assert X25519 in hello.groups(said)


@pytest.mark.parametrize("ours", [(b"http/1.1",), (b"http/1.1", b"h2"), (b"h3",)])
def test_only_a_client_without_a_protocol_of_ours_is_refused(ours: tuple[bytes, ...]) -> None:
    for theirs in ((b"h2",), (b"http/1.1",), (b"h2", b"http/1.1"), (b"http/1.1x",), ()):
        refused = hello.without_common_protocol(client_hello(protocols=theirs), ours)
        assert bool(refused) == (bool(theirs) and not set(theirs) & set(ours)), (theirs, ours)


def test_no_prefix_and_no_other_bytes_are_judged() -> None:
    whole = client_hello(protocols=(b"h2",))
    for end in range(len(whole)):
        assert hello.protocols(whole[:end]) == hello.groups(whole[:end]) == []
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x80\x2e\x01\x03\x01", bytes(100), b"\x16" + b"\xff" * 400):
        assert hello.without_common_protocol(junk + b"\x00\x10", (b"http/1.1",)) == []


def test_an_alert_is_a_record_of_two_bytes() -> None:
    assert hello.alert(hello.NO_APPLICATION_PROTOCOL) == b"\x15\x03\x03\x00\x02\x02\x78"
