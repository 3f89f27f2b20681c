"""A request head is read by one pattern, or with care: both ways find the same. RFC 9112 §3 and §5."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.http1 import Limits, ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.framing import NO_CONTENT
from netlab.http1.grammar import FIELD_VALUE, REQUEST_LINE
from netlab.http1.heads import RequestHeads
from netlab.http1.messages import RequestHead
from netlab.http1.plainhead import plain_line
from netlab.http1.remembered import LONGEST, SHORTEST, Remembered

PLAIN = (
    b"GET /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nCookie: seen=1\r\nTE: trailers\r\n"
    b"Content-Type: text/plain\r\nHostile: yes\r\nExpected: no\r\nContent-Length: 5\r\n\r\n"
)

METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "get", "M-SEARCH"])
TARGETS = st.sampled_from(
    ["/", "/a?b=c", "/a?%", "/%zz", "/a?b=%zz&c", "*", "http://h/p?%", "host:80", "?a", "/a#b", ""]
)
NAMES = st.sampled_from(
    "Host|host|HOST|Hosts|Connection|connectioN|Content-Length|content-lengtH|Content-Type|Cookie|C|Expect|"
    "expect|Expected|E|Transfer-Encoding|TE|T|X-Other|h|Host | Host||X:Y".split("|")
)
VALUES = st.sampled_from(
    "a|example.com|example.com:80|[::1]:80|a@b|5|0|05|+5|5,5|close|Close|keep-alive|upgrade,close|chunked|"
    "gzip,chunked|100-continue|200-ok|é|| a |close |5 |a b|a\x00|a\nb|a\rb".split("|")
)
LINES = st.lists(st.tuples(NAMES, st.sampled_from(["", " ", "\t "]), VALUES), max_size=6)


def _found(head: RequestHead) -> tuple[object, ...]:
    return (
        head.method, head.target, head.path, head.minor, head.fields, head.framing, head.persistent,
        head.expects_continue, head.authority, head.scheme,
    )  # fmt: skip


@given(METHODS, TARGETS, st.sampled_from("012"), LINES, st.booleans())
def test_a_plain_head_reads_the_same_with_care(
    method: str, target: str, minor: str, lines: list[tuple[str, str, str]], with_host: bool
) -> None:
    section = "".join(f"{name}:{space}{value}\r\n" for name, space, value in lines)
    host = "Host: a\r\n" if with_host else ""
    text = f"{method} {target} HTTP/1.{minor}\r\n{host}{section}\r\n"
    reader = RequestHeads(Limits())
    head = reader.read_plain(text.encode("latin-1"))
    if head is not None:
        careful = reader.read_with_care(text)
        assert _found(head) == _found(careful)
        assert head.raw_lines() == [
            (name.lower().encode(), value.encode("latin-1")) for name, value in careful.fields.lines
        ]


def test_the_fields_of_a_plain_head_are_read_when_they_are_asked_for() -> None:
    reader = RequestHeads(Limits())
    assert reader.read_plain(PLAIN + b"behind") is None
    head = reader.read_plain(PLAIN)
    assert head is not None
    assert (head.method, head.target, head.framing.length) == ("GET", "/a/b?c=d", 5)
    # The fields are built when they are asked for; the bytes for ASGI do not need them.
    assert head.raw_lines()[1] == (b"cookie", b"seen=1")
    assert not isinstance(head.section, Fields)
    assert head.fields["cookie"] == "seen=1" and isinstance(head.section, Fields)
    assert head.raw_lines()[1] == (b"cookie", b"seen=1")


DOUBLED = [
    ("Host: a\r\nhost: a\r\n", 400),
    ("Host: a\r\nContent-Length: 5\r\nContent-length: 6\r\n", 400),
    ("Host: a\r\nTransfer-Encoding: chunked\r\nTRANSFER-ENCODING: chunked\r\n", 400),
    ("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    ("Host: a\r\nExpect: 100-continue\r\nExpect: other\r\n", 417),
]


@pytest.mark.parametrize(("section", "status"), DOUBLED)
def test_a_second_line_of_a_decisive_field_is_never_overlooked(section: str, status: int) -> None:
    with pytest.raises(ProtocolError) as refused:
        RequestHeads(Limits()).read(f"POST / HTTP/1.1\r\n{section}\r\n".encode())
    assert refused.value.status == status


def test_close_on_a_second_connection_line_ends_persistence() -> None:
    block = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"
    assert RequestHeads(Limits()).read(block).persistent is False


@pytest.mark.parametrize(
    ("limits", "status"),
    [(Limits(target=7), 414), (Limits(field_section=60), 431), (Limits(field_lines=6), 431)],
)
def test_limits_hold_for_plain_heads(limits: Limits, status: int) -> None:
    with pytest.raises(ProtocolError) as refused:
        RequestHeads(limits).read(PLAIN)
    assert refused.value.status == status


@pytest.mark.parametrize("query", ["%", "a=%", "100%", "a=%zz&b=%2", "%%", "?%", "a=%C3%"])
@pytest.mark.parametrize("form", ["/p?", "http://h/p?", "https://h?"])
def test_a_lone_percent_in_a_query_is_passed_as_browsers_send_it(form: str, query: str) -> None:
    head = RequestHeads(Limits()).read(f"GET {form}{query} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert head.target.endswith("?" + query)


@given(st.text("/a%2f?;~^#\x7f é", max_size=9))
def test_the_pattern_of_a_plain_request_line_is_the_grammars_for_an_origin_form(rest: str) -> None:
    text = f"GET /{rest} HTTP/1.1\r\n"
    plain, careful = plain_line(text + "behind"), REQUEST_LINE.fullmatch(text)
    assert (plain is None) == (careful is None)
    if plain is not None:
        assert plain.groups() == ("GET", f"/{rest}", f"/{rest}".partition("?")[0], "behind")


FILLER = f"X-Filler: {'f' * SHORTEST}\r\n"
COOKIES = st.sampled_from(["Cookie: ", "cookie: ", "Cookie:", "Cookie : ", "Cookie: Cookie: ", " Cookie: "])


def _read(reader: RequestHeads, text: str) -> tuple[object, ...] | None:
    """What a reader finds in these bytes; None where they are no plain head."""
    head = reader.read_plain(text.encode("latin-1"))
    return None if head is None else (*_found(head), head.raw_lines())


@given(METHODS, TARGETS, st.sampled_from("012"), LINES, st.integers(0, 7), COOKIES, VALUES, st.booleans())
def test_a_head_whose_section_is_known_but_for_its_cookie_reads_the_same(
    method: str,
    target: str,
    minor: str,
    lines: list[tuple[str, str, str]],
    place: int,
    cookie: str,
    value: str,
    long: bool,
) -> None:
    section = ["Host: a\r\n", FILLER if long else "X-Filler: f\r\n"] + [
        f"{name}:{space}{text}\r\n" for name, space, text in lines
    ]
    reader = RequestHeads(Limits())
    for number in range(2):
        _read(reader, f"GET /{number} HTTP/1.1\r\n{''.join(section)}\r\n")
    section.insert(place, f"{cookie}{value}\r\n")
    text = f"{method} {target} HTTP/1.{minor}\r\n{''.join(section)}\r\n"
    for both in (text, text + text, text + "Cookie: a\r\n\r\n", text[:-2] + "Cookie: b\r\n\r\n"):
        assert _read(reader, both) == _read(RequestHeads(Limits()), both)


def test_a_head_that_differs_in_target_and_cookie_alone_is_not_matched_line_by_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = RequestHeads(Limits())
    head = f"GET /%d HTTP/1.1\r\nHost: a\r\n{FILLER}Cookie: seen=%d\r\nConnection: close\r\n\r\n"
    for number in range(2):
        _read(reader, head % (number, number))
    monkeypatch.setattr(reader, "_match_section", None)
    found = _read(reader, head % (7, 7))
    assert found is not None
    assert found[1:7] == (
        "/7",
        "/7",
        1,
        Fields.of_section((head % (7, 7)).partition("\r\n")[2]),
        NO_CONTENT,
        False,
    )


def test_each_octet_that_is_printable_may_stand_in_a_field_value() -> None:
    """So `str.isprintable` may stand for the pattern: it lets nothing through that the pattern refuses."""
    printable = [chr(octet) for octet in range(256) if chr(octet).isprintable()]
    assert "a" in printable and all(map(FIELD_VALUE.fullmatch, printable))


@pytest.mark.parametrize("end", ["", "\r\n", "\r\nX: y", "\r\nX: y\r\n", "\r\n\r\nX: y\r\n\r\n"])
@pytest.mark.parametrize("front", ["", "\r\n", "X"])
def test_a_known_section_ends_where_its_empty_line_does(front: str, end: str) -> None:
    """A Cookie line behind the empty line, or without a line end, does not belong to the section."""
    reader = RequestHeads(Limits())
    head = f"GET / HTTP/1.1\r\nHost: a\r\n{FILLER}%s"
    for _ in range(3):
        assert _read(reader, head % "\r\n") is not None
    assert reader.sections
    assert _read(reader, head % f"{front}Cookie: a{end}") is None


@pytest.mark.parametrize(
    ("line", "cookie"),
    [
        ("GET / HTTP/1.1", "Cookie: a\x00"),
        ("GET / HTTP/1.1", "Cookie: a\x7f"),
        ("GET / HTTP/1.1", "Cookie: a\rb"),
        ("GET / HTTP/1.1", "Cookie: a\nb"),
        ("GET / HTTP/1.1", "Cookie: a\r\nHost: b"),
        ("GET / HTTP/1.1", "Cookie: a\r\nTransfer-Encoding: chunked"),
        ("CONNECT / HTTP/1.1", "Cookie: a"),
        ("GET  / HTTP/1.1", "Cookie: a"),
        ("GET /a b HTTP/1.1", "Cookie: a"),
        ("GET / HTTP/1.0", "Cookie: a"),
        ("GET / HTTP/1.1\r", "Cookie: a"),
    ],
)
def test_a_known_section_makes_no_head_plain_that_is_not(line: str, cookie: str) -> None:
    reader = RequestHeads(Limits())
    head = f"%s\r\nHost: a\r\n{FILLER}%s\r\n\r\n"
    for number in range(3):
        assert _read(reader, head % ("GET / HTTP/1.1", f"Cookie: {number}")) is not None
    assert reader.sections
    assert _read(reader, head % (line, cookie)) is None


def test_the_limit_of_field_lines_holds_for_a_known_section_with_a_cookie() -> None:
    reader = RequestHeads(Limits(field_lines=2))
    head = f"GET / HTTP/1.1\r\nHost: a\r\n{FILLER}%s\r\n"
    for _ in range(3):
        assert _read(reader, head % "") is not None
    assert _read(reader, head % "Cookie: a\r\n") is None
    assert not reader.sections


@pytest.mark.parametrize("target", ["/%", "/a%", "/a%2", "/%zz?a", "http://h/%?a", "/a%?b", "/a?b#c", '/a?"'])
def test_a_lone_percent_in_a_path_is_refused(target: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        RequestHeads(Limits()).read(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert refused.value.status == 400


def test_the_memory_of_heads_can_be_switched_off_and_keeps_no_long_head() -> None:
    off, on = RequestHeads(Limits(), Remembered(most=0), Remembered(most=0)), RequestHeads(Limits())
    long = PLAIN.replace(b"seen=1", b"seen=" + b"1" * LONGEST)
    for block in (PLAIN, long):
        for _ in range(3):
            off.read_plain(block)
            on.read_plain(block)
    assert not off.known
    assert not off.sections
    assert list(on.known) == [PLAIN]


def test_a_head_is_kept_from_its_second_time_on_and_others_beside_it_are_not() -> None:
    reader = RequestHeads(Limits())
    once, twice, other = (f"GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for n in "abc")
    for block in (once, twice, twice, other):
        assert reader.read_plain(block) is not None
    assert list(reader.known) == [twice]
    assert reader.known.longest == len(twice)
    assert reader.read(twice) is reader.known[twice]


def test_a_refused_head_is_not_remembered() -> None:
    reader = RequestHeads(Limits())
    for _ in range(3):
        with suppress(ProtocolError):
            reader.read(b"GET / HTTP/1.1\r\n\r\n")
    assert not reader.known
