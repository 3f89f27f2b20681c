"""How long a request waits, and what a read gives: nothing hangs, nothing is shortened in silence."""

from __future__ import annotations

import asyncio

import pytest

import netlab
from netlab.client import (
    ContentTooLarge,
    Disconnected,
    Reason,
    TimedOut,
    Timeouts,
)
from netlab.client.exchange import HIGH
from netlab.client.timings import Step
from tests.client.clock import failure_of, pass_time
from tests.client.scripted import Peer, Scripted
from tests.kit.clock import Clock
from tests.kit.waiting import until

pytestmark = pytest.mark.usefixtures("no_task_left")

HUGE = 16 << 20  # more than the kernel's buffers of both sides take


def head_of(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()


async def wear_out(reading: asyncio.Task[bytes], session: netlab.Session, clock: Clock) -> None:
    """Let more time pass than any deadline has, in steps, until the read has come to an end."""
    for _ in range(20):
        await asyncio.sleep(0.005)
        pass_time(session, clock, 6)
        if reading.done():
            return


async def phase_of(reading: asyncio.Task[bytes]) -> str:
    """In which phase it timed out; it must have."""
    if not reading.done():
        reading.cancel()
    late = await failure_of(reading)
    assert isinstance(late, TimedOut), f"a read without any deadline: {late!r}"
    return late.phase


# -- an upload behind an early response -----------------------------------------------------------------


async def test_an_upload_that_stalls_behind_an_early_response_meets_its_deadline() -> None:
    """The head came at once; then the server reads nothing and sends nothing."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(head_of(9))
        await asyncio.Event().wait()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5, stall=5, head=5), clock=clock)
    async with Scripted(script) as server, session:
        response = await session.put(server.url, data=bytes(HUGE))
        reading = asyncio.create_task(response.read())
        await wear_out(reading, session, clock)
        assert await phase_of(reading) == "stall"
        assert session.pool.closed == {Reason.TIMED_OUT: 1}


async def test_content_that_came_early_does_not_excuse_a_stalled_upload() -> None:
    """More than is held for a reader: reading pauses, the upload's deadline goes on."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(head_of(1 << 20), bytes(HIGH + 1))
        await asyncio.Event().wait()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5, stall=5, head=5), clock=clock)
    async with Scripted(script) as server, session:
        response = await session.put(server.url, data=bytes(HUGE))
        exchange = response._exchange
        await until(lambda: exchange.held >= HIGH)
        reading = asyncio.create_task(response.read())
        await wear_out(reading, session, clock)
        assert await phase_of(reading) == "stall"


async def test_content_is_awaited_from_the_moment_the_upload_is_taken() -> None:
    taking = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(head_of(9))
        await taking.wait()
        await peer.read(HUGE)
        await asyncio.Event().wait()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5, stall=50, head=5), clock=clock)
    async with Scripted(script) as server, session:
        response = await session.put(server.url, data=bytes(HUGE))
        reading = asyncio.create_task(response.read())
        await asyncio.sleep(0)
        taking.set()
        transport = response.connection.transport
        await until(lambda: not transport.waiting)
        pass_time(session, clock, 4)
        assert not reading.done()
        pass_time(session, clock, 2)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert await phase_of(reading) == "content"


# -- a slow reader --------------------------------------------------------------------------------------


async def test_a_slow_reader_is_not_blamed_on_the_server() -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4))
        await more.wait()
        await peer.send(b"ab")
        more.clear()
        await more.wait()
        await peer.send(b"cd")
        await peer.until_closed()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5), clock=clock)
    async with Scripted(script) as server, session, session.get(server.url) as response:
        pieces = response.stream()
        first = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        more.set()
        assert await first == b"ab"
        pass_time(session, clock, 50)  # the reader is busy with its piece
        more.set()
        async with asyncio.timeout(20):
            assert await anext(pieces) == b"cd"
            assert [piece async for piece in pieces] == []


async def test_a_reader_that_waits_again_waits_no_longer_than_the_deadline() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4), b"ab")
        await peer.until_closed()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5), clock=clock)
    async with Scripted(script) as server, session, session.get(server.url) as response:
        pieces = response.stream()
        assert await anext(pieces) == b"ab"
        pass_time(session, clock, 50)
        second = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        pass_time(session, clock, 6)
        late = await failure_of(second)
        assert isinstance(late, TimedOut) and late.phase == "content"


# -- read() is all of it, or an error -------------------------------------------------------------------


async def test_what_was_released_cannot_be_read_even_when_its_rest_has_come() -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4), b"ab")
        await more.wait()
        await peer.send(b"cd")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        async with session.get(server.url) as response:
            pass
        with pytest.raises(Disconnected, match="released"):
            await response.read()
        more.set()
        await until(lambda: session.pool.counts()["idle"] == 1)  # read past
        for _ in range(2):
            with pytest.raises(Disconnected, match="released"):
                await response.read()
        with pytest.raises(Disconnected, match="released"):
            assert [piece async for piece in response.stream()] == []


async def test_a_rest_too_long_to_read_past_closes_though_its_end_comes_with_it() -> None:
    """A connection that was closed in the middle of what came must not be kept for its end."""
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await more.wait()
        await peer.send(b"14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n")
        await peer.until_closed()

    steps: list[Step] = []
    session = netlab.Session(drain=10, trace=lambda event: steps.append(event.step))
    async with Scripted(script) as server, session:
        response = await session.get(server.url)
        response.release()
        more.set()
        await until(lambda: session.pool.closed)
        assert session.pool.closed == {Reason.UNREAD: 1}
        assert session.pool.counts() == dict.fromkeys(session.pool.counts(), 0)
        assert steps[-1] is Step.CLOSED, "nothing happens to a connection that is closed"
        with pytest.raises(Disconnected, match="released"):
            await response.read()


async def test_content_too_large_is_too_large_again_and_whole_for_a_larger_limit() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.respond(b"x" * 100)
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        await until(lambda: session.pool.counts()["idle"] == 1)  # all of it is here
        for _ in range(2):
            with pytest.raises(ContentTooLarge):
                await response.read(10)
        assert await response.read(100) == b"x" * 100
        assert await response.read() == b"x" * 100


async def test_content_too_large_that_has_not_all_come_is_never_a_short_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(1 << 20), b"x" * 100)
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        with pytest.raises(ContentTooLarge):
            await response.read(10)
        with pytest.raises(Disconnected):
            await response.read()


@pytest.mark.parametrize("way", ["read", "stream"])
async def test_a_cancelled_read_loses_nothing(way: str) -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4), b"ab")
        await more.wait()
        await peer.send(b"cd")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        reading = asyncio.create_task(response.read())
        exchange = response._exchange
        await until(lambda: exchange.received == 2 and not exchange.held)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        more.set()
        if way == "stream":
            assert b"".join([piece async for piece in response.stream()]) == b"abcd"
        else:
            assert await response.read() == b"abcd"
            assert await response.read() == b"abcd"


async def test_two_readers_of_one_response_are_one_too_many() -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4))
        await more.wait()
        await peer.send(b"abcd")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        first = asyncio.create_task(response.read())
        second = asyncio.create_task(response.read())
        assert isinstance(await failure_of(second), RuntimeError)
        more.set()
        assert await first == b"abcd"


# -- time that does not count ---------------------------------------------------------------------------


async def test_a_loop_that_stood_still_does_not_lengthen_later_deadlines() -> None:
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.respond()
        await peer.request()
        asked.set()
        await peer.until_closed()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(head=5), keepalive_timeout=3600, clock=clock)
    async with Scripted(script) as server, session:
        await (await session.get(server.url)).read()
        swept = session.services.sweep.now
        clock.now += 1000  # a handler that holds the loop up
        await until(lambda: session.services.sweep.now != swept)
        assert session.services.sweep.now < swept + 2, "the sweep took it for time that passed"
        asking = asyncio.create_task(session.get(server.url))
        await asked.wait()
        pass_time(session, clock, 4)
        await asyncio.sleep(0)
        assert not asking.done(), "a deadline is never early"
        pass_time(session, clock, 2)
        for _ in range(3):
            await asyncio.sleep(0)
        if not asking.done():
            asking.cancel()
        late = await failure_of(asking)
        assert isinstance(late, TimedOut), f"the stall was added to the deadline: {late!r}"
        assert late.phase == "head"
