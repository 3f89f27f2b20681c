"""Why a connection is used again, and why not: every reason there is, brought about by a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

import netlab
from netlab.client import Disconnected, Opened, Reason, Timeouts
from netlab.client.persistence import may_idle
from netlab.client.timings import Step, TraceEvent
from netlab.http1.fields import Fields
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import ResponseHead
from tests.client.clock import pass_time
from tests.client.scripted import Peer, Scripted, answers
from tests.kit.clock import Clock
from tests.kit.waiting import until

Script = Callable[[Peer], Awaitable[None]]


def once(octets: bytes, then: str = "wait") -> Script:
    """A script: read one request, send these octets; then wait, close or reset."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(octets)
        if then == "wait":
            await peer.until_closed()

    return script


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "octets, reason",
    [
        (OK + b"Content-Length: 1\r\nConnection: close\r\n\r\na", Reason.SERVER_SAID_CLOSE),
        (OK + b"Content-Length: 1\r\nConnection: x, Close\r\n\r\na", Reason.SERVER_SAID_CLOSE),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", Reason.HTTP_1_0),
        (OK + b"Content-Length: 1\r\n\r\naHTTP", Reason.UNASKED),
        (OK + b"Content-Length: 1\r\nKeep-Alive: timeout=0\r\n\r\na", Reason.SERVER_TIMEOUT),
    ],
)
async def test_a_connection_that_cannot_be_used_again_is_closed_and_says_why(
    octets: bytes, reason: Reason
) -> None:
    async with Scripted(once(octets)) as server, netlab.Session() as session:
        response = await session.get(server.url)
        assert await response.read() == b"a"
        assert response.connection.reason is reason
        assert f"closed: {reason.value}>" in repr(response.connection)
        assert session.pool.closed == {reason: 1}
        assert session.pool.counts()["open"] == 0


async def test_a_response_until_close_ends_with_its_connection() -> None:
    async with Scripted(once(OK + b"\r\nabc", then="close")) as server, netlab.Session() as session:
        response = await session.get(server.url)
        assert await response.read() == b"abc"
        assert response.connection.reason is Reason.UNTIL_CLOSE


async def test_http_1_0_with_keep_alive_is_used_again() -> None:
    async def script(peer: Peer) -> None:
        while (await peer.request())[0]:
            await peer.send(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na")

    async with Scripted(script) as server, netlab.Session() as session:
        for _ in range(3):
            await (await session.get(server.url)).read()
        assert server.connections == 1


async def test_the_caller_may_ask_for_the_close() -> None:
    async with Scripted(answers) as server, netlab.Session() as session:
        response = await session.get(server.url, fields={"Connection": "close"})
        assert await response.read() == b"1.1"
        assert response.connection.reason is Reason.WE_SAID_CLOSE


async def test_an_idle_connection_is_closed_after_keepalive_timeout() -> None:
    clock = Clock()
    async with Scripted(answers) as server, netlab.Session(keepalive_timeout=30, clock=clock) as session:
        await (await session.get(server.url)).read()
        pass_time(session, clock, 29.9)
        assert session.pool.counts()["idle"] == 1
        pass_time(session, clock, 0.1)
        assert session.pool.closed == {Reason.IDLE: 1}


async def test_an_idle_connection_that_is_too_old_is_not_used_though_no_sweep_came() -> None:
    clock = Clock()
    async with Scripted(answers) as server, netlab.Session(keepalive_timeout=30, clock=clock) as session:
        await (await session.get(server.url)).read()
        clock.now += 30
        assert await (await session.get(server.url)).read() == b"2.1"
        assert session.pool.closed == {Reason.IDLE: 1}


async def test_keepalive_timeout_0_uses_no_connection_twice() -> None:
    async with Scripted(answers) as server, netlab.Session(keepalive_timeout=0) as session:
        for _ in range(3):
            await (await session.get(server.url)).read()
        assert server.connections == 3
        assert session.pool.closed == {Reason.IDLE: 3}


@pytest.mark.parametrize(
    "hint, seconds, reason",
    [
        ("timeout=5", 4.0, Reason.SERVER_TIMEOUT),
        ("timeout=5, max=100", 4.0, Reason.SERVER_TIMEOUT),
        ("max=100, TIMEOUT = 5", 4.0, Reason.SERVER_TIMEOUT),
        ("timeout=1", 0.5, Reason.SERVER_TIMEOUT),
        ("timeout=75", 30.0, Reason.IDLE),
        ("timeout=-5", 30.0, Reason.IDLE),
        ("timeout=5.5", 30.0, Reason.IDLE),
        ("xtimeout=5", 30.0, Reason.IDLE),
        ("timeout=99999999999", 30.0, Reason.IDLE),
        ("max=5", 30.0, Reason.IDLE),
    ],
)
def test_the_servers_hint_is_honoured_by_closing_earlier(hint: str, seconds: float, reason: Reason) -> None:
    head = ResponseHead(200, "OK", 1, Fields([("Keep-Alive", hint)]), NO_CONTENT, True)
    assert may_idle(head, 30.0) == (seconds, reason)


async def test_a_connection_is_retired_after_its_lifetime_less_some_chance() -> None:
    clock = Clock()
    async with (
        Scripted(answers) as server,
        netlab.Session(max_lifetime=100, clock=clock, random=lambda: 0.5, keepalive_timeout=1000) as session,
    ):
        await (await session.get(server.url)).read()
        clock.now += 94.9
        assert await (await session.get(server.url)).read() == b"1.2"
        clock.now += 0.2
        assert await (await session.get(server.url)).read() == b"2.1"
        assert session.pool.closed == {Reason.LIFETIME: 1}
        pass_time(session, clock, 95)
        assert session.pool.closed == {Reason.LIFETIME: 2}


async def test_a_busy_connection_is_retired_when_its_exchange_is_over() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        clock.now += 200
        await peer.respond()

    clock = Clock()
    async with Scripted(script) as server, netlab.Session(max_lifetime=100, clock=clock) as session:
        await session.get(server.url)
        assert session.pool.closed == {Reason.LIFETIME: 1}


# -- content that is not read -------------------------------------------------------------------------------


async def test_a_little_unread_content_is_read_past() -> None:
    async def script(peer: Peer) -> None:
        while (await peer.request())[0]:
            await peer.send(OK + b"Content-Length: 40000\r\n\r\n", bytes(20000))
            await asyncio.sleep(0.01)
            await peer.send(bytes(20000))

    async with Scripted(script) as server, netlab.Session() as session:
        for _ in range(5):
            async with session.get(server.url) as response:
                assert response.status == 200
            await until(lambda: session.pool.counts()["idle"])
        assert server.connections == 1


@pytest.mark.parametrize(
    "head, drain",
    [
        (b"Content-Length: 1000000", 64 * 1024),
        (b"Content-Length: 1", 0),
        (b"Transfer-Encoding: chunked", 0),
    ],
)
async def test_much_unread_content_closes_at_once(head: bytes, drain: int) -> None:
    async with Scripted(once(OK + head + b"\r\n\r\n")) as server, netlab.Session(drain=drain) as session:
        async with session.get(server.url):
            pass
        assert session.pool.closed == {Reason.UNREAD: 1}


async def test_endless_unread_content_closes_at_its_bound() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            await peer.send(b"3e8\r\n" + bytes(1000) + b"\r\n")
            await asyncio.sleep(0)

    async with Scripted(script) as server, netlab.Session() as session:
        async with session.get(server.url) as response:
            pass
        await until(lambda: session.pool.closed)
        assert response.connection.reason is Reason.UNREAD


async def test_unread_content_that_does_not_come_closes_after_a_while() -> None:
    clock = Clock()
    octets = OK + b"Content-Length: 10\r\n\r\n12345"
    async with Scripted(once(octets)) as server, netlab.Session(clock=clock) as session:
        async with session.get(server.url) as response:
            pass
        assert "draining" in repr(response.connection)
        pass_time(session, clock, Timeouts().drain)
        assert response.connection.reason is Reason.UNREAD


async def test_reading_after_the_release_is_an_error() -> None:
    octets = OK + b"Content-Length: 10\r\n\r\n12345"
    async with Scripted(once(octets)) as server, netlab.Session() as session:
        response = await session.get(server.url)
        response.release()
        with pytest.raises(Disconnected, match="released before its content was read"):
            await response.read()


# -- the story ----------------------------------------------------------------------------------------------


async def test_the_trace_tells_the_whole_story() -> None:
    events: list[TraceEvent] = []
    async with Scripted(answers) as server, netlab.Session(trace=events.append) as session:
        for _ in range(2):
            await (await session.get(server.url)).read()
    assert [event.step for event in events] == [
        Step.OPENING, Step.RESOLVED, Step.CONNECTED, Step.SENT, Step.HEAD, Step.KEPT,
        Step.REUSED, Step.SENT, Step.HEAD, Step.KEPT, Step.CLOSED,
    ]  # fmt: skip
    assert events[0].detail is Opened.FIRST
    assert events[5].detail == 30.0
    assert events[-1].detail is Reason.SESSION_CLOSED


@pytest.mark.parametrize("when", ["with the response", "while idle", "in two halves"])
async def test_a_line_end_too_many_behind_content_costs_no_connection(when: str) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        while (await peer.request())[0]:
            response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            if when == "with the response":
                await peer.send(response + b"\r\n")
            elif when == "while idle":
                await peer.send(response)
                await asyncio.sleep(0.01)
                await peer.send(b"\r\n")
            else:
                await peer.send(response + b"\r")
                await asyncio.sleep(0.01)
                await peer.send(b"\n")
            sent += 1

    async with Scripted(script) as server, netlab.Session() as session:
        for number in range(3):
            assert await (await session.get(server.url)).read() == b"ok"
            await until(lambda count=number + 1: sent == count)  # type: ignore[misc]
            await asyncio.sleep(0.02)
        assert session.pool.opened == 1


async def test_anything_else_behind_content_costs_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        assert await (await session.get(server.url)).read() == b"ok"
        assert session.pool.closed == {Reason.UNASKED: 1}
