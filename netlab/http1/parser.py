"""Bytes in, events out: the reader of requests. RFC 9112 §2.2, §3 to §7.

A parser is pure: no socket, no clock. The server, the client, the capture of a conversation and the tests
all use this one. Feed it bytes as they come, cut anywhere, and ask for the next event until it says None.

    parser = RequestParser()
    parser.feed(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    parser.next_event()          # a RequestHead whose framing is NO_CONTENT: the message is complete
    parser.next_event()          # None: feed more

A head whose framing is NO_CONTENT is a whole message. Any other head is followed by Content events and one
EndOfMessage. After a ProtocolError the parser is dead: what follows a framing error is never read as a
message (RFC 9112 §11.2), so next_event raises the same error again.

Theory of operation. The state is the method that reads next (`_read`), as a table would name it:

    _read_head → _read_length ──────────────┐
               → _read_chunks → _read_trailers → _read_head
               → _read_until_close

The buffer, and how content is read, stand in `content`; the reader of responses in `responses`.
"""

from __future__ import annotations

from netlab.http1 import heads, refusing
from netlab.http1.content import Reader
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import NO_FIELDS
from netlab.http1.framing import NO_CONTENT, Framing
from netlab.http1.limits import DEFAULT_LIMITS, Limits
from netlab.http1.messages import RequestHead

# RFC 9112 §2.2: a server SHOULD ignore at least one empty line before the request line (old clients ended
# a POST with a CRLF too many). No client sends more than this by mistake.
EMPTY_LINES = 4


# A buffer up to this many bytes is tried as one plain head, with its content or a part of it.
SHORT = 4096

EMPTY_LINE = b"\r\n\r\n"
LF = 0x0A

# Of a request line that is refused, the access log shows at most this many bytes.
LOGGED = 200


class RequestParser(Reader):
    """Reads requests, one after the other, from the bytes of one connection.

    known: the reader of heads for these limits, if the caller has it already (looking it up is 1,800
    instructions for a connection).
    """

    __slots__ = ("_empty_lines", "_heads")

    def __init__(self, limits: Limits = DEFAULT_LIMITS, known: heads.RequestHeads | None = None) -> None:
        Reader.__init__(self, limits)
        self._heads = heads.request_heads(limits) if known is None else known
        self._empty_lines = 0

    def feed_head(self, data: bytes) -> RequestHead | None:
        """`feed` and `next_head` in one, between two messages: for a plain head, with content or without.

        None for any other bytes: they are kept, and `next_head` reads on. Several requests that end with an
        empty line are such, too. Content behind a head: as `next_head`.
        """
        size = len(data)
        if self.buffer or size > SHORT:
            self.feed(data)
            return None
        known = self._heads.known
        head = known.get(data) if size <= known.longest else None
        if head is None:
            # An octet tells a GET from a POST: `endswith` is 600 instructions dearer, and both would do.
            block, content = data, b""
            if size < len(EMPTY_LINE) or data[-3] != LF:
                # No empty line at the end: content has come with its head. `find` and two slices cost more.
                before, empty_line, content = data.partition(EMPTY_LINE)
                block = before + empty_line
                head = known.get(block) if len(block) <= known.longest else None
            if head is None:
                head = self._heads.read_plain(block)
                if head is None:
                    self.buffer = data
                    return None
            self.buffer = content
        self._empty_lines = 0
        return head

    def next_head(self) -> RequestHead | None:
        """`next_event` between two messages, where only a head can come.

        Where its framing is not NO_CONTENT, the caller goes on with `start_content`.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._read_bare_head()
        except ProtocolError as error:
            self._error = error
            raise

    def start_content(self, framing: Framing, limits: Limits) -> bytes | None:
        """Read the content of the head that `feed_head` or `next_head` has given, within these limits.

        Returns all of it where its length is known and all of it has come: a head is next then. Else None:
        `next_event` gives the content in pieces, or says what is wrong.
        """
        self.limits = limits  # a handler's own were for the message before
        size, buffer, at = framing.length, self.buffer, self._at
        if size == len(buffer) and not at and 0 < size <= limits.content and buffer.__class__ is bytes:
            self.buffer = b""  # `feed_head` has cut it out
            return buffer
        end = at + size
        if not size or end > len(buffer) or size > limits.content:
            self._start_content(framing)
            return None
        return self._take(size)

    def refuse_content(self) -> ProtocolError:
        """Content that `start_content` has given is larger than `limits` allow by now: 413, for good."""
        self._error = error = self._too_large()
        return error

    def _read_head(self) -> RequestHead | None:
        head = self._read_bare_head()
        if head is not None and head.framing is not NO_CONTENT:
            self._start_content(head.framing)
        return head

    def _read_bare_head(self) -> RequestHead | None:
        buffer, at = self.buffer, self._at
        if at == len(buffer):
            return None
        if buffer[at] == 0x0D and not self._skip_empty_lines():
            return None
        block = self._find_head()
        if block is None:
            return None
        try:
            head = self._heads.read(block)
        except ProtocolError:
            self.buffer, self._at = block, 0  # for `refused_head`
            raise
        self._empty_lines = 0
        return head

    def refused_head(self) -> RequestHead:
        """What can be said of a head that is refused, or late: for the access log and for the answer.

        method and target: as far as they have come, at most 200 characters, octets that are not visible ASCII
        as \\xNN; "-" where nothing has come. The answer to a HEAD has no content (RFC 9110 §9.3.2).
        """
        line = self.buffer[self._at : self._at + LOGGED].partition(b"\r\n")[0].decode("latin-1")
        words = [visible(word) for word in line.split(" ")[:2]] + ["-", "-"]
        return RequestHead().begin(words[0] or "-", words[1] or "-", 1, NO_FIELDS, NO_CONTENT, False)

    def _skip_empty_lines(self) -> bool:
        """RFC 9112 §2.2: ignore a few empty lines before the request line; False if nothing follows yet."""
        while self.buffer[self._at : self._at + 2] == b"\r\n":
            self._at += 2
            self._empty_lines += 1
            if self._empty_lines > EMPTY_LINES:
                rule = f"more than {EMPTY_LINES} empty lines before a request"
                raise ProtocolError(400, rule, "RFC 9112 §2.2")
        rest = self.buffer[self._at : self._at + 2]
        return bool(rest) and rest != b"\r"

    def _refuse_incomplete_head(self) -> None:
        refusing.refuse_partial_request(self.buffer, self._at, self._scanned, self.limits)
        if self._closed:
            raise ProtocolError(400, "the end came inside a request head", "RFC 9112 §8")


def visible(text: str) -> str:
    """The same text, every character but visible ASCII written as \\xNN: safe in a log and on a terminal."""
    return "".join(c if "!" <= c <= "~" else f"\\x{ord(c):02x}" for c in text)
