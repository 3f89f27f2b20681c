"""The pool under measure on real sockets: a small HTTP/1.1 client, and the servers that it asks.

`PooledClient` gives the pool its `connect`, `close` and `stale`. `Executions` counts, on the server's side,
how often each request was carried out.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import netlab

LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Line:
    """One TCP connection: not connected until `dial`."""

    def __init__(self) -> None:
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def dial(self, port: int) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)

    def close(self) -> None:
        """Close; nothing to do if it never connected."""
        if self.writer is not None:
            self.writer.close()

    @property
    def stale(self) -> bool:
        """Has the server closed it?"""
        return self.reader is None or self.reader.at_eof() or self.reader.exception() is not None


class PooledClient:
    """Requests to one port over a pool.

    waits: seconds that each request waited for its connection. noticed: stale connections that were replaced
    before a byte was sent. repeated: second attempts.
    """

    def __init__(self, pool_class: Any, port: int, **limits: float) -> None:
        self.pool = pool_class(self._connect, self._close, stale=self._stale, **limits)
        self.port = port
        self.waits: list[float] = []
        self.noticed = self.repeated = 0

    def _connect(self, host: str) -> Line:
        return Line()

    def _close(self, line: Line) -> None:
        line.close()

    def _stale(self, line: Line) -> bool:
        self.noticed += line.stale
        return line.stale

    async def request(self, method: str, target: str) -> bytes:
        """The response's content. Raises OSError or EOFError where the request may not be repeated."""
        ready, asked = asyncio.get_running_loop().create_future(), time.perf_counter()
        ticket = self.pool.acquire("127.0.0.1", lambda: ready.done() or ready.set_result(None))
        try:
            await ready
            self.waits.append(time.perf_counter() - asked)
            content = await self._attempts(ticket, method, target)
        except BaseException:
            self.pool.cancel(ticket)
            raise
        self.pool.release(ticket)
        return content

    async def _attempts(self, ticket: Any, method: str, target: str) -> bytes:
        while True:
            line: Line = self.pool.checked(ticket)
            if line.writer is None:
                await line.dial(self.port)
                self.pool.connected(ticket)
            assert line.reader is not None and line.writer is not None
            wire = f"{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
            received = 0
            try:
                ticket.started = True
                line.writer.write(wire)
                head = await line.reader.readuntil(b"\r\n\r\n")
                received, length = len(head), LENGTH.search(head)
                return await line.reader.readexactly(int(length[1]) if length else 0)
            except (OSError, EOFError) as error:
                received += len(getattr(error, "partial", b""))
                if self.pool.repeat(ticket, method, len(wire), received) is None:
                    raise
                self.repeated += 1

    def close(self) -> None:
        """Close every connection."""
        for line in list(self.pool.places):
            line.close()


# -- the servers --------------------------------------------------------------------------------------------


class Executions:
    """How often the server carried out each request, by its target."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    async def app(self, request: netlab.Request) -> netlab.Response:
        """Carry the request out: sleep as many milliseconds as ?ms= says."""
        self.counts[request.path] += 1
        if "ms" in request.query:
            await asyncio.sleep(float(request.query["ms"]) / 1000)
        return netlab.Response(200, b'{"item": 1}', {"content-type": "application/json"})


@contextlib.asynccontextmanager
async def dying_server(executions: Executions) -> AsyncIterator[int]:
    """A server that answers the first request of a connection, carries the second out, and then dies.

    Every other connection dies before it carries the second one out: for a client both look the same.
    """
    connections, open_writers = 0, set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        executes = connections % 2 == 1
        open_writers.add(writer)
        with contextlib.suppress(OSError, EOFError):
            for number in (1, 2):
                head = await reader.readuntil(b"\r\n\r\n")
                if number == 1 or executes:
                    executions.counts[head.split()[1].decode()] += 1
                if number == 1:
                    writer.write(ANSWER)
        writer.close()
        open_writers.discard(writer)

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(open_writers):
            writer.close()
        await asyncio.sleep(0)
