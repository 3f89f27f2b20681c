"""Servers that break rules, stop in the middle, or say nothing; clocks are turned by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

import netlab
from netlab.client import (
    BadResponse,
    ConnectFailed,
    Disconnected,
    Reason,
    TimedOut,
    Timeouts,
    Truncated,
    UnknownHost,
)
from netlab.client.dialing import resolve
from netlab.client.url import Origin
from tests.client.clock import pass_time
from tests.client.scripted import Peer, Scripted, answers
from tests.kit.clock import Clock
from tests.kit.waiting import until

OK = b"HTTP/1.1 200 OK\r\n"


def once(octets: bytes, end: str = "close") -> object:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(octets)
        if end == "reset":
            peer.reset()
        elif end == "wait":
            await peer.until_closed()

    return script


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 200 O",
        OK + b"Content-Length: 10\r\n",
        OK + b"Content-Length: 10\r\n\r\n",
        OK + b"Content-Length: 10\r\n\r\n123456789",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
async def test_a_response_that_ends_too_early_is_truncated(octets: bytes, end: str) -> None:
    async with Scripted(once(octets, end)) as server, netlab.Session() as session:  # type: ignore[arg-type]
        with pytest.raises(Truncated):
            await (await session.get(server.url)).read()
        assert session.pool.closed == {Reason.BROKEN: 1}


async def test_a_reset_ends_content_that_lasts_until_close() -> None:
    async with Scripted(once(OK + b"\r\nabc", "reset")) as server, netlab.Session() as session:  # type: ignore[arg-type]
        with pytest.raises(Truncated, match="broke in the middle"):
            await (await session.get(server.url)).read()


@pytest.mark.parametrize(
    "octets, rule",
    [
        (b"hello\r\n\r\n", "this is not HTTP: it begins with 'hello'"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "HTTP/2.0 is not spoken here"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not a status line"),
        (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "different values"),
        (OK + b"Content-Length: +5\r\n\r\n", "ASCII digits"),
        (OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "in one message"),
        (OK + b"Transfer-Encoding: gzip\r\n\r\n", "transfer codings 'gzip'"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\n", "chunk size"),
        (OK + b"X : y\r\n\r\n", "between field name and colon"),
        (OK + b"X: " + b"y" * 100_000, "too large"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "did not ask for"),
        (b"HTTP/1.1 103 Hints\r\n\r\n" * 100, "interim responses"),
    ],
)
async def test_a_server_that_breaks_a_rule_is_told_off_by_its_name(octets: bytes, rule: str) -> None:
    async with Scripted(once(octets, "wait")) as server, netlab.Session() as session:  # type: ignore[arg-type]
        with pytest.raises(BadResponse, match=rule) as caught:
            await (await session.get(server.url)).read()
        assert caught.value.section.startswith("RFC")
        assert session.pool.closed == {Reason.BAD_RESPONSE: 1}


async def test_what_came_before_a_failure_can_be_read() -> None:
    octets = OK + b"Content-Length: 10\r\n\r\n12345"
    async with Scripted(once(octets)) as server, netlab.Session() as session:  # type: ignore[arg-type]
        response = await session.get(server.url)
        pieces = []
        with pytest.raises(Truncated):
            async for piece in response.stream():
                pieces.append(piece)
        assert b"".join(pieces) == b"12345"


# -- deadlines ----------------------------------------------------------------------------------------------


async def silent(peer: Peer) -> None:
    await peer.until_closed()


async def half(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + b"Content-Length: 10\r\n\r\n12345")
    await peer.until_closed()


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    clock = Clock()
    async with Scripted(silent) as server, netlab.Session(clock=clock) as session:
        task = asyncio.create_task(session.get(server.url))
        await until(lambda: session.pool.counts()["in_use"])
        pass_time(session, clock, 59.9)
        await asyncio.sleep(0)
        assert not task.done()
        pass_time(session, clock, 0.2)
        with pytest.raises(TimedOut, match="sent no response for 60 s") as caught:
            await task
        assert caught.value.phase == "head"
        assert session.pool.closed == {Reason.TIMED_OUT: 1}


async def test_content_that_stops_is_given_up_only_while_a_reader_waits() -> None:
    clock = Clock()
    async with Scripted(half) as server, netlab.Session(clock=clock) as session:
        response = await session.get(server.url)
        pass_time(session, clock, 1000)
        task = asyncio.create_task(response.read())
        await asyncio.sleep(0.005)
        pass_time(session, clock, 29.9)
        await asyncio.sleep(0)
        assert not task.done()
        pass_time(session, clock, 0.2)
        with pytest.raises(TimedOut, match="sent no byte of content for 30 s"):
            await task


async def test_a_server_that_takes_nothing_is_given_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await stop.wait()

    stop = asyncio.Event()
    clock = Clock()
    async with Scripted(script) as server, netlab.Session(clock=clock) as session:
        task = asyncio.create_task(session.post(server.url, data=bytes(50_000_000)))
        await until(lambda: session.pool.counts()["in_use"])
        async with asyncio.timeout(20):
            while not task.done():
                await asyncio.sleep(0.005)
                pass_time(session, clock, 31)
        with pytest.raises(TimedOut, match="took no byte of the request for 30 s"):
            await task
        stop.set()


async def test_a_producer_may_take_its_time() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await go_on.wait()
        yield b"b"

    go_on = asyncio.Event()
    clock = Clock()
    async with Scripted(answers) as server, netlab.Session(clock=clock) as session:
        task = asyncio.create_task(session.post(server.url, data=slow()))
        await until(lambda: session.pool.counts()["in_use"])
        pass_time(session, clock, 10_000)
        await asyncio.sleep(0)
        go_on.set()
        assert await (await task).read() == b"1.1"


async def test_a_handshake_that_does_not_end_is_given_up(certificates: object) -> None:
    from netlab.tls import authority, client_context

    assert isinstance(certificates, authority.Certificates)
    clock = Clock()
    tls = client_context(certificates.root)
    async with Scripted(silent) as server, netlab.Session(clock=clock, tls=tls) as session:
        task = asyncio.create_task(session.get(f"https://localhost:{server.port}/"))
        await until(lambda: "in the TLS handshake" in repr(list(session.pool.places)))
        pass_time(session, clock, 10.1)
        with pytest.raises(TimedOut, match=r"TLS handshake with localhost:.* took longer than 10 s"):
            await task


@pytest.mark.parametrize("script", [silent, half])
async def test_a_request_may_have_a_deadline_for_all_of_it(script: object) -> None:
    async with Scripted(script) as server, netlab.Session() as session:  # type: ignore[arg-type]
        with pytest.raises(TimedOut) as caught:
            async with session.get(server.url, timeout=0.05) as response:
                await response.read()
        assert caught.value.phase == "total"
        assert session.pool.counts()["in_use"] == 0
    async with (
        Scripted(script) as server,  # type: ignore[arg-type]
        netlab.Session(timeouts=Timeouts(total=0.05)) as session,
    ):
        with pytest.raises(TimeoutError):
            await (await session.get(server.url)).read()


async def test_reading_slowly_slows_the_server_down() -> None:
    """Content that is not read stays in the kernel: at most about half a MiB is held here."""
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(OK + b"Content-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            await peer.send(bytes(100_000))
            sent += 100_000

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.05)
        assert sent < 50_000_000
        assert response._exchange.held <= 400_000
        assert sum([len(piece) async for piece in response.stream()]) == 100_000_000
        assert session.pool.counts()["in_use"] == 0


# -- no connection ------------------------------------------------------------------------------------------


async def test_a_refused_connection_is_one_clear_line() -> None:
    async with Scripted(answers) as server:
        port = server.port
    async with netlab.Session() as session:
        with pytest.raises(
            ConnectFailed, match=f"^cannot connect to localhost port {port}: connection refused$"
        ):
            await session.get(f"http://localhost:{port}/")
        assert session.pool.closed == {Reason.CONNECT_FAILED: 1}


async def test_an_unknown_host_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    async def nowhere(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    async with netlab.Session() as session:
        monkeypatch.setattr(session.services.loop, "getaddrinfo", nowhere)
        with pytest.raises(UnknownHost, match=r"^unknown host 'no\.such\.host': Name or service not known$"):
            await session.get("http://no.such.host/")


async def test_a_name_look_up_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> list[object]:
        await asyncio.sleep(1000)
        return []

    async with netlab.Session(timeouts=Timeouts(connect=0.01)) as session:
        monkeypatch.setattr(session.services.loop, "getaddrinfo", never)
        with pytest.raises(TimedOut, match="looking up 'slow' took longer"):
            await session.get("http://slow/")


async def test_a_dead_address_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    async with Scripted(answers) as server, netlab.Session() as session:

        async def two(*_: object, **__: object) -> list[object]:
            return [
                (socket.AF_INET, 1, 6, "", (address, server.port)) for address in ("127.0.0.2", "127.0.0.1")
            ]

        monkeypatch.setattr(session.services.loop, "getaddrinfo", two)
        assert (await session.get(f"http://two.addresses:{server.port}/")).status == 200


async def test_localhost_and_addresses_ask_no_resolver() -> None:
    loop = asyncio.get_running_loop()
    assert [a for _, (a, _) in await resolve(loop, Origin("http", "x.localhost", 1), 1)] == [
        "127.0.0.1",
        "::1",
    ]
    assert [a for _, (a, _) in await resolve(loop, Origin("http", "::1", 1), 1)] == ["::1"]


async def test_a_disconnect_before_the_answer_says_so() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async with Scripted(script) as server, netlab.Session() as session:
        with pytest.raises(Disconnected, match=r"^localhost:\d+ closed the connection before it answered$"):
            await session.post(server.url)
