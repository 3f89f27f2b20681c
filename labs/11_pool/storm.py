"""One seeded storm for four clients: requests, cancellations and resets, in an order that the seed decides.

The server counts: how often it carried out each POST, and how many places of the pool still work afterwards.
urllib3 runs in threads, which cannot be cancelled: it gets the requests and the resets alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import netlab
from labs.runner.evidence import Run, Table
from netlab.relay import Relay

LIMIT, AT_MOST = 6, 25  # places in the pool; requests under way
PATIENCE = 5.0  # seconds for what is under way when the storm is over

Ask = Callable[[str, str], Awaitable[object]]


class Weathered(NamedTuple):
    """What became of one client's storm. hung: requests without an end; places: of LIMIT, that still work."""

    client: str
    asked: int
    answered: int
    failed: int
    cancelled: int | str
    hung: int
    places: int
    twice: int


class Harbour:
    """The server's side: how often each POST ran, and how many requests were under way at once."""

    def __init__(self) -> None:
        self.posts: Counter[str] = Counter()
        self.now = self.most = 0

    async def app(self, request: netlab.Request) -> netlab.Response:
        """Carry the request out, which takes 3 ms, or 50 ms for the roll-call."""
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await request.read()
            if request.method == "POST":
                self.posts[request.path] += 1
            await asyncio.sleep(0.05 if request.path == "/roll-call" else 0.003)
        finally:
            self.now -= 1
        return netlab.Response(200, b"ok")


@contextlib.asynccontextmanager
async def by_netlab(url: str) -> AsyncIterator[Ask]:
    """netlab's Session."""
    async with netlab.Session(limit=LIMIT) as session:

        async def ask(method: str, path: str) -> None:
            async with session.request(method, url + path) as response:
                await response.read()

        yield ask


@contextlib.asynccontextmanager
async def by_aiohttp(url: str) -> AsyncIterator[Ask]:
    """aiohttp's ClientSession."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=LIMIT)) as session:

        async def ask(method: str, path: str) -> None:
            async with session.request(method, url + path) as response:
                await response.read()

        yield ask


@contextlib.asynccontextmanager
async def by_httpx(url: str) -> AsyncIterator[Ask]:
    """httpx's AsyncClient, over httpcore's pool."""
    import httpx

    limits = httpx.Limits(max_connections=LIMIT, max_keepalive_connections=LIMIT)
    async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as client:

        async def ask(method: str, path: str) -> None:
            await client.request(method, url + path)

        yield ask


@contextlib.asynccontextmanager
async def by_urllib3(url: str) -> AsyncIterator[Ask]:
    """urllib3's PoolManager, which waits for a free place with block=True."""
    import urllib3

    with ThreadPoolExecutor(AT_MOST) as threads, urllib3.PoolManager(maxsize=LIMIT, block=True) as pool:

        async def ask(method: str, path: str) -> None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(threads, lambda: pool.request(method, url + path, timeout=PATIENCE))

        yield ask


CLIENTS = {"netlab": by_netlab, "aiohttp": by_aiohttp, "httpx": by_httpx, "urllib3": by_urllib3}
NOT_CANCELLED = {"urllib3"}


async def measure_storms(run: Run) -> tuple[list[Weathered], list[str]]:
    """The same storm for each client; and a line for each that is not installed."""
    found, missing = [], []
    for name in CLIENTS:
        run.say(f"a storm of cancellations and resets: {name}")
        try:
            found.append(await one_storm(name, run.seed, 300 if run.quick else 1500))
        except ImportError:
            missing.append(
                f"the storm with {name}: not shown on this machine: needs {name} (pip install {name})"
            )
    return found, missing


async def one_storm(name: str, seed: int, steps: int) -> Weathered:
    """Run it, wait for what is left, then call the roll of the places."""
    chance, harbour = random.Random(seed), Harbour()
    tasks: list[asyncio.Task[object]] = []
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(netlab.Server(harbour.app, port=0))
        relay = await stack.enter_async_context(Relay("127.0.0.1", server.port))
        ask = await stack.enter_async_context(CLIENTS[name](f"http://127.0.0.1:{relay.port}"))
        for number in range(steps):
            running = [task for task in tasks if not task.done()]
            match chance.choices(("ask", "cancel", "reset"), (40, 20, 5))[0]:
                case "ask" if len(running) < AT_MOST:
                    method = chance.choice(("GET", "POST"))
                    tasks.append(asyncio.ensure_future(ask(method, f"/{number}")))
                case "cancel" if running and name not in NOT_CANCELLED:
                    chance.choice(running).cancel()
                case "reset" if alive := [talk for talk in relay.conversations if not talk.closed]:
                    chance.choice(alive).reset()
            await asyncio.sleep(chance.choice((0, 0, 0.001)))
        ended, hung = await asyncio.wait(tasks, timeout=PATIENCE)
        places = await roll_call(ask, harbour)
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
    cancelled = [task for task in ended if task.cancelled()]
    failed = [task for task in ended if not task.cancelled() and task.exception() is not None]
    answered = len(ended) - len(cancelled) - len(failed)
    stopped = "–" if name in NOT_CANCELLED else len(cancelled)
    twice = sum(1 for times in harbour.posts.values() if times > 1)
    return Weathered(name, len(tasks), answered, len(failed), stopped, len(hung), places, twice)


async def roll_call(ask: Ask, harbour: Harbour) -> int:
    """Twice as many requests as there are places: how many does the server see at once?"""
    harbour.most = 0
    calls = [asyncio.ensure_future(ask("GET", "/roll-call")) for _ in range(2 * LIMIT)]
    _, hung = await asyncio.wait(calls, timeout=PATIENCE)
    for task in hung:
        task.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    return harbour.most


def table(storms: list[Weathered]) -> Table:
    """A row for each client."""
    return Table(
        f"one storm for all, limit={LIMIT}: requests, cancellations, resets; then a roll-call of the places",
        ["client", "asked", "answered", "failed", "cancelled", "hung", "places that work", "POSTs run twice"],
        [list(storm) for storm in storms],
    )
