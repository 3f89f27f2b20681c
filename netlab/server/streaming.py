"""A streamed response: piece by piece from the producer to the kernel, at the client's pace. RFC 9112 §7.1.

One piece is in memory at a time: the producer is asked for the next when the kernel has taken this one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol

from netlab.http1.serializer import last_chunk
from netlab.server.exchange import Response
from netlab.server.responding import Coding, InvalidResponse, StreamPlan


class Sink(Protocol):
    """Where a stream goes."""

    def send(self, data: bytes | memoryview) -> Coroutine[Any, Any, None]:
        """Send; suspend until the kernel has taken it."""

    def send_chunk(self, data: bytes) -> Coroutine[Any, Any, None]:
        """Send as one chunk; suspend until the kernel has taken it."""


class NotBegun(Exception):
    """The producer failed before anything was sent: another response can still be. `__cause__` says why."""


async def send(sink: Sink, response: Response, plan: StreamPlan, hold: bool) -> None:
    """Send head and content. Raises what the producer raises, and InvalidResponse for a wrong length.

    hold: ask for the first piece before the head is sent, and raise NotBegun if that fails: the stream may
    be made of a request's content that is still coming and may break a rule. Without it the head goes first,
    since a producer may take its time.

    However it ends (done, failed, cancelled because the client has left), the producer is closed: its
    `finally` has run when this returns.
    """
    stream = response.stream
    assert stream is not None
    pieces = aiter(stream)
    try:
        first = await _first(pieces) if hold and plan.coding is not Coding.NOTHING else b""
        await sink.send(plan.head)
        if plan.coding is not Coding.NOTHING:
            await _CONTENT[plan.coding](sink, first, pieces, plan)
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    try:
        return await anext(pieces, b"")
    except Exception as error:
        raise NotBegun from error


async def _chunked(sink: Sink, first: bytes, pieces: AsyncIterator[bytes], plan: StreamPlan) -> None:
    # An empty piece would be the last-chunk.
    if first:
        await sink.send_chunk(first)
    async for piece in pieces:
        if piece:
            await sink.send_chunk(piece)
    await sink.send(last_chunk(plan.trailers or ()))


async def _until_close(sink: Sink, first: bytes, pieces: AsyncIterator[bytes], plan: StreamPlan) -> None:
    if first:
        await sink.send(first)
    async for piece in pieces:
        await sink.send(piece)


async def _measured(sink: Sink, first: bytes, pieces: AsyncIterator[bytes], plan: StreamPlan) -> None:
    """Exactly the bytes that Content-Length promised: one more would be read as the next response."""
    left = plan.length - len(first)
    if first and left >= 0:
        await sink.send(first)
    async for piece in pieces:
        left -= len(piece)
        if left < 0:
            break
        if piece:
            await sink.send(piece)
    if left < 0:
        raise InvalidResponse(f"the stream is longer than its content-length of {plan.length} bytes")
    if left:
        raise InvalidResponse(f"the stream ended {left} bytes before its content-length of {plan.length}")


_Sender = Callable[[Sink, bytes, AsyncIterator[bytes], StreamPlan], Coroutine[Any, Any, None]]

_CONTENT: dict[Coding, _Sender] = {
    Coding.CHUNKED: _chunked,
    Coding.UNTIL_CLOSE: _until_close,
    Coding.LENGTH: _measured,
}
