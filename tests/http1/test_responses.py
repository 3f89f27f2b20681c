"""The reader of responses: what it accepts from old servers, and what it refuses at the first bytes."""

from __future__ import annotations

import pytest

from netlab.http1 import Content, EndOfMessage, Limits, ProtocolError, ResponseHead, ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"


def pieces(octets: bytes, way: str) -> list[bytes]:
    """The bytes whole, or one by one."""
    return [octets] if way == "whole" else [octets[at : at + 1] for at in range(len(octets))]


def read(
    octets: bytes, way: str, limits: Limits | None = None
) -> tuple[ResponseHead, bytes, EndOfMessage | None]:
    """The head, the content and the end of one response."""
    parser = ResponseParser(limits or Limits())
    head, content, end = None, b"", None
    for piece in pieces(octets, way):
        parser.feed(piece)
        while (event := parser.next_event()) is not None:
            if isinstance(event, ResponseHead):
                head = event
            elif isinstance(event, Content):
                content += event.data
            elif isinstance(event, EndOfMessage):
                end = event
    assert head is not None
    return head, content, end


def refused(octets: bytes, way: str) -> tuple[ProtocolError, int]:
    """The refusal, and how many bytes it took."""
    parser = ResponseParser()
    count = 0
    with pytest.raises(ProtocolError) as caught:
        for piece in pieces(octets, way):
            count += len(piece)
            parser.feed(piece)
            while parser.next_event() is not None:
                pass
    return caught.value, count


WAYS = pytest.mark.parametrize("way", ["whole", "byte by byte"])


@WAYS
@pytest.mark.parametrize(
    "folded, value",
    [
        (b"X: one\r\n two\r\n\tthree\r\n", "one two three"),
        (b"X:\r\n one\r\n", "one"),
        (b"X: one \t\r\n \t two\r\n", "one two"),
        (b"X: one\r\n \r\n two\r\n", "one  two"),
        (b"X: one\r\n  two: three\r\nY: z\r\n", "one two: three"),
    ],
)
def test_a_folded_field_line_is_joined_by_a_space(folded: bytes, value: str, way: str) -> None:
    head, content, _ = read(OK + folded + b"Content-Length: 2\r\n\r\nhi", way)
    assert (head.fields["x"], content) == (value, b"hi")


@WAYS
def test_framing_is_decided_after_folds_are_joined(way: str) -> None:
    assert read(OK + b"Content-Length:\r\n 2\r\n\r\nhi", way)[1] == b"hi"
    head, content, _ = read(OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", way)
    assert content == b"hi" and head.persistent
    error, _ = refused(OK + b"Content-Length: 1\r\n 2\r\n\r\nhi", way)
    assert error.section == "RFC 9110 §8.6"


@WAYS
@pytest.mark.parametrize(
    "lines, rule",
    [
        (b" X: one\r\n", "white space before the first field line"),
        (b"X: one\r\n two\x00\r\n", "a control octet in a field value"),
        (b"X\r\n : one\r\n", "a field line without a colon"),
    ],
)
def test_a_fold_hides_no_bad_line(lines: bytes, rule: str, way: str) -> None:
    error, _ = refused(OK + lines + b"\r\n", way)
    assert error.rule in (rule, "white space between field name and colon", "the field name is not a token")


@WAYS
@pytest.mark.parametrize(
    "lines", [b"Content-Length: 2\r\nContent-Length: 2\r\n", b"Content-Length: 2, 2\r\n"]
)
def test_equal_content_lengths_count_as_one(lines: bytes, way: str) -> None:
    _, content, end = read(OK + lines + b"\r\nhi", way)
    assert content == b"hi" and end is not None


@WAYS
@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2, 3\r\n",
        b"Content-Length: 2, 02\r\n",
        b"Content-Length: 2,\r\n",
        b"Content-Length:\r\n",
    ],
)
def test_different_content_lengths_are_refused(lines: bytes, way: str) -> None:
    error, _ = refused(OK + lines + b"\r\nhi", way)
    assert "Content-Length" in error.rule


@WAYS
def test_a_few_empty_lines_before_a_status_line_are_skipped(way: str) -> None:
    assert read(b"\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi", way)[1] == b"hi"
    error, count = refused(b"\r\n" * 100, way)
    assert "empty lines" in error.rule and (way == "whole" or count == 10)


@WAYS
def test_spaces_behind_a_chunk_size_are_ignored(way: str) -> None:
    octets = OK + b"Transfer-Encoding: chunked\r\n\r\n2  \t\r\nhi\r\n1 ;a=b \r\n!\r\n0   \r\n\r\n"
    assert read(octets, way)[1] == b"hi!"
    error, _ = refused(OK + b"Transfer-Encoding: chunked\r\n\r\n2 2\r\nhi\r\n", way)
    assert error.section.startswith("RFC 9112 §7.1")


@WAYS
def test_forbidden_trailers_are_dropped_and_framing_trailers_refused(way: str) -> None:
    start = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
    _, content, end = read(start + b"X-A: b\r\nSet-Cookie: a=b\r\nHost: b\r\n\r\n", way)
    assert end is not None and (content, end.trailers.lines) == (b"hi", (("X-A", "b"),))
    for line in (b"Content-Length: 2", b"transfer-encoding: chunked"):
        error, _ = refused(start + b"X-A: b\r\n" + line + b"\r\n\r\n", way)
        assert error.section == "RFC 9110 §6.5.1"


OTHERS = {
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", 1, "SSH-2.0"),
    "SMTP": (b"220 mail.example ESMTP\r\n", 1, "220 mail"),
    "Redis": (b"-ERR unknown command 'GET'\r\n", 1, "-ERR"),
    "HTTP/0.9": (b"<html>hi</html>\n", 1, "HTTP/0.9"),
    "HTTP/2 SETTINGS": (bytes.fromhex("000012040000000000"), 1, "HTTP/2"),
    "HTTP/2 in words": (b"HTTP/2 200\r\n\r\n", 6, "HTTP/2"),
    "TLS alert": (bytes.fromhex("15030100020246"), 1, "try https"),
    "TLS 1.3 alert": (bytes.fromhex("1503030002022f"), 1, "try https"),
    "lower case": (b"http/1.1 200 OK\r\n\r\n", 1, "this is not HTTP"),
    "ICY": (b"ICY 200 OK\r\n", 1, "ICY"),
    "escape codes": (b"\x1b[31mred\r\n", 1, r"\x1b"),
}


@WAYS
@pytest.mark.parametrize("name", OTHERS)
def test_other_protocols_are_refused_at_their_first_bytes(name: str, way: str) -> None:
    octets, first, shown = OTHERS[name]
    error, count = refused(octets, way)
    if way == "whole":
        assert shown in error.rule
    else:
        assert count <= first
    assert error.rule.isprintable()


@WAYS
@pytest.mark.parametrize(
    "octets, rule",
    [
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "bare LF"),
        (OK + b"Content-Length: 2\n\r\nhi", "bare LF"),
        (b"HTTP/1.1 twohundred OK\r\n", "not a status line: 'HTTP/1.1 twohundred OK'"),
        (b"HTTP/1.1 2000 OK\r\n", "not a status line"),
        (b"HTTP/1.x 200 OK\r\n", "not a status line"),
    ],
)
def test_a_head_that_cannot_become_good_is_refused_before_its_end(octets: bytes, rule: str, way: str) -> None:
    error, _ = refused(octets, way)
    assert rule in error.rule


@WAYS
def test_an_interim_response_is_followed_by_a_response_or_refused(way: str) -> None:
    error, count = refused(b"HTTP/1.1 100 Continue\r\n\r\nSSH-2.0\r\n", way)
    assert "this is not HTTP" in error.rule and (way == "whole" or count == 26)


@WAYS
def test_a_folded_trailer_is_joined_and_hides_no_framing(way: str) -> None:
    start = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
    _, _, end = read(start + b"X-A: b\r\n c\r\n\r\n", way)
    assert end is not None and end.trailers["x-a"] == "b c"
    error, _ = refused(start + b"X-A: b\r\nContent-Length:\r\n 2\r\n\r\n", way)
    assert error.section == "RFC 9110 §6.5.1"


def test_a_large_head_is_read_up_to_the_limit() -> None:
    limits = Limits(field_section=64 * 1024, field_lines=1024)
    line = b"X: " + b"y" * (64 * 1024 - 26) + b"\r\n"
    head, content, _ = read(OK + line + b"Content-Length: 2\r\n\r\nhi", "whole", limits)
    assert content == b"hi" and len(head.fields["x"]) > 65_000
