"""Values in, bytes out: heads, chunks, trailers. RFC 9112 §3, §4, §7; RFC 9110 §6.

Everything an application gives is checked here on its way out: no CR, LF or NUL leaves this program inside
a field (response splitting), and no field that frames a message is taken from anybody but `framing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from netlab.http1.grammar import FIELD_VALUE, TARGET, TOKEN

LAST_CHUNK = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

REASONS = {status.value: status.phrase for status in HTTPStatus} | {
    # As RFC 9110 §15.5 has them; Python 3.11 still has those of RFC 2616.
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

Lines = Mapping[str, str] | Iterable[tuple[str, str]]

# These frame the message or are rendered by us; an application that sets them contradicts us or repeats us.
OURS = frozenset({"transfer-encoding", "trailer", "keep-alive", "upgrade", "te"})


class UnsafeField(ValueError):
    """An application gave a field that must not be sent: which, why, and the repair."""


@lru_cache(maxsize=128)
def status_line(status: int) -> bytes:
    """The status line with its CRLF. Raises ValueError for a status that is not 100 to 999."""
    if not 100 <= status <= 999:
        raise ValueError(f"status {status!r} is not a number of three digits (RFC 9110 §15)")
    # RFC 9112 §4: the SP before the reason-phrase stands even when the phrase is empty.
    return f"HTTP/1.1 {status} {REASONS.get(status, '')}\r\n".encode("ascii")


@lru_cache(maxsize=1024)
def field_line(name: str, value: str) -> bytes:
    """One field line with its CRLF, checked. Raises UnsafeField.

    Remembered: an application gives the same few lines again and again. A line of any length may be given,
    so long ones go past the memory: see `field_lines`.
    """
    if TOKEN.fullmatch(name) is None:
        raise UnsafeField(f"field name {name[:60]!r} is not a token (RFC 9110 §5.1): rename it")
    if name.lower() in OURS:
        raise UnsafeField(f"{name} is rendered by the server alone (RFC 9112 §6): do not set it")
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError:
        raise UnsafeField(
            f"the value of {name} has characters beyond latin-1 (RFC 9110 §5.5): percent-encode them"
        ) from None
    if FIELD_VALUE.fullmatch(value) is None:
        raise UnsafeField(f"the value of {name} has CR, LF, NUL or another control octet (RFC 9110 §5.5)")
    return b"%b: %b\r\n" % (name.encode("ascii"), octets.strip(b" \t"))


_REMEMBERED = 256


def field_lines(lines: Lines) -> bytes:
    """Field lines as bytes, each checked. Raises UnsafeField, TypeError where no text is given."""
    pairs = lines.items() if isinstance(lines, Mapping) else lines
    return b"".join(
        [
            field_line(name, value) if len(value) < _REMEMBERED else field_line.__wrapped__(name, value)
            for name, value in pairs
        ]
    )


def request_head(method: str, target: str, lines: Lines) -> bytes:
    """A request line and field section through the empty line. Raises UnsafeField.

    The caller, which knows the content, appends Content-Length or Transfer-Encoding: chunked.
    """
    if TOKEN.fullmatch(method) is None:
        raise UnsafeField(f"method {method[:40]!r} is not a token (RFC 9110 §9.1)")
    if TARGET.fullmatch(target) is None:
        raise UnsafeField(f"request target {target[:60]!r} is not percent-encoded (RFC 9112 §3.2)")
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode(), target.encode(), field_lines(lines))


def chunk(data: bytes) -> bytes:
    """One chunk. Empty data gives no bytes: a chunk of size 0 would end the message (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def last_chunk(trailers: Lines = ()) -> bytes:
    """The last-chunk, the trailer section and the empty line that end a chunked message. RFC 9112 §7.1.2"""
    return b"0\r\n%b\r\n" % field_lines(trailers)


def date_line(seconds: float) -> bytes:
    """The Date field for this moment (seconds since 1970), as an IMF-fixdate. RFC 9110 §5.6.7, §6.6.1"""
    return f"date: {formatdate(seconds, usegmt=True)}\r\n".encode("ascii")
