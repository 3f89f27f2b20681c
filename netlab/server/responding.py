"""A handler's Response as it goes on the wire: which fields, which framing. RFC 9110 §8.6, RFC 9112 §6.

Pure: values in, bytes out. Nothing a handler gives is trusted here: a response that cannot be sent correctly
raises InvalidResponse or UnsafeField before its first byte has left, so that a 500 can still be sent instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from netlab.cors import Decision
from netlab.http1.framing import WITHOUT_CONTENT
from netlab.http1.grammar import CONTENT_LENGTH
from netlab.http1.messages import RequestHead
from netlab.http1.serializer import field_lines, status_line
from netlab.server.exchange import Response


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


# Fields that decide about the message or the connection: looked at, not just copied.
_SPECIAL = frozenset({"content-length", "connection", "date"})
_KEEP_ALIVE = b"connection: keep-alive\r\n"
_CLOSE = b"connection: close\r\n"


def fixed(
    response: Response, request: RequestHead, date: bytes, persistent: bool, cors: Decision | None
) -> tuple[bytes, bool]:
    """A response whose content is known, as bytes; and whether the connection persists after it.

    date: the Date field line. cors: what CORS adds. Raises InvalidResponse, UnsafeField.
    """
    content, status = response.content, response.status
    lines, length, wants_close, has_date = _fields(response, cors)
    if wants_close:
        persistent = False
    if status in WITHOUT_CONTENT or status == 205:
        if content:
            raise InvalidResponse(f"a {status} has no content (RFC 9110 §15): send it with another status")
        # A 204 must not have the field (RFC 9110 §8.6); a 304 may tell the length of what is not sent.
        if status == 204 or length is None:
            size = b"" if status != 205 else b"content-length: 0\r\n"
        else:
            size = b"content-length: %d\r\n" % length
    elif length is None or length == len(content):
        size = b"content-length: %d\r\n" % len(content)
    elif request.method == "HEAD" and not content:
        size = b"content-length: %d\r\n" % length
    else:
        raise InvalidResponse(
            f"content-length is {length}, the content has {len(content)} bytes: drop the field"
        )
    return (
        b"".join(
            (
                status_line(status),
                b"" if has_date else date,
                lines,
                _persistence(persistent, request.minor),
                size,
                b"\r\n",
                b"" if request.method == "HEAD" else content,
            )
        ),
        persistent,
    )


def streamed(
    response: Response, request: RequestHead, date: bytes, persistent: bool, cors: Decision | None
) -> StreamPlan:
    """The head of a response whose content comes as a stream. Arguments and errors as `fixed`."""
    lines, length, wants_close, has_date = _fields(response, cors)
    if response.content:
        raise InvalidResponse("a response has content or a stream, not both: drop one")
    status = response.status
    persistent = persistent and not wants_close
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
        field_lines(response.trailers)  # refused now, while a 500 can still be sent
    head = b"".join(
        (
            status_line(status),
            b"" if has_date else date,
            lines,
            _persistence(persistent, request.minor),
            framing,
            b"\r\n",
        )
    )
    return StreamPlan(head, coding, length or 0, persistent)


def _persistence(persistent: bool, minor: int) -> bytes:
    """The Connection field, where the version's default is not what we mean. RFC 9112 §9.3"""
    if not persistent:
        return _CLOSE
    return b"" if minor else _KEEP_ALIVE


def _fields(response: Response, cors: Decision | None) -> tuple[bytes, int | None, bool, bool]:
    """The handler's field lines; its Content-Length; does it want to close; does it have a Date?"""
    if response.status.__class__ is not int or not 200 <= response.status <= 599:
        raise InvalidResponse(
            f"status {response.status!r} is not a final status: give 200 to 599 (RFC 9110 §15)"
        )
    given = response.fields
    if cors is not None:
        given = cors.apply(_pairs(given or ()))
    if not given:
        return b"", None, False, False
    pairs = _pairs(given)
    for name, _ in pairs:
        if name.lower() in _SPECIAL:
            return _special(pairs)
    return field_lines(pairs), None, False, False


def _pairs(given: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(given.items() if isinstance(given, Mapping) else given)


def _special(pairs: list[tuple[str, str]]) -> tuple[bytes, int | None, bool, bool]:
    """As `_fields`, where some field says something about the message or the connection."""
    length: int | None = None
    has_date = wants_close = False
    plain: list[tuple[str, str]] = []
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
                wants_close = wants_close or value.strip().lower() == "close"
            case "date":
                has_date = True
                plain.append((name, value))
            case _:
                plain.append((name, value))
    return field_lines(plain), length, wants_close, has_date
