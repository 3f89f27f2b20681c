"""The tracer against live OpenSSL: every byte that either side said, out of what went over the wire."""

from __future__ import annotations

import ssl
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from netlab.tls.keylog import KeyLog, passing_file
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring, load_private_key
from netlab.tls.tracing.values import Record, Side
from netlab.tls.wire.spans import TraceError, gaps
from tests.tls.conversing import (
    NO_ENCRYPT_THEN_MAC,
    NO_EXTENDED_MASTER_SECRET,
    REQUEST,
    Talk,
    Wire,
    contexts,
    converse,
    identity,
    load,
    logging,
)

TLS12 = ssl.TLSVersion.TLSv1_2
RSA_SUITES = [
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "AES128-SHA256", "AES256-SHA256",
    "AES128-CCM", "AES256-CCM8", "CAMELLIA128-SHA", "NULL-SHA256",
]  # fmt: skip
ECDHE_SUITES = [
    "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384",
]  # fmt: skip
MODES = {
    "as OpenSSL does": 0,
    "without extended master secret": NO_EXTENDED_MASTER_SECRET,
    "MAC-then-encrypt": NO_ENCRYPT_THEN_MAC,
    "neither": NO_EXTENDED_MASTER_SECRET | NO_ENCRYPT_THEN_MAC,
    "without tickets": int(ssl.OP_NO_TICKET),
}


def content(records: list[Record], side: Side) -> bytes:
    """The application data that a side sent."""
    return b"".join(
        r.content or b"" for r in records if r.side is side and r.content_name == "application_data"
    )


def opens(wire: Wire, ring: Keyring | None = None, piece: int = 0) -> Tracer:
    """Assert that all of a conversation opens, byte for byte, and that each byte has a field."""
    tracer, records = wire.trace(ring, piece)
    assert not tracer.problems
    assert [record.reason for record in records if record.reason] == []
    for side in Side:
        assert content(records, side) == wire.said[side]
        assert sum(len(record.data) for record in records if record.side is side) == tracer.octets[side]
    for record in records:
        inner = record.inner()
        spans = [record.wire(), *(m.fields() for m in record.messages), *([inner] if inner else [])]
        assert [gap for span in spans for gap in gaps(span)] == []
        assert [problem for span in spans for problem in span.problems()] == []
    assert all(fits for _, fits in tracer.finished)
    return tracer


def test_a_full_handshake_of_tls13() -> None:
    tracer = opens(converse(*contexts()))
    assert tracer.version == 0x0304 and not tracer.resumed and not tracer.retried
    assert tracer.finished == [(Side.SERVER, True), (Side.CLIENT, True)]
    assert tracer.client is not None and tracer.client.server_name == "localhost"


def test_a_byte_at_a_time_reads_the_same() -> None:
    wire = converse(*contexts())
    opens(wire, piece=1)


def test_a_session_resumed_with_a_psk() -> None:
    client, server = contexts()
    first = converse(client, server)
    assert opens(converse(client, server, first.session)).resumed


def test_a_hello_retry_request() -> None:
    client, server = contexts()
    server.set_ecdh_curve("secp384r1")
    assert opens(converse(client, server)).retried


def test_a_client_certificate() -> None:
    for version in (TLS12, ssl.TLSVersion.TLSv1_3):
        client, server = contexts(version)
        _client_authenticates(client, server)
        tracer, records = converse(client, server).trace()
        assert not tracer.problems
        names = [name for record in records for name in record.handshake if record.side is Side.CLIENT]
        assert "certificate" in names and "certificate_verify" in names


def _client_authenticates(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    load(client)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata=identity("rsa").decode())


def _trial(suite: str, options: int) -> None:
    client, server = contexts(TLS12, f"{suite}:@SECLEVEL=0", options)
    wire = converse(client, server)
    tracer = opens(wire)
    assert len(tracer.finished) == 2
    resumed = converse(client, server, wire.session)
    assert opens(resumed).resumed
    if suite in RSA_SUITES:
        ring = Keyring(keys=(load_private_key(identity("rsa")),))
        opens(wire, ring)
        opens(resumed, ring)  # the ring remembers the session


@pytest.mark.parametrize("suite", [RSA_SUITES[0], RSA_SUITES[2], ECDHE_SUITES[2]])
def test_a_connection_of_tls12(suite: str) -> None:
    """With the key log; with static RSA also with the server's key alone; resumed, too."""
    _trial(suite, 0)


@pytest.mark.parametrize("mode", list(MODES)[1:])
def test_a_cbc_suite_in_each_mode(mode: str) -> None:
    _trial("AES256-SHA256", MODES[mode])


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("suite", RSA_SUITES + ECDHE_SUITES)
def test_every_suite_of_tls12_in_every_mode(suite: str, mode: str) -> None:
    _trial(suite, MODES[mode])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_with_cbc(version: ssl.TLSVersion) -> None:
    """TLS 1.0 chains the IV from record to record; TLS 1.1 sends it."""
    for options in (0, NO_EXTENDED_MASTER_SECRET | NO_ENCRYPT_THEN_MAC):
        client, server = contexts(version, "AES128-SHA:@SECLEVEL=0", options)
        opens(converse(client, server))


# -- what cannot be decrypted is said


def test_without_secrets_every_protected_record_has_a_reason() -> None:
    wire = converse(*contexts())
    tracer, records = wire.trace(Keyring())
    reasons = {record.reason for record in records if record.content_type == 23}
    assert content(records, Side.CLIENT) == b"" and len(reasons) == 2
    assert all("the key log has no" in reason for reason in reasons)
    assert not tracer.problems


def test_a_stolen_key_does_not_open_ecdhe() -> None:
    client, server = contexts(TLS12, ECDHE_SUITES[0])
    _, records = converse(client, server).trace(Keyring(keys=(load_private_key(identity("rsa")),)))
    assert "ECDHE_RSA uses it to sign, never to encrypt" in records[-1].reason


def test_another_servers_key_is_told_from_the_right_one() -> None:
    client, server = contexts(TLS12, RSA_SUITES[0])
    wire = converse(client, server)
    other = rsa.generate_private_key(65537, 2048)
    _, records = wire.trace(Keyring(keys=(other,)))
    assert "not the one of the server's certificate" in records[-1].reason


def test_a_secret_of_another_connection_does_not_fit() -> None:
    wire, other = converse(*contexts()), converse(*contexts())
    mine = wire.trace()[0].client
    assert mine is not None
    log = KeyLog()
    for line in KeyLog(other.log).lines():
        label, _, secret = line.split()
        log.add(label, mine.random, bytes.fromhex(secret))
    _, records = wire.trace(Keyring(log))
    assert "the authentication tag does not fit" in records[3].reason


def test_a_changed_byte_costs_its_record_alone() -> None:
    wire = converse(*contexts())
    index = next(i for i, (side, data) in enumerate(wire.sent) if side is Side.CLIENT and data[0] == 23)
    side, data = wire.sent[index]
    wire.sent[index] = side, data[:-1] + bytes([data[-1] ^ 1])
    _, records = wire.trace()
    bad = [record for record in records if record.reason]
    assert len(bad) == 1 and "tag does not fit" in bad[0].reason
    assert records[-1].decrypted and records[-1].content_name == "alert"


# -- streams that are no whole conversation


def test_bytes_that_are_no_tls_are_a_problem_with_their_size() -> None:
    tracer = Tracer()
    assert tracer.feed(Side.CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == []
    tracer.end()
    assert not tracer.is_tls
    assert [str(problem) for problem in tracer.problems] == ["client byte 0: no TLS in 27 bytes"]


def test_a_stream_that_ends_inside_a_record_says_where() -> None:
    wire = converse(*contexts())
    side, data = wire.sent[-1]
    wire.sent[-1] = side, data[:-3]
    tracer, records = wire.trace()
    assert records and len(tracer.problems) == 1
    assert "it ends inside a record" in tracer.problems[0].text


def test_a_broken_header_ends_the_sense_of_one_side_at_its_offset() -> None:
    wire = converse(*contexts())
    before = sum(len(data) for side, data in wire.sent if side is Side.CLIENT)
    wire.sent.append((Side.CLIENT, b"no record at all"))
    tracer, _ = wire.trace()
    assert [(p.side, p.offset) for p in tracer.problems] == [(Side.CLIENT, before)]
    assert "content type 110 is none of TLS" in tracer.problems[0].text


def test_sides_that_were_swapped_are_told_by_the_hello() -> None:
    wire = converse(*contexts())
    wire.sent = [(side.other, data) for side, data in wire.sent]
    wire.said = {side.other: data for side, data in wire.said.items()}
    _, records = wire.trace()
    assert records[0].side is Side.CLIENT
    assert content(records, Side.CLIENT) == REQUEST


def test_a_capture_that_begins_after_the_hellos() -> None:
    wire = converse(*contexts())
    wire.sent = wire.sent[4:]
    _, records = wire.trace()
    assert any("no ClientHello" in record.reason for record in records)


def test_plain_text_before_tls_is_a_prelude() -> None:
    """STARTTLS: RFC 3207 for SMTP."""
    wire = converse(*contexts())
    wire.sent[:0] = [(Side.SERVER, b"220 mail ESMTP\r\n"), (Side.CLIENT, b"STARTTLS\r\n"),
                     (Side.SERVER, b"220 go ahead\r\n")]  # fmt: skip
    tracer, records = wire.trace()
    assert not tracer.problems
    assert tracer.preludes == {
        Side.SERVER: b"220 mail ESMTP\r\n220 go ahead\r\n",
        Side.CLIENT: b"STARTTLS\r\n",
    }
    assert content(records, Side.CLIENT) == REQUEST and records[0].offset == 10


def test_a_hello_in_the_form_of_ssl2() -> None:
    """RFC 5246 appendix E.2: its fields, and a ServerHello may follow."""
    body = b"\x01\x03\x01" + b"\0\x06" + b"\0\0" + b"\0\x10" + b"\0\0\x2f\x01\0\x80" + bytes(range(16))
    tracer = Tracer()
    (record,) = tracer.feed(Side.CLIENT, bytes([0x80, len(body)]) + body)
    assert record.handshake == ["client_hello"] and gaps(record.wire()) == []
    assert tracer.client is not None and tracer.client.random == bytes(16) + bytes(range(16))
    assert tracer.client.suites == (0x2F, 0x010080)


@pytest.mark.parametrize(
    ("version", "suite"),
    [
        (ssl.TLSVersion.TLSv1_3, ""),
        (TLS12, "AES128-GCM-SHA256"),
        (TLS12, "ECDHE-RSA-CHACHA20-POLY1305"),
        (TLS12, "AES128-SHA256"),
    ],
)
def test_what_follows_missing_records_is_opened(version: ssl.TLSVersion, suite: str) -> None:
    """The numbers of the missing records are tried: the tag or the MAC tells which one fits."""
    client, server = contexts(version, suite)
    with logging(client) as logged:
        talk = Talk(client, server)
        talk.handshake()
        for number in range(6):
            talk.say(Side.SERVER, b"line %d\n" % number)
    tracer, found = Tracer(Keyring(KeyLog(logged.log))), []
    lines = [n for n, (side, data) in enumerate(talk.wire.sent) if side is Side.SERVER and data[0] == 23][-6:]
    for n, (side, data) in enumerate(talk.wire.sent):
        if n in lines[1:4]:
            tracer.lost(side, len(data))
        else:
            found += tracer.feed(side, data)
    assert content(found, Side.SERVER).splitlines()[-3:] == [b"line 0", b"line 4", b"line 5"]
    assert ["are missing" in problem.text for problem in tracer.problems] == [True] * 3
    assert found[-1].offset == tracer.octets[Side.SERVER] - len(found[-1].data)


def test_a_gap_inside_a_record_costs_that_record() -> None:
    """The rest of the damaged record is skipped: the next header is found behind it."""
    wire = converse(*contexts())
    at = next(n for n, (side, _) in enumerate(wire.sent) if side is Side.SERVER)
    tracer, found = Tracer(Keyring(KeyLog(wire.log))), []
    for n, (side, data) in enumerate(wire.sent):
        if n == at:
            tracer.feed(side, data[:140])
            tracer.lost(side, 60)
            data = data[200:]
        found += tracer.feed(side, data)
    assert "certificate" not in [name for record in found for name in record.handshake]
    assert content(found, Side.CLIENT) == REQUEST and content(found, Side.SERVER) == wire.said[Side.SERVER]


def test_memory_stays_flat_over_a_long_connection() -> None:
    client, server = contexts()
    with logging(client) as logged:
        talk = Talk(client, server)
        talk.handshake()
    talk.carry()
    tracer = Tracer(Keyring(KeyLog(logged.log)))
    for side, data in talk.wire.sent:
        tracer.feed(side, data)
    talk.wire.sent.clear()
    tracemalloc.start()
    for round_number in range(60):
        talk.say(Side.SERVER, bytes(16_000))
        for side, data in talk.wire.sent:
            (record,) = tracer.feed(side, data)
            assert record.content == bytes(16_000)
        talk.wire.sent.clear()
        talk.wire.said[Side.SERVER] = b""
        if round_number == 9:
            before = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 100_000, f"{grown} bytes more after 50 records of 16,000"


# -- the key log


def test_a_key_log_reads_every_kind_of_line() -> None:
    random, secret = "ab" * 32, "cd" * 48
    text = (
        f"# a comment\nCLIENT_RANDOM {random} {secret}\r\nRSA {'12' * 8} {secret}\n"
        f"RSA Session-ID:0102 Master-Key:{secret}\nSERVER_TRAFFIC_SECRET_0 {random} {'ef' * 32}\n"
        "nonsense\nCLIENT_RANDOM xyz 00\nCLIENT_RANDOM 00 00\n"
    )
    log = KeyLog(text.encode())
    assert len(log) == 4
    assert log.secret("CLIENT_RANDOM", bytes.fromhex(random)) == bytes.fromhex(secret)
    assert log.secret("RSA Session-ID", b"\x01\x02") == bytes.fromhex(secret)
    assert [ignored.line for ignored in log.ignored] == [6, 7, 8]
    again = KeyLog("\n".join(log.lines()).encode())
    assert list(again.lines()) == list(log.lines())


def test_a_key_log_may_come_in_pieces() -> None:
    line = f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n".encode()
    log = KeyLog()
    for at in range(len(line)):
        assert len(log) == 0
        log.feed(line[at : at + 1])
    assert len(log) == 1


@pytest.mark.parametrize("memfd", [pytest.param(True, marks=pytest.mark.linux("memfd_create")), False])
def test_a_passing_key_log_is_read_as_it_grows_and_leaves_no_file(
    memfd: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a memfd, as on macOS, it is a file that only its user may read."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if not memfd:
        monkeypatch.delattr("os.memfd_create", raising=False)
    with passing_file() as log:
        assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600] * (not memfd)
        client, server = contexts()
        client.keylog_filename = log.path
        talk = Talk(client, server)
        talk.handshake()
        first = log.new()
        assert len(KeyLog(first)) == 5 and log.new() == b""
    assert not list(tmp_path.iterdir())


def test_a_key_that_is_not_rsa_is_refused() -> None:
    with pytest.raises(TraceError, match="the key is not RSA"):
        load_private_key(identity("ec"))
    with pytest.raises(TraceError, match="no private key in PEM"):
        load_private_key(b"hello")
