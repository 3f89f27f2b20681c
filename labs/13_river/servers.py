"""The servers that lab 13 measures, one to a process, so that each figure is one server's memory.

    python servers.py KIND --code PATH --film PATH [--piece BYTES] [--tls CHAIN KEY] [--unsent BYTES]

KIND netlab: netlab's server. Its targets:

    /film                  the code's `Pieces` of the whole film, chunked
    /film?count=N          of its first N bytes
    /read?count=N          N bytes read into memory, then sent: what the article warns of
    /slow?how=H&count=N&wait=S    N small pieces, S seconds each: H says how the producer waits (SLOW)
    /quick                 a few octets at once
    /witness               what became of the pieces that were made: JSON

KIND own: the code's own `serve`, down to its transport; /witness is at a second port.
KIND deaf: the same, but `send` does not wait when the transport says that it is full.

--unsent sets TCP_NOTSENT_LOWAT, 0 leaves the kernel's default; without it, netlab decides. Prints its
port, or both, on the first line, and stops when its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import netlab
from labs.runner import loader
from netlab.tls import server_context

KEPT = 100  # pieces of which the moment is remembered: few, for this process is being weighed


class Witness:
    """When the last pieces of the last stream were made, and when it was closed: time.monotonic()."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Another stream begins."""
        self.made: deque[tuple[float, int]] = deque(maxlen=KEPT)
        self.total = 0
        self.closed = 0.0

    def piece(self, size: int) -> None:
        """A piece has been made."""
        self.total += size
        self.made.append((time.monotonic(), size))

    def end(self) -> None:
        """The producer has been closed."""
        self.closed = self.closed or time.monotonic()

    def as_json(self, since: float) -> str:
        """What was made after `since`."""
        later = [size for moment, size in self.made if moment > since]
        told = {"pieces": len(later), "bytes": sum(later), "closed": self.closed, "total": self.total}
        return json.dumps(told)


WITNESS = Witness()


def watched(code: Any) -> type:
    """The code's `Pieces`, seen by the witness."""

    class Watched(code.Pieces):  # type: ignore[misc,name-defined]
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            WITNESS.begin()

        async def __anext__(self) -> bytes:
            piece: bytes = await super().__anext__()
            WITNESS.piece(len(piece))
            return piece

        async def aclose(self) -> None:
            await super().aclose()
            WITNESS.end()

    return Watched


async def blocking(count: int, wait: float) -> AsyncIterator[bytes]:
    """The article's generator, made async: `time.sleep` stops the whole loop."""
    WITNESS.begin()
    try:
        for _ in range(count):
            time.sleep(wait)
            WITNESS.piece(1024)
            yield b"x" * 1024
    finally:
        WITNESS.end()


def threaded(count: int, wait: float) -> Iterator[bytes]:
    """The article's generator as it stands there: it is not async, and the server runs it in a thread."""
    WITNESS.begin()
    try:
        for _ in range(count):
            time.sleep(wait)
            WITNESS.piece(1024)
            yield b"x" * 1024
    finally:
        WITNESS.end()


async def waiting(count: int, wait: float, request: netlab.Request) -> AsyncIterator[bytes]:
    """What an async generator should do: wait without blocking, and stop when the client has left."""
    WITNESS.begin()
    try:
        for _ in range(count):
            await asyncio.sleep(wait)
            if request.disconnected.done():
                return
            WITNESS.piece(1024)
            yield b"x" * 1024
    finally:
        WITNESS.end()


SLOW = {"blocking": blocking, "threaded": threaded}


def application(options: argparse.Namespace, code: Any) -> Any:
    """The handler of KIND netlab."""

    async def app(request: netlab.Request) -> netlab.Response:
        asked = request.query
        if request.path == "/witness":
            return netlab.Response(200, WITNESS.as_json(float(asked.get("since", "0"))))
        if request.path == "/slow":
            how, count, wait = asked["how"], int(asked["count"]), float(asked["wait"])
            slow = SLOW[how](count, wait) if how in SLOW else waiting(count, wait, request)
            return netlab.Response(stream=slow, on_close=WITNESS.end)
        if request.path == "/quick":
            return netlab.Response(200, b"quick")
        count = int(asked.get("count", options.film.stat().st_size))
        if request.path == "/read":
            with options.film.open("rb") as file:
                return netlab.Response(200, file.read(count))
        file = options.film.open("rb", buffering=0)
        return netlab.Response(stream=code.Pieces(file, 0, count, options.piece))

    return app


def listener(unsent: int) -> socket.socket:
    """A listening socket of our own; the connections inherit its options."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if unsent:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, unsent)
    return listening


async def main(options: argparse.Namespace) -> None:
    """Serve until the measurement closes our standard input, or dies."""
    code = loader.load(options.code)
    code.Pieces = watched(code)
    server = netlab.Server(
        application(options, code),
        tls=server_context(*options.tls) if options.tls else None,
        sock=None if options.unsent is None else listener(options.unsent),
    )
    async with server:
        ports = [server.port]
        if options.kind == "deaf":
            code.Connection.pause_writing = lambda connection: None
        if options.kind != "netlab":
            own = await code.serve(options.film)
            ports.insert(0, own.sockets[0].getsockname()[1])
        print(*ports, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        os._exit(0)  # a thread may be asleep in a generator


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("netlab", "own", "deaf"))
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--film", type=Path, required=True)
    parser.add_argument("--piece", type=int, default=1 << 20)
    parser.add_argument("--tls", nargs=2, metavar=("CHAIN", "KEY"))
    parser.add_argument("--unsent", type=int)
    asyncio.run(main(parser.parse_args()))
