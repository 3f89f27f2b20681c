"""ASGI apps on a server in this process, and a client that shows the wire as it is."""

from __future__ import annotations

import asyncio
import importlib
import os
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from netlab.asgi import AsgiHandler
from netlab.server.server import Server
from netlab.tls.authority import Certificates

App = Callable[..., Awaitable[None]]


def need_module(name: str) -> ModuleType:
    """A library that is not ours; without it the test skips, in CI it fails."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        reason = f"needs {name} (pip install {name})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason, allow_module_level=True)


class Wire:
    """A client connection: sends octets as they are, reads one response at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        """Send octets."""
        self.writer.write(data)

    def get(self, path: str = "/", method: str = "GET", *lines: str) -> None:
        """Send a request without content."""
        fields = "".join(f"{line}\r\n" for line in ("Host: localhost", *lines))
        self.send(f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode())

    async def head(self) -> tuple[int, dict[str, str]]:
        """A status and its fields."""
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text[:-4].split("\r\n")
        return int(first.split()[1]), {n.lower(): v.strip() for n, _, v in (x.partition(":") for x in lines)}

    async def chunk(self) -> bytes:
        """One chunk; b"" for the last, whose trailer section is left to `trailers`."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        if not size:
            return b""
        return (await self.reader.readexactly(size + 2))[:-2]

    async def trailers(self) -> list[str]:
        """The trailer section, behind the last-chunk."""
        lines = []
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            lines.append(line[:-2].decode())
        return lines

    async def response(self) -> tuple[int, dict[str, str], bytes]:
        """A response with its content."""
        status, fields = await self.head()
        if fields.get("transfer-encoding") == "chunked":
            pieces = []
            while piece := await self.chunk():
                pieces.append(piece)
            await self.trailers()
            return status, fields, b"".join(pieces)
        return status, fields, await self.reader.readexactly(int(fields.get("content-length", 0)))

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        return await self.reader.read()

    def reset(self) -> None:
        """Leave with a reset (RST): the server knows at once."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass


class Served:
    """A server, its handler, and clients of it."""

    def __init__(self, server: Server, handler: AsgiHandler) -> None:
        self.server, self.handler, self.url = server, handler, server.url
        self.clients: list[Wire] = []

    async def client(self) -> Wire:
        """A new connection, closed with the server."""
        self.clients.append(Wire(*await asyncio.open_connection("127.0.0.1", self.server.port)))
        return self.clients[-1]

    async def idle(self) -> None:
        """Until no app runs any more."""
        while self.handler.tasks:
            await asyncio.wait(set(self.handler.tasks))


@asynccontextmanager
async def serving(
    app: App, *, grace: float = 2.0, drain: float = 30.0, **options: Any
) -> AsyncIterator[Served]:
    """The app on a free port."""
    async with (
        AsgiHandler(app, grace=grace, drain=drain) as handler,
        Server(handler, **options) as server,
    ):
        served = Served(server, handler)
        try:
            yield served
        finally:
            for client in served.clients:
                await client.close()


def run(work: Coroutine[Any, Any, None]) -> None:
    """In a loop of its own: anyio tells its worker threads to end with the loop's main task, and we wait."""
    before = set(threading.enumerate())
    asyncio.run(work)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=20)


def http_only(app: App) -> App:
    """An app that knows requests alone: it refuses lifespan, as the specification lets it."""

    async def only(scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await app(scope, receive, send)

    return only


async def answer(send: Any, body: bytes = b"", status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    """A whole response in one start and one body."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def read_all(receive: Any) -> bytes:
    """All the content of a request. Raises ConnectionError when it ends early."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client left before its content was complete")
        pieces.append(message["body"])
        if not message["more_body"]:
            return b"".join(pieces)


@pytest.fixture(scope="session")
def certificates(minted: Certificates) -> Path:
    """The folder with root.pem, chain.pem and leaf.key of this run."""
    return minted.root.parent
