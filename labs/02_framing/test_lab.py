"""The checks of lab 02: a strict head, and one answer to the question where its message ends.

Every refusal here has been an attacker's way past a proxy: the tests name the rule that closes it.
"""

from __future__ import annotations

import random

import pytest

from labs.runner.checks import same_bytes, table


def outcome(exercise, call, *arguments):
    """The name of the rule that the call is refused with, or what it returned instead."""
    try:
        returned = call(*arguments)
    except exercise.Refused as refused:
        return refused.rule.name
    return f"it returned {returned!r}"[:200]


def told(got):
    """An outcome as a sentence about the learner's code."""
    return got if got.startswith("it returned") else f"it raised Refused({got})"


def answer(exercise, call, *arguments):
    """What the call returned; a refusal fails the check."""
    try:
        return call(*arguments)
    except exercise.Refused as refused:
        pytest.fail(f"you raised Refused({refused.rule.name}), but nothing is wrong with {arguments[0]!r}")


def same_text(found, expected, rule, what):
    """Text that stands for octets, compared octet by octet."""
    assert isinstance(found, str), f"{what} must be str, not {type(found).__name__}: {found!r} ({rule})"
    same_bytes(found.encode("latin-1", "backslashreplace"), expected.encode("latin-1"), rule, what)


# --- task 1: find the end of the head -----------------------------------------------------------------

HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\n\r\n"


def same_split(split, lines, rest, rule):
    """The lines of a head and what follows it, octet by octet."""
    assert split is not None, f"you returned None, but the head is complete ({rule})"
    assert isinstance(split, tuple) and len(split) == 2, f"(lines, rest) is asked for, not {split!r}"
    for number, (found, expected) in enumerate(zip(split[0], lines, strict=False), 1):
        same_bytes(found, expected, rule, f"the octets of line {number}")
    assert len(split[0]) == len(lines), f"the head has {len(lines)} lines, yours {len(split[0])}: {split[0]}"
    same_bytes(
        split[1], rest, f"what follows the empty line is not of the head, {rule}", "the octets of the rest"
    )


@pytest.mark.task(1, rule="RFC 9112 §2.1")
@table(
    "wire, lines, rest",
    (HEAD, [b"POST /a HTTP/1.1", b"Host: a"], b""),
    (b"GET / HTTP/1.0\r\n\r\n", [b"GET / HTTP/1.0"], b""),
    (HEAD + b"one\r\n\r\ntwo\r\n\r\n", [b"POST /a HTTP/1.1", b"Host: a"], b"one\r\n\r\ntwo\r\n\r\n"),
    (HEAD + b"\n\r \r\n", [b"POST /a HTTP/1.1", b"Host: a"], b"\n\r \r\n"),
)
def test_the_head_ends_at_its_first_empty_line_and_the_rest_is_untouched(exercise, steps, wire, lines, rest):
    steps.received(wire, "split_head is given")
    same_split(answer(exercise, exercise.split_head, wire), lines, rest, "RFC 9112 §2.1")


@pytest.mark.task(1, rule="RFC 9112 §2.1")
def test_a_head_that_is_cut_off_anywhere_is_not_complete(exercise, steps):
    for end in range(len(HEAD)):
        steps.received(HEAD[:end], "split_head is given")
        got = outcome(exercise, exercise.split_head, HEAD[:end])
        assert got == "it returned None", (
            f"{HEAD[:end]!r} is the beginning of a head: return None until more comes; yours: {told(got)} "
            "(RFC 9112 §2.1)"
        )


@pytest.mark.task(1, rule="RFC 9112 §2.2")
def test_only_one_empty_line_before_the_request_line_is_skipped(exercise, steps):
    wire = b"\r\n" + HEAD + b"rest"
    steps.received(wire, "split_head is given")
    split = answer(exercise, exercise.split_head, wire)
    skipped = "one CRLF before a request is skipped, RFC 9112 §2.2"
    same_split(split, [b"POST /a HTTP/1.1", b"Host: a"], b"rest", skipped)
    for wire in (b"\r\n\r\n", b"\r\n\r\n" + HEAD):
        steps.received(wire, "split_head is given")
        got = outcome(exercise, exercise.split_head, wire)
        assert got == "REQUEST_LINE", f"{wire!r} must be Refused(REQUEST_LINE); {told(got)} (RFC 9112 §2.2)"


@pytest.mark.task(1, rule="RFC 9112 §2.2")
@table(
    "wire",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    b"GET / HTTP/1.1\n",
    b"GET / HTTP/1.1\rX",
    b"\nGET / HTTP/1.1\r\n\r\n",
)
def test_a_bare_lf_or_cr_is_refused_as_soon_as_it_is_seen(exercise, steps, wire):
    for more in (b"", HEAD):
        steps.received(wire + more, "split_head is given")
        got = outcome(exercise, exercise.split_head, wire + more)
        assert got == "LINE_END", f"{wire + more!r} must be Refused(LINE_END); {told(got)} (RFC 9112 §2.2)"


@pytest.mark.task(1, rule="RFC 6585 §5")
def test_a_head_is_refused_once_it_is_longer_than_the_limit(exercise, steps):
    size = len(HEAD)
    steps.received(HEAD + b"content", f"with a limit of {size}, split_head is given")
    got = outcome(exercise, exercise.split_head, HEAD + b"content", size)
    assert got.startswith("it returned ("), (
        f"{size} bytes are within a limit of {size}; {told(got)} (RFC 6585 §5)"
    )
    for wire in (HEAD, HEAD + b"content", b"G" * size):
        steps.received(wire, f"with a limit of {size - 1}, split_head is given")
        got = outcome(exercise, exercise.split_head, wire, size - 1)
        assert got == "HEAD_LIMIT", (
            f"{wire!r} passes a limit of {size - 1}: HEAD_LIMIT; {told(got)} (RFC 6585 §5)"
        )


# --- task 2: read the request line --------------------------------------------------------------------


@pytest.mark.task(2, rule="RFC 9112 §3")
@table(
    "line, expected",
    (b"GET / HTTP/1.1", ("GET", "/", 1)),
    (b"get /a?b=c%20d HTTP/1.0", ("get", "/a?b=c%20d", 0)),
    (b"OPTIONS * HTTP/1.1", ("OPTIONS", "*", 1)),
    (b"X-M0VE! http://a:1/b HTTP/1.7", ("X-M0VE!", "http://a:1/b", 1)),
)
def test_a_request_line_is_method_target_and_minor_version(exercise, steps, line, expected):
    steps.received(line, "request_line is given")
    got = answer(exercise, exercise.request_line, line)
    assert isinstance(got, tuple) and len(got) == 3, f"{expected} is asked for, not {got!r} (RFC 9112 §3)"
    same_text(got[0], expected[0], "RFC 9110 §9.1", "the octets of the method")
    same_text(got[1], expected[1], "RFC 9112 §3.2", "the octets of the target")
    assert got[2] == expected[2], f"the minor version is {expected[2]}, not {got[2]!r} (RFC 9110 §2.5)"


@pytest.mark.task(2, rule="RFC 9112 §3")
@table(
    "line",
    b"",
    b"GET /",
    b"GET  / HTTP/1.1",
    b"GET / HTTP/1.1 ",
    b" GET / HTTP/1.1",
    b"GET /a b HTTP/1.1",
    b"GET\t/\tHTTP/1.1",
    b"G(T / HTTP/1.1",
    b"GET /\x00 HTTP/1.1",
    b"GET /\xe9 HTTP/1.1",
    b"GET / http/1.1",
    b"GET / HTTP/1",
    b"GET / HTTP/1.10",
    b"GET / HTTP/1.1x",
    b"GET / HTTP/+1.1",
)
def test_a_request_line_of_another_shape_is_refused(exercise, steps, line):
    steps.received(line, "request_line is given")
    got = outcome(exercise, exercise.request_line, line)
    assert got == "REQUEST_LINE", (
        f"request_line({line!r}) must be Refused(REQUEST_LINE); {told(got)} (RFC 9112 §3)"
    )


@pytest.mark.task(2, rule="RFC 9110 §15.6.6")
@table("version", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3.1")
def test_another_major_version_is_refused_with_its_own_error(exercise, steps, version):
    steps.received(b"GET / " + version, "request_line is given")
    got = outcome(exercise, exercise.request_line, b"GET / " + version)
    assert got == "VERSION", f"{version!r} must be Refused(VERSION); {told(got)} (RFC 9110 §15.6.6)"


# --- task 3: read a field line ------------------------------------------------------------------------


@pytest.mark.task(3, rule="RFC 9112 §5.1")
@table(
    "line, name, value",
    (b"Host: a", "host", "a"),
    (b"CONTENT-length:5", "content-length", "5"),
    (b"x:\t b c \t", "x", "b c"),
    (b"x:", "x", ""),
    (b"date: Sun, 06 Nov 1994 08:49:37 GMT", "date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    (b"x: \xa0caf\xe9\x85", "x", "\xa0caf\xe9\x85"),
)
def test_a_field_line_is_a_name_in_lower_case_and_a_value_without_outer_white_space(
    exercise, steps, line, name, value
):
    steps.received(line, "field_line is given")
    got = answer(exercise, exercise.field_line, line)
    assert isinstance(got, tuple) and len(got) == 2, f"{(name, value)} is asked for, not {got!r}"
    same_text(got[0], name, "RFC 9110 §5.1", "the octets of the name")
    same_text(got[1], value, "RFC 9112 §5.1", "the octets of the value")


@pytest.mark.task(3, rule="RFC 9112 §5.1")
@table(
    "line",
    b"host",
    b": a",
    b"content-length : 5",
    b"content-length\t: 5",
    b" folded: 5",
    b"\tfolded",
    b"two words: 5",
    b"x\x00: 5",
    b"x: \x0bchunked",
    b"x: a\x00b",
    b"x: a\rb",
    b"x\xe9: 5",
)
def test_a_field_line_of_another_shape_is_refused(exercise, steps, line):
    steps.received(line, "field_line is given")
    got = outcome(exercise, exercise.field_line, line)
    assert got == "FIELD_LINE", f"field_line({line!r}) must be Refused(FIELD_LINE); {told(got)} (RFC 9112 §5)"


# --- task 4: read Content-Length ----------------------------------------------------------------------


@pytest.mark.task(4, rule="RFC 9110 §8.6")
@table("value, length", ("0", 0), ("5", 5), ("007", 7), ("9" * 19, 10**19 - 1), (None, None))
def test_a_content_length_is_its_number(exercise, value, length):
    fields = [("host", "a")] + ([("content-length", value)] if value is not None else [])
    got = exercise.content_length(fields)
    assert got == length, f"content_length({fields}) must be {length}, not {got} (RFC 9110 §8.6)"


@pytest.mark.task(4, rule="RFC 9110 §8.6")
@table("value", "+5", "-5", "-0", "5_0", "", "5.", "0x5", "5 5", "5,5", "5, 5", "5;", "5\n", "\xb2", "\u0665",
       " 5", "1" * 20, "9" * 5000)  # fmt: skip
def test_a_content_length_that_is_not_a_run_of_ascii_digits_is_refused(exercise, value):
    got = outcome(exercise, exercise.content_length, [("content-length", value)])
    assert got == "LENGTH", (
        f"content-length: {value[:20]!r} must be Refused(LENGTH); {told(got)[:60]} (RFC 9110 §8.6)"
    )


@pytest.mark.task(4, rule="RFC 9112 §6.3 rule 5")
@table("first, second", ("5", "6"), ("6", "5"), ("5", "5"), ("5", ""))
def test_a_content_length_on_two_lines_is_refused_even_when_both_agree(exercise, first, second):
    fields = [("content-length", first), ("host", "a"), ("content-length", second)]
    got = outcome(exercise, exercise.content_length, fields)
    assert got == "LENGTH", (
        f"lengths {first!r} and {second!r} must be Refused(LENGTH); {told(got)} (RFC 9112 §6.3 rule 5)"
    )


# --- task 5: read Transfer-Encoding -------------------------------------------------------------------


def coded(*lines):
    return [("host", "a"), *(("transfer-encoding", line) for line in lines)]


@pytest.mark.task(5, rule="RFC 9112 §6.1")
@table(
    "lines, codings",
    ((), []),
    (("chunked",), ["chunked"]),
    (("Chunked",), ["chunked"]),
    (("gzip,\t chunked",), ["gzip", "chunked"]),
    (("gzip", "chunked"), ["gzip", "chunked"]),
    (("a;q=1 , xchunked",), ["a;q=1", "xchunked"]),
)
def test_transfer_codings_are_one_list_over_all_lines_in_their_order(exercise, lines, codings):
    got = outcome(exercise, exercise.transfer_codings, coded(*lines))
    assert got == f"it returned {codings!r}", (
        f"the codings of {lines} are {codings}; {told(got)} (RFC 9112 §6.1)"
    )


@pytest.mark.task(5, rule="RFC 9112 §6.1")
@table("lines", ("",), ("chunked,",), (",chunked",), ("gzip,,chunked",), ("chunked", ""), ("chunked x",),
       ('"chunked"',), ("\xa0chunked",), ("chunk\xe9d",))  # fmt: skip
def test_a_malformed_list_of_codings_is_refused(exercise, lines):
    got = outcome(exercise, exercise.transfer_codings, coded(*lines))
    assert got == "CODINGS", (
        f"transfer-encoding {lines} must be Refused(CODINGS); {told(got)} (RFC 9112 §6.1)"
    )


@pytest.mark.task(5, rule="RFC 9112 §6.1")
@table("lines", ("chunked, chunked",), ("chunked", "chunked"), ("chunked, gzip, CHUNKED",))
def test_chunked_is_not_applied_twice(exercise, lines):
    got = outcome(exercise, exercise.transfer_codings, coded(*lines))
    assert got == "CODINGS", (
        f"transfer-encoding {lines} must be Refused(CODINGS); {told(got)} (RFC 9112 §6.1)"
    )


# --- task 6: decide the length of the content ---------------------------------------------------------


@pytest.mark.task(6, rule="RFC 9112 §6.3")
@table(
    "minor, fields, kind, length",
    (1, [("host", "a")], "LENGTH", 0),
    (0, [], "LENGTH", 0),
    (1, [("content-length", "0")], "LENGTH", 0),
    (1, [("content-length", "5")], "LENGTH", 5),
    (0, [("content-length", "5")], "LENGTH", 5),
    (1, [("transfer-encoding", "chunked")], "CHUNKED", 0),
)
def test_the_length_of_the_content_is_decided_by_the_rules(exercise, steps, minor, fields, kind, length):
    steps.note(f"framing({minor}, {fields})")
    got = exercise.framing(minor, fields)
    expected = exercise.Framing(exercise.Kind[kind], length)
    assert got == expected, f"HTTP/1.{minor} with {fields} must be {expected}, not {got} (RFC 9112 §6.3)"


CHUNKED, CHUNKED_LAST, FIVE = (
    ("transfer-encoding", "chunked"),
    ("transfer-encoding", "gzip, chunked"),
    ("content-length", "5"),
)


@pytest.mark.task(6, rule="RFC 9112 §6.3")
@table(
    "minor, fields, rule",
    (1, [CHUNKED, FIVE], "BOTH"),
    (1, [FIVE, CHUNKED], "BOTH"),
    (1, [("content-length", "+5"), CHUNKED], "BOTH"),
    (1, [("content-length", "0"), ("transfer-encoding", "identity")], "BOTH"),
    (0, [CHUNKED, FIVE], "BOTH"),
    (1, [("transfer-encoding", "chunked,,"), FIVE], "BOTH"),
    (1, [("transfer-encoding", ""), FIVE], "BOTH"),
    (0, [CHUNKED], "OLD_VERSION"),
    (0, [("transfer-encoding", "chunked,,")], "OLD_VERSION"),
    (1, [("transfer-encoding", "chunked, gzip")], "NOT_LAST"),
    (1, [CHUNKED, ("transfer-encoding", "identity")], "NOT_LAST"),
    (1, [("transfer-encoding", "identity")], "UNKNOWN_CODING"),
    (1, [("transfer-encoding", "xchunked")], "UNKNOWN_CODING"),
    (1, [CHUNKED_LAST], "UNKNOWN_CODING"),
    (1, [("transfer-encoding", "")], "CODINGS"),
    (1, [("content-length", "-5")], "LENGTH"),
)
def test_a_request_of_uncertain_length_is_refused_by_the_first_rule_it_breaks(exercise, minor, fields, rule):
    got = outcome(exercise, exercise.framing, minor, fields)
    assert got == rule, f"HTTP/1.{minor} with {fields} must be Refused({rule}); {told(got)} (RFC 9112 §6.3)"


@pytest.mark.task(6, rule="RFC 9112 §5.1")
def test_capitals_and_white_space_never_change_the_decision(exercise, steps, seed):
    chance = random.Random(seed)

    def written(name, value):
        """The line as some honest sender might write it."""
        name = "".join(chance.choice((char.lower(), char.upper())) for char in name)
        before, after = (chance.choice(("", " ", "\t", "  ")) for _ in range(2))
        return f"{name}:{before}{value}{after}\r\n".encode()

    for name, value, expected in (
        ("content-length", "7", exercise.Framing(exercise.Kind.LENGTH, 7)),
        (
            "transfer-encoding",
            chance.choice(("chunked", "Chunked", "CHUNKED")),
            exercise.Framing(exercise.Kind.CHUNKED),
        ),
    ):
        lines = [written("host", "a"), written(name, value), written("x", "y")]
        chance.shuffle(lines)
        wire = b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\ncontent"
        steps.note(f"parse({wire!r})")
        request = exercise.parse(wire)
        assert request is not None, "the head is complete (RFC 9112 §2.1)"
        assert request.framing == expected, (
            f"the framing is {expected}, not {request.framing} (RFC 9112 §6.3)"
        )
        same_bytes(
            request.rest, b"content", "the content begins behind the empty line, RFC 9112 §6", "the rest"
        )
