"""Every byte of a record and a message in exactly one named field, whatever the bytes are."""

from __future__ import annotations

import random
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.tls import handshake, record
from netlab.tls.handshake import Situation
from netlab.tls.wire import meanings, registry, ssl2, suites
from netlab.tls.wire.spans import NOT_UNDERSTOOD, Cursor, Span, TraceError, gaps, read_all
from tests.tls.conversing import contexts, converse

VERSIONS = [0x0300, 0x0301, 0x0303, 0x0304]
EXCHANGES = ["RSA", "DHE_RSA", "ECDHE_ECDSA", "DH_anon", "PSK", "DHE_PSK", "RSA_EXPORT", "SRP_SHA", ""]
situations = st.builds(Situation, st.sampled_from(VERSIONS), st.sampled_from(EXCHANGES))


def covered(data: bytes, span: Span) -> None:
    """The leaves of a tree are the bytes, once each and in order."""
    assert gaps(span) == []
    assert (span.start, span.stop) == (0, len(data))
    assert (
        b"".join(data[leaf.start : leaf.stop] for leaf in span.leaves() if leaf is not span or data) == data
    )


def client_hello() -> bytes:
    """A ClientHello as OpenSSL sends it."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="example.com")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()[record.HEADER_LENGTH :]


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def extension(number: int, data: bytes) -> bytes:
    return number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def hello_with(*extensions: bytes, suite_list: bytes = b"\x13\x01") -> Span:
    """The fields of a small ClientHello with these extensions."""
    block = b"".join(extensions)
    suite_vector = len(suite_list).to_bytes(2, "big") + suite_list
    body = b"\x03\x03" + bytes(32) + b"\0" + suite_vector + b"\x01\0" + len(block).to_bytes(2, "big") + block
    data = message(1, body)
    span = handshake.decode(data)
    covered(data, span)
    return span


# -- the cover


@given(st.binary(max_size=200), situations)
def test_any_bytes_are_covered_once_as_a_message(data: bytes, situation: Situation) -> None:
    covered(data, handshake.decode(data, situation))


@given(st.sampled_from(sorted(registry.HANDSHAKE_TYPES)), st.binary(max_size=200), situations)
def test_any_body_of_a_known_message_is_covered_once(kind: int, body: bytes, situation: Situation) -> None:
    data = message(kind, body)
    covered(data, handshake.decode(data, situation))


@given(st.sampled_from(sorted(registry.EXTENSIONS)), st.binary(max_size=80))
def test_any_content_of_a_known_extension_is_covered_once(number: int, data: bytes) -> None:
    span = hello_with(extension(number, data))
    assert span.get("extensions", registry.extension(number)) is not None


@given(st.binary(min_size=5, max_size=80))
def test_any_record_is_covered_once(data: bytes) -> None:
    covered(data, record.decode(data))


@given(st.binary(max_size=60), st.sampled_from(sorted(registry.CONTENT_TYPES)))
def test_any_content_is_covered_once(data: bytes, content_type: int) -> None:
    covered(data, record.content(data, content_type))


@given(st.binary(max_size=80))
def test_any_hello_of_ssl2_is_covered_once(data: bytes) -> None:
    covered(data, ssl2.decode(data))


def test_a_damaged_hello_is_covered_once() -> None:
    good, numbers = client_hello(), random.Random(1)
    for _ in range(500):
        data = bytearray(good)
        for _ in range(numbers.randrange(5)):
            data[numbers.randrange(len(data))] = numbers.randrange(256)
        damaged = bytes(data[: numbers.randrange(len(data) + 1)])
        covered(damaged, handshake.decode(damaged))


@pytest.mark.parametrize("cut", [10, 40, 60, 100, 300])
def test_a_cut_hello_says_where_sense_ends(cut: int) -> None:
    """Wherever it is cut, the bytes that are there keep their names, and the last span has the problem."""
    data = client_hello()[:cut]
    span = handshake.decode(data)
    covered(data, span)
    assert list(span.problems())
    assert span.number("legacy_version") == 0x0303


def test_a_field_beyond_the_end_raises_one_error_with_its_offset() -> None:
    cursor = Cursor(b"\x01\x02\x03")
    cursor.number(2, "version")
    with pytest.raises(TraceError, match="offset 2: random needs 32 bytes, 1 are left") as caught:
        cursor.opaque(32, "random")
    assert caught.value.offset == 2


def test_what_a_structure_leaves_over_is_a_leaf_of_its_own() -> None:
    span = read_all(b"\x01\x00\xff", "key_update", lambda cursor: cursor.number(1, "request_update"))
    assert [leaf.name for leaf in span.leaves()] == ["request_update", NOT_UNDERSTOOD]
    assert span.children[1].problem == "more bytes than the fields of this structure"


# -- what the fields say


def test_a_client_hello_names_its_fields() -> None:
    span = handshake.decode(client_hello())
    assert span.name == "client_hello" and not list(span.problems())
    host = span.get("extensions", "server_name", "extension_data", "server_name_list", "host_name")
    assert host is not None and host.text == "example.com"
    share = span.get("extensions", "key_share", "extension_data", "client_shares", "key_share_entry")
    assert share is not None and share.text == "x25519, 32 bytes"


@pytest.mark.parametrize("value", [0x0A0A, 0x1A1A, 0xFAFA])
def test_grease_is_called_grease(value: int) -> None:
    """RFC 8701: in suites, extensions, groups and versions."""
    raw = value.to_bytes(2, "big")
    groups = extension(10, b"\0\x02" + raw)
    versions = extension(43, b"\x02" + raw)
    span = hello_with(extension(value, b""), groups, versions, suite_list=raw)
    texts = [leaf.text for leaf in span.leaves()]
    assert sum("GREASE" in text for text in texts) == 4
    assert registry.grease(value) and not registry.grease(0x0A1A)


def test_a_hybrid_share_has_its_name_and_size() -> None:
    share = (4588).to_bytes(2, "big") + (1216).to_bytes(2, "big") + bytes(1216)
    span = hello_with(extension(51, len(share).to_bytes(2, "big") + share))
    entry = span.get("extensions", "key_share", "extension_data", "client_shares", "key_share_entry")
    assert entry is not None and entry.text == "X25519MLKEM768, 1216 bytes"


def test_an_encrypted_client_hello_is_unfolded_as_far_as_it_can_be_read() -> None:
    data = b"\0" + b"\0\x01\0\x01" + b"\x2a" + b"\0\x20" + bytes(32) + b"\0\x05" + b"hello"
    span = hello_with(extension(0xFE0D, data))
    ech = span.get("extensions", "encrypted_client_hello", "extension_data")
    assert ech is not None and not list(span.problems())
    assert [child.name for child in ech.children] == [
        "length", "type", "cipher_suite", "config_id", "enc", "payload",
    ]  # fmt: skip


def test_an_extension_without_a_reader_keeps_its_name_and_its_bytes() -> None:
    span = hello_with(extension(59, b"chain"), extension(0x7777, b"what"))
    known = span.get("extensions", "dnssec_chain", "extension_data")
    unknown = span.get("extensions", "unassigned", "extension_data")
    assert known is not None and known.octets("extension_data") == b"chain"
    assert unknown is not None and unknown.octets("extension_data") == b"what"
    assert not list(span.problems())


def test_an_extension_that_breaks_its_grammar_harms_no_other() -> None:
    span = hello_with(extension(10, b"\0\x09\0"), extension(16, b"\0\x03\x02h2"))
    assert [problem.name for problem in span.problems()] != []
    alpn = ("extensions", "application_layer_protocol_negotiation", "extension_data", "protocol_name_list")
    protocol = span.get(*alpn, "protocol_name")
    assert protocol is not None and protocol.text == "h2"


def test_the_parameters_of_a_suite_come_from_its_name() -> None:
    found = suites.suite(0xC02F)
    assert found is not None
    assert (found.key_exchange, found.cipher, found.hash) == ("ECDHE_RSA", "AES_128_GCM", "sha256")
    cbc = suites.suite(0xC028)
    assert cbc is not None and (cbc.key, cbc.block, cbc.mac, cbc.hash) == (32, 16, "sha384", "sha384")
    old = suites.suite(0x0035)
    assert old is not None and (old.key_exchange, old.mac, old.hash) == ("RSA", "sha1", "sha256")
    new = suites.suite(0x1303)
    assert new is not None and new.tls13 and new.key == 32
    assert suites.suite(0x00FF) is None and suites.suite(0x0A0A) is None


def test_a_vector_of_the_smallest_elements_has_one_span_each() -> None:
    elements = b"\0\0\0" * 20_000
    body = len(elements).to_bytes(3, "big") + elements
    data = message(11, body)
    span = handshake.decode(data, Situation(0x0303))
    assert len(list(span.leaves())) == 20_000 + 3


def test_every_field_of_a_handshake_has_a_sentence_and_a_section() -> None:
    """No leaf of a whole connection of TLS 1.3 and of TLS 1.2 is left without a meaning."""
    silent: set[tuple[str, str]] = set()

    def look(span: Span, parent: str = "") -> None:
        sentence, section = meanings.explain(span, parent)
        if not span.children and not (sentence.endswith(".") and section):
            silent.add((parent, span.name))
        for child in span.children:
            look(child, span.name)

    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        for each in converse(*contexts(version)).trace()[1]:
            inner = each.inner()
            for span in (each.wire(), *([inner] if inner else []), *(m.fields() for m in each.messages)):
                look(span)
    assert silent == set()
