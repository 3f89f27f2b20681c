"""Who reads on when the exchange is over learns so, and never sees the next request's content."""

from __future__ import annotations

import array
import asyncio
from collections.abc import AsyncIterator

import pytest

from netlab import Request, Response
from tests.server.test_deadlines import Timed

from .clients import GET, POST

CONTENT = b"Content-Length: %d\r\n\r\n"
OVER = "its exchange is over"


async def until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    return await asyncio.wait_for(reader.readuntil(end), 20)


async def test_equal_requests_are_told_apart() -> None:
    """A head that came before is the same object again: it does not say whose content it is."""
    left: list[asyncio.Future[bytes]] = []
    go = asyncio.Event()
    count = 0

    async def late(request: Request) -> bytes:
        await go.wait()
        return await request.read()

    async def app(request: Request) -> Response:
        nonlocal count
        count += 1
        if count == 4:
            left.append(asyncio.ensure_future(late(request)))
            return Response(200, b"left..")
        if count == 5:
            go.set()
            await asyncio.wait(left)
        return Response(200, await request.read())

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        for content in (b"one...", b"two...", b"three.", b"left..", b"SECRET"):
            writer.write(POST + CONTENT % 6 + content)
            assert (await until(reader, content)).startswith(b"HTTP/1.1 200 ")
        assert OVER in str(left[0].exception())
        writer.close()


@pytest.mark.parametrize("rest", [b"def", b"defPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"])
async def test_a_task_that_waits_for_content_hears_of_the_end(rest: bytes) -> None:
    """Its bytes may come in the same turn as the next request, or not."""
    left: list[asyncio.Future[bytes]] = []

    async def app(request: Request) -> Response:
        if left:
            return Response(200, await request.read())
        left.append(asyncio.ensure_future(request.read()))
        await asyncio.sleep(0.05)
        return Response(200, b"without it")

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        writer.write(POST + CONTENT % 6 + b"abc")
        await until(reader, b"without it")
        writer.write(rest)
        if rest == b"def":
            writer.write(POST + CONTENT % 6)
        writer.write(b"SECRET")
        assert (await until(reader, b"SECRET")).startswith(b"HTTP/1.1 200 ")
        await asyncio.wait(left, timeout=20)
        assert OVER in str(left[0].exception())
        writer.close()


async def test_a_task_that_waits_for_content_hears_that_the_client_has_gone() -> None:
    left: list[asyncio.Future[bytes]] = []

    async def app(request: Request) -> Response:
        left.append(asyncio.ensure_future(request.read()))
        await asyncio.sleep(60)
        raise AssertionError("unreachable")

    async with Timed(app) as timed:
        _, writer = await timed.connect()
        writer.write(POST + CONTENT % 6 + b"abc")
        await timed.until(lambda: bool(left))
        writer.transport.abort()
        await asyncio.wait(left, timeout=20)
        assert left[0].done() and left[0].exception() is not None


async def test_no_100_comes_in_the_middle_of_a_response() -> None:
    async def app(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first"
            async for piece in request.stream():
                yield piece

        return Response(200, stream=pieces())

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        writer.write(POST + b"Expect: 100-continue\r\n" + CONTENT % 3)
        begun = await until(reader, b"first\r\n")
        writer.write(b"abc")
        rest = await until(reader, b"0\r\n\r\n")
        assert begun.startswith(b"HTTP/1.1 200 ")
        assert rest == b"3\r\nabc\r\n0\r\n\r\n"
        writer.close()


@pytest.mark.parametrize("length", [None, 40])
async def test_a_view_of_larger_items_is_framed_by_its_octets(length: int | None) -> None:
    numbers = memoryview(array.array("I", range(10)))

    async def app(request: Request) -> Response:
        async def pieces() -> AsyncIterator[memoryview]:
            yield numbers

        return Response(200, b"", {"content-length": str(length)} if length else None, stream=pieces())

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        writer.write(GET)
        head = await until(reader, b"\r\n\r\n")
        framed = numbers.tobytes() if length else b"28\r\n" + numbers.tobytes() + b"\r\n0\r\n\r\n"
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await asyncio.wait_for(reader.readexactly(len(framed)), 20) == framed
        writer.write(GET)
        assert (await until(reader, b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_a_205_is_not_streamed() -> None:
    """RFC 9110 §15.3.6: it has no content."""

    async def app(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"x"

        return Response(205, stream=pieces())

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        writer.write(GET)
        assert (await until(reader, b"cannot be sent\n")).startswith(b"HTTP/1.1 500 ")
        writer.close()
