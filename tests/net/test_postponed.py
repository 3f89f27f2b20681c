"""Small responses of one turn leave together, in their order, whole, and before what comes behind them."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from netlab.net.postponing import PostponingTransport
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


class Sock:
    """A socket of which each `send` takes so many bytes, or raises."""

    def __init__(self, takes: list[int | OSError]) -> None:
        self.takes, self.taken = takes, b""

    def fileno(self) -> int:
        return -1

    def send(self, data: bytes) -> int:
        take = self.takes.pop(0)
        if isinstance(take, OSError):
            raise take
        self.taken += data[:take]
        return take

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "takes, taken, waiting",
    [
        ([6], b"abcdef", 0),
        ([2, 4], b"abcdef", 0),
        ([2, BlockingIOError()], b"ab", 4),
        ([BlockingIOError(), BlockingIOError()], b"", 6),
    ],
)
async def test_what_the_kernel_does_not_take_of_a_postponed_write_waits(
    takes: list[int | OSError], taken: bytes, waiting: int
) -> None:
    told: list[str] = []
    protocol: Any = SimpleNamespace(watch_send=lambda: told.append("watch"))
    poller: Any = SimpleNamespace(postponed=[], modify=lambda fd, events: None)
    sock: Any = Sock(takes)
    transport = PostponingTransport()
    transport.attach(sock, poller, protocol)
    assert transport.write(b"abc") and transport.write(b"def") and poller.postponed == [transport]
    transport.send_postponed()
    assert (sock.taken, transport.waiting, sock.takes) == (taken, waiting, [])
    assert told == ["watch"] * bool(waiting)


async def test_a_client_that_has_reset_is_lost_when_a_postponed_write_leaves() -> None:
    told: list[object] = []
    protocol: Any = SimpleNamespace(lost=told.append)
    poller: Any = SimpleNamespace(postponed=[], unregister=lambda fd: None)
    sock: Any = Sock([ConnectionResetError(), BrokenPipeError()])
    transport = PostponingTransport()
    transport.attach(sock, poller, protocol)
    transport.write(b"abc")
    transport.send_postponed()
    await asyncio.sleep(0)
    assert transport.closed and [type(error) for error in told] == [BrokenPipeError]
