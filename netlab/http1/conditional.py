"""Conditional requests and byte ranges: what of a representation does this request want? RFC 9110 §13, §14.

Pure: a request's fields, what is known of the representation and the time go in, a status and a range come
out. The conditions are written in entity-tags and dates (§8.8.3, §5.6.7), whose readers stand here, too. Who
opens the file and sends it stands in `netlab.server.files`.

A condition that cannot be read never leads to a 304: a date is ignored, a list of tags names nothing.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import date
from email.utils import formatdate

from netlab.http1.fields import Fields

# entity-tag = [ weak ] opaque-tag;  opaque-tag = DQUOTE *etagc DQUOTE             RFC 9110 §8.8.3
# The "W" is case-sensitive, the tag may contain commas, and a list may have empty members (§5.6.1.2).
_TAG = re.compile(r'(W/)?+("[\x21\x23-\x7e\x80-\xff]*+")')
_TAGS = re.compile(rf"[ \t]*+(?:{_TAG.pattern})?+(?:[ \t]*+,[ \t]*+(?:{_TAG.pattern})?+)*+[ \t]*+")

# HTTP-date = IMF-fixdate / rfc850-date / asctime-date, each letter in its case      RFC 9110 §5.6.7
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_NAME = f"(?P<name>{'|'.join(day[:3] for day in _DAYS)})"
_DAY_NAME_L = f"(?P<name>{'|'.join(_DAYS)})"
_DAY = "(?P<day>[0-9]{2})"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)"
_DATES = (
    # Sun, 06 Nov 1994 08:49:37 GMT
    re.compile(rf"{_DAY_NAME}, {_DAY} {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    # Sunday, 06-Nov-94 08:49:37 GMT
    re.compile(rf"{_DAY_NAME_L}, {_DAY}-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    # Sun Nov  6 08:49:37 1994
    re.compile(rf"{_DAY_NAME} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)
_EPOCH = date(1970, 1, 1).toordinal()

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
        """`modified` as an HTTP-date."""
        return http_date(self.modified)


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


def evaluate(fields: Fields, method: str, of: Representation, now: int) -> Outcome:
    """Evaluate the preconditions in the order of RFC 9110 §13.2.2, then the range. For GET and HEAD.

    now: the Date of the response, in seconds since 1970.
    """
    # Steps 1 and 2: "only if it is still what I know".
    if "if-match" in fields:
        if not _matches(fields["if-match"], of.tag, strong=True):
            return Outcome(412)
    elif (since := _date(fields, "if-unmodified-since", now)) is not None and of.modified > since:
        return Outcome(412)
    # Steps 3 and 4: "only if it is not what I have". A tag outranks a date, whose clock ticks in seconds.
    if "if-none-match" in fields:
        if _matches(fields["if-none-match"], of.tag, strong=False):
            return Outcome(304)
    elif (since := _date(fields, "if-modified-since", now)) is not None and of.modified <= since:
        return Outcome(304)
    whole = Outcome(200, 0, of.size - 1)
    # Step 5. §14.2: Range is defined for GET alone; on others it is ignored.
    if method != "GET" or "range" not in fields or not _range_still_holds(fields, of, now):
        return whole
    return _range(fields["range"], of.size) or whole


def _matches(value: str, tag: str, strong: bool) -> bool:
    """Does the list name our tag? RFC 9110 §8.8.3.2: the strong comparison accepts no weak one.

    A list with a malformed member names nothing. Where the next member begins is then a guess, and a wrong
    guess would find our tag inside another one. If-None-Match gets 200 then, If-Match 412.
    """
    if value == "*":
        return True
    if _TAGS.fullmatch(value) is None:
        return False
    return any(found[2] == tag and not (strong and found[1]) for found in _TAG.finditer(value))


def _range_still_holds(fields: Fields, of: Representation, now: int) -> bool:
    """If-Range: the range only if the representation is the one it was taken from. RFC 9110 §13.1.5

    A weak tag never matches, its bytes may differ; and so it is with the date of a second that is not over
    yet, in which the file may change once more (§8.8.2.2).
    """
    if "if-range" not in fields or fields["if-range"] == of.tag:
        return True
    return _date(fields, "if-range", now) == of.modified < now


def _date(fields: Fields, name: str, now: int) -> int | None:
    """What date a field says; None, which is to ignore it, unless it says one. RFC 9110 §13.1.3, §13.1.4"""
    lines = fields.get_all(name)
    # Counted before they are joined: "Sun" and "06 Nov 1994 …" on two lines would make a date.
    return read_http_date(lines[0], now) if len(lines) == 1 else None


def http_date(seconds: int) -> str:
    """A moment (seconds since 1970) as an IMF-fixdate, the one form to send. RFC 9110 §5.6.7"""
    return formatdate(seconds, usegmt=True)


def read_http_date(text: str, now: int) -> int | None:
    """The moment that an HTTP-date names, in seconds since 1970; None for anything else. RFC 9110 §5.6.7

    now: tells the century of a year with two digits. Of a day that does not exist, or has another name, we
    cannot know which was meant: that is no date (RFC 5322 §3.3, to which RFC 9110 refers). Second 60, a leap
    second, is the moment after second 59.
    """
    found = next(filter(None, (form.fullmatch(text) for form in _DATES)), None)
    if found is None:
        return None
    month = _MONTHS.index(found["month"]) + 1
    day, hour, minute, second = map(int, found.group("day", "hour", "minute", "second"))
    year = int(found["year"])
    if len(found["year"]) == 2:
        year = _full_year(year, (month, day, hour, minute, second), now)
    try:
        calendar_day = date(year, month, day)
    except ValueError:
        return None
    if not _DAYS[calendar_day.weekday()].startswith(found["name"]):
        return None
    return ((calendar_day.toordinal() - _EPOCH) * 24 + hour) * 3600 + minute * 60 + second


def _full_year(digits: int, rest: tuple[int, ...], now: int) -> int:
    """The year in our century; in the one before, if the moment were more than 50 years ahead. §5.6.7

    rest: month, day, hour, minute and second of the moment.
    """
    today = time.gmtime(now)
    year = today.tm_year // 100 * 100 + digits
    return year - 100 if (year - 50, *rest) > today[:6] else year


def _range(value: str, size: int) -> Outcome | None:
    """One satisfiable byte range, 416, or None where the whole is the answer. RFC 9110 §14.2

    Several ranges are answered whole, as a server may: no player asks for them, and a list of a
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
