"""A handler that sends its response itself, goes on behind it, or has time when its client has left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server

GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"


async def ask(server: Server, *targets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    *first, last = targets
    writer.write(b"".join(GET % t for t in first))
    writer.write(b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % last)
    try:
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("waits_first", [False, True])
async def test_background_work_goes_on_behind_the_response(waits_first: bool) -> None:
    may_end, ended = asyncio.Event(), list[str]()

    async def app(request: Request) -> Response | None:
        if waits_first:
            await asyncio.sleep(0)
        task = asyncio.current_task()
        request.respond(Response(200, request.path))
        await may_end.wait()
        assert asyncio.current_task() is task
        ended.append(request.path)
        return None

    async with Server(app) as server:
        answer = await ask(server, b"/one", b"/two")
        assert answer.count(b"HTTP/1.1 200") == 2 and answer.endswith(b"/two"), (
            "the next request does not wait"
        )
        assert not ended and len(server.background.tasks) == 2
        may_end.set()
        await server.background.end(5)
    assert sorted(ended) == ["/one", "/two"]


@pytest.mark.parametrize("waits_first", [False, True])
@pytest.mark.parametrize("length", [None, 8])
async def test_a_handler_writes_its_pieces(waits_first: bool, length: int | None) -> None:
    async def app(request: Request) -> Response | None:
        if waits_first:
            await asyncio.sleep(0)
        fields = {} if length is None else {"content-length": str(length)}
        writer = request.start_response(Response(200, fields=fields, trailers=[]))
        for piece in (b"pie", b"", b"ces!!"):
            await writer.write(piece)
        await writer.end([("x-sum", "8")])
        return None

    async with Server(app) as server:
        answer = await ask(server, b"/", b"/")
    body = b"3\r\npie\r\n5\r\nces!!\r\n0\r\nx-sum: 8\r\n\r\n" if length is None else b"pieces!!"
    assert answer.count(b"\r\n\r\n" + body) == 2


@pytest.mark.parametrize(
    ("size", "says"), [(7, "ended 1 bytes before"), (9, "longer than its content-length")]
)
async def test_another_length_than_promised_breaks_the_response_off(
    size: int, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(request: Request) -> Response | None:
        writer = request.start_response(Response(200, fields={"content-length": "8"}))
        await writer.write(b"")  # the head alone
        await writer.write(b"x" * size)
        await writer.end()
        return None

    async with Server(app) as server:
        with pytest.raises(ConnectionResetError):
            await ask(server, b"/")
    assert says in caplog.text


async def test_a_handler_that_ends_before_its_response_breaks_it_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(request: Request) -> Response | None:
        await request.start_response(Response(200)).write(b"piece")
        return None

    async with Server(app) as server:
        with pytest.raises(ConnectionResetError):
            await ask(server, b"/")
    assert "the handler ended before its response" in caplog.text


async def test_a_failure_in_the_background_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(request: Request) -> Response | None:
        request.respond(Response(200, "done"))
        with pytest.raises(RuntimeError, match="has its response already"):
            request.respond(Response(200, "again"))
        if request.path == "/later":
            await asyncio.sleep(0)
        raise LookupError(request.path)

    caplog.set_level(logging.ERROR)
    async with Server(app) as server:
        answer = await ask(server, b"/now", b"/later")
        await server.background.end(5)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert "GET /now" in caplog.text and "GET /later: the handler failed after its response" in caplog.text


async def test_a_stream_that_is_given_early_is_sent_between_steps() -> None:
    async def app(request: Request) -> Response | None:
        async def pieces():  # type: ignore[no-untyped-def]
            yield b"piece"

        if request.path == "/later":
            await asyncio.sleep(0)
        request.respond(Response(200, stream=pieces()))
        await asyncio.sleep(0.05)
        return None

    async with Server(app) as server:
        assert (await ask(server, b"/now", b"/later")).count(b"5\r\npiece\r\n0\r\n\r\n") == 2
        await server.background.end(5)


@pytest.mark.parametrize("goes_on", [False, True])
async def test_an_early_stream_that_fails_before_its_first_piece_is_answered_by_a_500(goes_on: bool) -> None:
    """While content is unread, the head waits for the first piece: nothing has been sent."""

    async def fails() -> AsyncIterator[bytes]:
        raise KeyError("the first piece")
        yield b""

    async def app(request: Request) -> None:
        request.respond(Response(200, stream=fails()))
        if goes_on:
            await asyncio.sleep(0)

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"b" + GET % b"/")
        writer.close()
    assert head.startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("grace", [0.0, 5.0])
async def test_grace_lets_a_handler_end_in_its_own_time(grace: float) -> None:
    told: list[str] = []
    begun, ended = asyncio.Event(), asyncio.Event()

    async def app(request: Request) -> Response | None:
        request.grace = grace
        begun.set()
        try:
            await request.disconnected
            await asyncio.sleep(0)
            told.append("left")
            with pytest.raises(ConnectionResetError):
                request.respond(Response(200))
        except asyncio.CancelledError:
            told.append("cancelled")
            raise
        finally:
            ended.set()
        return None

    async with Server(app) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET % b"/")
        await asyncio.wait_for(begun.wait(), 20)
        sock = writer.get_extra_info("socket")
        import socket as s
        import struct

        sock.setsockopt(s.SOL_SOCKET, s.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await asyncio.wait_for(ended.wait(), 20)
    assert told == (["left"] if grace else ["cancelled"])


async def test_early_hints_of_a_handler() -> None:
    async def app(request: Request) -> Response:
        request.send_early_hints(["</a.css>; rel=preload"])
        return Response(200, "page")

    async with Server(app) as server:
        assert (await ask(server, b"/")).startswith(
            b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200"
        )
