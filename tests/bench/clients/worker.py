"""One client under measure: `python -m tests.bench.clients.worker CLIENT URL`.

Reads a line "sequential 2000" or "at once 20" from its standard input, does it, and answers with one line of
JSON: requests done, seconds, and CPU seconds of this process. Ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

AT_ONCE = 100
CONTENT = b'{"hello":"world"}'

Get = Callable[[], Awaitable[bytes]]


@contextlib.asynccontextmanager
async def _netlab(url: str) -> AsyncIterator[Get]:
    import netlab

    async with netlab.Session(limit=AT_ONCE) as session:

        async def get() -> bytes:
            async with session.get(url) as response:
                return await response.read()

        yield get


@contextlib.asynccontextmanager
async def _aiohttp(url: str) -> AsyncIterator[Get]:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def get() -> bytes:
            async with session.get(url) as response:
                return await response.read()

        yield get


@contextlib.asynccontextmanager
async def _httpx(url: str) -> AsyncIterator[Get]:
    import httpx

    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as session:

        async def get() -> bytes:
            return (await session.get(url)).content

        yield get


CLIENTS = {"netlab": _netlab, "aiohttp": _aiohttp, "httpx": _httpx}


async def sequential(get: Get, count: int) -> int:
    """One request after the other."""
    for _ in range(count):
        if await get() != CONTENT:
            raise SystemExit("a response had other content")
    return count


async def at_once(get: Get, rounds: int) -> int:
    """A hundred requests at the same time, several times over."""
    for _ in range(rounds):
        if set(await asyncio.gather(*(get() for _ in range(AT_ONCE)))) != {CONTENT}:
            raise SystemExit("a response had other content")
    return rounds * AT_ONCE


WORK = {"sequential": sequential, "at once": at_once}


async def serve(client: str, url: str) -> None:
    """Work until the standard input ends."""
    loop = asyncio.get_running_loop()
    async with CLIENTS[client](url) as get:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            kind, _, count = line.strip().rpartition(" ")
            gc.collect()
            busy, begin = time.process_time(), time.perf_counter()
            done = await WORK[kind](get, int(count))
            seconds, cpu = time.perf_counter() - begin, time.process_time() - busy
            print(json.dumps({"done": done, "seconds": seconds, "cpu": cpu}), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
