"""What a handler is told of its client's leaving and of a stop; and when a response is closed."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

import netlab
from netlab import Disconnect, Request, Response, Server

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: only that says for certain that a client has left."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def ask(server: Server, request: bytes = GET) -> Streams:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    return reader, writer


@pytest.mark.parametrize("leave", [asyncio.StreamWriter.close, reset], ids=["FIN", "RST"])
async def test_a_handler_that_waits_is_told_that_its_client_has_left(leave: Any) -> None:
    told: list[object] = []
    asked = asyncio.Event()

    async def app(request: Request) -> Response:
        asked.set()
        try:
            told.append(await request.disconnected)
        except asyncio.CancelledError:
            told.append(request.disconnected.reason)
            raise
        return Response(200)

    async with Server(app) as server:
        _, writer = await ask(server)
        await asked.wait()
        leave(writer)
        async with asyncio.timeout(20):
            while not told:
                await asyncio.sleep(0)
    assert told == [Disconnect.CLIENT_LEFT]


async def test_any_number_of_tasks_wait_and_a_cancelled_one_takes_nothing_from_the_others() -> None:
    found: list[object] = []

    async def wait(request: Request) -> None:
        found.append(await request.disconnected)

    async def app(request: Request) -> Response:
        assert request.disconnected is request.disconnected
        waiting = [asyncio.create_task(wait(request)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.wait(waiting)
        return Response(200)

    async with Server(app) as server:
        _, writer = await ask(server)
        while not server.requests:
            await asyncio.sleep(0)
        writer.close()
        async with asyncio.timeout(20):
            while len(found) < 2:
                await asyncio.sleep(0)
    assert found == [Disconnect.CLIENT_LEFT] * 2


async def test_a_task_left_over_from_a_handler_learns_that_its_exchange_is_over() -> None:
    kept: list[Request] = []

    async def app(request: Request) -> Response:
        kept.append(request)
        if len(kept) == 1:
            assert not request.disconnected.done()
        return Response(200)

    async with Server(app) as server:
        reader, writer = await ask(server, GET * 2)
        for _ in kept, kept:
            await reader.readuntil(b"\r\n\r\n")
        # The first asked during its exchange, the second only now.
        assert [await each.disconnected for each in kept] == [Disconnect.EXCHANGE_OVER] * 2
        writer.close()


async def events(request: Request) -> AsyncIterator[bytes]:
    """Server-sent events: a word now and then, until the client or the server wants no more of them."""
    while not request.disconnected.done():
        yield b"data: x\n\n"
        try:
            await asyncio.wait_for(request.disconnected, 20)
        except TimeoutError:
            pass
    yield b"data: bye\n\n"


async def test_a_stop_ends_a_stream_that_asks_and_loses_nothing_of_it() -> None:
    async def app(request: Request) -> Response:
        return Response(200, stream=events(request))

    async with Server(app) as server:
        reader, writer = await ask(server)
        await reader.readuntil(b"data: x\n\n\r\n")
        stopping = asyncio.create_task(server.stop())
        async with asyncio.timeout(20):
            assert await reader.read() == b"b\r\ndata: bye\n\n\r\n0\r\n\r\n"
            writer.close()
            await stopping


async def test_a_stream_that_begins_while_the_server_stops_is_told_at_once() -> None:
    release = asyncio.Event()

    async def app(request: Request) -> Response:
        await release.wait()
        return Response(200, stream=events(request))

    async with Server(app) as server:
        reader, writer = await ask(server)
        while not server.stats()["active"]:
            await asyncio.sleep(0)
        stopping = asyncio.create_task(server.stop())
        while not server.draining:
            await asyncio.sleep(0)
        release.set()
        async with asyncio.timeout(20):
            assert (await reader.read()).endswith(b"\r\n\r\nb\r\ndata: bye\n\n\r\n0\r\n\r\n")
            writer.close()
            await stopping


async def test_a_stop_does_not_disturb_a_handler_that_has_not_answered_yet() -> None:
    release, asked = asyncio.Event(), asyncio.Event()

    async def app(request: Request) -> Response:
        asked.set()
        await release.wait()
        return Response(200, str(request.disconnected.done()))

    async with Server(app) as server:
        reader, writer = await ask(server)
        await asked.wait()
        stopping = asyncio.create_task(server.stop())
        while server._listener is not None:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        release.set()
        assert (await reader.read()).endswith(b"\r\n\r\nFalse")
        writer.close()
        await stopping


async def test_a_handler_that_gives_up_because_its_client_has_left_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(request: Request) -> Response:
        await request.disconnected
        raise ConnectionAbortedError("the client has left")

    async with Server(app) as server:
        _, writer = await ask(server)
        while not server.stats()["active"]:
            await asyncio.sleep(0)
        writer.close()
        async with asyncio.timeout(20):
            while server.stats()["open"]:
                await asyncio.sleep(0)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def _fixed(request: Request, on_close: Any) -> Response:
    return Response(200, b"hello", on_close=on_close)


async def _large(request: Request, on_close: Any) -> Response:
    return Response(200, bytes(8 << 20), on_close=on_close)


async def _streamed(request: Request, on_close: Any) -> Response:
    return Response(200, stream=events_once(), on_close=on_close)


async def _invalid(request: Request, on_close: Any) -> Response:
    return Response(200, b"hello", {"x": "a\r\nb"}, on_close=on_close)


async def _invalid_stream(request: Request, on_close: Any) -> Response:
    return Response(205, stream=events_once(), on_close=on_close)


async def _failing_stream(request: Request, on_close: Any) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("the producer fails")

    return Response(200, stream=pieces(), on_close=on_close)


async def events_once() -> AsyncIterator[bytes]:
    yield b"once"


@pytest.mark.parametrize(
    "app",
    [_fixed, _large, _streamed, _invalid, _invalid_stream, _failing_stream],
    ids=lambda app: app.__name__,
)
@pytest.mark.parametrize("request_line", [GET, HEAD], ids=["GET", "HEAD"])
async def test_a_response_is_closed_once_when_the_server_is_done_with_it(
    app: Any, request_line: bytes
) -> None:
    closed = 0

    def close() -> None:
        nonlocal closed
        closed += 1

    async def handler(request: Request) -> Response:
        response: Response = await app(request, close)
        return response

    async with Server(handler) as server:
        reader, writer = await ask(server, request_line)
        try:
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            writer.write_eof()
            while await asyncio.wait_for(reader.read(1 << 20), 20):
                pass
        except OSError:  # a reset; or ENOTCONN, when it came before write_eof
            assert app is _failing_stream
        writer.close()
        async with asyncio.timeout(20):
            while server.stats()["open"]:
                await asyncio.sleep(0)
        assert closed == 1


@pytest.mark.parametrize("app", [_fixed, _streamed], ids=["fixed", "streamed"])
async def test_a_response_that_is_never_sent_is_closed_too(app: Any) -> None:
    """The client has left before its handler returns, and the handler ignores its cancellation."""
    closed, asked = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        asked.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
        response: Response = await app(request, closed.set)
        return response

    async with Server(handler) as server:
        _, writer = await ask(server)
        await asked.wait()
        reset(writer)
        await asyncio.wait_for(closed.wait(), 20)


async def test_a_client_that_leaves_in_the_middle_of_a_stream_closes_the_response() -> None:
    closed = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(3600)

    async def app(request: Request) -> Response:
        return Response(200, stream=pieces(), on_close=closed.set)

    async with Server(app) as server:
        reader, writer = await ask(server)
        await reader.readuntil(b"first")
        assert not closed.is_set()
        reset(writer)
        await asyncio.wait_for(closed.wait(), 20)


async def test_what_on_close_raises_is_logged_and_costs_no_client_its_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails() -> None:
        raise RuntimeError("cannot close")

    async def app(request: Request) -> Response:
        return Response(200, b"hello", on_close=fails)

    async with Server(app) as server:
        reader, writer = await ask(server, GET * 2)
        for _ in range(2):
            await asyncio.wait_for(reader.readuntil(b"hello"), 20)
        writer.close()
    assert "cannot close" in caplog.text


def test_the_names_are_public() -> None:
    assert netlab.Disconnect is Disconnect and "Disconnect" in netlab.__all__
