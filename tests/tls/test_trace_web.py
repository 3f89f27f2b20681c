"""Decrypted application data as HTTP/1.1: what the parsers say of both sides, and where HTTP/1.1 ends."""

from __future__ import annotations

from netlab.tls.tracing.values import Side
from netlab.tls.tracing.web import HttpReading, describe

GET = b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n"


def told(*said: tuple[Side, bytes], end: Side | None = None) -> list[str]:
    """The first line of each event."""
    reading = HttpReading()
    found = [describe(event)[0] for side, data in said for event in reading.feed(side, data)]
    if end is not None:
        found += [describe(event)[0] for event in reading.end(end)]
        assert reading.end(end) == []
    return found


def test_a_request_and_its_response() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    assert told((Side.CLIENT, GET), (Side.SERVER, answer)) == [
        "GET /a HTTP/1.1", "HTTP/1.1 200 OK", "content: 5 bytes", "the message is complete",
    ]  # fmt: skip


def test_a_response_without_a_length_ends_once_with_close_notify() -> None:
    answer = b"HTTP/1.0 200 OK\r\n\r\nhello"
    assert told((Side.CLIENT, GET), (Side.SERVER, answer), end=Side.SERVER)[-1] == "the message is complete"


def test_a_head_that_is_cut_by_the_end_says_nothing_more() -> None:
    assert told((Side.SERVER, b"HTTP/1.1 200 OK\r\nContent-"), end=Side.SERVER) == []


def test_the_response_to_head_has_no_content() -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: b\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    found = told((Side.CLIENT, head + GET), (Side.SERVER, answer + answer + b"hello"))
    assert found.count("content: 5 bytes") == 1


def test_other_protocols_are_named_and_left() -> None:
    assert told((Side.CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), (Side.SERVER, b"\0")) == [
        "HTTP/2: its frames are not read"
    ]
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    found = told((Side.CLIENT, GET), (Side.SERVER, upgrade), (Side.SERVER, b"\x81\x05hello"))
    assert found[-1] == "the connection speaks another protocol from here on"
    assert told((Side.CLIENT, b"EHLO me\r\n\r\n"))[0].startswith("not HTTP/1.1: ")
