"""A film of any size in one piece of memory: from the file to the socket, with nothing but asyncio.

    file ──Pieces──▶ framed ──send──▶ transport ──▶ kernel ──▶ the network ──▶ the reader

Each arrow waits for the one on its right. Where one does not wait, bytes pile up in front of it: a handler
that reads the whole file, a `send` that never waits for the transport, a producer that runs on
after the client left.

You write the arrows in five steps: reading, framing (RFC 9112 §7.1), backpressure, every way a response
ends, and the part of a film that a player asks for (RFC 9110 §14). Given is a small server of one film
around them: one request to a connection, GET alone, no TLS. netlab does the rest.
"""

from __future__ import annotations

import asyncio
import enum
import os
import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import BinaryIO

PIECE = 1 << 20  # bytes that are read, sent and forgotten at a time
TURN = 256 * 1024  # bytes that one connection may send before the others get their turn
HEAD = 16 * 1024  # bytes of a request head, at most

# ranges-specifier of one byte range: int-range or suffix-range                    RFC 9110 §14.1.2
RANGE = re.compile(r"(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")


class Shrunk(Exception):
    """The file ended before the length that its response has promised."""


class Framing(enum.Enum):
    """How the reader is told where the content ends."""

    CHUNKED = "transfer-encoding: chunked"
    LENGTH = "content-length: {count}"


@dataclass(frozen=True)
class Part:
    """What of a film is sent: the status that says so, and `count` bytes from `start` on."""

    status: int
    start: int = 0
    count: int = 0


class Pieces:
    """`count` bytes of an open file from `start` on, in pieces: an async iterator; `aclose` closes the file.

    A class and no generator, for one reason: closing a generator that has never begun runs none of it. Its
    `finally` would not close the file of a client that left before the first byte.
    """

    def __init__(self, file: BinaryIO, start: int, count: int, size: int = PIECE) -> None:
        self.file = file
        self.position = start  # of the next piece
        self.left = count  # bytes still to come
        self.size = size  # of a piece, at most

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        """Read the next piece, now that it is asked for: at most `size` bytes, and never beyond the part.

        A read may give less than it was asked for; that is a piece like any other. Another reader may have
        moved the file's position: seek to yours each time. Once all has come, StopAsyncIteration; if the file
        ends before that, Shrunk: a promise of so many bytes cannot be kept by sending fewer.
        """
        # >>> task 1: read a file piece by piece
        if not self.left:
            raise StopAsyncIteration
        self.file.seek(self.position)
        piece = self.file.read(min(self.size, self.left))
        if not piece:
            raise Shrunk(f"{self.left} bytes are missing")
        self.position += len(piece)
        self.left -= len(piece)
        return piece
        # <<< task 1

    async def aclose(self) -> None:
        """Let go of the file. No error when that is done already."""
        self.file.close()


def framed(piece: bytes, framing: Framing) -> tuple[bytes, ...]:
    r"""The parts in which a piece goes out: `framed(b"hello", CHUNKED)` is `(b"5\r\n", b"hello", b"\r\n")`.

    The piece itself is one of the parts, not a copy: a megabyte that is pasted between its size and its CRLF
    is in memory twice. By Content-Length it goes as it is. An empty piece is no part at all: as a chunk it
    would end the content.
    """
    # >>> task 2: frame a piece, and end the content
    if not piece:
        return ()
    if framing is Framing.LENGTH:
        return (piece,)
    return (b"%x\r\n" % len(piece), piece, b"\r\n")
    # <<< task 2


def ending(framing: Framing) -> bytes:
    """What follows the last piece: last-chunk and empty line, or nothing where the length was said."""
    # >>> task 2: frame a piece, and end the content
    return b"0\r\n\r\n" if framing is Framing.CHUNKED else b""
    # <<< task 2


class Connection(asyncio.Protocol):
    """One client. asyncio calls `connection_made`, `data_received`, `pause_writing`, … as things happen.

    The transport takes every byte that it is given, for ever: what the kernel does not take, it keeps, and
    that is memory of this process. It says so by `pause_writing`, and by `resume_writing` when all has gone.
    """

    transport: asyncio.Transport

    def __init__(self, path: str | os.PathLike[str] = "") -> None:
        self.path = path  # of the film
        self.request = b""  # what has come of the request head
        self.task: asyncio.Task[None] | None = None  # sends the response
        self.room = asyncio.Event()  # set: the transport keeps nothing, and more may be written
        self.room.set()
        self.lost = False  # the client has left
        self.unyielded = 0  # bytes sent since the other connections last had their turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=0)  # call pause_writing as soon as one byte stays behind

    def pause_writing(self) -> None:
        """The kernel did not take all. Called from within `transport.write`."""
        # >>> task 3: wait when the transport is full
        self.room.clear()
        # <<< task 3

    def resume_writing(self) -> None:
        """The kernel has taken all that was kept."""
        # >>> task 3: wait when the transport is full
        self.room.set()
        # <<< task 3

    async def send(self, parts: Iterable[bytes]) -> None:
        """Write the parts, then wait until more may be written: a producer that awaits this stops by itself.

        Wait for `room` as long as there is none: it may be taken again before you get your turn.

        A reader that takes everything at once never makes you wait, and a coroutine that never waits shuts
        all others out: after every TURN bytes (`unyielded` counts them) let them in, by `asyncio.sleep(0)`.

        Raises ConnectionResetError if the client has left, before you write or while you wait: a producer
        that waits for nothing else would never learn it.
        """
        # >>> task 3: wait when the transport is full
        if not self.lost:
            for part in parts:
                self.transport.write(part)
                self.unyielded += len(part)
        if self.unyielded >= TURN:
            self.unyielded = 0
            await asyncio.sleep(0)
        while not self.room.is_set():
            await self.room.wait()
        if self.lost:
            raise ConnectionResetError("the client has left")
        # <<< task 3

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone: by the client, by the network, or because we have closed it.

        Mark it as lost, wake every `send` that waits for room, and cancel `task`, if there is one: it may be
        waiting for something else than room.
        """
        # >>> task 4: stop when the client leaves
        self.lost = True
        self.room.set()
        if self.task is not None:
            self.task.cancel()
        # <<< task 4

    def data_received(self, data: bytes) -> None:
        """Bytes of the request: once the head is whole, begin to answer."""
        if self.task is not None:
            return  # content, or another request: not for us
        self.request += data
        if b"\r\n\r\n" in self.request:
            self.task = asyncio.get_running_loop().create_task(answer(self))
            self.task.add_done_callback(self.answered)
        elif len(self.request) > HEAD:
            self.transport.abort()

    def answered(self, task: asyncio.Task[None]) -> None:
        """The response has ended. If it failed, the client must not wait for the rest of it.

        A client that leaves is no accident; whatever else went wrong is shown.
        """
        if task.cancelled():
            self.transport.abort()
        elif error := task.exception():
            self.transport.abort()
            if not isinstance(error, ConnectionError):
                report(error)


async def respond(
    connection: Connection, head: bytes, content: Pieces | AsyncGenerator[bytes], framing: Framing
) -> None:
    """Send a response: the head, each piece in its framing, the ending. Then close the connection.

    One piece at a time: ask for the next when this one has been sent.

    If all went well, `transport.close()` ends the connection: it sends what waits, then says so. If anything
    went wrong, `transport.abort()` breaks it, and the ending is not sent: a reader must never take half a
    film for a whole one. What went wrong is raised on, a cancellation as well.

    However it ends, even before the first piece, `content.aclose()` has run before this returns.
    """
    # >>> task 4: stop when the client leaves
    try:
        await connection.send((head,))
        async for piece in content:
            await connection.send(framed(piece, framing))
        await connection.send((ending(framing),))
    except BaseException:
        connection.transport.abort()
        raise
    else:
        connection.transport.close()
    finally:
        await content.aclose()
    # <<< task 4


def part_of(field: str | None, size: int) -> Part:
    """What a Range field asks for, of a film of `size` bytes. RFC 9110 §14.1.2, §14.2

    None, another unit than bytes, a list of several ranges, or what is no range at all: Part(200, 0, size),
    the whole, for a server may ignore what it does not understand or does not like. ("500-499" is no range.)
    The name of the unit is the same in capitals.

    bytes=500-999   Part(206, 500, 500): both ends are sent; the last may lie beyond the end
    bytes=500-      from there to the end, which is what a player asks for first
    bytes=-500      the last 500, or all if there are not so many

    Part(416) for a range with nothing in it: one that begins at the end or beyond, or the last 0.
    """
    # >>> task 5: send the part that a player asks for
    whole = Part(200, 0, size)
    unit, _, ranges = (field or "").partition("=")
    asked = RANGE.fullmatch(ranges)
    if unit.lower() != "bytes" or asked is None:
        return whole
    first, last, suffix = (None if digits is None else int(digits) for digits in asked.groups())
    if first is None:
        assert suffix is not None
        first, last = max(0, size - suffix), size - 1
    elif last is not None and last < first:
        return whole
    else:
        last = size - 1 if last is None else min(last, size - 1)
    return Part(206, first, last - first + 1) if first <= last else Part(416)
    # <<< task 5


# --- given: the server around them ----------------------------------------------------------------------


async def answer(connection: Connection) -> None:
    """Answer the one request of a connection: the film, a part of it, or why not. `?chunked`: in chunks."""
    lines = connection.request.decode("latin-1").split("\r\n")
    method, _, rest = lines[0].partition(" ")
    target = rest.partition(" ")[0]
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    file = open(connection.path, "rb", buffering=0)  # noqa: SIM115  (Pieces.aclose closes it)
    size = os.fstat(file.fileno()).st_size
    framing = Framing.CHUNKED if target.endswith("?chunked") else Framing.LENGTH
    # The server does not state the length of a chunked response beforehand, so it serves no parts of one.
    part = part_of(None if framing is Framing.CHUNKED else fields.get("range"), size)
    if method != "GET":
        part = Part(405)
    elif part.status == 416:
        framing = Framing.LENGTH
    await respond(connection, head(part, size, framing), Pieces(file, part.start, part.count), framing)


def head(part: Part, size: int, framing: Framing) -> bytes:
    """The status line and the fields of a response."""
    lines = [f"HTTP/1.1 {part.status} ", framing.value.format(count=part.count)]
    lines += ["content-type: video/mp4", "accept-ranges: bytes", "connection: close"]
    if part.status == 206:
        lines.append(f"content-range: bytes {part.start}-{part.start + part.count - 1}/{size}")
    elif part.status == 416:
        lines.append(f"content-range: bytes */{size}")
    elif part.status == 405:
        lines.append("allow: GET")
    return "\r\n".join((*lines, "", "")).encode("latin-1")


async def serve(path: str | os.PathLike[str], port: int = 0) -> asyncio.Server:
    """Listen on the loopback interface and send that film to every client that asks."""
    return await asyncio.get_running_loop().create_server(lambda: Connection(path), "127.0.0.1", port)


def report(error: BaseException) -> None:
    """Say why a response failed: in a line if that says it all (no such film; a task not written yet)."""
    told: dict[str, object] = {"message": "a response failed", "exception": error}
    if isinstance(error, OSError | NotImplementedError):
        told = {"message": f"a response failed: {error}"}
    asyncio.get_running_loop().call_exception_handler(told)
