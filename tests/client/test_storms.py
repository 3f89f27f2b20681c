"""Seeded storms: requests, cancellations and faults on the wire.

After each step the books are compared with the connections themselves, and no POST ever runs twice.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import Counter

import pytest

import netlab
from netlab.client import ClientError, Reason
from netlab.client.pool import Place
from netlab.client.reasons import State
from netlab.relay import Relay
from netlab.tls import authority, client_context, server_context
from tests.kit.waiting import until

# The state that a connection of each place may be in. CLOSED: its lease's holder has not noticed yet.
STATES = {
    Place.CONNECTING: {State.CONNECTING, State.READY, State.CLOSED},
    Place.IN_USE: {State.READY, State.EXCHANGE, State.DRAINING, State.CLOSED},
    Place.IDLE: {State.READY},
}


def check(session: netlab.Session, limit: int, per_host: int) -> None:
    """open == idle + in use + connecting, and each entry of the books is true of its connection."""
    pool = session.pool
    now = pool.counts()
    assert now["open"] == now["idle"] + now["in_use"] + now["connecting"] <= limit
    for connection, place in pool.places.items():
        assert connection.state in STATES[place], f"{connection!r} is {place}"
        # One part answers for a place: the holder of a lease, the connection under way, or the pool.
        assert (connection.lease is None) or place is not Place.IDLE
        if place is Place.CONNECTING or connection.state is State.CLOSED:
            assert connection.lease is not None, f"{connection!r} holds a place that no request answers for"
        if place is Place.IN_USE and connection.lease is None:
            assert connection.exchange is not None
    hosts = Counter(connection.origin for connection in pool.places)
    assert max(hosts.values(), default=0) <= per_host
    assert pool.opened == len(pool.places) + pool.closed.total()
    # A request waits only while the limit is reached, or that of its host.
    assert not now["waiting"] or now["open"] == limit or max(hosts.values()) == per_host


class Storm:
    """One storm: what is random, comes from the seed."""

    def __init__(self, seed: int, session: netlab.Session, relays: list[Relay], secure: bool) -> None:
        self.chance = random.Random(seed)
        self.session, self.relays = session, relays
        self.scheme = "https" if secure else "http"
        self.tasks: list[asyncio.Task[None]] = []
        self.number = 0
        self.answered = 0

    async def request(self, name: str) -> None:
        chance, relay = self.chance, self.chance.choice(self.relays)
        asks = (("GET", "/big"), ("GET", "/slow"), ("POST", "/run"), ("PUT", "/run"), ("GET", "/"))
        method, path = chance.choice(asks)
        url = f"{self.scheme}://localhost:{relay.port}{path}"
        data = None if method == "GET" else chance.choice((b"x", bytes(300_000)))
        timeout = chance.choice((None, 0.003, 0.05))
        try:
            async with self.session.request(
                method, url, data=data, fields={"X-Name": name}, timeout=timeout
            ) as response:
                if chance.random() < 0.8:
                    await response.read()
                self.answered += 1
        except ClientError:
            pass

    def step(self) -> None:
        """One thing happens."""
        chance = self.chance
        running = [task for task in self.tasks if not task.done()]
        events = ("ask", "cancel", "reset", "stall", "resume", "reset all")
        match chance.choices(events, (40, 15, 6, 3, 6, 1))[0]:
            case "ask" if len(running) < 25:
                self.number += 1
                self.tasks.append(asyncio.create_task(self.request(f"{self.number}")))
            case "cancel" if running:
                chance.choice(running).cancel()
            case "reset" | "stall" | "resume" as fault:
                open_ones = [each for relay in self.relays for each in relay.conversations if not each.closed]
                if open_ones:
                    getattr(chance.choice(open_ones), fault)()
            case "reset all":
                chance.choice(self.relays).reset()
            case _:
                pass


async def weather(seed: int, steps: int, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None) -> None:
    ran: Counter[str] = Counter()

    async def app(request: netlab.Request) -> netlab.Response:
        name = f"{request.method} {request.fields['x-name']}"
        if request.path == "/run":
            await request.read()
            ran[name] += 1
        if request.path == "/slow":
            await asyncio.sleep(0.005)
        return netlab.Response(200, bytes(500_000) if request.path == "/big" else b"ok")

    limit, per_host = 6, 4
    async with (
        netlab.Server(app, tls=tls[0] if tls else None) as server,
        Relay("127.0.0.1", server.port) as one,
        Relay("127.0.0.1", server.port, delay=0.001) as two,
        netlab.Session(
            limit, per_host, 0.05, tls=tls[1] if tls else None, max_lifetime=0.5,
            timeouts=netlab.client.Timeouts(content=1, head=1, stall=1, handshake=1),
        ) as session,
    ):  # fmt: skip
        storm = Storm(seed, session, [one, two], tls is not None)
        for _ in range(steps):
            storm.step()
            check(session, limit, per_host)
            await asyncio.sleep(0 if storm.chance.random() < 0.8 else 0.001)
            check(session, limit, per_host)
        for relay in (one, two):
            relay.resume()
        await asyncio.wait_for(asyncio.gather(*storm.tasks, return_exceptions=True), 20)
        await until(lambda: not session.pool.counts()["in_use"] and not session.pool.counts()["waiting"])
        check(session, limit, per_host)
        problems = [task.exception() for task in storm.tasks if not task.cancelled()]
        assert not any(problems), problems
        assert storm.answered > 10  # how many it is depends on the machine's speed
        # RFC 9110 §9.2.2: what is not idempotent is never sent again once it may have been carried out.
        assert max((count for name, count in ran.items() if name.startswith("POST")), default=1) == 1
        assert {Reason.BROKEN, Reason.ABANDONED} <= set(session.pool.closed)
    assert not session.pool.places


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_books_are_true_after_each_step_of_a_storm(seed: int, no_task_left: None) -> None:
    await weather(seed, 700, None)


async def test_the_books_are_true_after_each_step_of_a_storm_over_tls(
    certificates: authority.Certificates, no_task_left: None
) -> None:
    tls = server_context(certificates.chain, certificates.leaf_key), client_context(certificates.root)
    await weather(3, 400, tls)


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(10, 22))
async def test_long_storms(seed: int, certificates: authority.Certificates) -> None:
    tls = server_context(certificates.chain, certificates.leaf_key), client_context(certificates.root)
    await weather(seed, 3000, tls if seed % 2 else None)


async def test_a_release_and_a_cancellation_in_one_turn_starve_no_waiter() -> None:
    """The wake-up that aiohttp loses: limit 1, B and C wait, A's connection comes free as B is cancelled."""
    release = asyncio.Event()

    async def app(request: netlab.Request) -> netlab.Response:
        if request.path == "/a":
            await release.wait()
        return netlab.Response(200, b"ok")

    async with netlab.Server(app) as server, netlab.Session(limit=1) as session:
        a = asyncio.create_task(session.get(f"{server.url}/a"))
        await until(lambda: session.pool.counts()["in_use"] == 1)
        b, c = (asyncio.create_task(session.get(f"{server.url}/{name}")) for name in "bc")
        await until(lambda: session.pool.counts()["waiting"] == 2)
        release.set()
        await a
        b.cancel()
        assert (await asyncio.wait_for(c, 20)).status == 200


async def test_two_cancelled_waiters_leave_no_place_taken() -> None:
    """The place that httpcore loses: two waiting requests are cancelled, and the limit stays what it was."""
    hold = asyncio.Event()

    async def app(request: netlab.Request) -> netlab.Response:
        if request.path == "/hold":
            await hold.wait()
        return netlab.Response(200, b"ok")

    async with netlab.Server(app) as server, netlab.Session(limit=2) as session:
        for _ in range(3):
            hold.clear()
            holders = [asyncio.create_task(session.get(f"{server.url}/hold")) for _ in range(2)]
            await until(lambda: session.pool.counts()["in_use"] == 2)
            waiters = [asyncio.create_task(session.get(f"{server.url}/")) for _ in range(2)]
            await until(lambda: session.pool.counts()["waiting"] == 2)
            for waiter in waiters:
                waiter.cancel()
            hold.set()
            await asyncio.gather(*holders)
        both = await asyncio.gather(*(session.get(f"{server.url}/") for _ in range(4)))
        assert [response.status for response in both] == [200] * 4


async def test_idle_connections_of_many_hosts_do_not_use_the_limit_up() -> None:
    """The limit that leaks in aiohttp: idle connections to other hosts give way to a new host."""

    async def app(request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, b"ok")

    async with netlab.Server(app) as server, netlab.Session(limit=3) as session:
        for number in range(12):
            assert (await session.get(f"http://h{number}.localhost:{server.port}/")).status == 200
        assert session.pool.counts()["open"] == 3
        assert session.pool.closed == {Reason.EVICTED: 9}
