"""Where does a message end? A strict request head, and how long the content behind it is. RFC 9112 §2 to §6.

TCP brings bytes, not messages: nothing in the stream says "here ends a request" but the request itself.

    POST /a HTTP/1.1 CRLF          request-line       method SP request-target SP HTTP-version
    Host: example.org CRLF         field-line         name ":" OWS value OWS
    Content-Length: 5 CRLF         field-line
    CRLF                           the end of the head
    hello                          content: 5 octets, since a field line said so
    GET /b HTTP/1.1 CRLF …         the next request

Two programs that read the same head in two ways find the next request in two places: one of them answers a
request that the other took for content. So what is ambiguous is refused here, never repaired: with
`raise Refused(Rule.…)`, from the table just below. Nothing that follows a refusal is ever read.

You write six functions, from the bytes to the decision; `parse` at the end puts them together.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import NamedTuple

CRLF = b"\r\n"

# token = 1*tchar: methods, field names, transfer codings                           RFC 9110 §5.6.2
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++")

# What may stand in a request target: anything visible. (Its parts are another lesson.)   RFC 9112 §3.2
TARGET = re.compile(rb"[!-~]++")

# field-value: visible octets, obs-text, spaces and tabs; no CR, LF, NUL nor other control   RFC 9110 §5.5
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*+")

# A coding and its parameters, which we do not look into: token *( OWS ";" … )      RFC 9112 §7
CODING = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++(?:[ \t]*;[\t\x20-\x7e]*)?")

Fields = list[tuple[str, str]]


class Rule(enum.Enum):
    """What a peer can break: the status to answer, one sentence, and where it stands."""

    LINE_END = 400, "a line ends with CRLF, and neither CR nor LF stands alone in it (RFC 9112 §2.2)"
    HEAD_LIMIT = 431, "the head is longer than the recipient takes (RFC 6585 §5)"
    REQUEST_LINE = 400, "a request line is method, target and version, one space between (RFC 9112 §3)"
    VERSION = 505, "a major version other than 1 is another protocol (RFC 9110 §15.6.6)"
    FIELD_LINE = 400, "a field line is a name, a colon at once, and a value (RFC 9112 §5)"
    LENGTH = 400, "Content-Length is one run of ASCII digits on one line (RFC 9110 §8.6)"
    CODINGS = 400, "Transfer-Encoding is a list of codings, chunked once at most (RFC 9112 §6.1)"
    UNKNOWN_CODING = 501, "a transfer coding that is not understood (RFC 9112 §6.1)"
    NOT_LAST = 400, "the last transfer coding of a request must be chunked (RFC 9112 §6.3 rule 4)"
    BOTH = 400, "Transfer-Encoding and Content-Length in one message (RFC 9112 §6.3 rule 3)"
    OLD_VERSION = 400, "Transfer-Encoding in an HTTP/1.0 message (RFC 9112 §6.1)"

    @property
    def status(self) -> int:
        """The status code of the refusal."""
        return self.value[0]


class Refused(Exception):
    """A rule was broken: answer with `rule.status` and close; nothing behind it may be read."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.value[1])
        self.rule = rule


class Kind(enum.Enum):
    """How the end of the content is found."""

    LENGTH = "after so many octets"
    CHUNKED = "by the chunked coding itself (lab 12)"


class Framing(NamedTuple):
    """The decision. `length` counts octets where the kind is LENGTH; a request without content has 0."""

    kind: Kind
    length: int = 0


@dataclass(frozen=True)
class Request:
    """A request head, how long its content is, and the bytes behind the head: content, next requests."""

    method: str
    target: str
    minor: int
    fields: Fields
    framing: Framing
    rest: bytes


def split_head(wire: bytes, limit: int = 32768) -> tuple[list[bytes], bytes] | None:
    r"""Split the head from what follows: (its lines without their CRLF, the rest). None: it is not complete.

    The first line is the request line; the empty line that ends the head is not among the lines. One empty
    line before the request line is skipped (RFC 9112 §2.2: old clients sent one after their content).

    Refused(LINE_END) for an LF without a CR before it or a CR without an LF behind it, as soon as it is
    seen, complete or not: a reader that waits for CRLF CRLF after a bare LF may wait for ever, or join two
    requests. A CR that is the very last byte so far may still become a CRLF.
    Refused(HEAD_LIMIT) when the head with its empty line, complete or not, takes more than `limit` bytes.
    Refused(REQUEST_LINE) for a second empty line.
    """
    # >>> task 1: find the end of the head
    start = 2 if wire.startswith(CRLF) else 0
    end = wire.find(b"\r\n\r\n", start)
    head = wire[start : end + 4] if end >= 0 else wire[start:]
    if re.search(rb"(?<!\r)\n|\r(?!\n|\Z)", head):
        raise Refused(Rule.LINE_END)
    if len(head) > limit:
        raise Refused(Rule.HEAD_LIMIT)
    if head.startswith(CRLF):
        raise Refused(Rule.REQUEST_LINE)
    if end < 0:
        return None
    return head[:-4].split(CRLF), wire[end + 4 :]
    # <<< task 1


def request_line(line: bytes) -> tuple[str, str, int]:
    """Read a request line: (method as sent, target as sent, minor version).

    Methods are case-sensitive (RFC 9110 §9.1). Every HTTP/1.x above 1.1 reads as 1.1: the minor version
    is 0 or 1 (RFC 9110 §2.5). Refused(REQUEST_LINE) unless it is TOKEN SP TARGET SP "HTTP/" DIGIT "." DIGIT,
    with single spaces; then Refused(VERSION) unless the major version is 1.
    """
    # >>> task 2: read the request line
    parts = line.split(b" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or not TARGET.fullmatch(parts[1]):
        raise Refused(Rule.REQUEST_LINE)
    version = re.fullmatch(rb"HTTP/([0-9])\.([0-9])", parts[2])
    if version is None:
        raise Refused(Rule.REQUEST_LINE)
    if version[1] != b"1":
        raise Refused(Rule.VERSION)
    return parts[0].decode("ascii"), parts[1].decode("ascii"), 0 if version[2] == b"0" else 1
    # <<< task 2


def field_line(line: bytes) -> tuple[str, str]:
    r"""Read a field line: (name in lower case, value without the white space around it), as latin-1 text.

    White space around a value is SP and HTAB and nothing else: `str.strip()` takes far more, \xa0 among it.
    Refused(FIELD_LINE) unless it is TOKEN ":" VALUE. No space stands before the colon (§5.1: it hid a
    Content-Length from one reader of two), and no line begins with one (obs-fold, §5.2).
    """
    # >>> task 3: read a field line
    name, colon, value = line.partition(b":")
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Refused(Rule.FIELD_LINE)
    return name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")
    # <<< task 3


def values(fields: Fields, name: str) -> list[str]:
    """The values of every line of that name (in lower case), in wire order."""
    return [value for found, value in fields if found == name]


def content_length(fields: Fields) -> int | None:
    """The Content-Length in octets, or None without one. Names in `fields` are in lower case.

    Refused(LENGTH) unless one line holds 1 to 19 ASCII digits. Two equal lengths could be accepted
    (RFC 9110 §8.6); no honest sender writes them. `int()` is no check: it takes "+5", "5_0", " 5 " and the
    digits of every script, and `str.isdigit` says yes to "²".
    """
    # >>> task 4: read Content-Length
    lines = values(fields, "content-length")
    if not lines:
        return None
    if len(lines) > 1 or not re.fullmatch("[0-9]{1,19}", lines[0]):
        raise Refused(Rule.LENGTH)
    return int(lines[0])
    # <<< task 4


def transfer_codings(fields: Fields) -> list[str]:
    """The transfer codings in the order they were applied, in lower case; [] without Transfer-Encoding.

    Several lines are one list, as if joined by commas (RFC 9110 §5.3), each element with SP and HTAB
    around it removed. Refused(CODINGS) unless every element is a CODING (an empty one is none), and
    for chunked more than once.
    """
    # >>> task 5: read Transfer-Encoding
    lines = values(fields, "transfer-encoding")
    if not lines:
        return []
    codings = [element.strip(" \t").lower() for element in ",".join(lines).split(",")]
    if not all(map(CODING.fullmatch, codings)) or codings.count("chunked") > 1:
        raise Refused(Rule.CODINGS)
    return codings
    # <<< task 5


def framing(minor: int, fields: Fields) -> Framing:
    """How long is the content of this request? RFC 9112 §6.3, its rules in their order:

    rule 3   Transfer-Encoding together with Content-Length: Refused(BOTH), whatever the two say
    §6.1     Transfer-Encoding in HTTP/1.0: Refused(OLD_VERSION), too: its sender cannot know the field
    §6.1     a malformed Transfer-Encoding: `transfer_codings` raises Refused(CODINGS)
    rule 4   Transfer-Encoding whose last coding is not chunked: Refused(NOT_LAST) if chunked stands before,
             Refused(UNKNOWN_CODING) if it does not stand there at all
    §6.1     any other coding before chunked: Refused(UNKNOWN_CODING): we could not take it off
             chunked alone: CHUNKED
    rule 5   a malformed Content-Length: `content_length` raises Refused(LENGTH)
    rule 6   Content-Length: LENGTH of so many octets
    rule 7   neither: LENGTH of 0, whatever the method

    (Rules 1, 2 and 8 speak of responses.)
    """
    # >>> task 6: decide the length of the content
    if not values(fields, "transfer-encoding"):
        return Framing(Kind.LENGTH, content_length(fields) or 0)
    if values(fields, "content-length"):
        raise Refused(Rule.BOTH)
    if minor == 0:
        raise Refused(Rule.OLD_VERSION)
    codings = transfer_codings(fields)
    if codings[-1] != "chunked":
        raise Refused(Rule.NOT_LAST if "chunked" in codings else Rule.UNKNOWN_CODING)
    if len(codings) > 1:
        raise Refused(Rule.UNKNOWN_CODING)
    return Framing(Kind.CHUNKED)
    # <<< task 6


def parse(wire: bytes) -> Request | None:
    """Read the request that `wire` begins with; None when its head is not complete. Raises Refused."""
    head = split_head(wire)
    if head is None:
        return None
    (first, *others), rest = head
    method, target, minor = request_line(first)
    fields = [field_line(line) for line in others]
    return Request(method, target, minor, fields, framing(minor, fields), rest)
