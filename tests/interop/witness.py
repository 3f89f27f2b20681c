"""A netlab server in a thread, whose app writes down each request: the judge of clients and proxies.

What a program claims of itself counts for nothing here. What the server received counts: on which connection,
with which fields, whether the content was whole, whether a handler learned that its client has left.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netlab
from netlab.server.files import Folder

HELLO = b'{"hello":"world"}'
# Bytes 65 to 69, and the last five, are letters: a range is told as text.
FILE = bytes(range(256)) * 256 + b"ABCDE"
PIECES = 64
STREAM = b"".join(b"%06d" % number * 2000 for number in range(PIECES))
PATIENCE = 20.0  # seconds that a condition has to come true


@dataclass(slots=True)
class Seen:
    """One request: the connection that carried it, its fields, what came of its content."""

    connection: str
    method: str
    path: str
    fields: dict[str, str]
    received: int = 0
    whole: bool = False
    digest: str = ""


@dataclass(slots=True)
class Witness:
    """The app. All of it runs in the server's loop; the judge reads from another thread and writes nothing.

    seen: every request, in order. page: the HTML of /page. left: the paths whose handler was told that the
    client has left.
    """

    folder: Path
    seen: list[Seen] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    page: bytes = b""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    files: Any = None

    async def __call__(self, request: netlab.Request) -> netlab.Response:
        fields = {name.lower(): request.fields[name] for name in request.fields}
        seen = Seen(request.peer, request.method, request.path, fields)
        self.seen.append(seen)
        if request.method in ("POST", "PUT"):
            return await self._upload(request, seen)
        if request.method not in ("GET", "HEAD"):
            return netlab.Response(405, b"", {"allow": "GET, HEAD, POST, PUT"})
        answers: dict[str, Any] = {
            "/": self._hello, "/stream": self._stream, "/steps": self._steps, "/wait": self._wait,
            "/page": self._page, "/endless": self._endless,
        }  # fmt: skip
        if request.path in answers:
            response: netlab.Response = await answers[request.path](request)
            return response
        found: netlab.Response = await self.files(request)
        return found

    async def _upload(self, request: netlab.Request, seen: Seen) -> netlab.Response:
        digest = hashlib.sha256()
        async for piece in request.stream():
            digest.update(piece)
            seen.received += len(piece)
        seen.whole, seen.digest = True, digest.hexdigest()
        return netlab.Response(200, str(seen.received), {"content-type": "text/plain"})

    async def _hello(self, request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, HELLO, {"content-type": "application/json", "cache-control": "no-store"})

    async def _page(self, request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, self.page, {"content-type": "text/html", "cache-control": "no-store"})

    async def _stream(self, request: netlab.Request) -> netlab.Response:
        async def pieces() -> AsyncIterator[bytes]:
            for number in range(PIECES):
                yield b"%06d" % number * 2000

        return netlab.Response(200, fields={"cache-control": "no-store"}, stream=pieces())

    async def _steps(self, request: netlab.Request) -> netlab.Response:
        """A first piece at once; the second one when the judge releases it."""

        async def pieces() -> AsyncIterator[bytes]:
            yield b"first\n"
            await self.released.wait()
            yield b"second\n"

        return netlab.Response(
            200, fields={"content-type": "text/plain", "cache-control": "no-store"}, stream=pieces()
        )

    async def _wait(self, request: netlab.Request) -> netlab.Response:
        """No answer before the client has left."""
        await request.disconnected
        self.left.append("/wait")
        return netlab.Response(200, b"")

    async def _endless(self, request: netlab.Request) -> netlab.Response:
        """Pieces until the client has left."""

        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield bytes(1 << 16)
            finally:
                self.left.append("/endless")

        return netlab.Response(200, fields={"cache-control": "no-store"}, stream=pieces())


class Serving:
    """The running server, seen from the judge's thread."""

    def __init__(self, witness: Witness, server: netlab.Server, loop: asyncio.AbstractEventLoop) -> None:
        self.witness, self.server, self._loop = witness, server, loop
        self.url = server.url.replace("127.0.0.1", "localhost")
        self.port = server.port

    def release(self) -> None:
        """Let /steps go on."""
        self._loop.call_soon_threadsafe(self.witness.released.set)

    def connections(self) -> int:
        """Connections that are open now."""
        return asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(PATIENCE)

    async def _open(self) -> int:
        return self.server.stats()["open"]


def make_files(folder: Path) -> None:
    """What the witness serves from its folder: bytes for ranges, a second of silence for a media player."""
    (folder / "file").write_bytes(FILE)
    with wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Serving]:
    """A witness on a free port of 127.0.0.1. options: those of netlab.Server."""
    make_files(folder)
    ready, running = threading.Event(), list[Serving]()
    stop: list[asyncio.Event] = []

    async def live() -> None:
        stop.append(asyncio.Event())
        witness = Witness(folder, files=Folder(folder))
        server = netlab.Server(witness, **options)
        await server.start()
        running.append(Serving(witness, server, asyncio.get_running_loop()))
        ready.set()
        await stop[0].wait()
        await server.stop(0.2)

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="witness")
    thread.start()
    if not ready.wait(PATIENCE):
        raise RuntimeError("the witness did not start")
    try:
        yield running[0]
    finally:
        running[0]._loop.call_soon_threadsafe(stop[0].set)
        thread.join(PATIENCE)
