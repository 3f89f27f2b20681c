"""A handler's Response as it goes on the wire: which fields, which framing. RFC 9110 §8.6, RFC 9112 §6.

Pure: values in, bytes out. Nothing a handler gives is trusted here: a response that cannot be sent correctly
raises InvalidResponse or UnsafeField before its first byte has left, so that a 500 can still be sent instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from netlab.cors import Decision
from netlab.http1.framing import WITHOUT_CONTENT
from netlab.http1.grammar import CONTENT_LENGTH
from netlab.http1.messages import RequestHead
from netlab.http1.serializer import Lines, field_lines, status_line
from netlab.http1.trailers import FORBIDDEN_TRAILERS
from netlab.server.response import Response, octets


class InvalidResponse(ValueError):
    """A handler's response contradicts itself: what is wrong with it, and the repair."""


class Coding(Enum):
    """How a streamed response ends."""

    NOTHING = "no content is sent"
    LENGTH = "after as many bytes as Content-Length said"
    CHUNKED = "with the last-chunk"
    UNTIL_CLOSE = "with the connection, for HTTP/1.0"


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """The head of a streamed response, and how its content goes."""

    head: bytes
    coding: Coding
    length: int
    persistent: bool
    trailers: Lines | None


# Of each status with its fields, so many heads are kept, one for each size of content.
FRONTS = 64

_KEEP_ALIVE = b"connection: keep-alive\r\n"
_CLOSE = b"connection: close\r\n"
CLOSES = _CLOSE + b"\r\n"
"""The last lines of a head whose connection closes; where it persists, the empty line alone."""


def fixed(
    response: Response, request: RequestHead, date: bytes, persistent: bool, cors: Decision | None
) -> tuple[bytes, bool]:
    """A response whose content is known, as bytes; and whether the connection persists after it.

    date: the Date field line, and the lines that go with it (HSTS). cors: what CORS adds. Raises
    InvalidResponse, UnsafeField.
    """
    content = response.content
    if content.__class__ is not bytes:
        content = octets(content)  # assigned after the response was made
    given, size = _given(response, cors), len(content)
    if given.plain and request.minor and request.method != "HEAD":
        # Nearly every response: its head is known up to the Date field (FAST.md, "the rendered head").
        front = given.fronts.get(size) or given.front(size)
        return b"".join((front, date, b"\r\n" if persistent else CLOSES, content)), persistent
    if given.closes:
        persistent = False
    length = _size(given, response.status, size, request.method)
    if request.method == "HEAD":
        content = b""
    if given.has_date:
        date = _behind_the_date(date)
    says = _persistence(persistent, request.minor)
    return b"".join((given.start, date, says, length, content)), persistent


def front_of(status: int, fields: tuple[tuple[str, str], ...], size: int) -> bytes | None:
    """A response's head up to its Date field, for content of this size (see Exchange.respond_known).

    None where the status, the content or the connection is special: that is for `fixed`. Errors as `fixed`.
    """
    given = _rendered(status, fields)
    return given.fronts.get(size) or given.front(size) if given.plain else None


def _behind_the_date(lines: bytes) -> bytes:
    """The lines that go with the Date field, of a response that has a Date of its own."""
    return lines.partition(b"\r\n")[2]


def _size(given: Given, status: int, size: int, method: str) -> bytes:
    """The Content-Length field, or none, and the empty line, where the plain rule does not hold."""
    length = given.length
    if status in WITHOUT_CONTENT or status == 205:
        if size:
            raise InvalidResponse(f"a {status} has no content (RFC 9110 §15): send it with another status")
        # A 204 must not have the field (RFC 9110 §8.6); a 304 may tell the length of what is not sent.
        if status == 204 or (status == 304 and length is None):
            return b"\r\n"
        return b"content-length: %d\r\n\r\n" % (length or 0)
    if length is not None and length != size and (method != "HEAD" or size):
        raise InvalidResponse(f"content-length is {length}, the content has {size} bytes: drop the field")
    return b"content-length: %d\r\n\r\n" % (size if length is None else length)


def streamed(
    response: Response, request: RequestHead, date: bytes, persistent: bool, cors: Decision | None
) -> StreamPlan:
    """The head of a response whose content comes as a stream. Arguments and errors as `fixed`."""
    given = _given(response, cors)
    length = given.length
    if response.content:
        raise InvalidResponse("a response has content or a stream, not both: drop one")
    status = response.status
    if status == 205:
        raise InvalidResponse("a 205 has no content (RFC 9110 §15.3.6): send it with another status")
    persistent = persistent and not given.closes
    if length is not None and status != 204:
        coding, framing = Coding.LENGTH, b"content-length: %d\r\n" % length
    elif status in WITHOUT_CONTENT:
        coding, framing = Coding.NOTHING, b""
    elif request.minor >= 1:
        coding, framing = Coding.CHUNKED, b"transfer-encoding: chunked\r\n"
    else:
        # RFC 9112 §6.1: no Transfer-Encoding for an HTTP/1.0 client.
        coding, framing, persistent = Coding.UNTIL_CLOSE, b"", False
    if request.method == "HEAD" or status in WITHOUT_CONTENT:
        coding = Coding.NOTHING
    if response.trailers is not None and coding is Coding.CHUNKED:
        trailers = checked_trailers(response.trailers)
    else:
        trailers = None
    date = _behind_the_date(date) if given.has_date else date
    head = b"".join((given.start, date, _persistence(persistent, request.minor), framing, b"\r\n"))
    return StreamPlan(head, coding, length or 0, persistent, trailers)


def checked_trailers(trailers: Lines) -> Lines:
    """Trailers that may be sent (RFC 9110 §6.5.1), refused while a 500 can still be sent; readable twice."""
    if not isinstance(trailers, Mapping) and iter(trailers) is trailers:
        trailers = tuple(trailers)
    field_lines(trailers)
    names = trailers if isinstance(trailers, Mapping) else [name for name, _ in trailers]
    forbidden = sorted(FORBIDDEN_TRAILERS.intersection(name.lower() for name in names))
    if forbidden:
        raise InvalidResponse(f"{forbidden[0]} must not stand in a trailer section (RFC 9110 §6.5.1)")
    return trailers


def _persistence(persistent: bool, minor: int) -> bytes:
    """The Connection field, where the version's default is not what we mean. RFC 9112 §9.3"""
    if not persistent:
        return _CLOSE
    return b"" if minor else _KEEP_ALIVE


@dataclass(frozen=True, slots=True)
class Given:
    """What a handler's status and fields come to."""

    start: bytes
    """Status line and field lines, Content-Length and Connection left out."""
    length: int | None
    closes: bool
    has_date: bool
    plain: bool
    """Is there nothing about the content, the connection or the date to look at more closely?"""
    fields: dict[str, str] | None
    """The fields as a dictionary; None where a name stands twice."""
    order: tuple[str, ...] | None
    """Their names in order, where there are several: equal dictionaries may differ in it."""
    fronts: dict[int, bytes] = field(default_factory=dict)
    """Heads up to the Date field, by the size of the content."""

    def front(self, size: int) -> bytes:
        """A plain head up to its Date field, kept for the next response of this size."""
        front = b"%bcontent-length: %d\r\n" % (self.start, size)
        if len(self.fronts) < FRONTS:
            self.fronts[size] = front
        return front


USUAL: dict[int, Given] = {}
"""Of each status what the fields came to last, if that is plain: most handlers say the same again.

To compare two dictionaries costs less than to make a key of one (FAST.md).
"""


def _given(response: Response, cors: Decision | None) -> Given:
    """A handler's status and fields, checked. Raises InvalidResponse, UnsafeField."""
    fields = response.fields
    pairs: tuple[tuple[str, str], ...]
    # The class is asked first: isinstance with an abstract class costs a microsecond.
    if fields.__class__ is tuple:
        pairs = fields
    elif fields is None:
        pairs = ()
    else:
        if fields.__class__ is dict or isinstance(fields, Mapping):
            fields = fields.items()
        pairs = tuple(fields)
    if cors is not None:
        pairs = tuple(cors.apply(pairs))
    given = _rendered(response.status, pairs)
    if given.plain:
        USUAL[response.status] = given
    return given


@lru_cache(maxsize=128, typed=True)  # 200.0 equals 200, and is refused
def _rendered(status: int, pairs: tuple[tuple[str, str], ...]) -> Given:
    """Remembered: an application answers with the same few statuses and fields again and again."""
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise InvalidResponse(f"status {status!r} is not a final status: give 200 to 599 (RFC 9110 §15)")
    length: int | None = None
    has_date = closes = False
    kept: list[tuple[str, str]] = []
    for name, value in pairs:
        match name.lower():
            case "content-length":
                if length is not None or CONTENT_LENGTH.fullmatch(value) is None:
                    raise InvalidResponse(f"content-length {value!r} is not one number (RFC 9110 §8.6)")
                length = int(value)
            case "connection":
                if value.strip().lower() not in ("close", "keep-alive"):
                    raise InvalidResponse(
                        f"connection {value!r}: a handler may only say close (RFC 9112 §9.6)"
                    )
                closes = closes or value.strip().lower() == "close"
            case lower:
                has_date = has_date or lower == "date"
                kept.append((name, value))
    special = length is not None or closes or has_date
    plain = not special and status not in WITHOUT_CONTENT and status != 205
    fields = dict(pairs)
    return Given(
        start=status_line(int(status)) + field_lines(kept),
        length=length,
        closes=closes,
        has_date=has_date,
        plain=plain,
        fields=fields if len(fields) == len(pairs) else None,
        order=tuple(fields) if len(fields) > 1 else None,
    )
