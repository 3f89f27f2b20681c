"""The access log: a line for each response, refusals included."""

from __future__ import annotations

import asyncio

import pytest

from netlab import Limits, Request, Response

from .test_deadlines import GET, Timed

Line = tuple[str, str, int]

REFUSED: dict[str, tuple[bytes, Line]] = {
    "no request": (b"\x16\x03\x01\x02\x00\r\n", ("\\x16\\x03\\x01\\x02\\x00", "-", 400)),
    "a bad field line": (b"GET /a HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", ("GET", "/a", 400)),
    "two Hosts": (b"HEAD /a?b HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ("HEAD", "/a?b", 400)),
    "escape codes": (b"GET /\x1b[31mred HTTP/1.1\r\nHost: a\r\n\r\n", ("GET", "/\\x1b[31mred", 400)),
    "a long target": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", ("GET", "/" + "a" * 195, 414)),
    "a large field section": (b"PUT / HTTP/1.1\r\nX: " + b"a" * 40_000, ("PUT", "/", 431)),
    "many field lines": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", ("GET", "/", 431)),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ("PRI", "*", 505)),
    "an unknown expectation": (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", ("GET", "/", 417)),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_refusal_has_a_line(what: str) -> None:
    data, expected = REFUSED[what]
    lines: list[Line] = []

    def log(connection: object, head: object, response: Response) -> None:
        lines.append((head.method, head.target, response.status))  # type: ignore[attr-defined]

    async with Timed(hello, access_log=log) as timed:
        reader, writer = await timed.connect()
        writer.write(GET + data)
        answer = await asyncio.wait_for(reader.readuntil(b"hello"), 20)
        answer = await asyncio.wait_for(reader.readline(), 20)
        assert lines == [("GET", "/", 200), expected] and answer.split()[1] == b"%d" % expected[2]
        writer.close()


async def test_a_head_that_is_late_has_a_line() -> None:
    lines: list[Line] = []

    def log(connection: object, head: object, response: Response) -> None:
        lines.append((head.method, head.target, response.status))  # type: ignore[attr-defined]

    async with Timed(hello, access_log=log, limits=Limits()) as timed:
        _, writer = await timed.connect()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: a\r\n")
        (connection,) = timed.server.connections
        await timed.until(lambda: connection.state.value == "head")
        timed.pass_time(11)
        assert lines == [("GET", "/slow", 408)]
        writer.close()


async def hello(request: Request) -> Response:
    return Response(200, b"hello")
