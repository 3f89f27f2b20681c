"""Streams at the client's pace: what a stalled reader holds, whom a sleeping producer stalls."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from netlab import Request, Response, Server
from netlab.probes import kernel
from tests.kit.waiting import settled, until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MIB = 1 << 20


@pytest.mark.linux("SO_MEMINFO")
async def test_a_stalled_reader_holds_a_bounded_number_of_bytes_the_kernel_s_included() -> None:
    produced = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal produced
        piece = bytes(64 * 1024)
        while True:
            yield piece
            produced += len(piece)

    async def app(request: Request) -> Response:
        return Response(stream=endless())

    async with Server(app) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(GET)
        await until(lambda: produced)
        await settled(lambda: produced)
        (connection,) = server.connections
        ours = kernel.socket_memory(connection.transport.socket)
        assert connection.transport.waiting <= 64 * 1024 + 16
        assert ours.queued + connection.transport.waiting <= 512 * 1024
        client.close()
        while server.stats()["open"]:
            await asyncio.sleep(0)


async def test_a_producer_that_sleeps_in_its_thread_stalls_no_other_client() -> None:
    release = threading.Event()
    closed = threading.Event()

    def sleepy() -> Iterator[bytes]:
        try:
            yield b"first"
            release.wait(60)
            yield b"second"
        finally:
            closed.set()

    async def app(request: Request) -> Response:
        return Response(stream=sleepy()) if request.path == "/" else Response(200, b"quick")

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET)
        await reader.readuntil(b"first\r\n")
        other, other_writer = await asyncio.open_connection("127.0.0.1", server.port)
        other_writer.write(GET.replace(b"/ ", b"/other "))
        await asyncio.wait_for(other.readuntil(b"quick"), 20)
        release.set()
        await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 20)
        assert closed.is_set()
        writer.close()
        other_writer.close()
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_client_that_leaves_closes_a_producer_in_its_thread() -> None:
    closed = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                time.sleep(0.001)
                yield bytes(1024)
        finally:
            closed.set()

    async def app(request: Request) -> Response:
        return Response(stream=endless())

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET)
        await reader.readexactly(2000)
        writer.transport.abort()
        async with asyncio.timeout(20):
            while not closed.is_set():
                await asyncio.sleep(0.001)
    await asyncio.get_running_loop().shutdown_default_executor()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_producer_with_a_close_of_its_own_is_closed_once_and_not_in_the_loop_s_thread(
    method: str,
) -> None:
    closed: list[int] = []

    class Rows:
        """Like a database's cursor: iterable, and open until it is closed."""

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"one", b"two"])

        def close(self) -> None:
            closed.append(threading.get_ident())

    async def app(request: Request) -> Response:
        return Response(stream=Rows())

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"%b / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % method.encode())
        said = await asyncio.wait_for(reader.read(), 20)
        assert said.endswith(b"3\r\ntwo\r\n0\r\n\r\n") == (method == "GET")
        writer.close()
    assert len(closed) == 1
    assert closed[0] != threading.get_ident()
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_pieces_leave_one_by_one_from_a_slow_producer() -> None:
    step = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        for number in range(3):
            await step.wait()
            step.clear()
            yield b"piece %d" % number

    async def app(request: Request) -> Response:
        return Response(stream=slow(), trailers={"x-count": "3"})

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        assert b"transfer-encoding: chunked" in head, "the head does not wait for the first piece"
        for number in range(3):
            step.set()
            assert await asyncio.wait_for(reader.readuntil(b"\r\n"), 20) == b"7\r\n"
            assert await asyncio.wait_for(reader.readuntil(b"\r\n"), 20) == b"piece %d\r\n" % number
        assert await reader.readuntil(b"\r\n\r\n") == b"0\r\nx-count: 3\r\n\r\n"
        writer.close()


async def test_one_fast_stream_does_not_starve_the_others() -> None:
    async def endless() -> AsyncIterator[bytes]:
        piece = bytes(MIB)
        while True:
            yield piece

    async def app(request: Request) -> Response:
        return Response(stream=endless()) if request.path == "/" else Response(200, b"quick")

    async with Server(app) as server:
        stop = threading.Event()

        def drain() -> None:
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(GET)
                while not stop.is_set():
                    client.recv(MIB)

        thread = threading.Thread(target=drain)
        thread.start()
        try:
            for _ in range(20):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(GET.replace(b"/ ", b"/other "))
                await asyncio.wait_for(reader.readuntil(b"quick"), 20)
                writer.close()
        finally:
            stop.set()
            await asyncio.to_thread(thread.join)
    await asyncio.get_running_loop().shutdown_default_executor()
