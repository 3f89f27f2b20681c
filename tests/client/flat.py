"""The client of the test of flat memory, in a process of its own: python -m tests.client.flat down|up URL MIB

It prints the bytes of its USS, one line for each 32 MiB of content that came.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import psutil

import netlab

PIECE, EACH = bytes(1 << 16), 32 << 20


async def upload(size: int) -> AsyncIterator[bytes]:
    """So many bytes, piece by piece."""
    for _ in range(size // len(PIECE)):
        yield PIECE


async def run(way: str, url: str, mib: int) -> None:
    """Ask, and read the content without keeping it. Up: the server echoes what is sent."""
    process, size, due = psutil.Process(), 0, EACH
    async with netlab.Session() as session:
        if way == "down":
            call = session.get(f"{url}/stream?mib={mib}")
        else:
            call = session.post(f"{url}/echo", data=upload(mib << 20))
        async with call as response:
            async for piece in response.stream():
                size += len(piece)
                if size >= due:
                    print(process.memory_full_info().uss, flush=True)
                    due += EACH
    if size != mib << 20:
        raise SystemExit(f"{size} bytes came of {mib << 20}")


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
