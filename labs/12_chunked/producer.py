"""The server that lab 12 measures: netlab in a process of its own, which its reader does not slow down.

    /pieces?size=1024&total=1048576            chunked: a chunk for each piece
    /known?size=1024&total=1048576             the same pieces under a Content-Length
    /slow?how=chunked&pieces=10&wait=0.04      a wait, a piece, a wait …; how: chunked, known, buffered

Prints its port on the first line and stops when its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import netlab

PIECE = 4096  # bytes of each slow piece


async def pieces(size: int, total: int) -> AsyncIterator[bytes]:
    """`total` bytes in pieces of `size`, as fast as they are taken."""
    piece = b"x" * size
    for _ in range(total // size):
        yield piece


async def slow(count: int, wait: float) -> AsyncIterator[bytes]:
    """A producer that needs `wait` seconds for each piece: a query, a model, a disk far away."""
    for _ in range(count):
        await asyncio.sleep(wait)
        yield b"x" * PIECE


async def app(request: netlab.Request) -> netlab.Response:
    """Answer in the way that the target asks for."""
    asked = request.query
    if request.path == "/slow":
        count, wait = int(asked["pieces"]), float(asked["wait"])
        if asked["how"] == "buffered":
            # The length stands in the head, and is known when the last piece is: the head waits for it.
            return netlab.Response(200, b"".join([piece async for piece in slow(count, wait)]))
        length = {"content-length": str(count * PIECE)} if asked["how"] == "known" else {}
        return netlab.Response(200, stream=slow(count, wait), fields=length)
    size, total = int(asked["size"]), int(asked["total"])
    length = {"content-length": str(total)} if request.path == "/known" else {}
    return netlab.Response(200, stream=pieces(size, total), fields=length)


async def main() -> None:
    """Serve until the measurement closes our standard input, or dies."""
    async with netlab.Server(app, port=0) as server:
        print(server.port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
