"""A streamed response: piece by piece from the producer to the kernel, at the client's pace. RFC 9112 §7.1.

One piece is in memory at a time: the producer is asked for the next when the kernel has taken this one.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Coroutine
from typing import Any, Protocol

from netlab.http1.serializer import last_chunk
from netlab.server.exchange import Response
from netlab.server.responding import Coding, InvalidResponse, StreamPlan


class Sink(Protocol):
    """Where a stream goes."""

    def send(self, data: bytes | memoryview) -> Coroutine[Any, Any, None]:
        """Send; suspend until the kernel has taken it."""


async def send(sink: Sink, response: Response, plan: StreamPlan) -> None:
    """Send head and content. Raises what the producer raises, and InvalidResponse for a wrong length.

    However it ends (done, failed, cancelled because the client has left), the producer is closed: its
    `finally` has run when this returns.
    """
    stream = response.stream
    assert stream is not None
    try:
        await sink.send(plan.head)
        if plan.coding is not Coding.NOTHING:
            await _CONTENT[plan.coding](sink, stream, plan)
            if plan.coding is Coding.CHUNKED:
                await sink.send(last_chunk(response.trailers or ()))
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def _chunked(sink: Sink, stream: AsyncIterable[bytes], plan: StreamPlan) -> None:
    async for piece in stream:
        # An empty piece would be the last-chunk.
        if piece:
            await sink.send(b"%x\r\n%b\r\n" % (len(piece), piece))


async def _until_close(sink: Sink, stream: AsyncIterable[bytes], plan: StreamPlan) -> None:
    async for piece in stream:
        await sink.send(piece)


async def _measured(sink: Sink, stream: AsyncIterable[bytes], plan: StreamPlan) -> None:
    """Exactly the bytes that Content-Length promised: one more would be read as the next response."""
    left = plan.length
    async for piece in stream:
        if len(piece) > left:
            raise InvalidResponse(f"the stream is longer than its content-length of {plan.length} bytes")
        left -= len(piece)
        if piece:
            await sink.send(piece)
    if left:
        raise InvalidResponse(f"the stream ended {left} bytes before its content-length of {plan.length}")


_CONTENT: dict[Coding, Callable[[Sink, AsyncIterable[bytes], StreamPlan], Coroutine[Any, Any, None]]] = {
    Coding.CHUNKED: _chunked,
    Coding.UNTIL_CLOSE: _until_close,
    Coding.LENGTH: _measured,
}
