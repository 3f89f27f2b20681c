"""How long is a message's content? RFC 9112 §6.3 as a numbered table in code.

Two programs that answer this question differently for the same bytes disagree on where the next message
begins: that is request smuggling. So whatever is ambiguous is refused, never repaired (RFC 9112 §11.2).
Here no content is read: that is the work of `parser`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.grammar import CONTENT_LENGTH, TOKEN


class FramingKind(Enum):
    """How the end of a message's content is found."""

    LENGTH = "a length known beforehand"
    CHUNKED = "the chunked transfer coding"
    UNTIL_CLOSE = "the close of the connection"


@dataclass(frozen=True, slots=True)
class Framing:
    """How the content ends; `length` in bytes where the kind is LENGTH, else 0."""

    kind: FramingKind
    length: int = 0


NO_CONTENT = Framing(FramingKind.LENGTH, 0)
CHUNKED = Framing(FramingKind.CHUNKED)
UNTIL_CLOSE = Framing(FramingKind.UNTIL_CLOSE)

# Statuses whose responses never have content, whatever their fields say. RFC 9112 §6.3 rule 1
WITHOUT_CONTENT = frozenset({204, 304})


def content_length(fields: Fields) -> int | None:
    """The Content-Length in bytes, or None without one.

    Raises ProtocolError (400) for anything but one field line with one run of at most 19 ASCII digits. A
    list of equal values ("5, 5") could be accepted (RFC 9110 §8.6); it has no honest sender, so it is not.
    """
    lines = fields.get_all("content-length")
    if not lines:
        return None
    if len(lines) > 1:
        raise ProtocolError(400, "Content-Length stands on more than one line", "RFC 9112 §6.3 rule 5")
    if CONTENT_LENGTH.fullmatch(lines[0]) is None:
        rule = "Content-Length must be one run of ASCII digits, at most 19"
        raise ProtocolError(400, rule, "RFC 9110 §8.6")
    return int(lines[0])


def transfer_codings(fields: Fields, minor: int) -> tuple[str, ...]:
    """The transfer codings in the order they were applied, in lower case; empty without Transfer-Encoding.

    minor: the HTTP minor version. Raises ProtocolError (400) when the list does not follow its grammar or
    applies chunked twice, and when the message may not have the field.
    """
    lines = fields.get_all("transfer-encoding")
    if not lines:
        return ()
    # §5.6.1.2 of RFC 9110 has a recipient ignore empty list elements; here they have only ever been used
    # to hide a coding from one of two readers, so they are refused.
    codings = tuple(element.strip(" \t").lower() for line in lines for element in line.split(","))
    for coding in codings:
        name = TOKEN.match(coding)
        if name is None or (coding[name.end() :] and not coding[name.end() :].lstrip(" \t").startswith(";")):
            raise ProtocolError(400, "Transfer-Encoding is not a list of transfer codings", "RFC 9112 §6.1")
    if codings.count("chunked") > 1:
        raise ProtocolError(400, "chunked is applied more than once", "RFC 9112 §6.1")
    # §6.3 rule 3: both fields "ought to be handled as an error": the sender is smuggling.
    if "content-length" in fields:
        rule = "Transfer-Encoding and Content-Length in one message"
        raise ProtocolError(400, rule, "RFC 9112 §6.3 rule 3")
    # §6.1: an HTTP/1.0 sender cannot know the field, so its framing is faulty.
    if minor == 0:
        raise ProtocolError(400, "Transfer-Encoding in an HTTP/1.0 message", "RFC 9112 §6.1")
    return codings


def request_framing(fields: Fields, minor: int) -> Framing:
    """How a request's content ends, by the rules of RFC 9112 §6.3 in their order.

    minor: the HTTP minor version. Raises ProtocolError (400 or 501) where the rules refuse.
    """
    # Rules 1 and 2 speak of responses; rule 3 is in transfer_codings.
    codings = transfer_codings(fields, minor)
    if codings:
        # Rule 4: a request whose last coding is not chunked has no end that a server could find.
        if codings[-1] != "chunked":
            rule = f"the last transfer coding of a request must be chunked, not {codings[-1][:40]!r}"
            raise ProtocolError(400, rule, "RFC 9112 §6.3 rule 4")
        if len(codings) > 1:
            rule = f"the transfer coding {codings[0][:40]!r} is not understood here"
            raise ProtocolError(501, rule, "RFC 9112 §6.1")
        return CHUNKED
    # Rules 5 and 6: a length that is valid is the length; one that is not is refused.
    length = content_length(fields)
    # Rule 7: a request with neither field has no content.
    return Framing(FramingKind.LENGTH, length) if length else NO_CONTENT


@lru_cache(maxsize=1024)
def plain_length(value: str) -> Framing | None:
    """The framing by the value of the one Content-Length (rules 5 and 6); None: look at it with care."""
    if CONTENT_LENGTH.fullmatch(value) is None:
        return None
    return Framing(FramingKind.LENGTH, int(value)) if int(value) else NO_CONTENT


def persistent(fields: Fields, minor: int) -> bool:
    """May the connection live on after this message? RFC 9112 §9.3, in its order."""
    options = fields.get_all("connection")
    if not options:
        return minor >= 1
    named = {option.strip(" \t").lower() for line in options for option in line.split(",")}
    if "close" in named:
        return False
    return minor >= 1 or "keep-alive" in named


@lru_cache(maxsize=64)
def plain_persistence(value: str) -> bool:
    """`persistent` for an HTTP/1.1 message by the value of its one Connection field."""
    return "close" not in {option.strip(" \t").lower() for option in value.split(",")}
