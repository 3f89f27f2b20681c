"""What `receive` gives an app: the content, piece by piece, then the news that the client has left.

Theory of operation. A call of `receive` may be cancelled at any moment, and some frameworks do that at every
piece they send. So a read that has to wait is a small task of its own, which goes on, and which the next call
takes up. It does not disturb the response: a connection is read by one task while another writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

from netlab.asgi.scope import Message
from netlab.http1.errors import ProtocolError
from netlab.server.request import Request


def disconnect() -> Message:
    """The client has left, or the response is complete."""
    return {"type": "http.disconnect"}


class Gate:
    """An asyncio.Event that costs nothing while nobody waits: most requests pass three of them without."""

    __slots__ = ("_is_open", "_waiting")

    def __init__(self) -> None:
        self._is_open = False
        self._waiting: list[asyncio.Future[None]] = []

    def open(self) -> None:
        """Let everybody pass who waits, or comes."""
        self._is_open = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def shut(self) -> None:
        """From now on who comes waits."""
        self._is_open = False

    async def passage(self) -> None:
        """Pass, as soon as it is open."""
        if self._is_open:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        finally:
            self._waiting.remove(waiter)


class Incoming:
    """The request's side of an exchange.

    content: the whole of it, where it is known already.
    """

    def __init__(self, request: Request, content: bytes | None) -> None:
        self._request = request
        self._whole = content
        self._parts: AsyncGenerator[bytes, None] | None = None
        self._complete = False  # the app has been given all the content
        self._over = False  # there is nothing more to tell but http.disconnect
        self._step: asyncio.Task[Message] | None = None  # a read that had to wait
        self.broken: ProtocolError | None = None
        """The rule that the client broke inside its content."""

    async def next(self) -> Message:
        """The next message. A cancelled call loses no content: the next one takes up its read."""
        while not self._over and not (self._complete and self._request.disconnected.done()):
            if self._whole is not None:
                content, self._whole, self._complete = self._whole, None, True
                return {"type": "http.request", "body": content, "more_body": False}
            if self._step is None:
                self._step = asyncio.get_running_loop().create_task(self._wait())
            step = self._step
            if not step.done():
                await asyncio.wait((step,))
            if self._step is step:
                self._step = None
                if not step.cancelled():
                    return step.result()
        return disconnect()

    async def _wait(self) -> Message:
        try:
            if not self._complete:
                return await self._read()
            await self._request.disconnected
        except ProtocolError as error:
            self.broken = error
        self._over = True
        return disconnect()

    async def _read(self) -> Message:
        if self._parts is None:
            self._parts = cast(AsyncGenerator[bytes, None], self._request.stream())
        piece = await anext(self._parts, b"")
        self._complete = not piece
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def stop(self) -> None:
        """Never read again: what comes now belongs to the next request."""
        self._over = True
        step = self._step
        if step is not None and not step.done():
            step.cancel()
            await asyncio.wait((step,))
        if self._parts is not None:
            await self._parts.aclose()
