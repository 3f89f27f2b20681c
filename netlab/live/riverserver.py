"""The server of the river's board, in a process of its own, so that its memory is this one stream's.

    python -m netlab.live.riverserver GIGABYTES

    /river?count=N   the film in pieces of 1 MiB, as they are taken
    /first?count=N   N bytes of the film, read into memory before the first is sent

A second port answers each connection with MOST bytes at once, without waiting for the transport. The first
line printed holds both ports; then a line of JSON for each stream that was closed. It ends with its standard
input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from typing import BinaryIO

from netlab.live.children import end_with_parent
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server

PIECE = 1 << 20
MOST = 256 << 20
"""Bytes that a stream may hold in memory: of the film read first, and of the stream without backpressure."""


class River:
    """The film, a file that takes no disk, and what became of its streams."""

    def __init__(self, film: BinaryIO) -> None:
        self._film = film

    async def __call__(self, request: Request) -> Response:
        """Answer by the path."""
        count = int(request.query.get("count", "0"))
        if request.path == "/first":
            self._film.seek(0)
            return Response(200, self._film.read(min(count, MOST)))
        return Response(200, stream=self._pieces(count))

    async def _pieces(self, count: int) -> AsyncIterator[bytes]:
        self._film.seek(0)
        made = 0
        try:
            while made < count and (piece := self._film.read(min(PIECE, count - made))):
                made += len(piece)
                yield piece
        finally:
            print(json.dumps({"closed": time.monotonic(), "made": made}), flush=True)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write without ever waiting: the transport keeps what the kernel does not take."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MOST)
        for _ in range(MOST // PIECE):
            writer.write(bytearray(PIECE))
            await asyncio.sleep(0)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def main(size: int) -> None:
    """Serve until the parent's pipe closes."""
    end_with_parent()
    with tempfile.TemporaryFile(buffering=0) as film:
        film.truncate(size)
        careless = await asyncio.start_server(flood, "127.0.0.1", 0)
        async with careless, Server(River(film)) as server:
            print(server.port, careless.sockets[0].getsockname()[1], flush=True)
            await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(float(sys.argv[1]) * 1e9)))
