"""How a handler learns that its response is not wanted any more: `await request.disconnected`.

Here one exchange's news and the tasks that wait for it. What brings the news is said in `connection`: the
client sends FIN or a reset, the server drains, the response is complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from enum import Enum
from typing import Any


class Disconnect(Enum):
    """Why a response is not wanted any more."""

    CLIENT_LEFT = "the client has closed the connection, or at least its sending side"
    SERVER_STOPS = "the server is stopping and asks this stream to end"
    EXCHANGE_OVER = "the response is complete"


class Disconnected:
    """The news that a response is not wanted any more. Awaitable by any number of tasks, again and again.

    Await it to wait for the news: it gives a Disconnect. Call `done` to ask without waiting. A task that is
    cancelled while it waits takes nothing from the others.
    """

    __slots__ = ("_waiters", "reason")

    def __init__(self) -> None:
        self.reason: Disconnect | None = None
        """None until the news comes. Set once, by the connection."""
        self._waiters: list[asyncio.Future[None]] = []

    def done(self) -> bool:
        """Has the news come?"""
        return self.reason is not None

    def __await__(self) -> Generator[Any, None, Disconnect]:
        while self.reason is None:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                yield from waiter
            finally:
                self._waiters.remove(waiter)
        return self.reason

    def set(self, reason: Disconnect) -> None:
        """Tell the tasks that wait. Only the first news counts."""
        if self.reason is None:
            self.reason = reason
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def __repr__(self) -> str:
        return f"<Disconnected {self.reason.name if self.reason else 'not yet'}>"
