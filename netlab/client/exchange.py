"""One request and what has come of its response: the meeting point of a connection and a caller.

The connection pushes (head, content, end, failure) as bytes arrive; the caller pulls, and waits only for what
has not come. A response that came whole with its head is complete before the caller wakes, so its connection
is free again by then. What the caller does not take is held here up to HIGH bytes; then the connection stops
reading, and the server feels it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from netlab.client.errors import TimedOut
from netlab.client.timings import Timings
from netlab.http1.fields import NO_FIELDS, Fields
from netlab.http1.messages import ResponseHead

# Content held for a caller that does not read: beyond HIGH bytes reading pauses, below LOW it goes on.
HIGH, LOW = 256 * 1024, 64 * 1024


class Source(Protocol):
    """What a caller asks of the connection that carries its exchange."""

    def await_content(self) -> None:
        """The caller waits for content that has not come."""

    def resume(self) -> None:
        """There is room for content again."""

    def discard_rest(self, exchange: Exchange) -> None:
        """The caller wants no more of this response."""

    def give_up(self, late: TimedOut) -> None:
        """The caller's deadline has passed."""


class Exchange:
    """A request under way."""

    __slots__ = (
        "_loop",
        "_waiter",
        "ended",
        "error",
        "first_at",
        "head",
        "held",
        "interim",
        "last_at",
        "pieces",
        "received",
        "responded",
        "sent_at",
        "source",
        "timings",
        "trailers",
        "unsent",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, timings: Timings) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self.timings = timings
        self.source: Source | None = None
        """The connection that carries it; None before that, and once the connection is done with it."""
        self.sent_at = self.first_at = self.last_at = 0.0
        self.responded = False
        """Has any byte of a response come? Then the request must not be sent again."""
        self.unsent = False
        """Is it known that the kernel took no byte of the request? Then it may be sent again."""
        self.head: ResponseHead | None = None
        self.interim: list[ResponseHead] = []
        self.pieces: deque[bytes] = deque()
        self.held = 0
        self.received = 0
        self.ended = False
        self.trailers: Fields = NO_FIELDS
        self.error: BaseException | None = None

    # -- the connection pushes ------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something has changed."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def bytes_came(self, now: float) -> None:
        """Bytes of a response have come, at this moment of the session's clock."""
        self.last_at = now
        if not self.responded:
            self.responded = True
            self.first_at = now
            self.timings.first_byte = now - self.sent_at

    def add_piece(self, data: bytes) -> None:
        """A piece of content has come."""
        self.pieces.append(data)
        self.held += len(data)
        self.received += len(data)
        self.wake()

    def finish(self, trailers: Fields) -> None:
        """The response is complete. Call `wake` when the connection is free again."""
        self.ended, self.trailers = True, trailers
        self.source = None
        self.timings.content = self.last_at - self.first_at

    def fail(self, error: BaseException) -> None:
        """The exchange has failed. What came before stays readable; the first failure counts."""
        self.source = None
        if self.error is None and not self.ended:
            self.error = error
        self.wake()

    @property
    def awaited(self) -> bool:
        """Does a caller wait?"""
        return self._waiter is not None

    # -- the caller pulls -----------------------------------------------------------------------------------

    async def until(self, done: Callable[[], Any]) -> None:
        """Wait until that is true. Raises the failure of the exchange."""
        while not done():
            await self.change()

    async def change(self) -> None:
        """Wait until something has come. Raises the failure of the exchange."""
        if self.error is not None:
            raise self.error
        if self._waiter is not None:
            raise RuntimeError("two tasks read one response: let one read, and hand on what it got")
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def take_whole(self, limit: int) -> bytes | None:
        """All the content, if it is here to its end and within the limit of bytes; else None."""
        if not self.ended or self.error is not None or self.held > limit:
            return None
        pieces = self.pieces
        content = pieces.popleft() if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.held = 0
        return content

    async def next_piece(self) -> bytes | None:
        """The next piece of content, or None at its end."""
        if not self.pieces:
            if not self.ended:
                if self.source is not None:
                    self.source.await_content()
                await self.until(self._has_piece)
            if not self.pieces:
                if self.error is not None:
                    raise self.error  # the connection read past the rest: this is not the content's end
                return None
        piece = self.pieces.popleft()
        self.held -= len(piece)
        if self.source is not None and self.held <= LOW:
            self.source.resume()
        return piece

    def _has_piece(self) -> bool:
        return bool(self.pieces) or self.ended
