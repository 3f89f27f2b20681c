"""A request's body says the same to its handler, whether it came with its head or behind it. RFC 9112 §6."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from netlab import Request, Response, Server

HEAD = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"
CONTENT = b"0123456789a"
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"

Handler = Callable[[Request], Awaitable[Response]]

both_ways = pytest.mark.parametrize("arrives_with_head", [True, False])


async def answers(handler: Handler, arrives_with_head: bool) -> bytes:
    """What the server answers to a POST and to a GET behind it. /next gets its path as its answer."""
    has_begun = asyncio.Event()

    async def app(request: Request) -> Response:
        has_begun.set()
        return await handler(request) if request.method == "POST" else Response(200, request.path)

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        if arrives_with_head:
            writer.write(HEAD % 1 + CONTENT + NEXT)
        else:
            writer.write(HEAD % 1)
            await asyncio.wait_for(has_begun.wait(), 20)
            writer.write(CONTENT + NEXT)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
    return answer


@both_ways
async def test_a_handlers_own_limit_is_a_413_and_no_request_behind_it_is_read(
    arrives_with_head: bool,
) -> None:
    async def reads(request: Request) -> Response:
        return Response(200, await request.read(limit=10))

    answer = await answers(reads, arrives_with_head)
    assert answer.startswith(b"HTTP/1.1 413 ") and b"connection: close" in answer
    assert answer.count(b"HTTP/1.1") == 1


@both_ways
async def test_a_response_made_of_a_body_beyond_its_limit_is_a_413(arrives_with_head: bool) -> None:
    async def echoes(request: Request) -> Response:
        return Response(200, stream=request.stream(limit=10))

    answer = await answers(echoes, arrives_with_head)
    assert answer.startswith(b"HTTP/1.1 413 ") and answer.count(b"HTTP/1.1") == 1


@both_ways
async def test_a_body_beyond_a_limit_is_refused_again_when_it_is_asked_for_again(
    arrives_with_head: bool,
) -> None:
    async def reads_twice(request: Request) -> Response:
        try:
            await request.read(limit=10)
        except ValueError:
            return Response(200, await request.read())
        return Response(200, b"read")

    answer = await answers(reads_twice, arrives_with_head)
    assert answer.startswith(b"HTTP/1.1 413 ") and answer.count(b"HTTP/1.1") == 1


@both_ways
async def test_a_limit_that_the_body_keeps_changes_nothing(arrives_with_head: bool) -> None:
    async def reads(request: Request) -> Response:
        return Response(200, await request.read(limit=11))

    answer = await answers(reads, arrives_with_head)
    assert CONTENT in answer and answer.endswith(b"/next")


@both_ways
async def test_a_stream_gives_the_body_once_and_read_gives_it_again(arrives_with_head: bool) -> None:
    async def streams(request: Request) -> Response:
        once = [b"".join([piece async for piece in request.stream()]) for _ in range(2)]
        return Response(200, repr([*once, await request.read(), await request.receive()]))

    async def reads(request: Request) -> Response:
        read = [await request.read(), await request.read()]
        return Response(200, repr(read + [piece async for piece in request.stream()]))

    assert repr([CONTENT, b"", b"", b""]).encode() in await answers(streams, arrives_with_head)
    assert repr([CONTENT] * 3).encode() in await answers(reads, arrives_with_head)


@both_ways
async def test_a_body_that_was_not_read_cannot_be_read_when_its_exchange_is_over(
    arrives_with_head: bool,
) -> None:
    told: list[str] = []
    is_over = asyncio.Event()

    async def responds_first(request: Request) -> Response:
        request.respond(Response(200, b"first"))
        await request.disconnected
        try:
            told.append(repr(await request.read()))
        except RuntimeError as error:
            told.append(str(error))
        is_over.set()
        return Response(200)

    answer = await answers(responds_first, arrives_with_head)
    await asyncio.wait_for(is_over.wait(), 20)
    assert told == ["the body cannot be read any more: its exchange is over"]
    assert b"first" in answer and answer.endswith(b"/next")


async def test_a_body_that_came_with_its_head_is_read_by_a_handler_that_goes_on_behind_its_response() -> None:
    read: list[bytes] = []

    async def reads_late(request: Request) -> Response:
        read.append(await request.read())
        request.respond(Response(200, b"first"))
        await request.disconnected
        read.append(await request.read())
        return Response(200)

    answer = await answers(reads_late, arrives_with_head=True)
    assert read == [CONTENT, CONTENT] and answer.endswith(b"/next")
