"""What is fuzzed of TLS: the tracer, the decoding of messages, key logs, pasted bytes.

Nothing here may raise but the one documented error, `TraceError`; every byte must have one field; and the
reading must not depend on how the bytes are cut.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import x25519

from netlab.cli.errors import UserError
from netlab.cli.tracing import pasted_bytes
from netlab.tls import handshake, record
from netlab.tls.handshake import Situation
from netlab.tls.keylog import KeyLog
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring, load_private_key
from netlab.tls.tracing.values import Record, Side
from netlab.tls.tracing.web import HttpReading
from netlab.tls.wire import meanings, ssl2
from netlab.tls.wire.spans import Span, TraceError, gaps
from tests.tls.vectors import trace

_EXCHANGES = ("RSA", "DHE_RSA", "ECDHE_ECDSA", "DH_anon", "PSK", "ECDHE_PSK", "RSA_EXPORT", "SRP_SHA")
_VERSIONS = (0x0300, 0x0301, 0x0303, 0x0304)
_SHARES = tuple(
    x25519.X25519PrivateKey.from_private_bytes(step.values["private key"])
    for step in trace("3")
    if "private key" in step.values
)


def conversation() -> bytes:
    """Section 3 of RFC 8448 as `tracer` takes it: for each piece, the side, its length and its bytes."""
    found = b""
    for step in trace("3"):
        if "complete record" in step.values:
            data = step.values["complete record"]
            found += bytes([step.side == "server"]) + len(data).to_bytes(2, "big") + data
    return found


def _covered(data: bytes, span: Span) -> None:
    assert not gaps(span), gaps(span)
    assert (span.start, span.stop) == (0, len(data)), f"{span} of {len(data)} bytes"
    meanings.tree(span)


def _pieces(data: bytes) -> list[tuple[Side, bytes]]:
    found, at = [], 0
    while at + 3 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 3], "big")
        side = Side.SERVER if data[at] & 1 else Side.CLIENT
        found.append((side, data[at + 3 : at + 3 + size]))
        at += 3 + size
    return found


def _read(pieces: list[tuple[Side, bytes]], cut: int) -> tuple[Tracer, list[Record]]:
    tracer, web = Tracer(Keyring(shares=_SHARES)), HttpReading()
    records: list[Record] = []
    for side, data in pieces:
        for at in range(0, len(data), cut or max(1, len(data))):
            records += tracer.feed(side, data[at : at + (cut or len(data))])
    tracer.end()
    for each in records:
        if each.content and each.content_name == "application_data":
            web.feed(each.side, each.content)
    for side in Side:
        web.end(side)
    return tracer, records


def tracer(data: bytes) -> str:
    """Any bytes of both sides, in any pieces."""
    if not data:
        return "nothing"
    pieces = _pieces(data[1:])
    read, records = _read(pieces, 0)
    for each in records:
        _covered(each.data, each.wire())
        inner = each.inner()
        if inner is not None and each.opened is not None:
            _covered(each.opened.plain, inner)
        for message in each.messages:
            _covered(message.data, message.fields())
        assert (each.content is None) is bool(each.reason), "no content needs a reason, content has none"
    for side in Side:
        fed = sum(len(piece) for whose, piece in pieces if whose is side)
        assert read.octets[side] == fed
        assert sum(len(r.data) for r in records if r.side in (side, side.other)) <= sum(read.octets.values())
    if data[0] % 3 and not any("no record" in problem.text for problem in read.problems):
        again = _read(pieces, data[0] % 3)[1]
        assert [(r.side, r.offset, r.content, r.reason) for r in again] == [
            (r.side, r.offset, r.content, r.reason) for r in records
        ], "the reading depends on the pieces"
    kinds = {(r.content_name, r.decrypted, bool(r.reason), tuple(r.handshake)) for r in records}
    return f"{sorted(kinds)} {len(read.problems) > 0} {read.version} {len(read.steps)}"


def messages(data: bytes) -> str:
    """One handshake message, one record, one content, one hello of SSL 2.0."""
    if len(data) < 2:
        return "nothing"
    situation = Situation(_VERSIONS[data[0] % 4], _EXCHANGES[data[1] % 8])
    body = data[2:]
    span = handshake.decode(body, situation)
    _covered(body, span)
    if body:
        _covered(body, record.decode(body))
    for content_type in (20, 21, 22, 23, 24, 99):
        _covered(body, record.content(body, content_type))
    _covered(body, ssl2.decode(body))
    names = {leaf.name for leaf in span.leaves()}
    return f"{span.name} {len(names)} {bool(list(span.problems()))}"


def secrets(data: bytes) -> str:
    """A key log, a private key, a paste."""
    log = KeyLog(data)
    assert len(KeyLog("\n".join(log.lines()).encode())) == len(log)
    found = f"{min(len(log), 3)} {min(len(log.ignored), 3)}"
    try:
        load_private_key(data)
    except TraceError as error:
        found += f" {error.problem[:20]}"
    try:
        found += f" {min(len(pasted_bytes.parse(data.decode('latin-1'))), 9)}"
    except UserError as refused:
        assert str(refused).startswith("--hex: ") and "\n" not in str(refused)
        found += " refused"
    return found


TARGETS = {"tracer": tracer, "messages": messages, "secrets": secrets}
