"""Conditional requests and byte ranges: what of a representation does this request want? RFC 9110 §13, §14.

Pure: a request's fields and what is known of the representation go in, a status and a range come out. Who
opens the file and sends it stands in `netlab.server.files`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

from netlab.http1.fields import Fields

# entity-tag = [ weak ] opaque-tag;  opaque-tag = DQUOTE *etagc DQUOTE             RFC 9110 §8.8.3
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*+")')

# int-range = first-pos "-" [ last-pos ];  suffix-range = "-" suffix-length        RFC 9110 §14.1.2
_RANGE = re.compile(r"(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")


@dataclass(frozen=True, slots=True)
class Representation:
    """What is known of a representation: its size in bytes, its validators."""

    size: int
    tag: str
    """A strong entity tag with its quotes, such as '"5f-17a3"'."""
    modified: int
    """Last modification in whole seconds since 1970."""

    @property
    def last_modified(self) -> str:
        """`modified` as an IMF-fixdate (RFC 9110 §5.6.7)."""
        return formatdate(self.modified, usegmt=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How to answer: 200 with all of it, 206 with `first` to `last`, 304, 412 or 416 without content."""

    status: int
    first: int = 0
    last: int = -1

    @property
    def length(self) -> int:
        """Bytes of content to send."""
        return self.last - self.first + 1


def evaluate(fields: Fields, method: str, of: Representation) -> Outcome:
    """Evaluate the preconditions in the order of RFC 9110 §13.2.2, then the range. For GET and HEAD."""
    # Steps 1 and 2: "only if it is still what I know".
    if "if-match" in fields:
        if not _matches(fields["if-match"], of.tag, strong=True):
            return Outcome(412)
    elif (since := _date(fields.get("if-unmodified-since"))) is not None and of.modified > since:
        return Outcome(412)
    # Steps 3 and 4: "only if it is not what I have". A tag outranks a date, whose clock ticks in seconds.
    if "if-none-match" in fields:
        if _matches(fields["if-none-match"], of.tag, strong=False):
            return Outcome(304)
    elif (since := _date(fields.get("if-modified-since"))) is not None and of.modified <= since:
        return Outcome(304)
    whole = Outcome(200, 0, of.size - 1)
    # Step 5. §14.2: Range is defined for GET alone; on others it is ignored.
    if method != "GET" or "range" not in fields or not _range_still_holds(fields, of):
        return whole
    return _range(fields["range"], of.size) or whole


def _matches(value: str, tag: str, strong: bool) -> bool:
    """Does the list name our tag? RFC 9110 §8.8.3.2: the strong comparison accepts no weak one."""
    if value.strip(" \t") == "*":
        return True
    return any(found[2] == tag and not (strong and found[1]) for found in _TAG.finditer(value))


def _date(value: str | None) -> int | None:
    """An HTTP-date in seconds since 1970; None for none, or one that cannot be read (§13.1.3)."""
    if value is None:
        return None
    try:
        return int(parsedate_to_datetime(value).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _range_still_holds(fields: Fields, of: Representation) -> bool:
    """If-Range: the range only if the representation is the one it was taken from. RFC 9110 §13.1.5"""
    condition = fields.get("if-range")
    if condition is None:
        return True
    if condition[:1] in ('"', "W"):
        return bool(condition == of.tag)  # a weak tag never matches: its bytes may differ
    return _date(condition) == of.modified


def _range(value: str, size: int) -> Outcome | None:
    """One satisfiable byte range, 416, or None where the whole is the answer. RFC 9110 §14.2

    Several ranges are answered whole, as a server may: nobody's player asks for them, and a list of a
    thousand overlapping ones has been an attack (CVE-2011-3192).
    """
    unit, equals, wanted = value.partition("=")
    asked = _RANGE.fullmatch(wanted.strip(" \t"))
    if unit.strip().lower() != "bytes" or not equals or asked is None:
        return None  # §14.2: an invalid or unknown Range is ignored
    if asked[3] is not None:
        suffix = int(asked[3])
        return Outcome(206, max(0, size - suffix), size - 1) if suffix and size else Outcome(416)
    first = int(asked[1])
    last = size - 1 if asked[2] is None else min(int(asked[2]), size - 1)
    if asked[2] is not None and int(asked[2]) < first:
        return None  # §14.1.1: such an int-range is invalid
    return Outcome(206, first, last) if first < size else Outcome(416)
