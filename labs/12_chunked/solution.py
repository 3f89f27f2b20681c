"""The chunked transfer coding, both ways, with nothing but the standard library. RFC 9112 §7.1.

    chunked-body   = *chunk last-chunk trailer-section CRLF
    chunk          = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
    chunk-size     = 1*HEXDIG
    last-chunk     = 1*"0" [ chunk-ext ] CRLF
    trailer-section = *( field-line CRLF )

A sender that does not know the length of its content cuts it into chunks and says the length of each:

    5 CRLF hello CRLF        6 CRLF  world CRLF        0 CRLF CRLF
    size   data              size   data               last-chunk, no trailers, the end

You write the two halves in six steps: a chunk, the end, the two kinds of line, a whole content, a line in
pieces, and last the decoder that a server needs, fed with whatever bytes have arrived so far.

Everything you refuse, you refuse with `raise Refused(Rule.…)`: the table of rules stands just below.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

CRLF = b"\r\n"
CR, LF = CRLF  # as numbers: what indexing bytes gives

Trailers = list[tuple[str, str]]

# token = 1*tchar, the grammar of a field name                                      RFC 9110 §5.6.2
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
TOKEN = re.compile(_TOKEN)

# field-value: visible octets, obs-text, spaces and tabs; no CR, LF, NUL nor other control   RFC 9110 §5.5
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*+")

# chunk-ext = *( ";" chunk-ext-name [ "=" chunk-ext-val ] ), a value being a token or a quoted-string, which
# may hold a ";" but never a line end. (RFC 9110 §5.6.3 would tolerate spaces around ";" and "=". No sender
# needs them and smugglers do: this pattern has none, and neither has netlab's.)     RFC 9112 §7.1.1
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+"'
EXTENSIONS = re.compile(rb"(?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*+")

# Fields that say where a message ends, where it goes, who sent it or how to read its content have done
# their work before the trailer section arrives. There they can only contradict.    RFC 9110 §6.5.1
FORBIDDEN_TRAILERS = frozenset(
    "transfer-encoding content-length host trailer te connection upgrade expect cache-control range "
    "max-forwards if-match if-none-match if-modified-since if-unmodified-since if-range authorization "
    "proxy-authorization www-authenticate proxy-authenticate cookie set-cookie "
    "content-encoding content-type content-range".split()
)


class Rule(enum.Enum):
    """What a peer can break: one sentence and where it stands."""

    SIZE = "a chunk-size is hexadecimal digits and nothing else (RFC 9112 §7.1)"
    OVERFLOW = "a chunk-size has at most 16 digits, which is 64 bits (RFC 9112 §7.1)"
    EXTENSION = "a chunk extension is ;name or ;name=value (RFC 9112 §7.1.1)"
    LINE_END = "a line ends with CRLF, and neither CR nor LF stands alone in it (RFC 9112 §2.2)"
    DATA_END = "chunk-data has exactly chunk-size octets, then CRLF (RFC 9112 §7.1)"
    TRAILER = "a trailer is a field line: name, colon, value (RFC 9112 §5)"
    FORBIDDEN = "this field must not stand in a trailer section (RFC 9110 §6.5.1)"
    LINE_LIMIT = "a chunk line is short; this one is longer than the limit (RFC 9112 §7.1.1)"
    TRAILER_LIMIT = "a trailer section is short; this one is longer than the limit (RFC 6585 §5)"
    CONTENT_LIMIT = "the content is larger than the recipient takes (RFC 9110 §15.5.14)"
    INCOMPLETE = "the bytes ended before the message did (RFC 9112 §8)"


class Refused(Exception):
    """A rule was broken: nothing that follows on this connection may be read as a message."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.value)
        self.rule = rule


@dataclass(frozen=True)
class Limits:
    """How much of anything a peer may send, in bytes. A line's CRLF is not counted."""

    line: int = 4096
    trailers: int = 8192
    content: int = 1 << 30


class Decoded(NamedTuple):
    """What `decode` finds: the content, its trailers, and the bytes that belong to the next message."""

    content: bytes
    trailers: Trailers
    rest: bytes


class State(enum.Enum):
    """Where the decoder stands: what it expects of the very next byte."""

    SIZE = "a chunk-size line"
    DATA = "chunk-data"
    DATA_CR = "the CR after chunk-data"
    DATA_LF = "the LF after that CR"
    TRAILERS = "a trailer line, or the empty line that ends the message"
    DONE = "nothing: the message is complete"


def encode_chunk(data: bytes) -> bytes:
    r"""Write `data` as one chunk: `encode_chunk(b"hello") == b"5\r\nhello\r\n"`.

    The size is in hexadecimal, without leading zeros. An empty piece becomes no bytes at all: a chunk of
    size 0 is the last-chunk, and a producer that yields b"" in the middle must not end its own content.
    """
    # >>> task 1: write a chunk
    if not data:
        return b""
    return b"%x\r\n%b\r\n" % (len(data), data)
    # <<< task 1


def last_chunk(trailers: Iterable[tuple[str, str]] = ()) -> bytes:
    r"""Write the end of the content: last-chunk, trailer section, and the empty line that closes both.

    `last_chunk() == b"0\r\n\r\n"`, and `last_chunk([("digest", "abc")]) == b"0\r\ndigest: abc\r\n\r\n"`.
    Names and values are text, one character an octet (latin-1; UnicodeEncodeError for any other). What
    the application gives is checked on its way out:

    Refused(FORBIDDEN) for a name in FORBIDDEN_TRAILERS, however it is capitalised;
    Refused(TRAILER) for a name that is no TOKEN or a value that is no VALUE: a CR LF from an application
    would otherwise end the line early and let a stranger write the next one.
    """
    # >>> task 2: write the last-chunk and the trailer section
    lines = []
    for name, value in trailers:
        if name.lower() in FORBIDDEN_TRAILERS:
            raise Refused(Rule.FORBIDDEN)
        wire_name, wire_value = name.encode("latin-1"), value.encode("latin-1")
        # Each alone: in the joined line, a name such as "a: b" would look like a name and a value.
        if not (TOKEN.fullmatch(wire_name) and VALUE.fullmatch(wire_value)):
            raise Refused(Rule.TRAILER)
        lines.append(wire_name + b": " + wire_value + CRLF)
    return b"0\r\n" + b"".join(lines) + CRLF
    # <<< task 2


def chunk_size(line: bytes) -> int:
    """Read a chunk-size line, given without its CRLF: the size in bytes; extensions are read and ignored.

    Raised, in this order:
    Refused(SIZE) unless the line begins with a digit and the digits are followed by nothing or by ";".
    `int(line, 16)` is no check: it takes "+5", "-5", "0x5", "1_0", " 5 ";
    Refused(OVERFLOW) for more than 16 digits, leading zeros included, before any number is computed;
    Refused(EXTENSION) unless the rest is EXTENSIONS.
    """
    # >>> task 3: read a chunk-size line and a trailer line
    digits, semicolon, extensions = line.partition(b";")
    if not re.fullmatch(rb"[0-9A-Fa-f]+", digits):
        raise Refused(Rule.SIZE)
    if len(digits) > 16:
        raise Refused(Rule.OVERFLOW)
    if not EXTENSIONS.fullmatch(semicolon + extensions):
        raise Refused(Rule.EXTENSION)
    return int(digits, 16)
    # <<< task 3


def trailer_field(line: bytes) -> tuple[str, str]:
    """Read a trailer line, given without its CRLF: (name as sent, value without white space around it).

    Refused(TRAILER) unless it is TOKEN ":" VALUE: no space before the colon, no line that begins with a
    space (obs-fold, RFC 9112 §5.2). Refused(FORBIDDEN) for a name in FORBIDDEN_TRAILERS: RFC 9110 §6.5.1
    forbids to send it, and an attacker who sends it anyway hopes that a recipient believes it.
    """
    # >>> task 3: read a chunk-size line and a trailer line
    name, colon, value = line.partition(b":")
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Refused(Rule.TRAILER)
    if name.decode("latin-1").lower() in FORBIDDEN_TRAILERS:
        raise Refused(Rule.FORBIDDEN)
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")
    # <<< task 3


def decode(wire: bytes) -> Decoded:
    """Decode a content of which every byte is at hand. `wire` may go on with the next message.

    Use `chunk_size` and `trailer_field`. Refused(INCOMPLETE) if the bytes end before the empty line that
    ends the trailer section: that line is part of the message even when there are no trailers.
    Refused(DATA_END) if chunk-data is followed by anything but CRLF.
    """
    # >>> task 4: decode a whole content
    content, trailers, at = [], [], 0

    def line() -> bytes:
        nonlocal at
        end = wire.find(CRLF, at)
        if end < 0:
            raise Refused(Rule.INCOMPLETE)
        start, at = at, end + 2
        return wire[start:end]

    while size := chunk_size(line()):
        content.append(wire[at : at + size])
        at += size
        if len(wire) < at + 2:
            raise Refused(Rule.INCOMPLETE)
        if wire[at : at + 2] != CRLF:
            raise Refused(Rule.DATA_END)
        at += 2
    while trailer := line():
        trailers.append(trailer_field(trailer))
    return Decoded(b"".join(content), trailers, wire[at:])
    # <<< task 4


class LineReader:
    """Collects a line that arrives in pieces of any size, a byte at a time if need be."""

    def __init__(self) -> None:
        self.held = bytearray()  # what has arrived of the line so far

    def take(self, data: bytes, start: int, limit: int, too_long: Rule) -> tuple[bytes | None, int]:
        r"""Go on with `data` from `start`: (the line without its CRLF, the position after it).

        If the line does not end in `data`, hold what is there and return (None, len(data)). A line ends at
        the first LF, and CR stands right before it:

        Refused(too_long) once more than `limit` bytes have come that are no CRLF, ended or not: a peer
        that never sends the LF must not fill the memory (allow for the CR of a CRLF still to come);
        Refused(LINE_END) if the LF has no CR before it, or another CR stands in the line.

        Each byte is looked at once: never search `held` again from its beginning.
        """
        # >>> task 5: take a line from pieces
        end = data.find(b"\n", start) + 1
        stop = end or len(data)
        # Two bytes may be a CRLF. Without the LF, only the CR can be here.
        if len(self.held) + stop - start > limit + (2 if end else 1):
            raise Refused(too_long)
        self.held += data[start:stop]
        if not end:
            return None, stop
        line = bytes(self.held)
        self.held.clear()
        if not line.endswith(CRLF) or b"\r" in line[:-2]:
            raise Refused(Rule.LINE_END)
        return line[:-2], stop
        # <<< task 5


class ChunkedDecoder:
    """Decodes a content as its bytes arrive. Feed it anything; it never waits for more than it must.

    state: what is expected next; State.DONE after the empty line at the end.
    trailers: the trailer fields, as far as they have been read.
    rest: after DONE, the bytes that belong to the next message.
    """

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self.state = State.SIZE
        self.trailers: Trailers = []
        self.rest = b""
        self.lines = LineReader()
        self.left = 0  # bytes of the current chunk-data still to come
        self.content = 0  # bytes of content promised so far, to hold against limits.content
        self.section = 0  # bytes of trailer lines so far, to hold against limits.trailers
        self.refusal: Refused | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of content in `data`, none of them empty, transfer coding removed.

        Raises Refused at the first broken rule, and again at every later call: after an error in the
        framing the recipient cannot know where the next message begins.
        """
        if self.refusal is not None:
            raise self.refusal
        try:
            return self.advance(data)
        except Refused as refusal:
            self.refusal = refusal
            raise

    def feed_eof(self) -> None:
        """The peer closed: Refused(INCOMPLETE) unless the message was complete."""
        if self.state is not State.DONE:
            raise Refused(Rule.INCOMPLETE)

    def advance(self, data: bytes) -> list[bytes]:
        """Walk through `data` from state to state and return the pieces of content. What each state does:

        SIZE       take a line (at most limits.line bytes), read its size. 0 leads to TRAILERS, any other to
                   DATA. Refused(CONTENT_LIMIT) as soon as the sizes together exceed limits.content.
        DATA       hand out what is here of the chunk, at once. A decoder that waits for the whole chunk makes
                   the first byte late and holds as much as the sender chose. Chunk complete: DATA_CR.
        DATA_CR    expect CR, then DATA_LF. Refused(DATA_END) at any other byte, without waiting for more.
        DATA_LF    expect LF, then SIZE. Refused(DATA_END) likewise.
        TRAILERS   take a line (Refused(TRAILER_LIMIT) if the section exceeds limits.trailers): empty means
                   DONE, any other is a trailer.
        DONE       keep what follows in `rest`, untouched: it is the next message.

        The cost must grow with the bytes, not with their square: move a position forward, never cut the
        front off what remains.
        """
        # >>> task 6: decode as the bytes arrive
        pieces = []
        at = 0
        while at < len(data):
            if self.state is State.DATA:
                piece = data[at : at + self.left]
                pieces.append(piece)
                at += len(piece)
                self.left -= len(piece)
                if not self.left:
                    self.state = State.DATA_CR
            elif self.state in (State.DATA_CR, State.DATA_LF):
                expected, following = (CR, State.DATA_LF) if self.state is State.DATA_CR else (LF, State.SIZE)
                if data[at] != expected:
                    raise Refused(Rule.DATA_END)
                at += 1
                self.state = following
            elif self.state is State.SIZE:
                line, at = self.lines.take(data, at, self.limits.line, Rule.LINE_LIMIT)
                if line is not None:
                    self.left = chunk_size(line)
                    self.content += self.left
                    if self.content > self.limits.content:
                        raise Refused(Rule.CONTENT_LIMIT)
                    self.state = State.DATA if self.left else State.TRAILERS
            elif self.state is State.TRAILERS:
                room = self.limits.trailers - self.section
                line, at = self.lines.take(data, at, room, Rule.TRAILER_LIMIT)
                if line:
                    self.section += len(line)
                    self.trailers.append(trailer_field(line))
                elif line == b"":
                    self.state = State.DONE
            else:
                self.rest += data[at:]
                break
        return pieces
        # <<< task 6
