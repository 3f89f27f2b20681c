"""The checks of lab 12: what the chunked transfer coding asks of its sender and of its recipient.

Every expected byte below is written out by hand from RFC 9112 §7.1; no encoder makes it.
"""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest

from labs.runner.checks import same_bytes, table

CODING = "RFC 9112 §7.1"


def outcome(exercise, call, *arguments):
    """The name of the rule that the call is refused with, or what it returned instead."""
    try:
        returned = call(*arguments)
    except exercise.Refused as refused:
        return refused.rule.name
    return f"it returned {returned!r}"[:200]


def cuts(data, seed):
    """The data whole, byte by byte, and cut at random places in three ways."""
    chance = random.Random(seed)
    ways = [[data], [data[at : at + 1] for at in range(len(data))]]
    for _ in range(3):
        places = [0, *sorted(chance.sample(range(1, len(data)), min(6, len(data) - 1))), len(data)]
        ways.append([data[a:b] for a, b in pairwise(places)])
    return ways


def taken(reader, pieces, limit, rule):
    return [reader.take(piece, 0, limit, rule)[0] for piece in pieces]


def fed(decoder, pieces):
    return [content for piece in pieces for content in decoder.feed(piece)]


# --- task 1: write a chunk ----------------------------------------------------------------------------


@pytest.mark.task(1, rule=CODING)
@table("size, digits", (1, b"1"), (9, b"9"), (10, b"a"), (16, b"10"), (255, b"ff"), (4096, b"1000"))
def test_a_chunk_is_its_size_in_hexadecimal_and_its_data_each_with_crlf(exercise, steps, size, digits):
    steps.note(f"encode_chunk of {size} octets")
    expected = digits + b"\r\n" + b"x" * size + b"\r\n"
    same_bytes(exercise.encode_chunk(b"x" * size).lower(), expected, f"chunk = size CRLF data CRLF, {CODING}")


@pytest.mark.task(1, rule=CODING)
def test_chunk_data_is_any_octets_and_its_size_counts_octets(exercise, steps):
    for data in (bytes(range(256)), "naïve".encode(), b" \r\n", b"0\r\n\r\n"):
        steps.note(f"encode_chunk of {data[:20]!r}…")
        expected = b"%x\r\n%b\r\n" % (len(data), data)
        same_bytes(exercise.encode_chunk(data), expected, f"chunk-data is octets, {CODING}")


@pytest.mark.task(1, rule=CODING)
def test_an_empty_piece_writes_nothing_because_size_0_ends_the_content(exercise):
    same_bytes(exercise.encode_chunk(b""), b"", f"a chunk of size 0 would be the last-chunk, {CODING}")


# --- task 2: write the last-chunk and the trailer section ---------------------------------------------


@pytest.mark.task(2, rule=CODING)
@table(
    "trailers, expected",
    ([], b"0\r\n\r\n"),
    ([("digest", "abc")], b"0\r\ndigest: abc\r\n\r\n"),
    ([("A", "1"), ("b", ""), ("A", "\xe9")], b"0\r\nA: 1\r\nb: \r\nA: \xe9\r\n\r\n"),
)
def test_the_end_is_the_last_chunk_the_trailers_and_an_empty_line(exercise, steps, trailers, expected):
    steps.note(f"last_chunk({trailers!r})")
    same_bytes(exercise.last_chunk(trailers), expected, f"last-chunk trailer-section CRLF, {CODING}")


@pytest.mark.task(2, rule="RFC 9112 §5")
@table("name, value", ("x", "1\r\nset-cookie: a"), ("x", "1\n"), ("x", "\0"), ("x\r\ny", "1"),
       ("x: 1, y", "2"), ("x ", "1"), ("", "1"))  # fmt: skip
def test_a_trailer_from_the_application_cannot_write_a_line_of_its_own(exercise, name, value):
    got = outcome(exercise, exercise.last_chunk, [("digest", "abc"), (name, value)])
    assert got == "TRAILER", f"the trailer {name!r}, {value!r} must be Refused(TRAILER); {got} (RFC 9112 §5)"


@pytest.mark.task(2, rule="RFC 9110 §6.5.1")
@table("name", "content-length", "Transfer-Encoding", "HOST", "Set-Cookie", "trailer")
def test_a_field_that_frames_routes_or_authenticates_is_not_sent_as_a_trailer(exercise, name):
    got = outcome(exercise, exercise.last_chunk, [(name, "1")])
    assert got == "FORBIDDEN", f"the trailer {name} must be Refused(FORBIDDEN); {got} (RFC 9110 §6.5.1)"


# --- task 3: read a chunk-size line and a trailer line ------------------------------------------------


@pytest.mark.task(3, rule=CODING)
@table("line, size", (b"0", 0), (b"5", 5), (b"10", 16), (b"aB", 171), (b"0" * 14 + b"ff", 255),
       (b"f" * 16, 2**64 - 1), (b"5;a", 5), (b"5;a=b;c", 5), (b'5;a="semi;\\"quote";b=1', 5))  # fmt: skip
def test_a_chunk_size_is_hexadecimal_and_extensions_are_ignored(exercise, line, size):
    got = outcome(exercise, exercise.chunk_size, line)
    assert got == f"it returned {size}", f"chunk_size({line!r}) must be {size}; {got} ({CODING}, §7.1.1)"


@pytest.mark.task(3, rule=CODING)
@table("line", b"+5", b"-5", b"-0", b"0x5", b"1_0", b" 5", b"5 ", b"\t5", b"5\n", b"5 ;a", b"", b";a", b"g",
       b"5.", b"\xb25", b"\xd9\xa5")  # fmt: skip
def test_a_size_with_anything_but_hexadecimal_digits_is_refused(exercise, line):
    got = outcome(exercise, exercise.chunk_size, line)
    assert got == "SIZE", (
        f"chunk_size({line!r}) must be Refused(SIZE); {got} (chunk-size = 1*HEXDIG, {CODING})"
    )


@pytest.mark.task(3, rule=CODING)
@table("line", b"1" + b"0" * 16, b"0" * 16 + b"5", b"f" * 5000, b"f" * 17 + b";a=b")
def test_a_size_of_more_than_sixteen_digits_is_refused(exercise, line):
    got = outcome(exercise, exercise.chunk_size, line)
    assert got == "OVERFLOW", (
        f"{len(line)} bytes, {line[:20]!r}…, must be Refused(OVERFLOW); {got[:60]} ({CODING})"
    )


@pytest.mark.task(3, rule="RFC 9112 §7.1.1")
@table("line", b"5;", b"5;=b", b"5;a=", b"5;a b", b"5; a", b'5;a="b', b"5;a\n", b"5;a;;b", b"5;\x00")
def test_a_malformed_extension_is_refused(exercise, line):
    got = outcome(exercise, exercise.chunk_size, line)
    assert got == "EXTENSION", f"chunk_size({line!r}) must be Refused(EXTENSION); {got} (RFC 9112 §7.1.1)"


@pytest.mark.task(3, rule="RFC 9112 §5.1")
@table(
    "line, name, value",
    (b"digest: abc", "digest", "abc"),
    (b"Digest:abc", "Digest", "abc"),
    (b"a:\t b c \t", "a", "b c"),
    (b"a:", "a", ""),
    (b"time: 10:30", "time", "10:30"),
    (b"a: caf\xe9", "a", "caf\xe9"),
)
def test_a_trailer_line_gives_its_name_and_its_value_without_outer_white_space(exercise, line, name, value):
    got = outcome(exercise, exercise.trailer_field, line)
    expected = f"it returned {(name, value)!r}"
    assert got == expected, f"trailer_field({line!r}) must be {(name, value)!r}; {got} (RFC 9112 §5.1)"


@pytest.mark.task(3, rule="RFC 9112 §5")
@table("line", b"digest", b": abc", b"digest : abc", b" folded: abc", b"a: b\rc", b"a: b\nc: d", b"a: \x00")
def test_a_malformed_trailer_line_is_refused(exercise, line):
    got = outcome(exercise, exercise.trailer_field, line)
    assert got == "TRAILER", f"trailer_field({line!r}) must be Refused(TRAILER); {got} (RFC 9112 §5)"


@pytest.mark.task(3, rule="RFC 9110 §6.5.1")
@table("line", b"content-length: 5", b"Transfer-Encoding: chunked", b"HOST: elsewhere", b"Authorization:x")
def test_a_forbidden_trailer_is_refused_when_sent_and_when_received(exercise, line):
    got = outcome(exercise, exercise.trailer_field, line)
    assert got == "FORBIDDEN", f"trailer_field({line!r}) must be Refused(FORBIDDEN); {got} (RFC 9110 §6.5.1)"


# --- task 4: decode a whole content -------------------------------------------------------------------

# The message on the wire, its content, its trailers; tasks 4 and 6 read the same ones.
contents = table(
    "wire, content, trailers",
    (b"0\r\n\r\n", b"", []),
    (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world", []),
    (b"1a\r\nabcdefghijklmnopqrstuvwxyz\r\n000\r\n\r\n", b"abcdefghijklmnopqrstuvwxyz", []),
    (b"4\r\n\r\n\n\r\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"\r\n\n\r0\r\n\r\n", []),
    (b'5;a="1;2"\r\nhello\r\n0;last\r\n\r\n', b"hello", []),
    (b"1\r\n!\r\n0\r\nDigest: abc\r\nn:1\r\n\r\n", b"!", [("Digest", "abc"), ("n", "1")]),
)
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.task(4, rule=CODING)
@contents
def test_a_whole_content_is_decoded_with_its_trailers(exercise, steps, wire, content, trailers):
    steps.note(f"decode({wire!r})")
    decoded = exercise.decode(wire)
    same_bytes(decoded.content, content, f"the content is the chunk-data of every chunk, {CODING}")
    assert decoded.trailers == trailers, (
        f"the trailers are {trailers}, not {decoded.trailers} (RFC 9112 §7.1.2)"
    )


@pytest.mark.task(4, rule=CODING)
@contents
def test_bytes_after_the_empty_line_belong_to_the_next_message(exercise, steps, wire, content, trailers):
    steps.note(f"decode({wire!r} + the next request)")
    same_bytes(exercise.decode(wire + NEXT).rest, NEXT, f"the message ends after its empty line, {CODING}")


@pytest.mark.task(4, rule=CODING)
@table("after", b"XX", b"\n\n", b"\rX", b"\nX", b"world\r\n")
def test_whole_chunk_data_that_is_not_followed_by_crlf_is_refused(exercise, after):
    wire = b"5\r\nhello" + after + b"0\r\n\r\n"
    got = outcome(exercise, exercise.decode, wire)
    assert got == "DATA_END", f"decode({wire!r}) must be Refused(DATA_END); {got} ({CODING})"


@pytest.mark.task(4, rule="RFC 9112 §8")
@contents
def test_a_content_that_is_cut_off_anywhere_is_incomplete(exercise, wire, content, trailers):
    for end in range(len(wire)):
        got = outcome(exercise, exercise.decode, wire[:end])
        assert got == "INCOMPLETE", f"decode({wire[:end]!r}) must be Refused(INCOMPLETE); {got} (RFC 9112 §8)"


# --- task 5: take a line from pieces ------------------------------------------------------------------


@pytest.mark.task(5, rule="RFC 9112 §2.2")
def test_a_line_is_collected_however_it_is_cut(exercise, steps, seed):
    for pieces in cuts(b"1a;name=value\r\n", seed):
        reader, line = exercise.LineReader(), None
        for piece in pieces:
            assert line is None, f"the line {line!r} was given before its LF had come (RFC 9112 §2.2)"
            line, at = reader.take(b"<<" + piece, 2, 100, exercise.Rule.LINE_LIMIT)
            steps.note(f"take(b'<<' + {piece!r}, 2) gave {line!r}, {at}")
            assert at == 2 + len(piece), (
                f"the position must be after the bytes taken: {2 + len(piece)}, not {at}"
            )
        same_bytes(
            line or b"", b"1a;name=value", "a line ends with CRLF, wherever the pieces end, RFC 9112 §2.2"
        )


@pytest.mark.task(5, rule="RFC 9112 §2.2")
def test_two_lines_in_one_piece_are_taken_one_after_the_other(exercise):
    reader, data, limit = exercise.LineReader(), b"one\r\n\r\nthree\r\nfo", exercise.Rule.LINE_LIMIT
    found = [reader.take(data, start, 100, limit) for start in (0, 5, 7, 14)]
    expected = [(b"one", 5), (b"", 7), (b"three", 14), (None, 16)]
    assert found == expected, (
        f"lines and positions in {data!r} must be {expected}, not {found} (RFC 9112 §2.2)"
    )
    rest = reader.take(b"ur\r\n", 0, 100, limit)
    assert rest == (b"four", 4), f"the line begun before must go on: (b'four', 4), not {rest} (RFC 9112 §2.2)"


@pytest.mark.task(5, rule="RFC 9112 §2.2")
@table("line", b"5\n", b"\n", b"5\r\r\n", b"5\r;a\r\n", b"5\rx\n", b"\r\r\n")
def test_a_cr_or_lf_that_stands_alone_is_refused_however_it_is_cut(exercise, line, seed):
    for pieces in cuts(line, seed):
        got = outcome(exercise, taken, exercise.LineReader(), pieces, 100, exercise.Rule.LINE_LIMIT)
        assert got == "LINE_END", f"{line!r} as {pieces} must be Refused(LINE_END); {got} (RFC 9112 §2.2)"


@pytest.mark.task(5, rule="RFC 9112 §7.1.1")
def test_a_line_is_refused_at_the_first_byte_beyond_the_limit(exercise, seed):
    rule = exercise.Rule.TRAILER_LIMIT
    for pieces in cuts(b"12345678\r\n", seed):
        got = outcome(exercise, taken, exercise.LineReader(), pieces, 8, rule)
        assert "12345678" in got, (
            f"a line of 8 bytes is within the limit of 8; {pieces}: {got} (RFC 9112 §7.1.1)"
        )
    for line in (b"123456789\r\n", b"1234567890"):
        for pieces in cuts(line, seed):
            got = outcome(exercise, taken, exercise.LineReader(), pieces, 8, rule)
            assert got == rule.name, f"{pieces} passes the limit of 8: refuse it; {got} (RFC 9112 §7.1.1)"


# --- task 6: decode as the bytes arrive ---------------------------------------------------------------


@pytest.mark.task(6, rule=CODING)
@contents
def test_a_content_is_decoded_however_it_is_cut(exercise, steps, seed, wire, content, trailers):
    for pieces in cuts(wire, seed):
        steps.note(f"feed {pieces}")
        decoder = exercise.ChunkedDecoder()
        got = fed(decoder, pieces)
        same_bytes(b"".join(got), content, f"the content is the chunk-data of every chunk, {CODING}")
        state, found = decoder.state, decoder.trailers
        assert state is exercise.State.DONE, f"after the empty line the state is DONE, not {state} ({CODING})"
        assert found == trailers, f"the trailers are {trailers}, not {found} (RFC 9112 §7.1.2)"
        assert all(got), f"no piece may be empty: {got}"


@pytest.mark.task(6, rule=CODING)
def test_what_has_arrived_of_a_chunk_is_handed_out_at_once(exercise):
    decoder = exercise.ChunkedDecoder()
    got = [decoder.feed(piece) for piece in (b"5\r\nhe", b"l", b"lo", b"\r\n")]
    assert got == [[b"he"], [b"l"], [b"lo"], []], (
        f"feed must not wait for the whole chunk; it gave {got} ({CODING})"
    )


@pytest.mark.task(6, rule="RFC 9112 §8")
@contents
def test_a_message_is_not_done_before_its_empty_line(exercise, wire, content, trailers):
    decoder = exercise.ChunkedDecoder()
    for at in range(len(wire)):
        got = outcome(exercise, decoder.feed_eof)
        assert got == "INCOMPLETE", f"after {wire[:at]!r} the message is incomplete, yet {got} (RFC 9112 §8)"
        decoder.feed(wire[at : at + 1])
    decoder.feed_eof()


@pytest.mark.task(6, rule="RFC 9112 §9.3.2")
@contents
def test_the_next_message_is_left_in_rest_however_it_is_cut(exercise, seed, wire, content, trailers):
    for pieces in cuts(wire + NEXT, seed):
        decoder = exercise.ChunkedDecoder()
        fed(decoder, pieces)
        same_bytes(decoder.rest, NEXT, "a pipelined request is no part of this message, RFC 9112 §9.3.2")


@pytest.mark.task(6, rule=CODING)
@table(
    "wire, rule",
    (b"5\nhello\r\n0\r\n\r\n", "LINE_END"),
    (b"0x5\r\nhello\r\n0\r\n\r\n", "SIZE"),
    (b"5\r\nhello0\r\n\r\n", "DATA_END"),
    (b"5\r\nhello\n0\r\n\r\n", "DATA_END"),
    (b"5\r\nhello\r0\r\n\r\n", "DATA_END"),
    (b"5\r\nhello\r\n\r\n0\r\n\r\n", "SIZE"),
    (b"0\r\n\nGET / HTTP/1.1\r\n\r\n", "LINE_END"),
    (b"0\r\nX\r\n\r\n", "TRAILER"),
    (b"0\r\nHost: b\r\n\r\n", "FORBIDDEN"),
)
def test_a_broken_rule_is_refused_by_its_name_however_the_bytes_are_cut(exercise, seed, wire, rule):
    for pieces in cuts(wire, seed):
        got = outcome(exercise, fed, exercise.ChunkedDecoder(), pieces)
        assert got == rule, f"{pieces} must be Refused({rule}); {got} ({CODING})"


@pytest.mark.task(6, rule=CODING)
@table("wire", b"5\r\nhelloX", b"5\r\nhello\n", b"5\r\nhello\rX")
def test_the_first_wrong_byte_after_the_data_is_refused_without_waiting_for_another(exercise, wire):
    got = outcome(exercise, exercise.ChunkedDecoder().feed, wire)
    assert got == "DATA_END", f"after {wire!r} no CRLF can come any more: Refused(DATA_END); {got} ({CODING})"


@pytest.mark.task(6, rule="RFC 9110 §15.5.14")
@table(
    "wire, expected",
    (b"a\r\n0123456789\r\n0\r\nab: 4567\r\n\r\n", "it returned"),
    (b"b\r\n", "CONTENT_LIMIT"),
    (b"a\r\n0123456789\r\n1\r\n", "CONTENT_LIMIT"),
    (b"fffffff0\r\n", "CONTENT_LIMIT"),
    (b"5;abcdefghij\r\n", "LINE_LIMIT"),
    (b"5;abcdefghij", "LINE_LIMIT"),
    (b"0\r\nabc: 45678\r\n", "TRAILER_LIMIT"),
    (b"0\r\na: 3\r\nb: 3\r\nc:\r\n", "TRAILER_LIMIT"),
)
def test_content_lines_and_trailers_have_limits(exercise, seed, wire, expected):
    for pieces in cuts(wire, seed):
        decoder = exercise.ChunkedDecoder(exercise.Limits(line=8, trailers=8, content=10))
        got = outcome(exercise, fed, decoder, pieces)
        assert got.startswith(expected), (
            f"line 8, trailers 8, content 10: {pieces} must give {expected}; {got}"
        )


@pytest.mark.task(6, rule="no byte is moved for its neighbour's sake")
def test_a_large_chunk_does_not_slow_down_the_small_chunks_around_it(exercise, steps):
    small, large = b"1\r\nx\r\n" * 128, b"400000\r\n" + b"x" * (4 << 20) + b"\r\n"

    def work(wire):
        """Processor time (not the clock on the wall) to decode it; the best of three."""
        best = float("inf")
        for _ in range(3):
            decoder, start = exercise.ChunkedDecoder(), time.process_time()
            got = decoder.feed(wire)
            best = min(best, time.process_time() - start)
        expected = wire.count(b"x")
        assert sum(map(len, got)) == expected, (
            f"{sum(map(len, got))} of {expected} octets were decoded ({CODING})"
        )
        return best

    # Who moves what remains, or what is done, at each step moves 4 MiB for every octet: not some percent
    # dearer, but a hundred times. The bound lies far from both.
    apart, together = work(small) + work(large), max(work(small + large), work(large + small))
    steps.note(
        f"128 chunks of 1 octet beside one of 4 MiB: {together / apart:.1f} times the work of each alone"
    )
    assert together < 8 * apart, (
        f"{together / apart:.0f} times the work of each alone: is the buffer copied at each step?"
    )
