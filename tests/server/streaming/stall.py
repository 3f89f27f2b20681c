"""A server in this process, its producer counted, and a client that stops reading where it is told to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from netlab import Request, Response, Server
from netlab.tls.context import client_context, server_context
from tests.kit.waiting import settled, unread, until

from .flow import connect

Result = TypeVar("Result")

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def apart(call: Callable[..., Result], *arguments: Any) -> Result:
    """Let a blocking call block a thread of its own, which ends with it."""
    with ThreadPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, call, *arguments)


def contexts(way: str, certificates: Path) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """The server's TLS context and the client's; None for plain."""
    if way == "plain":
        return None, None
    server = server_context(certificates / "chain.pem", certificates / "leaf.key")
    return server, client_context(certificates / "root.pem")


class Producer:
    """Endless pieces: how many bytes were made so far, and whether its `finally` has run."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.made = 0
        self.closed = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """One after the other, each of them new memory."""
        try:
            while True:
                self.made += self.size
                yield b"\1" * self.size
        finally:
            self.closed = True


@dataclass
class Stalled:
    """A connection whose client has stopped reading, and whose producer therefore has stopped too."""

    server: Server
    producer: Producer
    client: socket.socket
    taken: int  # bytes that the client has read

    @property
    def connection(self) -> Any:
        """The server's side of it."""
        (connection,) = self.server.connections
        return connection

    @property
    def ahead(self) -> int:
        """Bytes that were made and are still on the server's machine, its kernel included.

        What has reached the client's kernel is the client's affair: on this machine that is another 32 MiB.
        """
        return self.producer.made - self.taken - unread(self.client)


@asynccontextmanager
async def stalled(
    way: str, certificates: Path, size: int, read: int, listener: socket.socket | None = None
) -> AsyncIterator[Stalled]:
    """A client takes `read` bytes of an endless stream in pieces of `size`, then nothing more."""
    producer = Producer(size)
    tls, trusting = contexts(way, certificates)

    async def app(request: Request) -> Response:
        return Response(stream=producer.pieces())

    async with Server(app, tls=tls, sock=listener) as server:
        client, taken = await apart(_read, server.port, trusting, read)
        with client:
            found = Stalled(server, producer, client, taken)
            await until(lambda: found.connection.transport.waiting)
            await settled(lambda: producer.made)
            yield found


def _read(port: int, tls: ssl.SSLContext | None, size: int) -> tuple[socket.socket, int]:
    client = connect(port, tls)
    client.sendall(GET)
    taken = 0
    while taken < size:
        taken += len(client.recv(65536))
    return client, taken
