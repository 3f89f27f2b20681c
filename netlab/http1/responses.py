"""The reader of responses: status line, fields, and what a server may get wrong. RFC 9112 §4, §5, §6.3.

The parser of requests stands in `parser`, the reading of content in `content`. The two sides differ in one
thing. A server refuses what is ambiguous, because a second server behind it may read the same bytes in
another way. A client is the last reader of a response, so it accepts what old servers send wherever the end
of the message stays certain:

    an empty line before the status line        skipped (RFC 9112 §2.2 has it for requests)
    a folded field line (obs-fold)              joined by one SP (RFC 9112 §5.2, MUST)
    several Content-Length values, all equal    one value (RFC 9110 §8.6)
    spaces behind a chunk size                  ignored

What can never become an HTTP/1 response is refused at its first bytes, and the error shows what came.
"""

from __future__ import annotations

import re
from functools import lru_cache

from netlab.http1 import framing, heads
from netlab.http1.content import Reader
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.framing import NO_CONTENT, Framing
from netlab.http1.grammar import CHUNK_LINE, CONTENT_LENGTH, STATUS_LINE
from netlab.http1.limits import DEFAULT_LIMITS, Limits
from netlab.http1.messages import Event, ResponseHead
from netlab.http1.refusing import refuse_bare_lf, section_too_large
from netlab.http1.trailers import read_trailers

# Empty lines before one status line. A server that ends its content with a CRLF too many sends one.
EMPTY_LINES = 4

# What every HTTP/1 response begins with.
_BEGINNING = b"HTTP/1."

# Bytes of a wrong answer that an error shows.
_SHOWN = 40

# A chunk-size line whose size, or last extension, is followed by spaces.
_PADDED_CHUNK_LINE = re.compile(CHUNK_LINE.pattern.removesuffix(rb"\r\n") + rb"[ \t]*+\r\n")

_TLS_ALERT, _TLS_HANDSHAKE = 0x15, 0x16


class ResponseParser(Reader):
    """Reads responses, one after the other. Tell it what each answers with `expect` before its head comes."""

    __slots__ = ("_empty_lines", "_method")

    _chunk_line = _PADDED_CHUNK_LINE

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._method = "GET"
        self._empty_lines = 0

    def expect(self, method: str) -> None:
        """The next final response answers this method: HEAD's has no content (RFC 9110 §9.3.2)."""
        self._method = method

    def skip_empty_lines(self) -> bool:
        """Skip a few empty lines before a status line. True when something else follows."""
        buffer = self.buffer
        while buffer[self._at : self._at + 2] == b"\r\n":
            self._at += 2
            self._empty_lines += 1
            if self._empty_lines > EMPTY_LINES:
                rule = f"more than {EMPTY_LINES} empty lines before a response"
                raise ProtocolError(400, rule, "RFC 9112 §2.2")
        self.forget()
        return self.buffered > 0 and not self._has_half_a_line_end()

    def _has_half_a_line_end(self) -> bool:
        return self.buffer[self._at :] == b"\r"

    def _read_head(self) -> Event | None:
        if self._at < len(self.buffer) and self.buffer[self._at] == 0x0D:
            self.skip_empty_lines()
            if self._has_half_a_line_end():
                return self._wait("the end came inside a response head", "RFC 9112 §8")
        if self._at == len(self.buffer):
            return self._wait("the connection closed before a response came", "RFC 9112 §8")
        block = self._find_head()
        if block is None:
            return None
        if len(block) <= _REMEMBERED:
            head = _known_head(block, self.limits, self._method)
        else:
            head = response_head(block.decode("latin-1"), self.limits, self._method)
        self._empty_lines = 0
        if head.framing is not NO_CONTENT:
            self._start_content(head.framing)
        return head

    def _trailers(self, block: str) -> Fields:
        return read_trailers(_unfold(block) if _is_folded(block) else block, self.limits)

    def _refuse_incomplete_head(self) -> None:
        buffer, at = self.buffer, self._at
        if self._scanned <= at + len(_BEGINNING):
            refuse_other_protocols(bytes(buffer[at : at + 64 * 1024]))
        first = refuse_bare_lf(buffer, at, self._scanned)
        if first is not None:
            # The status line is complete: a wrong one is refused now, whatever follows.
            _status_line(buffer[at : first + 1].decode("latin-1"), self.limits)
        size = len(buffer) - at
        if size > self.limits.field_section + self.limits.target:
            raise ProtocolError(431, "the response head is too large", "RFC 9112 §5")
        self._wait("the end came inside a response head", "RFC 9112 §8")


# Bytes of a head that is remembered. A server's heads differ in little but the Date, so within one second
# many are equal: such a head then costs 0.5 µs instead of 8.
_REMEMBERED = 1024


@lru_cache(maxsize=256)
def _known_head(block: bytes, limits: Limits, method: str) -> ResponseHead:
    return response_head(block.decode("latin-1"), limits, method)


def response_head(block: str, limits: Limits, method: str) -> ResponseHead:
    """Read a response head, from the status line through the empty line.

    method: that of the request it answers. Raises ProtocolError.
    """
    line = _status_line(block, limits)
    section = block[line.end() : -2]
    if len(section) > limits.field_section:
        raise section_too_large(limits)
    if _is_folded(section):
        section = _unfold(section)
    fields = heads.read_fields(section, limits.field_lines)
    minor, status = (0 if line[2] == "0" else 1), int(line[3])
    content = response_framing(fields, minor, status, method)
    # A response that ends with the connection leaves no connection to persist. RFC 9112 §9.3
    persistent = framing.persistent(fields, minor) and content is not framing.UNTIL_CLOSE
    return ResponseHead(status, line[4] or "", minor, fields, content, persistent)


def response_framing(fields: Fields, minor: int, status: int, method: str) -> Framing:
    """How a response's content ends, by the rules of RFC 9112 §6.3 in their order.

    method: that of the request which is being answered. Raises ProtocolError where the rules refuse.
    """
    # Rule 1: no content after HEAD, in 1xx, 204 and 304. Rule 2: a 2xx to CONNECT makes a tunnel.
    if method == "HEAD" or status < 200 or status in framing.WITHOUT_CONTENT:
        return NO_CONTENT
    if method == "CONNECT" and status < 300:
        return NO_CONTENT
    codings = framing.transfer_codings(fields, minor)
    if codings:
        if codings != ("chunked",):
            raise ProtocolError(501, f"transfer codings {', '.join(codings)[:80]!r}", "RFC 9112 §6.1")
        return framing.CHUNKED
    length = _content_length(fields)
    if length is None:
        # Rule 8: the content ends where the connection does.
        return framing.UNTIL_CLOSE
    return Framing(framing.FramingKind.LENGTH, length) if length else NO_CONTENT


def _content_length(fields: Fields) -> int | None:
    """The Content-Length in bytes, or None without one. Equal values count as one (RFC 9110 §8.6)."""
    lines = fields.get_all("content-length")
    if not lines:
        return None
    values = {value.strip(" \t") for line in lines for value in line.split(",")}
    if len(values) > 1:
        shown = ", ".join(sorted(values))[:_SHOWN]
        raise ProtocolError(400, f"Content-Length has different values: {shown}", "RFC 9112 §6.3 rule 5")
    value = values.pop()
    if CONTENT_LENGTH.fullmatch(value) is None:
        rule = "Content-Length must be one run of ASCII digits, at most 19"
        raise ProtocolError(400, rule, "RFC 9110 §8.6")
    return int(value)


def _status_line(text: str, limits: Limits) -> re.Match[str]:
    """Match the status line at the beginning of `text`. Raises ProtocolError (400, 431, 505)."""
    line = STATUS_LINE.match(text)
    if line is None:
        first = text.partition("\r\n")[0].encode("latin-1")
        refuse_other_protocols(first)
        raise ProtocolError(400, f"not a status line: {_shown(first)}", "RFC 9112 §4")
    if line.end() > limits.target:
        raise ProtocolError(431, f"the status line is longer than {limits.target} bytes", "RFC 9112 §4")
    if line[1] != "1":
        raise ProtocolError(505, f"HTTP/{line[1]}.{line[2]} is not spoken here", "RFC 9112 §2.3")
    return line


def _is_folded(section: str) -> bool:
    return section[:1] in (" ", "\t") or "\r\n " in section or "\r\n\t" in section


def _unfold(section: str) -> str:
    """Replace each obs-fold by one SP. RFC 9112 §5.2"""
    if section[0] in " \t":
        # §2.2: white space before the first field line has been used to hide one from a second reader.
        raise ProtocolError(400, "white space before the first field line", "RFC 9112 §2.2")
    lines: list[list[str]] = []
    for line in section.split("\r\n"):
        if line[:1] in (" ", "\t"):
            lines[-1].append(line.strip(" \t"))
        else:
            lines.append([line])
    return "\r\n".join(
        [" ".join([parts[0].rstrip(" \t"), *parts[1:]]) if parts[1:] else parts[0] for parts in lines]
    )


def refuse_other_protocols(came: bytes) -> None:
    """Refuse what cannot become an HTTP/1 response. came: the first bytes of an answer, at least one.

    Raises ProtocolError with what came; returns when more bytes could make it a response.
    """
    if came.startswith(_BEGINNING[: len(came)]):
        return
    if came[0] in (_TLS_ALERT, _TLS_HANDSHAKE) and came[1:2] in (b"", b"\x03"):
        what = "an alert" if came[0] == _TLS_ALERT else "a handshake record"
        rule = f"it begins with {what} of TLS: the server speaks TLS, try https"
        raise ProtocolError(400, rule, "RFC 8446 §5.1")
    if came[:4] == b"HTTP" and came[4:5] in (b"", b"/"):
        rule = f"{_shown(came.split(b' ')[0])} is not spoken here; HTTP/1.1 and HTTP/1.0 are"
        raise ProtocolError(505, rule, "RFC 9112 §2.3")
    if came[0] == 0 and (len(came) < 9 or came[5:9] == bytes(4)):
        rule = (
            f"it begins with {came[:9].hex(' ')}, as a frame of HTTP/2 does: the server speaks HTTP/2 alone"
        )
        raise ProtocolError(505, rule, "RFC 9113 §4.1")
    if came[:1] == b"<":
        rule = f"content without a head (HTTP/0.9): {_shown(came)}"
        raise ProtocolError(400, rule, "RFC 9112 §4")
    raise ProtocolError(400, f"this is not HTTP: it begins with {_shown(came)}", "RFC 9112 §4")


def _shown(came: bytes) -> str:
    """The first line of what came, as text that no terminal obeys."""
    line = came.split(b"\r")[0].split(b"\n")[0][:_SHOWN]
    return repr(line.decode("latin-1").encode("ascii", "backslashreplace").decode())
