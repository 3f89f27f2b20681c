"""The article's script, 50 GETs by aiohttp (limit=100, keepalive_timeout=30), and the same by netlab."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

import aiohttp
from pooled_client import Executions

import netlab
from labs.runner.evidence import Run, Table

GETS = 50  # as in the article
LIMIT, KEEPALIVE = 100, 30.0  # as in the article


class Scripted(NamedTuple):
    """One run of the article's script. connections: accepted by the server."""

    client: str
    at_once: bool
    limit: int
    connections: int
    seconds: float


async def ask_by_aiohttp(url: str, limit: int, at_once: bool) -> None:
    """The article's script, and the same with all GETs at once."""
    connector = aiohttp.TCPConnector(limit=limit, keepalive_timeout=KEEPALIVE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one() -> None:
            async with session.get(url) as response:
                await response.json()

        await many(one, at_once)


async def ask_by_netlab(url: str, limit: int, at_once: bool) -> None:
    """The same with netlab's Session."""
    async with netlab.Session(limit=limit, keepalive_timeout=KEEPALIVE) as session:

        async def one() -> None:
            async with session.get(url) as response:
                await response.json()

        await many(one, at_once)


async def many(one: Any, at_once: bool) -> None:
    """50 requests, one after another or all at once."""
    if at_once:
        await asyncio.gather(*(one() for _ in range(GETS)))
    else:
        for _ in range(GETS):
            await one()


CLIENTS = {"aiohttp": ask_by_aiohttp, "netlab": ask_by_netlab}


async def measure_script(run: Run) -> list[Scripted]:
    """Each client, in a loop and at once, with several limits."""
    run.say(f"{GETS} GETs by aiohttp and netlab, in a loop and all at once")
    found = []
    async with netlab.Server(Executions().app, port=0) as server:
        for ask in CLIENTS.values():  # not counted: what is imported late is loaded here
            await ask(f"http://127.0.0.1:{server.port}/", LIMIT, True)
    for at_once in (False, True):
        for limit in (LIMIT, 10, 1):
            for name, ask in CLIENTS.items():
                async with netlab.Server(Executions().app, port=0) as server:
                    start = time.perf_counter()
                    await ask(f"http://127.0.0.1:{server.port}/?ms=2", limit, at_once)
                    taken = time.perf_counter() - start
                    found.append(Scripted(name, at_once, limit, server.accepted, taken))
    return found


def script_table(scripts: list[Scripted]) -> Table:
    """The article's script and its variants."""
    return Table(
        f"{GETS} GETs; connections counted by the server",
        ["client", "GETs", "limit", "connections", "ms"],
        [
            [
                s.client,
                "all at once" if s.at_once else "one by one",
                s.limit,
                s.connections,
                round(s.seconds * 1000),
            ]
            for s in scripts
        ],
    )
