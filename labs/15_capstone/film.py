"""A film at the assembled server: lab 13's response, one write at a time. /film, or /film?chunked.

Lab 13 is written for asyncio, and lab 14's loop is not. `Showing` turns a small event loop of its own until
lab 13 has written something, and hands that on as the loop asks for it: lab 13 sees a transport that is full
until the client has taken what it wrote.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

LENGTH = 5 << 19  # bytes of the server's film: two pieces and a half
TURNS = 50  # of the event loop without a byte: the response is stuck


class Cut(OSError):
    """The response was broken off: what has gone out must not be taken for a whole one."""


class Stuck(Cut):
    """The response waits for something that never comes."""


class Film(io.BytesIO):
    """A file that remembers what was read of it. most: bytes of one read, at most."""

    def __init__(self, content: bytes = b"", most: int = 1 << 30) -> None:
        super().__init__(content or bytes(LENGTH))
        self.size = len(content) or LENGTH
        self.most = most
        self.pieces: list[bytes] = []

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, as a file does."""
        piece = super().read(self.most if size is None or size < 0 else min(size, self.most))
        self.pieces.append(piece)
        return piece

    @property
    def taken(self) -> int:
        """Bytes that were read."""
        return sum(map(len, self.pieces))


class Transport(asyncio.Transport):
    """What lab 13 writes to. roomy: the kernel takes every byte at once, so there is never a pause."""

    def __init__(self, *, roomy: bool = False) -> None:
        super().__init__()
        self.roomy, self.paused = roomy, False
        self.connection: Any = None
        self.held: list[bytes] = []
        self.end = ""  # "close" or "abort"
        self.lost = False
        self.late = 0  # bytes written although the client has left

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Always 0 here."""

    def write(self, data: Any) -> None:
        """Keep it until it is asked for."""
        self.late += len(data) * self.lost
        self.held.append(data)
        if not self.roomy and not self.paused:
            self.paused = True
            self.connection.pause_writing()

    def close(self) -> None:
        """End in order."""
        self.end = self.end or "close"

    def abort(self) -> None:
        """Break off."""
        self.end = self.end or "abort"

    def is_closing(self) -> bool:
        """Has an end been asked for?"""
        return bool(self.end)


class Showing:
    """One response of lab 13. registered: the connection knows its task, as lab 13's own server does it."""

    def __init__(
        self,
        river: ModuleType,
        head: bytes,
        content: AsyncIterator[bytes],
        framing: Any,
        *,
        roomy: bool = False,
        registered: bool = True,
    ) -> None:
        self.events = asyncio.new_event_loop()
        self.transport = Transport(roomy=roomy)
        self.connection = self.transport.connection = river.Connection("")
        self.connection.connection_made(self.transport)
        self.task = self.events.create_task(river.respond(self.connection, head, content, framing))
        if registered:
            self.connection.task = self.task

    def turn(self) -> None:
        """One turn of the event loop."""
        self.events.call_soon(self.events.stop)
        self.events.run_forever()

    def next(self) -> list[bytes]:
        """What was written since the last call, as it was written; nothing when the response has ended."""
        for _ in range(TURNS):
            self.turn()
            if self.transport.held or self.task.done():
                break
        else:
            raise Stuck("the response neither goes on nor ends")
        written, self.transport.held = self.transport.held, []
        return written

    def taken(self) -> None:
        """The client has taken everything that was written."""
        if self.transport.paused and not self.transport.lost:
            self.transport.paused = False
            self.connection.resume_writing()

    def leave(self) -> None:
        """The client has left, or the response has ended: nothing of it goes on."""
        if not self.transport.lost:
            self.transport.lost = True
            self.connection.connection_lost(None)
            for _ in range(TURNS):
                self.turn()

    def outcome(self) -> str:
        """How the response has ended: "", "cancelled", the name of its error, or "goes on"."""
        if not self.task.done():
            return "goes on"
        if self.task.cancelled():
            return "cancelled"
        error = self.task.exception()
        return "" if error is None else type(error).__name__

    def close(self) -> None:
        """End what still runs, and the event loop."""
        self.leave()
        tasks = asyncio.all_tasks(self.events)
        for task in tasks:
            task.cancel()
        if tasks:
            self.events.run_until_complete(asyncio.wait(tasks, timeout=1))
        self.outcome()
        self.events.close()


def shown(river: ModuleType, request: Any, film: Film | None = None) -> Iterator[bytes]:
    """The answer to GET /film, one write at a time. Raises Cut when it is broken off."""
    film = film or Film()
    framing = river.Framing.CHUNKED if request.target.endswith("?chunked") else river.Framing.LENGTH
    field = next((value for name, value in request.fields if name.lower() == "range"), None)
    part = river.part_of(None if framing is river.Framing.CHUNKED else field, film.size)
    if part.status == 416:
        framing = river.Framing.LENGTH
    content = river.Pieces(film, part.start, part.count)
    showing = Showing(river, river.head(part, film.size, framing), content, framing)
    try:
        while written := showing.next():
            yield b"".join(written)
            showing.taken()
        if showing.transport.end != "close":
            raise Cut("the film was broken off")
    finally:
        showing.close()
