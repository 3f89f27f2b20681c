"""The part of a parser that requests and responses share: its buffer, and the reading of content.

How long content is was decided with the head (`framing`); here its bytes are taken as they come. RFC 9112 §6
and §7. How a head is found and read stands in `parser` and `heads`.

The buffer is the bytes object of the last feed, untouched, with `_at` where reading has got to: a request
that arrives whole is parsed where it lies. Only a message in pieces is gathered, in a bytearray, whose
front is cut off at a cost that does not depend on what remains. `_scanned` remembers how far the search
for the end of a head has come, so that a head that arrives octet by octet is searched once, not n times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netlab.http1 import heads, refusing
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.framing import Framing, FramingKind
from netlab.http1.grammar import CHUNK_LINE, HEXDIG_RUN, SMALL_CHUNK, SMALL_CHUNKS
from netlab.http1.limits import DEFAULT_LIMITS, Limits
from netlab.http1.messages import Content, EndOfMessage, Event
from netlab.http1.trailers import read_trailers

END_OF_MESSAGE = EndOfMessage()

_CHUNK_LINE_NEXT = -1

# Bytes of small chunks taken in one step: each chunk is an object of 34 bytes or more until they are joined.
_RUN = 64 * 1024

# A chunk-size line of sixteen digits has 18 bytes; what is longer has extensions.
_SIZE_LINE = 18


class Reader:
    """A buffer, and the reading of content; `parser` adds the heads."""

    __slots__ = (
        "_at",
        "_closed",
        "_error",
        "_extensions",
        "_read",
        "_remaining",
        "_scanned",
        "_taken",
        "buffer",
        "limits",
    )

    # How a chunk-size line looks; `responses` has one of its own.
    _chunk_line = CHUNK_LINE

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.buffer: bytes | bytearray = b""
        """What was fed, the bytes before `_at` being read. Empty between messages, if nothing has come."""
        self._at = 0  # what stands before is consumed
        self._scanned = 0  # what stands before holds no end of a head or line
        # Functions, not bound methods: a bound method is 64 bytes more for every idle connection.
        self._read: Callable[[Any], Event | None] = type(self)._read_head
        # Bytes of content, or of the current chunk, still to come; below 0 see _read_chunks.
        self._remaining = 0
        self._extensions = 0  # bytes of chunk extensions of this message so far
        self._taken = 0  # bytes of content of this message so far
        self._closed = False
        self._error: ProtocolError | None = None

    # -- in -----------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take bytes from the peer, cut anywhere."""
        if self._at == len(self.buffer):
            self.buffer = data
            self._at = self._scanned = 0
            return
        if isinstance(self.buffer, bytes):
            self.buffer = bytearray(memoryview(self.buffer)[self._at :])
        else:
            del self.buffer[: self._at]
        self._scanned = max(0, self._scanned - self._at)
        self._at = 0
        self.buffer += data

    def forget(self) -> None:
        """Let go of a buffer that has been read: an idle connection must not hold its last upload."""
        if self._at == len(self.buffer):
            self.buffer, self._at, self._scanned = b"", 0, 0

    def feed_eof(self) -> None:
        """The peer will send no more (end of input, or close_notify)."""
        self._closed = True

    @property
    def buffered(self) -> int:
        """Bytes that were fed and not yet read into an event."""
        return len(self.buffer) - self._at

    @property
    def at_start(self) -> bool:
        """Is the parser between messages, with nothing of the next one seen?"""
        return self._read is type(self)._read_head and self._at == len(self.buffer)

    @property
    def content_announced(self) -> int:
        """Bytes of the current message's content that have come, or that its chunk sizes have announced."""
        return self._taken

    def leftover(self) -> bytes:
        """Take what was fed and not yet read: the bytes after a message."""
        rest = bytes(memoryview(self.buffer)[self._at :])
        self.buffer, self._at, self._scanned = b"", 0, 0
        return rest

    # -- out ----------------------------------------------------------------------------------------------

    def next_event(self) -> Event | None:
        """The next event, or None when more bytes are needed.

        Raises ProtocolError when the peer broke a rule, and every time after that.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._read(self)
        except ProtocolError as error:
            self._error = error
            raise

    def _read_head(self) -> Event | None:
        raise NotImplementedError

    def _find_head(self) -> bytes | None:
        """The next head through its empty line; None when it is not complete yet."""
        buffer = self.buffer
        end = buffer.find(b"\r\n\r\n", self._scanned or self._at)
        if end < 0:
            self._refuse_incomplete_head()
            # The last three bytes may be the beginning of the empty line.
            self._scanned = max(self._at, len(buffer) - 3)
            return None
        block = bytes(buffer[self._at : end + 4])
        self._at = end + 4
        self._scanned = 0
        self.forget()
        return block

    def _refuse_incomplete_head(self) -> None:
        """Refuse a head as soon as it cannot become a good one, without waiting for its end."""
        raise NotImplementedError

    def _start_content(self, framing: Framing) -> None:
        """Read this message's content next."""
        self._taken = self._extensions = 0
        kind = framing.kind
        if kind is FramingKind.LENGTH:
            self._remaining = framing.length
            self._read = Reader._read_length
        elif kind is FramingKind.CHUNKED:
            self._remaining = _CHUNK_LINE_NEXT
            self._read = Reader._read_chunks
        else:
            self._read = Reader._read_until_close

    def limit_content(self, size: int) -> None:
        """Let the message being read have `size` bytes of content: a handler's own limit."""
        self.limits = heads.with_content_limit(self.limits, size)

    def _too_large(self) -> ProtocolError:
        return ProtocolError(
            413, f"the content is larger than {self.limits.content} bytes", "RFC 9110 §15.5.14"
        )

    def _count(self, size: int) -> None:
        """So many bytes more of content: within the limit? Raises ProtocolError (413)."""
        self._taken += size
        if self._taken > self.limits.content:
            raise self._too_large()

    def _take(self, size: int) -> bytes:
        """Up to `size` bytes from the buffer; the whole buffer is handed on as it is, not copied."""
        at, buffer = self._at, self.buffer
        if not isinstance(buffer, bytes):
            piece = bytes(memoryview(buffer)[at : at + size])
        elif at == 0 and size >= len(buffer):
            piece = buffer
        else:
            piece = buffer[at : at + size]
        self._at = at + len(piece)
        self.forget()
        return piece

    def _read_length(self) -> Event | None:
        """Content with a known length. RFC 9112 §6.3 rule 6"""
        if self._remaining == 0:
            self._read = type(self)._read_head
            return END_OF_MESSAGE
        if not self._taken:
            # Only now, not at the head: a handler may have set a limit of its own for this request.
            self._count(self._remaining)
        if self._at == len(self.buffer):
            return self._wait("content shorter than its Content-Length", "RFC 9112 §6.3 rule 6")
        piece = self._take(self._remaining)
        self._remaining -= len(piece)
        return Content(piece)

    def _read_until_close(self) -> Event | None:
        """Content that ends where the connection does. RFC 9112 §6.3 rule 8"""
        if self._at < len(self.buffer):
            piece = self._take(len(self.buffer))
            self._count(len(piece))
            return Content(piece)
        return END_OF_MESSAGE if self._closed else None

    def _read_chunks(self) -> Event | None:
        """The chunked transfer coding: all the chunks that have arrived become one piece. RFC 9112 §7.1

        `_remaining` counts the data of the current chunk still to come; at 0 its CRLF is due, and at
        _CHUNK_LINE_NEXT a chunk-size line.
        """
        pieces: list[bytes] = []
        while self._at < len(self.buffer):
            if self._remaining > 0:
                piece = self._take(self._remaining)
                self._remaining -= len(piece)
                pieces.append(piece)
            elif self._remaining == 0:
                if not self._skip_crlf():
                    break
                self._remaining = _CHUNK_LINE_NEXT
            elif run := SMALL_CHUNKS.match(self.buffer, self._at, self._at + _RUN):
                pieces.append(b"".join([chunk[3:-2] for chunk in SMALL_CHUNK.findall(run[0])]))
                self._at = run.end()
                self._count(len(pieces[-1]))
            else:
                size = self._chunk_size()
                if size is None:
                    break
                if size == 0:
                    self._read = Reader._read_trailers
                    self._scanned = 0
                    break
                self._remaining = size
        if pieces:
            # The borders of chunks mean nothing (RFC 9112 §7.1): a thousand tiny chunks are one event.
            return Content(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if self._read is Reader._read_trailers:
            return self._read_trailers()
        return self._wait("the end came inside a chunked message", "RFC 9112 §8")

    def _skip_crlf(self) -> bool:
        """Consume the CRLF behind a chunk's data; False when it is not there yet."""
        two = bytes(self.buffer[self._at : self._at + 2])
        if two == b"\r\n":
            self._at += 2
            return True
        if two == b"\r":
            return False
        raise ProtocolError(400, "a chunk's data must be followed by CRLF", "RFC 9112 §7.1")

    def _chunk_size(self) -> int | None:
        """Read one chunk-size line: the size in bytes, or None when the line is not complete."""
        buffer, at = self.buffer, self._at
        # The line's end first: matching a line before it is whole would match it anew for every octet.
        newline = buffer.find(b"\n", max(at, self._scanned), at + self.limits.chunk_line)
        line = self._chunk_line.match(buffer, at, newline + 1) if newline >= 0 else None
        if line is None:
            self._refuse_chunk_line(newline)
            self._scanned = len(buffer)
            return None
        # §7.1.1: the extensions of all chunks together have a limit, too, or a gigabyte carries a terabyte.
        self._extensions += max(0, line.end() - at - _SIZE_LINE)
        if self._extensions > self.limits.chunk_line:
            rule = f"chunk extensions of more than {self.limits.chunk_line} bytes"
            raise ProtocolError(400, rule, "RFC 9112 §7.1.1")
        self._at = line.end()
        size = int(line[1], 16)
        self._count(size)
        return size

    def _refuse_chunk_line(self, newline: int) -> None:
        """Say what is wrong with a chunk-size line; return when more bytes could still make it right.

        What stands behind the digits is looked at first, so that the answer does not depend on how the
        bytes arrive.
        """
        buffer, at = self.buffer, self._at
        digits = HEXDIG_RUN.match(buffer, at)
        if digits is None:
            raise ProtocolError(400, "a chunk size is one or more hexadecimal digits", "RFC 9112 §7.1")
        if digits.end() - at > 16:
            raise ProtocolError(400, "a chunk size has at most 16 digits here", "RFC 9112 §7.1")
        if newline >= 0 and buffer[newline - 1] != 0x0D:
            raise ProtocolError(400, "a chunk-size line ends with CRLF, not a bare LF", "RFC 9112 §7.1")
        behind = bytes(buffer[digits.end() : digits.end() + 2])
        if not (behind[:1] in (b"", b";", b" ", b"\t") or behind in (b"\r", b"\r\n")):
            raise ProtocolError(400, "a chunk size is followed by ';' or CRLF", "RFC 9112 §7.1")
        if newline >= 0 and behind[:1] != b";" and b";" not in buffer[digits.end() : newline]:
            raise ProtocolError(400, "white space behind a chunk size", "RFC 9112 §7.1")
        if newline >= 0:
            raise ProtocolError(400, "a chunk extension does not follow its grammar", "RFC 9112 §7.1.1")
        if len(buffer) - at > self.limits.chunk_line:
            rule = f"a chunk-size line is longer than {self.limits.chunk_line} bytes"
            raise ProtocolError(400, rule, "RFC 9112 §7.1.1")

    def _read_trailers(self) -> Event | None:
        """The trailer section and the empty line that ends a chunked message. RFC 9112 §7.1.2"""
        buffer, at = self.buffer, self._at
        if buffer[at : at + 2] == b"\r\n":
            self._at = at + 2
            self._scanned = 0
            self._read = type(self)._read_head
            self.forget()
            return END_OF_MESSAGE
        end = buffer.find(b"\r\n\r\n", max(at, self._scanned))
        if (end if end >= 0 else len(buffer)) - at > self.limits.trailer_section:
            rule = f"the trailer section is larger than {self.limits.trailer_section} bytes"
            raise ProtocolError(431, rule, "RFC 9112 §7.1.2")
        if end < 0:
            refusing.refuse_bare_lf(buffer, at, self._scanned)
            if buffer[at : at + 1] == b"\r" and len(buffer) > at + 1:
                raise ProtocolError(400, "a CR stands alone before the end", "RFC 9112 §2.2")
            self._scanned = max(at, len(buffer) - 3)
            return self._wait("the end came inside a trailer section", "RFC 9112 §8")
        block = buffer[at : end + 2].decode("latin-1")
        self._at = end + 4
        self._scanned = 0
        self._read = type(self)._read_head
        self.forget()
        return EndOfMessage(self._trailers(block))

    def _trailers(self, block: str) -> Fields:
        return read_trailers(block, self.limits)

    def _wait(self, rule: str, section: str) -> Event | None:
        """More bytes are needed (None): an error once the peer has said that none will come."""
        if self._closed:
            raise ProtocolError(400, rule, section)
        return None
