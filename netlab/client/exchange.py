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
from typing import Any

from netlab.client.timings import Timings
from netlab.http1.fields import NO_FIELDS, Fields
from netlab.http1.messages import ResponseHead

# Content held for a caller who does not read: beyond HIGH bytes reading pauses, below LOW it goes on.
HIGH, LOW = 256 * 1024, 64 * 1024


class Exchange:
    """A request under way."""

    __slots__ = (
        "_loop",
        "_waiter",
        "connection",
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
        "timings",
        "trailers",
        "unsent",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, timings: Timings) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self.timings = timings
        self.connection: Any = None
        """The connection that carries it; None once that has nothing to do with it any more."""
        self.sent_at = self.first_at = self.last_at = 0.0
        self.responded = False
        """Has any byte of a response come? Then the request must not be sent again."""
        self.unsent = False
        """Is it known that the kernel took no byte of the request? Then it may be."""
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

    def fail(self, error: BaseException) -> None:
        """It has come to nothing. What came before stays readable; the first failure counts."""
        self.connection = None
        if self.error is None and not self.ended:
            self.error = error
        self.wake()

    @property
    def awaited(self) -> bool:
        """Does somebody wait?"""
        return self._waiter is not None

    # -- the caller pulls -----------------------------------------------------------------------------------

    async def until(self, done: Callable[[], Any]) -> None:
        """Wait until that is true. Raises the failure of the exchange."""
        while not done():
            if self.error is not None:
                raise self.error
            if self._waiter is not None:
                raise RuntimeError("two tasks read one response: let one read, and hand on what it got")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def final_head(self) -> ResponseHead:
        """The final response's head."""
        await self.until(self._has_head)
        assert self.head is not None
        return self.head

    def _has_head(self) -> bool:
        return self.head is not None

    async def next_piece(self) -> bytes | None:
        """The next piece of content, or None at its end."""
        if not self.pieces:
            if not self.ended:
                if self.connection is not None:
                    self.connection.awaited()
                await self.until(self._has_piece)
            if not self.pieces:
                if self.error is not None:
                    raise self.error  # the end was reached by reading past the rest: it is not the content's
                return None
        piece = self.pieces.popleft()
        self.held -= len(piece)
        if self.connection is not None and self.held <= LOW:
            self.connection.resume()
        return piece

    def _has_piece(self) -> bool:
        return bool(self.pieces) or self.ended
