"""R-U-Dead-Yet: contents that come an octet at a time, and honest ones that are merely slow.

Each window of waiting must bring the least that there may be. The clock is the test's.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest

from netlab import Limits, Request, Response, Server
from netlab.net.transport import Transport
from netlab.server.connection import Connection
from tests.kit.living import living
from tests.server.test_deadlines import Timed

from .besieged import routes
from .clients import GET, POST

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

MUCH = POST + b"Content-Length: 1000000\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # the SO_LINGER of a client that closes with RST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Slow(Timed):
    """A server, and one client whose octets the server has read when `say` returns."""

    async def __aenter__(self) -> Slow:
        await super().__aenter__()
        self.reader, self._writer = await self.connect()
        (self._connection,) = self.server.connections
        self._heard = 0
        received = self._connection.received

        def count(data: bytes) -> None:
            self._heard += len(data)
            received(data)

        self._connection.transport._protocol = Overheard(self._connection, received=count)
        self._said = 0
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await super().__aexit__()

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        self._said += len(data)
        await self.until(lambda: self._heard == self._said or not self.open)
        await asyncio.sleep(0)  # the handler has its turn
        await asyncio.sleep(0)

    async def trickle(self, data: bytes, seconds: float, each: float) -> None:
        """Say that again and again, with so many seconds between."""
        for _ in range(round(seconds / each)):
            await self.say(data)
            self.pass_time(each)

    @property
    def open(self) -> bool:
        return bool(self.server.connections)

    async def answer(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n"), 20)


class Overheard:
    """A connection, some of whose methods are replaced."""

    def __init__(self, connection: Any, **instead: Callable[..., Any]) -> None:
        self._connection = connection
        self.__dict__.update(instead)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("each", [0.5, 3, 29])
async def test_an_octet_now_and_then_gets_408_when_the_time_is_up(each: float) -> None:
    async with Slow(routes) as slow:
        await slow.say(MUCH)
        await slow.trickle(b"x", 29, each)
        if each < 5:
            await slow.say(b"x")
        assert slow.server.stats()["active"] == 1
        slow.pass_time(1.6)
        assert await slow.answer() == b"HTTP/1.1 408 Request Timeout\r\n"


async def test_a_client_that_is_merely_slow_lives_as_long_as_it_needs() -> None:
    """Ten minutes for 24,000 octets: 300 of them every seven and a half seconds."""
    async with Slow(routes) as slow:
        await slow.say(POST + b"Content-Length: 24000\r\n\r\n")
        await slow.trickle(b"x" * 300, 600, 7.5)
        assert await slow.answer() == b"HTTP/1.1 200 OK\r\n"


async def test_what_came_beyond_the_least_buys_no_time() -> None:
    async with Slow(routes) as slow:
        await slow.say(MUCH)
        await slow.say(b"x" * 60_000)
        await slow.trickle(b"x", 25, 5)
        slow.pass_time(6)
        assert await slow.answer() == b"HTTP/1.1 408 Request Timeout\r\n"


async def test_a_short_rest_may_come_in_a_whole_window() -> None:
    async with Slow(routes) as slow:
        await slow.say(POST + b"Content-Length: 10\r\n\r\n")
        await slow.trickle(b"x", 29, 2.9)
        assert await slow.answer() == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("endless", [b"0" * 14, b"1;" + b"x" * 12], ids=["a size", "an extension"])
async def test_the_framing_of_chunks_is_no_content(endless: bytes) -> None:
    async with Slow(routes, limits=Limits(least=2)) as slow:
        await slow.say(CHUNKED + b"1\r\na\r\n")
        for at in range(len(endless)):
            await slow.say(endless[at : at + 1])
            slow.pass_time(2)
        assert slow.server.stats()["active"] == 1
        slow.pass_time(32 - 2 * len(endless))
        assert await slow.answer() == b"HTTP/1.1 408 Request Timeout\r\n"


async def test_while_the_handler_is_busy_the_clock_of_its_client_stands() -> None:
    work: asyncio.Queue[None] = asyncio.Queue()
    waiting = 0

    async def app(request: Request) -> Response:
        nonlocal waiting
        async for _ in request.stream():
            waiting += 1
            await work.get()
            waiting -= 1
        return Response(200)

    async with Slow(app) as slow:
        await slow.say(MUCH)
        slow.pass_time(20)  # so long does the handler wait for the client
        await slow.say(b"x")
        await slow.until(lambda: waiting == 1)
        slow.pass_time(3600)  # so long the client for the handler
        await slow.say(b"x" * 100)
        work.put_nowait(None)
        await slow.until(lambda: waiting == 1 and work.empty())
        slow.pass_time(3600)
        work.put_nowait(None)
        await slow.until(lambda: waiting == 0)
        slow.pass_time(9)
        assert slow.server.stats()["active"] == 1
        slow.pass_time(1.6)
        assert await slow.answer() == b"HTTP/1.1 408 Request Timeout\r\n"


async def test_a_reader_that_is_busy_all_the_time_reads_to_the_end() -> None:
    """Ten minutes a piece; the client has sent all of it long ago."""
    timed: list[Slow] = []

    async def app(request: Request) -> Response:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            timed[0].pass_time(600)
            await asyncio.sleep(0)
        return Response(200, str(size))

    async with Slow(app) as slow:
        timed.append(slow)
        slow._writer.write(POST + b"Content-Length: 900000\r\n\r\n" + bytes(900_000))
        assert await slow.answer() == b"HTTP/1.1 200 OK\r\n"


async def test_content_that_no_handler_wants_must_come_as_fast() -> None:
    async with Slow(routes) as slow:
        await slow.say(POST.replace(b"/echo", b"/unread") + b"Content-Length: 60000\r\n\r\n")
        assert await slow.answer() == b"HTTP/1.1 404 Not Found\r\n"
        await slow.trickle(b"x", 30, 5)
        assert slow.server.stats()["active"] == 1
        slow.pass_time(1)
        await slow.states(active=0)
        slow.pass_time(6)  # that it may read the end
        assert not slow.open


async def test_content_that_no_handler_wants_is_read_past_and_the_next_request_answered() -> None:
    async with Slow(routes) as slow:
        await slow.say(POST.replace(b"/echo", b"/unread") + b"Content-Length: 6000\r\n\r\n")
        await slow.trickle(b"x" * 300, 150, 7.5)
        await slow.say(GET)
        assert (await asyncio.wait_for(slow.reader.readuntil(b"hello"), 20)).count(b"HTTP/1.1 ") == 2


async def test_the_window_begins_anew_with_each_request() -> None:
    async with Slow(routes) as slow:
        for _ in range(3):
            await slow.say(POST + b"Content-Length: 10\r\n\r\n")
            await slow.trickle(b"x", 29, 2.9)
            assert await slow.answer() == b"HTTP/1.1 200 OK\r\n"
            await slow.reader.readuntil(b"x" * 10)


@pytest.mark.parametrize("target", [b"/echo", b"/unread"], ids=["wanted", "not wanted"])
@pytest.mark.parametrize("late", [False, True], ids=["left", "late"])
async def test_a_connection_that_ends_in_its_content_is_gone_at_once(target: bytes, late: bool) -> None:
    async with Timed(routes) as timed:
        reader, writer = await timed.connect()
        gc.collect()
        gc.disable()
        try:
            writer.write(POST.replace(b"/echo", target) + b"Content-Length: 60000\r\n\r\n")
            await timed.states(active=1)
            if target == b"/unread":
                await reader.readuntil(b"\r\n\r\n")
            assert living(Connection) == living(Transport) == 1
            if late:
                timed.pass_time(31)
                await timed.states(active=0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
            await timed.states(open=0)
            for _ in range(5):
                await asyncio.sleep(0)
            assert living(Connection) == living(Transport) == 0, "it waits for the garbage collector"
        finally:
            gc.enable()


def test_a_least_that_cannot_be_is_refused_when_it_is_set() -> None:
    with pytest.raises(ValueError, match="least is 0: give a whole number of at least 1, such as 1024"):
        Server(routes, limits=Limits(least=0))
