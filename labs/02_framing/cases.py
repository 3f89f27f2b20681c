"""The bytes that lab 02 sends: honest requests, and the classic tricks that make two readers see two things.

Every case holds `/first`, and most hide `/second` where one reading finds a request and another content.
What is built here is only ever sent to programs that this lab itself has started on the loopback interface.
"""

from __future__ import annotations

from dataclasses import dataclass

# Smuggled by most tricks: a whole request to one reader, octets of content to the other.
SECOND = b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n"
ALL = len(SECOND)


@dataclass(frozen=True, slots=True)
class Case:
    """One sequence of bytes. `honest`: if they follow the grammar, (target, octets of content) of each."""

    name: str
    wire: bytes
    honest: tuple[tuple[str, int], ...] = ()


def post(
    *fields: bytes, content: bytes = SECOND, version: bytes = b"1.1", line_end: bytes = b"\r\n"
) -> bytes:
    """POST /first with these field lines and this content."""
    lines = [b"POST /first HTTP/" + version, b"Host: a", *fields, b"", b""]
    return line_end.join(lines) + content


def chunked(content: bytes) -> bytes:
    """POST /first in chunked coding, its content already coded."""
    return post(b"Transfer-Encoding: chunked", content=content)


def length(octets: int | bytes) -> bytes:
    """A Content-Length field line."""
    return b"Content-Length: " + (octets if isinstance(octets, bytes) else b"%d" % octets)


TE = b"Transfer-Encoding: chunked"
END = b"0\r\n\r\n"
HIDDEN = END + SECOND  # chunked: no content, then a request; by length: all of it content
BY_LENGTH = length(len(HIDDEN))

CASES = [
    # What every reader must read alike.
    Case(
        "length 5, then a request",
        post(length(5), content=b"hello" + SECOND),
        (("/first", 5), ("/second", 0)),
    ),
    Case("chunked, then a request", chunked(b"5\r\nhello\r\n" + HIDDEN), (("/first", 5), ("/second", 0))),
    Case("a request as content", post(length(ALL)), (("/first", ALL),)),
    # Two framings in one head.
    Case("CL and TE, length is longer", post(BY_LENGTH, TE, content=HIDDEN)),
    Case(
        "TE and CL, length is shorter", post(TE, length(4), content=b"%x\r\n" % ALL + SECOND + b"\r\n" + END)
    ),
    Case("two lengths, 0 first", post(length(0), length(ALL))),
    Case("two lengths, 0 last", post(length(ALL), length(0))),
    Case("a list of two lengths", post(length(b"0, %d" % ALL))),
    # A length that is no number, or is one only to some.
    Case("length +N", post(length(b"+%d" % ALL))),
    Case("length with an underscore", post(length(b"3_3"))),
    Case("length -1", post(length(b"-1"))),
    Case("length N;", post(length(b"%d;" % ALL))),
    Case("space before the colon", post(b"Content-Length : %d" % ALL)),
    # A Transfer-Encoding that some see and some do not.
    Case("TE: xchunked", post(BY_LENGTH, b"Transfer-Encoding: xchunked", content=HIDDEN)),
    Case("TE: identity, then chunked", post(BY_LENGTH, b"Transfer-Encoding: identity", TE, content=HIDDEN)),
    Case("TE: chunked, identity", post(BY_LENGTH, b"Transfer-Encoding: chunked, identity", content=HIDDEN)),
    Case("TE, space before the colon", post(BY_LENGTH, b"Transfer-Encoding : chunked", content=HIDDEN)),
    Case("TE behind a vertical tab", post(BY_LENGTH, b"Transfer-Encoding: \x0bchunked", content=HIDDEN)),
    Case("TE folded", post(BY_LENGTH, b"Transfer-Encoding:\r\n chunked", content=HIDDEN)),
    Case("TE in HTTP/1.0", post(b"Connection: keep-alive", BY_LENGTH, TE, content=HIDDEN, version=b"1.0")),
    # Line ends that are line ends to some.
    Case("bare LF in the head", post(length(ALL), line_end=b"\n")),
    Case("TE behind a bare LF", post(BY_LENGTH, b"X: y\nTransfer-Encoding: chunked", content=HIDDEN)),
    Case("TE behind a bare CR", post(BY_LENGTH, b"X: y\rTransfer-Encoding: chunked", content=HIDDEN)),
    # Chunk sizes and their lines.
    Case("chunk-size 0x", chunked(b"0x%x\r\n" % ALL + SECOND + b"\r\n" + END)),
    Case("chunk-size +", chunked(b"+%x\r\n" % ALL + SECOND + b"\r\n" + END)),
    Case("chunk-size with an underscore", chunked(b"2_1\r\n" + SECOND + b"\r\n" + END)),
    Case("chunk-size beyond 64 bits", chunked(b"1%016x\r\n" % 5 + b"hello\r\n" + HIDDEN)),
    Case("chunk-size, bare LF", chunked(b"5\nhello\r\n" + HIDDEN)),
    Case("bare LF in an extension", chunked(b"2;\nxx\r\n%x\r\n" % (ALL + 5) + END + SECOND + b"\r\n" + END)),
    Case("no CRLF after the data", chunked(b"5\r\nhelloXY" + HIDDEN)),
    Case("bare LF after the data", chunked(b"5\r\nhello\n" + HIDDEN)),
    Case("bare LF ends the trailers", chunked(b"0\r\n\n" + SECOND)),
    # Content where few expect it.
    Case(
        "GET with content",
        b"GET /first HTTP/1.1\r\nHost: a\r\n" + length(ALL) + b"\r\n\r\n" + SECOND,
        (("/first", ALL),),
    ),
]
