"""Conditions in their exact grammar: dates, entity-tags, If-Range. RFC 9110 §5.6.7, §8.8, §13.1."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from netlab.http1 import Fields
from netlab.http1.conditional import Representation, evaluate, http_date, read_http_date

NOW = 1_800_000_000  # Fri, 15 Jan 2027 08:00:00 GMT
CHANGED = 784_111_777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
TAG = '"a,b"'  # a comma is an etagc
FILE = Representation(size=11, tag=TAG, modified=CHANGED)


def status(*lines: tuple[str, str], of: Representation = FILE, now: int = NOW) -> int:
    return evaluate(Fields(lines), "GET", of, now).status


def seconds(year: int, *rest: int) -> int:
    return int(datetime(year, *rest, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


DATES = [
    (DATE, CHANGED),
    ("Sunday, 06-Nov-94 08:49:37 GMT", CHANGED),
    ("Sun Nov  6 08:49:37 1994", CHANGED),
    ("Sun Nov 06 08:49:37 1994", CHANGED),  # 2DIGIT may begin with 0
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
    ("Thu, 29 Feb 2024 23:59:59 GMT", seconds(2024, 2, 29, 23, 59, 59)),
    ("Sat, 31 Dec 2016 23:59:60 GMT", seconds(2017, 1, 1)),  # a leap second
    ("Saturday, 31-Dec-16 23:59:60 GMT", seconds(2017, 1, 1)),
    ("Sat Dec 31 23:59:60 2016", seconds(2017, 1, 1)),
    ("Fri, 31 Dec 9999 23:59:60 GMT", seconds(9999, 12, 31, 23, 59, 59) + 1),
]

NO_DATES = [
    "", "GMT", "0", "784111777", "yesterday",
    "Sun, 06 Nov 1994 08:49:37 EST", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 06 Nov 1994 08:49:37 -0000", "Sun, 06 Nov 1994 08:49:37 Z", "Sun, 06 Nov 1994 08:49:37 gmt",
    "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49 GMT", "06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT; length=26", "Sun, 06 Nov 1994 08:49:37 GMT x",
    "Sun, 06 Nov 1994 08:49:37 GMT\n", "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT (comment)", '"Sun, 06 Nov 1994 08:49:37 GMT"',
    "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 01994 08:49:37 GMT",
    "sun, 06 Nov 1994 08:49:37 GMT", "SUN, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 06 November 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT", "Sun,06 Nov 1994 08:49:37 GMT",
    "Sun,  06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994  08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1994 08:49:37.0 GMT", "Sun, ٠6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov ١٩٩٤ 08:49:37 GMT",
    "Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37", "Sunday, 6-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 UTC",
    "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT", "Sun Nov  6 08:49:37 94",
    "Sunday Nov  6 08:49:37 1994", "Sun, Nov  6 08:49:37 1994",
    "Thu, 31 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Wed, 29 Feb 2023 00:00:00 GMT",
    "Sat, 01 Jan 0000 00:00:00 GMT",
    "Mon, 06 Nov 1994 08:49:37 GMT",  # it was a Sunday: one half is wrong, and the server cannot know which
    f"{DATE}, {DATE}", f", {DATE}", f"{DATE},",
]  # fmt: skip


@pytest.mark.parametrize(("text", "moment"), DATES)
def test_a_date_in_each_of_the_three_forms(text: str, moment: int) -> None:
    assert read_http_date(text, NOW) == moment


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_http_date_is_ignored(text: str) -> None:
    assert read_http_date(text, NOW) is None
    # A file from before, of and after any moment that a reader might take it for.
    for modified in (0, CHANGED, seconds(2100, 1, 1)):
        file = Representation(11, TAG, modified)
        assert status(("If-Modified-Since", text), of=file) == 200
        assert status(("If-Unmodified-Since", text), of=file) == 200
        assert status(("If-Range", text), ("Range", "bytes=0-1"), of=file) == 200


def test_we_read_every_date_that_we_write() -> None:
    for moment in range(0, 4_000_000_000, 86_400 * 29 + 3_661):
        assert read_http_date(http_date(moment), NOW) == moment


@pytest.mark.parametrize(("now", "year", "same_century"), [
    ((2026, 6, 1, 12, 0, 0), (2076, 6, 1, 12, 0, 0), True),  # 50 years: not more
    ((2026, 6, 1, 12, 0, 0), (2076, 6, 1, 12, 0, 1), False),
    ((2026, 6, 1, 12, 0, 0), (2076, 12, 31, 0, 0, 0), False),
    ((2026, 6, 1, 12, 0, 0), (2076, 1, 1, 0, 0, 0), True),
    ((2026, 6, 1, 12, 0, 0), (2000, 2, 29, 0, 0, 0), True),
    ((2026, 6, 1, 12, 0, 0), (2099, 1, 1, 0, 0, 0), False),
    ((2049, 1, 1, 0, 0, 0), (2099, 1, 1, 0, 0, 0), True),
    ((2024, 2, 29, 0, 0, 0), (2074, 3, 1, 0, 0, 0), False),
    ((1999, 1, 1, 0, 0, 0), (1994, 11, 6, 8, 49, 37), True),
    ((2099, 1, 1, 0, 0, 0), (2010, 1, 1, 0, 0, 0), True),
])  # fmt: skip
def test_two_digits_are_a_year_at_most_50_years_ahead(
    now: tuple[int, ...], year: tuple[int, ...], same_century: bool
) -> None:
    meant = datetime(year[0] - (0 if same_century else 100), *year[1:], tzinfo=UTC)  # type: ignore[arg-type,misc]
    text = f"{meant:%A, %d-%b-%y %H:%M:%S} GMT"
    assert read_http_date(text, seconds(*now)) == int(meant.timestamp())


@pytest.mark.parametrize("lines", [(DATE, DATE), ("Sun", DATE[5:]), ("", DATE), (DATE, "x")])
def test_a_date_on_several_lines_is_ignored(lines: tuple[str, str]) -> None:
    assert status(("If-Modified-Since", DATE)) == 304
    assert status(*(("If-Modified-Since", line) for line in lines)) == 200
    newer = Representation(11, TAG, CHANGED + 1)
    assert status(("If-Unmodified-Since", DATE), of=newer) == 412
    assert status(*(("If-Unmodified-Since", line) for line in lines), of=newer) == 200


LISTS = [
    (TAG, True), (f'"x", {TAG}', True), (f"{TAG},", True), (f", ,\t, {TAG} ,, ", True),
    (f'"x",{TAG},"y"', True), ("*", True), ('""', False), ("", False), ('"x"', False), ('"A,B"', False),
    ('"a', False), ("a,b", False),
    # Malformed: they name nothing, not even beside a good member.
    (f"w/{TAG}", False), (f"x{TAG}", False), (f"{TAG}x", False), (f"W/ {TAG}", False), (f"W{TAG}", False),
    (f"/{TAG}", False), (f"{TAG}{TAG}", False), (f'"x" {TAG}', False), (f'{TAG}, w/"x"', False),
    (f'"x, {TAG}', False), (f"'x', {TAG}", False), (f"*, {TAG}", False), (f'x"y{TAG}', False),
    (f"{TAG}; q=1", False), ("**", False), (f'"x\x7f", {TAG}', False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "named"), LISTS)
def test_lists_of_entity_tags(value: str, named: bool) -> None:
    # A list that cannot be read is on the safe side of both: the whole is sent, nothing is done.
    assert status(("If-None-Match", value)) == (304 if named else 200)
    assert status(("If-Match", value)) == (200 if named else 412)
    # It stands there all the same, and outranks the date (§13.2.2).
    assert status(("If-None-Match", value), ("If-Modified-Since", DATE)) == (304 if named else 200)


def test_a_weak_tag_is_marked_with_a_capital_w() -> None:
    assert status(("If-None-Match", f"W/{TAG}")) == 304
    assert status(("If-None-Match", f'"x", W/{TAG}')) == 304
    assert status(("If-None-Match", f"w/{TAG}")) == 200
    assert status(("If-Match", f"W/{TAG}")) == 412  # the strong comparison


@pytest.mark.parametrize(("condition", "age", "holds"), [
    (DATE, 1, True), ("Sunday, 06-Nov-94 08:49:37 GMT", 1, True), ("Sun Nov  6 08:49:37 1994", 1, True),
    (DATE, 0, False),  # in this very second the file may change again
    ("Sun, 06 Nov 1994 08:49:36 GMT", 9, False), ("Sun, 06 Nov 1994 08:49:38 GMT", 9, False),
    (TAG, 0, True), (f"W/{TAG}", 9, False), (f"{TAG}, {TAG}", 9, False), ("*", 9, False), ("", 9, False),
])  # fmt: skip
def test_a_range_only_of_what_is_surely_the_same(condition: str, age: int, holds: bool) -> None:
    lines = (("If-Range", condition), ("Range", "bytes=0-1"))
    assert status(*lines, now=CHANGED + age) == (206 if holds else 200)


def test_an_if_range_date_may_be_a_wednesday() -> None:
    file = Representation(11, TAG, CHANGED + 3 * 86_400)
    assert file.last_modified.startswith("Wed")  # "W" also begins a weak tag
    assert status(("If-Range", file.last_modified), ("Range", "bytes=0-1"), of=file) == 206


@pytest.mark.parametrize("unit", ['"', '""', '"",', ",", " ,", "W/", 'W/"",', " ", '"x" ', "Sun, "])
@pytest.mark.parametrize("name", ["If-None-Match", "If-Modified-Since", "If-Range"])
def test_cost_is_linear(name: str, unit: str) -> None:
    def cost(n: int) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.thread_time()
            status((name, unit * (n // len(unit)) + "\0"), ("Range", "bytes=0-1"))
            best = min(best, time.thread_time() - start)
        return best + 0.0005

    assert cost(400_000) / cost(100_000) < 9, "4 is linear, 16 quadratic"
