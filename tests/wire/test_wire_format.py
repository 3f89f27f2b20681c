"""The reader of the wire cases is strict itself: what it does not know it refuses; it never skips a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from netlab.check.cases import (
    CASES,
    BadCase,
    End,
    ExpectedAnswer,
    ExpectedRequest,
    every_case,
    items,
    read_answers,
    read_cases,
    read_outcome,
    unescape,
    wire_bytes,
)
from tests.wire.wire_client import Got, octets
from tests.wire.wire_client import read_answers as read_responses

GOOD = """# Title

Some prose.

## One case

RFC 9112 §2.2 or RFC 9112 §3 (MUST): a rule.

```request
GET / HTTP/1.1
Host: a

```

- refused: 400, RFC 9112 §3
"""


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """Reading text opens nothing that could be left open."""
    yield


# -- bytes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("", b""),
        ("a b", b"a b"),
        (r"\r\n\t\0\s\"\\", b'\r\n\t\0 "\\'),
        (r"\x00\xff", b"\x00\xff"),
        (r"\\r", b"\\r"),
        (r"\\\r", b"\\\r"),
        ("{repeat:ab*3}!", b"ababab!"),
        (r"{repeat:a\r\n*2}", b"a\r\na\r\n"),
        ("{repeat:x{repeat:y*2}*2}", b"xyyxyy"),
        ("{repeat:a*b*2}", b"a*ba*b"),
        ('{"json": 1}', b'{"json": 1}'),
    ],
)
def test_escapes_and_generators(text: str, octets: bytes) -> None:
    assert unescape(text) == octets


@pytest.mark.parametrize("text", [r"\q", r"\x4", r"\xFF", "caf\xe9", "a\tb", "\\"])
def test_what_is_no_escape_or_cannot_be_seen_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="escape"):
        unescape(text)


@pytest.mark.parametrize(
    ("block", "octets"),
    [
        ("a\nb", b"a\r\nb\r\n"),
        ("a\n", b"a\r\n\r\n"),
        ("", b"\r\n"),
        ("\\", b""),
        ("a\\", b"a"),
        (r"a\\", b"a\\\r\n"),
        ("a\\\\\\", b"a\\"),
        (r"a\n", b"a\n"),
        (r"a\r", b"a\r"),
        (r"a\\n", b"a\\n\r\n"),
        (r"a\s", b"a \r\n"),
        (r"{repeat:a\r\n*2}" + "\\", b"a\r\na\r\n"),
    ],
)
def test_a_line_ends_with_crlf_unless_it_says_otherwise(block: str, octets: bytes) -> None:
    assert wire_bytes(block) == octets


def test_white_space_at_the_end_of_a_line_must_be_visible() -> None:
    with pytest.raises(ValueError, match="cannot be seen"):
        wire_bytes("a \nb")


# -- expectations -----------------------------------------------------------------------------------------


def test_items_are_split_at_commas_outside_quotes() -> None:
    assert items(r'GET / 1.1, content "a, \"b\"", end') == ["GET / 1.1", r'content "a, \"b\""', "end"]


def test_items_can_be_repeated() -> None:
    assert items("a, 2 times (b, c), d") == ["a", "b", "c", "b", "c", "d"]


def test_an_outcome_is_read() -> None:
    outcome = read_outcome(
        r'POST /\x2c 1.1, field "Host: a", content "x\r", trailer "A-B: c", end, '
        'GET / 1.0, authority "b", refused 400 by RFC 9112 §7.1 or RFC 9112 §5'
    )
    first, second = outcome.messages
    assert first == ExpectedRequest(
        "POST", "/,", 1, b"x\r", None, [("host", "a")], [("a-b", "c")], complete=True
    )
    assert second == ExpectedRequest("GET", "/", 0, authority="b")
    assert outcome.refusal is not None
    assert (outcome.refusal.status, outcome.refusal.sections) == (400, ("RFC 9112 §7.1", "RFC 9112 §5"))


def test_nothing_and_waiting_are_outcomes() -> None:
    assert read_outcome("nothing").messages == []
    assert read_outcome("waits").waits
    assert read_outcome('GET / 1.1, content "a", waits').waits


@pytest.mark.parametrize(
    "text",
    [
        "GET / 1.1",
        "GET / 1.2, end",
        "GET / 1.1, GET / 1.1, end",
        'content "a", end',
        "GET / 1.1, content a, end",
        "GET / 1.1, refused 400 by RFC 9112 §3, end",
        "GET / 1.1, waits, end",
        "refused 200 by RFC 9112 §3",
        "refused 400 by common sense",
        "GET / 1.1, ends",
        'GET / 1.1, content "a',
    ],
)
def test_an_outcome_that_says_nothing_clear_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_outcome(text)


def test_answers_are_read() -> None:
    answers, end = read_answers(r'100?, 200 "a\"b" with "Allow: GET, HEAD" with "X: y", 404, persists')
    assert answers == [
        ExpectedAnswer(100, True),
        ExpectedAnswer(200, False, b'a"b', [("allow", "GET, HEAD"), ("x", "y")]),
        ExpectedAnswer(404),
    ]
    assert end is End.PERSISTS
    assert read_answers("closes") == ([], End.CLOSES)
    assert read_answers("100") == ([ExpectedAnswer(100)], None)


@pytest.mark.parametrize("text", ["200 hello, closes", "600, closes", "closes, 200", "200 with X, closes"])
def test_an_answer_that_says_nothing_clear_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_answers(text)


# -- files ------------------------------------------------------------------------------------------------


def test_a_case_is_read() -> None:
    (case,) = read_cases(GOOD, "file")
    assert (case.id, case.line, case.level) == ("file-one_case", 5, "MUST")
    assert case.sections == ("RFC 9112 §2.2", "RFC 9112 §3")
    assert case.request == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert case.parser.refusal is not None
    assert case.server.answers == [[ExpectedAnswer(400)]]
    assert case.server.end is End.CLOSES
    assert not case.half_close


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("(MUST)", "(must)", "not a rule"),
        ("§2.2", "2.2", "not a rule"),
        ("```request", "```http", "an unknown block"),
        ("\n```\n", "\n", "not closed"),
        ("- refused", "* refused", "an unknown line"),
        ("- refused: 400, RFC 9112 §3\n", "", "either"),
        ("§3\n", "§3\n- server: 200, closes\n", "says it all"),
        ("§3\n", "§3\n- refused: 400, RFC 9112 §3\n", "twice"),
        ("refused: 400, RFC 9112 §3", "parser: GET / 1.1, end", "persists"),
        ("refused: 400, RFC 9112 §3", "parser: GET / 1.1, end\n- server: 200", "persists"),
        ("§3\n", "§3\n- then: wait\n", "half-close"),
        ("§3\n", "§3\n\n## One  case\n" + GOOD.partition("## One case\n")[2], "is taken"),
        (
            "refused: 400, RFC 9112 §3",
            "parser: GET / 1.1, end\n- server: 200, persists\n- then: half-close",
            "cannot persist",
        ),
    ],
)
def test_a_case_that_breaks_the_format_is_refused_with_its_line(old: str, new: str, why: str) -> None:
    with pytest.raises(BadCase, match=rf"^(netlab/check/wire/)?file\.md:\d+: .*{why}"):
        read_cases(GOOD.replace(old, new), "file")


def test_steps_are_sent_one_after_the_other() -> None:
    text = GOOD.replace("- refused: 400, RFC 9112 §3", "- server: 100\n\n```request\nhi\\\n```\n")
    text += '- parser: POST / 1.1, content "hi", end\n- server: 200, closes\n'
    (case,) = read_cases(text, "file")
    assert [len(step) for step in case.steps] == [27, 2]
    assert case.server.answers == [[ExpectedAnswer(100)], [ExpectedAnswer(200)]]


def test_the_cases_are_all_there() -> None:
    """At least 250 (the goal of this folder), each heading one case, in every file and of every level."""
    cases = every_case()
    files = [path for path in CASES.glob("*.md") if path.name != "README.md"]
    headings = Counter({path.stem: path.read_text().count("\n## ") for path in files})
    assert Counter(case.file for case in cases) == headings
    assert len(cases) >= 250
    assert {case.level for case in cases} >= {"MUST", "MUST NOT", "SHOULD", "MAY", "policy"}


# -- the client -------------------------------------------------------------------------------------------


def test_pieces_are_octets_and_lose_nothing() -> None:
    short, long = b"x" * 3000, bytes(range(256)) * 100
    assert [len(piece) for piece in octets(short)] == [1] * 3000
    assert b"".join(octets(long)) == long
    assert max(map(len, octets(long))) == 61


DATE = b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
FIVE = b"HTTP/1.1 200 OK\r\n" + DATE + b"content-length: 5\r\n\r\n"


def test_responses_are_read_one_behind_the_other() -> None:
    chunked = b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    data = b"HTTP/1.1 100 Continue\r\n\r\n" + FIVE + b"hello" + FIVE + chunked + FIVE + b"hel"
    answers, rest = read_responses(data, ["GET", "HEAD", "GET"], ended=False)
    assert [(got.status, got.content) for got in answers] == [
        (100, b""),
        (200, b"hello"),
        (200, b""),
        (200, b"hi"),
    ]
    assert rest == FIVE + b"hel"


def test_a_response_may_end_with_the_connection() -> None:
    data = b"HTTP/1.1 200 OK\r\n" + DATE + b"connection: close\r\n\r\nhello"
    assert read_responses(data, [], ended=False) == ([], data)
    (got,), rest = read_responses(data, [], ended=True)
    assert got == Got(200, got.fields, b"hello")
    assert got.says_close
    assert rest == b""


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200\r\n" + DATE + b"\r\n",
        b"HTTP/1.0 200 OK\r\n" + DATE + b"\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + DATE + b"a : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + DATE + b"content-length: 0\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n" + DATE + b"content-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + DATE + b"transfer-encoding: chunked\r\n\r\n2\r\nhixx0\r\n\r\n",
    ],
)
def test_a_malformed_response_is_noticed(data: bytes) -> None:
    with pytest.raises(AssertionError):
        read_responses(data, [], ended=True)
