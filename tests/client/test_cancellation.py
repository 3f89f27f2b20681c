"""Requests that are cancelled at every moment: no waiter starves, no place leaks, the books balance."""

from __future__ import annotations

import asyncio
import random

import pytest

import netlab
from netlab.client import ClientError, Disconnected, Reason, TimedOut
from netlab.client.timings import Step, TraceEvent
from tests.client.scripted import Peer, Scripted, answers
from tests.kit.waiting import until


def balanced(session: netlab.Session) -> bool:
    now = session.pool.counts()
    return now["open"] == now["idle"] + now["in_use"] + now["connecting"] <= (session.pool.limit or 1 << 30)


async def gather_cancelled(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_released_connection_reaches_the_next_though_the_first_in_line_is_cancelled() -> None:
    """Release and cancel in one turn of the loop: the wake-up must not be lost with the cancelled waiter."""
    async with Scripted(holding) as server, netlab.Session(limit=1) as session:
        first = await session.get(server.url)
        second = asyncio.create_task(session.get(server.url))
        third = asyncio.create_task(session.get(server.url))
        await until(lambda: session.pool.counts()["waiting"] == 2)
        first.release()  # the rest of the content is too long: the place is free
        second.cancel()
        async with asyncio.timeout(20):
            (await third).release()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert session.pool.counts()["open"] == 0


async def holding(peer: Peer) -> None:
    """Answer with content that never ends, so that the response keeps its connection."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx")
    await peer.until_closed()


async def test_two_cancelled_waiters_leave_no_trace() -> None:
    async with Scripted(holding) as server, netlab.Session(limit=1) as session:
        first = await session.get(server.url)
        line = [asyncio.create_task(session.get(server.url)) for _ in range(3)]
        await until(lambda: session.pool.counts()["waiting"] == 3)
        await gather_cancelled(line[0])  # type: ignore[arg-type]
        await gather_cancelled(line[1])  # type: ignore[arg-type]
        first.release()
        (await line[2]).release()
        assert session.pool.counts() == {"open": 0, "idle": 0, "in_use": 0, "connecting": 0, "waiting": 0}


async def test_waiters_are_served_in_their_order() -> None:
    order: list[int] = []

    async def client(name: int) -> None:
        async with session.get(server.url) as response:
            order.append(name)
            await response.read()

    async with Scripted(answers) as server, netlab.Session(limit=1) as session:
        async with asyncio.TaskGroup() as group:
            for name in range(30):
                group.create_task(client(name))
        assert order == list(range(30))
        assert server.connections == 1


async def test_a_limit_is_never_exceeded() -> None:
    open_now = most = 0

    async def app(request: netlab.Request) -> netlab.Response:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now, server.stats()["open"])
        await asyncio.sleep(0.001)
        open_now -= 1
        return netlab.Response(200)

    async with netlab.Server(app) as server, netlab.Session(limit=7) as session:
        urls = [f"http://localhost:{server.port}/", f"http://127.0.0.1:{server.port}/"]
        await asyncio.gather(*(session.get(random.choice(urls)) for _ in range(100)))
        assert most == 7
        assert session.pool.opened >= 7


async def test_limit_per_host_lets_others_pass() -> None:
    async with (
        Scripted(holding) as slow,
        Scripted(answers) as quick,
        netlab.Session(limit_per_host=1) as session,
    ):
        held = await session.get(slow.url)
        blocked = asyncio.create_task(session.get(slow.url))
        for _ in range(3):
            await (await session.get(quick.url)).read()
        assert session.pool.counts()["waiting"] == 1
        held.release()
        (await blocked).release()


async def test_idle_connections_of_other_hosts_make_room() -> None:
    async with Scripted(answers) as one, Scripted(answers) as two, netlab.Session(limit=1) as session:
        for _ in range(3):
            for server in (one, two):
                await (await session.get(server.url)).read()
        assert session.pool.closed == {Reason.EVICTED: 5}


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_storm_of_cancellations_leaves_the_books_balanced(
    seed: int, secure: bool, certificates: object
) -> None:
    """Clients that give up before, in and after every step; servers that hang, break and close."""
    chance = random.Random(seed)

    async def script(peer: Peer) -> None:
        while (await peer.request())[0]:
            roll = chance.random()
            await asyncio.sleep(chance.random() * 0.003)
            if roll < 0.1:
                return
            if roll < 0.15:
                peer.reset()
                return
            if roll < 0.25:
                await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", bytes(1000))
                await peer.until_closed()
                return
            await peer.respond(bytes(chance.choice((0, 10, 200_000))))

    async def client() -> None:
        for _ in range(12):
            server = chance.choice(servers)
            try:
                timeout = chance.choice((None, 0.002, 0.01))
                async with session.request(
                    chance.choice(("GET", "POST")), server.url, timeout=timeout
                ) as response:
                    if chance.random() < 0.7:
                        await response.read()
            except ClientError:
                pass
            assert balanced(session)

    async def storm(tasks: list[asyncio.Task[None]]) -> None:
        while running := [task for task in tasks if not task.done()]:
            await asyncio.sleep(0.001)
            chance.choice(running).cancel()
            if len(tasks) < 100:
                tasks.append(asyncio.create_task(client()))
            assert balanced(session)

    tls, trust = contexts(certificates) if secure else (None, None)
    async with (
        Scripted(script, tls) as a, Scripted(script, tls) as b, Scripted(script, tls) as c,
        netlab.Session(limit=5, limit_per_host=3, tls=trust) as session,
    ):  # fmt: skip
        servers = [a, b, c]
        tasks = [asyncio.create_task(client()) for _ in range(30)]
        async with asyncio.timeout(50):
            await storm(tasks)
        problems = [task.exception() for task in tasks if not task.cancelled()]
        assert not any(problems), problems
        await until(lambda: session.pool.counts()["in_use"] == session.pool.counts()["connecting"] == 0)
        assert session.pool.counts()["waiting"] == 0
        assert session.pool.opened == len(session.pool.places) + sum(session.pool.closed.values())
        # No place has leaked: as many requests as there are places can be under way at once.
        async with Scripted(holding, tls) as d:
            held = [await session.get(d.url) for _ in range(3)]
            for response in held:
                response.release()


def contexts(certificates: object) -> tuple[object, object]:
    from netlab.tls import authority, client_context, server_context

    assert isinstance(certificates, authority.Certificates)
    return server_context(certificates.chain, certificates.leaf_key), client_context(certificates.root)


async def test_a_request_given_up_in_the_middle_closes_its_connection() -> None:
    async with Scripted(holding) as server, netlab.Session() as session:
        response = await session.get(server.url)
        reading = asyncio.create_task(response.read())
        await asyncio.sleep(0.005)
        await gather_cancelled(reading)  # type: ignore[arg-type]
        response.release()
        assert response.connection.reason is Reason.UNREAD

        async def silent(peer: Peer) -> None:
            await peer.request()
            await peer.until_closed()

        async with Scripted(silent) as quiet:
            task = asyncio.create_task(session.get(quiet.url))
            await until(lambda: session.pool.counts()["in_use"])
            await gather_cancelled(task)  # type: ignore[arg-type]
            assert session.pool.closed[Reason.ABANDONED] == 1


async def test_waiting_for_a_place_can_have_a_deadline() -> None:
    from netlab.client import Timeouts

    async with Scripted(holding) as server, netlab.Session(limit=1, timeouts=Timeouts(pool=0.01)) as session:
        held = await session.get(server.url)
        with pytest.raises(TimedOut, match=r"no place in <Pool 1 open of 1: 0 idle, 1 in use") as caught:
            await session.get(server.url)
        assert caught.value.phase == "pool"
        held.release()
        with pytest.raises(Disconnected):
            await held.read()


async def test_a_request_cancelled_at_the_moment_its_head_comes_leaves_nothing_open() -> None:
    def cancel_at_the_head(event: TraceEvent) -> None:
        if event.step is Step.HEAD:
            task.cancel()

    async with Scripted(holding) as server, netlab.Session(trace=cancel_at_the_head) as session:
        task = asyncio.create_task(session.get(server.url))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert session.pool.closed == {Reason.ABANDONED: 1}
        assert session.pool.counts()["open"] == 0
