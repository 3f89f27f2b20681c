"""Small responses of one turn leave together, in their order, whole, and before what comes behind them."""

from __future__ import annotations

import asyncio
import socket

import pytest

from netlab.server.config import Timeouts
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server
from tests.kit.waiting import until


async def echo_path(request: Request) -> Response:
    return Response(200, request.path)


echo_path.postpones_writes = True  # type: ignore[attr-defined]


def get(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *lines, "", ""]).encode()


@pytest.mark.parametrize("count", [1, 3, 40])
async def test_pipelined_responses_keep_their_order(count: int) -> None:
    async with Server(echo_path) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"".join(get(f"/{n}") for n in range(count - 1)) + get("/last", "Connection: close"))
        answer = await reader.read()
        writer.close()
    bodies = [piece.split(b"HTTP/1.1")[0] for piece in answer.split(b"\r\n\r\n")[1:]]
    assert bodies == [f"/{n}".encode() for n in range(count - 1)] + [b"/last"]


async def test_a_large_response_and_a_stream_come_behind_a_small_one() -> None:
    async def app(request: Request) -> Response:
        async def pieces():  # type: ignore[no-untyped-def]
            yield b"streamed"

        if request.path == "/stream":
            return Response(200, fields={"content-length": "8"}, stream=pieces())
        return Response(200, b"x" * (100_000 if request.path == "/large" else 1))

    app.postpones_writes = True  # type: ignore[attr-defined]
    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(get("/") + get("/large") + get("/") + get("/stream") + get("/", "Connection: close"))
        heads, lengths = [], []
        for size in (1, 100_000, 1, 8, 1):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            lengths.append(len(await reader.readexactly(size)))
        assert await reader.read() == b""
        writer.close()
    assert lengths == [1, 100_000, 1, 8, 1] and all(head.startswith(b"HTTP/1.1 200") for head in heads)


async def test_a_client_that_does_not_read_stops_being_answered() -> None:
    async with Server(echo_path, timeouts=Timeouts(idle=5)) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.setblocking(False)
        loop, request = asyncio.get_running_loop(), get("/" + "x" * 4000)
        unsent = request * 5000  # requests whose responses would fill 20 MB
        view = memoryview(unsent)
        await until(lambda: server.connections)
        [connection] = server.connections
        while view:
            try:
                view = view[client.send(view) :]
            except BlockingIOError:
                if connection.transport.waiting:
                    break
            await asyncio.sleep(0)
        assert view, "the server reads no more while its responses are not taken"
        assert 0 < connection.transport.waiting < 200_000
        read = 0
        while connection.transport.waiting:  # it reads: what waits is sent, and the connection goes on
            read += len(await loop.sock_recv(client, 1 << 20))
        assert read and not connection.is_closed
        client.close()


async def test_a_slow_reader_is_not_taken_for_an_idle_connection() -> None:
    async with Server(echo_path, timeouts=Timeouts(idle=30, head=0.4)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(get("/a"))
        await reader.readuntil(b"/a")
        [connection] = server.connections
        connection.watch_send()  # as when a postponed write was kept
        connection.flushed()
        await asyncio.sleep(0.6)
        writer.write(get("/b", "Connection: close"))
        assert (await reader.read()).endswith(b"/b"), "flushed: the idle timeout counts again"
        writer.close()
