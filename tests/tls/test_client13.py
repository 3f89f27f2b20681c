"""Our own client of TLS 1.3 against Python's ssl: what it agrees on, and what it refuses."""

from __future__ import annotations

import ssl

import pytest

from netlab.tls.client13 import P256, P384, X25519, Client13, Offer
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Record, Side
from netlab.tls.wire.spans import TraceError
from tests.tls.conversing import RESPONSE, contexts, identity


class Connection:
    """A client of ours and a server of OpenSSL's, in memory."""

    def __init__(self, offer: Offer, server: ssl.SSLContext) -> None:
        self.client = Client13(offer)
        self.sent: list[tuple[Side, bytes]] = []
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = server.wrap_bio(self._into, self._out, server_side=True)

    def carry(self) -> None:
        """Move what each side has to say."""
        if data := self.client.sending():
            self.sent.append((Side.CLIENT, data))
            self._into.write(data)
        try:
            self.server.do_handshake()
        except ssl.SSLWantReadError:
            pass
        if data := self._out.read():
            self.sent.append((Side.SERVER, data))
            self.client.receive(data)

    def handshake(self) -> None:
        """Until the client is done, in six turns at the most."""
        for _ in range(6):
            self.carry()
        assert self.client.established

    def trace(self) -> tuple[Tracer, list[Record]]:
        """Read it with the private keys of the shares alone."""
        tracer = Tracer(Keyring(shares=tuple(self.client.private)))
        records = [record for side, data in self.sent for record in tracer.feed(side, data)]
        tracer.end()
        return tracer, records


@pytest.mark.parametrize("share", [X25519, P256, P384, None])
@pytest.mark.parametrize("suite", [0x1301, 0x1302, 0x1303])
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_conversation_with_every_share_suite_and_key(share: int | None, suite: int, kind: str) -> None:
    _, server = contexts(kind=kind)
    connection = Connection(Offer("localhost", (suite,), share), server)
    connection.handshake()
    connection.client.write(b"GET / HTTP/1.1\r\n\r\n")
    connection.carry()
    assert connection.server.read(100) == b"GET / HTTP/1.1\r\n\r\n"
    connection.server.write(RESPONSE)
    connection.carry()
    assert connection.client.read() == RESPONSE
    tracer, records = connection.trace()
    assert not tracer.problems and not [record for record in records if record.reason]
    assert tracer.finished == [(Side.SERVER, True), (Side.CLIENT, True)]
    assert tracer.retried is (share is None)
    assert tracer.suite is not None and tracer.suite.value == suite
    assert any(step.name == "Handshake Secret" for step in tracer.steps), "the whole key schedule is known"


def test_a_server_that_wants_another_group_asks_for_it() -> None:
    _, server = contexts()
    server.set_ecdh_curve("secp384r1")
    connection = Connection(Offer("localhost"), server)
    connection.handshake()
    assert connection.trace()[0].retried


def test_a_request_for_a_certificate_is_answered_with_none() -> None:
    _, server = contexts()
    server.verify_mode = ssl.CERT_OPTIONAL
    server.load_verify_locations(cadata=identity("rsa").decode())
    connection = Connection(Offer("localhost"), server)
    connection.handshake()
    names = [name for record in connection.trace()[1] for name in record.handshake]
    assert names.count("certificate") == 2 and names.count("certificate_verify") == 1


def test_a_server_of_tls12_is_told_from_one_that_refuses() -> None:
    connection = Connection(Offer("localhost"), contexts(ssl.TLSVersion.TLSv1_2)[1])
    with pytest.raises((TraceError, ssl.SSLError)):
        connection.handshake()


@pytest.mark.parametrize("changed", [150, 300, 900, 1200])
def test_a_changed_byte_of_the_servers_flight_is_refused(changed: int) -> None:
    connection = Connection(Offer("localhost"), contexts()[1])
    data = connection.client.sending()
    connection._into.write(data)
    with pytest.raises(ssl.SSLWantReadError):
        connection.server.do_handshake()
    answer = bytearray(connection._out.read())
    answer[min(changed, len(answer) - 1)] ^= 1
    with pytest.raises(TraceError, match=r"tag does not fit|does not speak TLS|refuses"):
        connection.client.receive(bytes(answer))


def test_a_server_that_speaks_no_tls_is_named() -> None:
    client = Client13(Offer("localhost"))
    with pytest.raises(TraceError, match="does not speak TLS"):
        client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_an_alert_is_told_by_its_name() -> None:
    client = Client13(Offer("localhost"))
    with pytest.raises(TraceError, match="the server refuses: handshake_failure"):
        client.receive(b"\x15\x03\x03\0\x02\x02\x28")


def test_an_address_is_no_server_name() -> None:
    for host, named in (("localhost", True), ("127.0.0.1", False), ("::1", False)):
        tracer = Tracer()
        tracer.feed(Side.CLIENT, Client13(Offer(host)).sending())
        assert tracer.client is not None and bool(tracer.client.server_name) is named
