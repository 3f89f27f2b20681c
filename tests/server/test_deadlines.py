"""Deadlines fire to the second, by a clock that the test turns; and a stop loses nothing under way."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from netlab import Limits, Request, Response, Server, Timeouts
from netlab.net.sockets import unconfirmed
from tests.kit.clock import Clock
from tests.kit.waiting import settled, until_read

from .conftest import Process, Raw

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Timed:
    """A server whose time is the test's."""

    def __init__(self, app: Any, **options: Any) -> None:
        self.clock = Clock()
        self.server = Server(app, clock=self.clock, **options)

    async def __aenter__(self) -> Timed:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop(0)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        before = self.server.accepted
        streams = await asyncio.open_connection("127.0.0.1", self.server.port)
        await self.until(lambda: self.server.accepted > before)
        return streams

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0)

    async def states(self, **expected: int) -> None:
        await self.until(lambda: {k: self.server.stats()[k] for k in expected} == expected)

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.server.sweep.sweep()


async def hello(request: Request) -> Response:
    return Response(200, b"hello")


async def test_a_silent_client_is_closed_after_the_time_for_a_head() -> None:
    async with Timed(hello) as timed:
        reader, writer = await timed.connect()
        timed.pass_time(9.9)
        assert timed.server.stats()["open"] == 1
        timed.pass_time(1)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_slow_head_gets_408_counted_from_accept() -> None:
    async with Timed(hello) as timed:
        reader, writer = await timed.connect()
        for _ in range(9):
            writer.write(b"GET / HTTP/1.1\r\n" if _ == 0 else b"a: b\r\n")
            await timed.until(lambda: timed.server.stats()["idle"] == 0)
            timed.pass_time(1)
        assert timed.server.stats()["open"] == 1
        timed.pass_time(2)
        answer = await asyncio.wait_for(reader.read(), 20)
        assert answer.startswith(b"HTTP/1.1 408 ") and b"connection: close" in answer
        writer.close()


async def test_an_idle_connection_lives_75_seconds_and_the_next_head_has_10() -> None:
    async with Timed(hello) as timed:
        reader, writer = await timed.connect()
        writer.write(GET)
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        timed.pass_time(74)
        writer.write(b"GET")
        await timed.states(open=1, idle=0)
        timed.pass_time(9.5)
        assert timed.server.stats()["open"] == 1
        timed.pass_time(1)
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 408")
        writer.close()
        reader, writer = await timed.connect()
        writer.write(GET)
        await reader.readuntil(b"hello")
        timed.pass_time(74.9)
        assert timed.server.stats()["open"] >= 1
        timed.pass_time(1)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_stopped_content_gets_408_where_the_handler_reads_it() -> None:
    """Where a byte is enough, each has 30 seconds; tests/server/hostile asks for more."""

    got = b""

    async def app(request: Request) -> Response:
        nonlocal got
        async for piece in request.stream():
            got += piece
        return Response(200, got)

    async with Timed(app, limits=Limits(least=1)) as timed:
        reader, writer = await timed.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        await timed.states(active=1)
        for number in range(3):  # each byte buys 30 seconds
            await timed.until(lambda sent=b"abc" + b"x" * number: got == sent)  # type: ignore[misc]
            timed.pass_time(25)
            writer.write(b"x")
        await timed.until(lambda: got == b"abcxxx")
        assert timed.server.stats()["open"] == 1
        timed.pass_time(31)
        answer = await asyncio.wait_for(reader.read(), 20)
        assert answer.startswith(b"HTTP/1.1 408 "), answer
        writer.close()


async def test_a_client_that_takes_nothing_is_dropped_and_its_producer_closed() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1 << 20)
        finally:
            closed.set()

    async def app(request: Request) -> Response:
        return Response(200, stream=endless())

    async with Timed(app) as timed:
        sock = socket.create_connection(("127.0.0.1", timed.server.port))
        sock.sendall(GET)
        connections = timed.server.connections
        await timed.until(lambda: any(c.transport.waiting for c in connections))
        await settled(lambda: [unconfirmed(c.transport.socket) for c in connections])
        timed.pass_time(0)  # what its kernel took without it is no news from now on
        timed.pass_time(29.9)
        assert timed.server.stats()["open"] == 1
        timed.pass_time(0.6)
        await asyncio.wait_for(closed.wait(), 20)
        assert timed.server.stats()["open"] == 0
        sock.close()


async def test_a_server_that_has_rested_for_hours_greets_its_next_client() -> None:
    async with Timed(hello) as timed:
        timed.clock.now += 36_000  # no connection is open: no sweep looks at the clock
        reader, writer = await timed.connect()
        writer.write(GET)
        assert (await asyncio.wait_for(reader.readuntil(b"hello"), 20)).startswith(b"HTTP/1.1 200")
        timed.pass_time(74)
        assert timed.server.stats()["open"] == 1
        writer.close()


async def test_a_computing_handler_has_no_deadline() -> None:
    release = asyncio.Event()

    async def app(request: Request) -> Response:
        await release.wait()
        return Response(200, b"done")

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        writer.write(GET)
        await timed.states(active=1)
        timed.pass_time(100000)
        release.set()
        assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_refused_client_that_never_closes_is_closed() -> None:
    async with Timed(hello) as timed:
        reader, writer = await timed.connect()
        writer.write(b"BAD\r\n")
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 400")
        assert timed.server.stats()["open"] == 1
        timed.pass_time(5.5)
        assert timed.server.stats()["open"] == 0
        writer.close()


async def test_pipelining_without_reading_keeps_memory_bounded() -> None:
    async def app(request: Request) -> Response:
        return Response(200, bytes(100_000))

    async with Timed(app, limits=Limits(pipeline=8192)) as timed:
        _reader, writer = await timed.connect()
        sent = 0
        writer.transport.set_write_buffer_limits(high=0)
        try:
            async with asyncio.timeout(0.5):
                while True:
                    writer.write(GET * 1000)
                    sent += 1000
                    await writer.drain()
        except TimeoutError:
            pass
        (connection,) = timed.server.connections
        assert connection.parser.buffered < 8192 + (64 << 10)
        assert connection.transport.waiting <= 200_000
        assert timed.server.requests < sent
        writer.transport.abort()
        await timed.states(open=0)


async def test_the_listener_pauses_when_no_descriptor_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Timed(hello) as timed:
        server = timed.server
        real, calls = server._accept, 0

        def exhausted() -> socket.socket:
            nonlocal calls
            calls += 1
            raise OSError(errno.EMFILE, "too many open files")

        server._accept = exhausted
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await timed.until(lambda: calls > 0)
        await asyncio.sleep(0.1)
        assert calls == 1, "a listener that cannot accept must not be asked again and again"
        server._accept = real
        timed.pass_time(1)
        writer.write(GET)
        assert (await asyncio.wait_for(reader.readuntil(b"hello"), 20)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_the_cap_on_connections_makes_later_ones_wait_not_fail() -> None:
    async with Timed(hello, max_connections=2) as timed:
        first, second = await timed.connect(), await timed.connect()
        reader, writer = await asyncio.open_connection("127.0.0.1", timed.server.port)
        writer.write(GET)
        await asyncio.sleep(0.05)
        assert timed.server.stats()["open"] == 2
        first[1].close()
        assert (await asyncio.wait_for(reader.readuntil(b"hello"), 20)).startswith(b"HTTP/1.1 200")
        second[1].close()
        writer.close()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(GET)
    assert (await asyncio.wait_for(reader.readuntil(b"hello"), 20)).startswith(b"HTTP/1.1 200")


async def test_a_full_server_closes_its_longest_idle_connection() -> None:
    async with Timed(hello, max_connections=3) as timed:
        connected = [await timed.connect() for _ in range(3)]
        for streams in connected:
            await ask(*streams)
            timed.pass_time(4)
        connected.append(await asyncio.open_connection("127.0.0.1", timed.server.port))
        await ask(*connected[3])
        assert await asyncio.wait_for(connected[0][0].read(), 20) == b""
        await ask(*connected[1])
        await ask(*connected[2])
        for _, writer in connected:
            writer.close()


async def test_a_full_server_keeps_clients_that_come_again_and_again() -> None:
    async with Timed(hello, max_connections=2) as timed:
        silent, regular = await timed.connect(), await timed.connect()
        newcomer = await asyncio.open_connection("127.0.0.1", timed.server.port)
        newcomer[1].write(GET)
        for _ in range(4):
            await ask(*regular)
            timed.pass_time(2.4)
            await asyncio.sleep(0)
            assert timed.server.stats()["open"] == 2 and timed.server.accepted == 2
        timed.pass_time(2)  # who has not said a word has had the time for a head
        assert (await asyncio.wait_for(newcomer[0].readuntil(b"hello"), 20)).startswith(b"HTTP/1.1 200")
        await ask(*regular)
        for _, writer in (silent, regular, newcomer):
            writer.close()


@pytest.mark.parametrize(("room", "closed"), [(1, True), (2, False)])
async def test_a_full_server_gives_a_refused_client_that_goes_on_sending_no_more_time(
    room: int, closed: bool
) -> None:
    async with Timed(hello, max_connections=room, timeouts=Timeouts(linger=2)) as timed:
        reader, writer = await timed.connect()
        writer.write(b"GET /\x00 HTTP/1.1\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)).startswith(b"HTTP/1.1 400 ")
        client, (connection,) = writer.get_extra_info("socket"), timed.server.connections
        for _ in range(3):  # an upload of the least rate: a server with room reads on
            timed.pass_time(1)
            with contextlib.suppress(ConnectionError):
                writer.write(bytes(4096))
                await writer.drain()
            await until_read(client, connection.transport.socket)
        assert (timed.server.stats()["open"] == 0) is closed
        writer.close()


async def test_a_request_that_has_come_is_answered_although_the_server_is_full() -> None:
    async with Timed(hello, max_connections=1) as timed:
        first = await timed.connect()
        await ask(*first)
        timed.pass_time(11)
        waiting = socket.create_connection(("127.0.0.1", timed.server.port))
        first[1].write(GET)  # both before the server has its turn
        assert (await asyncio.wait_for(first[0].readuntil(b"hello"), 20)).startswith(b"HTTP/1.1 200")
        await timed.until(lambda: timed.server.stats()["idle"] == 1)
        timed.pass_time(11)
        second = await asyncio.open_connection(sock=waiting)
        await ask(*second)
        assert await asyncio.wait_for(first[0].read(), 20) == b""
        for _, writer in (first, second):
            writer.close()


async def test_a_stop_answers_what_is_under_way_and_closes_what_is_idle() -> None:
    release = asyncio.Event()

    async def app(request: Request) -> Response:
        if request.path == "/slow":
            await release.wait()
        return Response(200, b"done")

    async with Timed(app) as timed:
        idle, _keep = await timed.connect()
        slow, writer = await timed.connect()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await timed.states(active=1)
        stopping = asyncio.create_task(timed.server.stop())
        assert await asyncio.wait_for(idle.read(), 20) == b""
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", timed.server.port)
        release.set()
        answer = await asyncio.wait_for(slow.read(), 20)
        assert answer.endswith(b"done") and b"connection: close" in answer
        writer.close()
        _keep.close()
        await stopping


async def test_a_stop_does_not_wait_without_a_bound() -> None:
    async def app(request: Request) -> Response:
        await asyncio.sleep(3600)
        return Response()

    async with Timed(app, timeouts=Timeouts(drain=0.05)) as timed:
        _, writer = await timed.connect()
        writer.write(GET)
        await timed.states(active=1)
        await asyncio.wait_for(timed.server.stop(), 20)
        writer.close()


def test_sigterm_finishes_what_is_under_way_and_exits_0(raw: Callable[..., Raw]) -> None:
    server = Process()
    slow, idle = raw(server.port), raw(server.port)
    idle.send(GET)
    assert idle.response()[0] == 200
    slow.send(b"GET /sleep?s=0.3 HTTP/1.1\r\nHost: a\r\n\r\nGET /stats HTTP/1.1\r\nHost: a\r\n\r\n")
    idle.send(GET)
    assert idle.response()[0] == 200
    server.child.send_signal(signal.SIGTERM)
    assert idle.rest() == b""
    status, fields, content = slow.response()
    assert (status, fields["connection"], content) == (200, "close", b"slept 0.3 s\n")
    code, _, complaints = server.stop()
    assert (code, complaints) == (0, "")


def test_a_second_signal_ends_at_once(raw: Callable[..., Raw]) -> None:
    server = Process()
    slow = raw(server.port)
    slow.send(b"GET /sleep?s=60 HTTP/1.1\r\nHost: a\r\n\r\n")
    probe = raw(server.port)
    probe.send(GET)
    probe.response()
    server.child.send_signal(signal.SIGTERM)
    assert probe.rest() == b""
    code, _, complaints = server.stop(signal.SIGTERM)
    assert (code, complaints) == (0, "")


def test_ctrl_c_is_clean() -> None:
    code, _, complaints = Process().stop(signal.SIGINT)
    assert (code, complaints) == (0, "")
