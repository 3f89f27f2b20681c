"""A server that does exactly what a test says, octet by octet: the counterpart of a client under test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType


class Peer:
    """One accepted connection, as a script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self._reader, self._writer = reader, writer
        self.number = number
        """Counts the connections of this server, from 1."""

    @property
    def tls(self) -> ssl.SSLObject:
        """The server's side of TLS."""
        found: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        return found

    async def request(self) -> tuple[str, bytes]:
        """Read one request: its request line and its content. ("", b"") at the end of the connection."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            return "", b""
        lines = head.split("\r\n")
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        self.fields = fields
        if "transfer-encoding" in fields:
            return lines[0], await self._chunks()
        return lines[0], await self._reader.readexactly(int(fields.get("content-length", 0)))

    async def _chunks(self) -> bytes:
        content = b""
        while size := int((await self._reader.readline()).strip(), 16):
            content += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readline()
        return content

    async def head(self) -> str:
        """Read a request's head alone."""
        return (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")

    async def read(self, size: int) -> bytes:
        """Read exactly so many octets."""
        return await self._reader.readexactly(size)

    async def send(self, *octets: bytes) -> None:
        """Send, each argument in a write of its own."""
        for piece in octets:
            self._writer.write(piece)
            await self._writer.drain()

    async def respond(self, content: bytes = b"", *fields: str, status: str = "200 OK") -> None:
        """A whole response with Content-Length."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *fields, "", ""]
        await self.send("\r\n".join(lines).encode() + content)

    async def until_closed(self) -> bytes:
        """Read until the client closes; what it sent."""
        with contextlib.suppress(ConnectionError):
            return await self._reader.read()
        return b""

    def close(self) -> None:
        """FIN (and close_notify)."""
        self._writer.close()

    def reset(self) -> None:
        """RST."""
        sock = self._writer.get_extra_info("socket")
        if sock is not None:  # None: the client was faster
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def cut(self) -> None:
        """End TCP under TLS: a FIN without close_notify."""
        self._writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class Scripted:
    """Runs the script for every connection. requests: the request lines, in order; connections: how many."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script, self._tls = script, tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.problems: list[BaseException] = []

    async def __aenter__(self) -> Scripted:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._script(Peer(reader, writer, self.connections))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        except Exception as problem:
            self.problems.append(problem)
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        await asyncio.sleep(0)
        if not error:
            assert not self.problems, self.problems


async def answers(peer: Peer) -> None:
    """The ordinary script: answer every request with its number on this connection."""
    count = 0
    while (await peer.request())[0]:
        count += 1
        await peer.respond(f"{peer.number}.{count}".encode())
