"""A streamed response: piece by piece from the producer to the kernel, at the client's pace. RFC 9112 §7.1.

One piece is in memory at a time: the producer is asked for the next when the kernel has taken this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Protocol

from netlab.http1.serializer import LAST_CHUNK, last_chunk
from netlab.server.exchange import Response
from netlab.server.filecontent import FileContent
from netlab.server.responding import Coding, InvalidResponse, StreamPlan, checked_trailers

Octets = bytes | memoryview


class Sink(Protocol):
    """Where a stream goes."""

    def send(self, data: Octets) -> Coroutine[Any, Any, None]:
        """Send; suspend until the kernel has taken it."""

    @property
    def secure(self) -> bool:
        """Must the bytes pass through this process, to be encrypted?"""

    def send_file(self, fd: int, offset: int, count: int) -> Coroutine[Any, Any, None]:
        """Send part of a file; suspend until the kernel has taken it."""

    def send_chunk(self, data: Octets) -> Coroutine[Any, Any, None]:
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
    producer: Any
    if isinstance(stream, AsyncIterable):
        producer = pieces = aiter(stream)
    else:
        producer = iter(stream)
        pieces = _threaded(producer)
    try:
        first = await _first(pieces) if hold and plan.coding is not Coding.NOTHING else b""
        await sink.send(plan.head)
        if plan.coding is Coding.LENGTH and isinstance(stream, FileContent) and not sink.secure:
            await sink.send_file(stream.fd, stream.offset, stream.count)
        elif plan.coding is not Coding.NOTHING:
            await _CONTENT[plan.coding](sink, first, pieces, plan)
    finally:
        await _close(pieces)
        if producer is not pieces:
            await _close(producer)
        if stream is not producer:
            await _close(stream)


async def _close(producer: Any) -> None:
    """Let it run its `finally`: here if it is async, else in a thread, as its steps did. Also unstarted ones:
    a stream that answers HEAD may be a file that is open.
    """
    if (aclose := getattr(producer, "aclose", None)) is not None:
        await aclose()
    elif (close := getattr(producer, "close", None)) is not None:
        await asyncio.get_running_loop().run_in_executor(None, close)


_END = object()  # what `next` gives behind the last piece: a None from a producer is its mistake, not its end


async def _threaded(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """A producer that is not async, in a thread: it may sleep or read a disk without stalling the others.

    The price is a hop to the thread and back for each piece, about 50 µs. As many of them work at once as the
    loop's default executor has threads (see `running.THREADS`).
    """
    loop = asyncio.get_running_loop()
    following: asyncio.Future[Any] | None = None
    try:
        while True:
            following = loop.run_in_executor(None, next, pieces, _END)
            piece = await asyncio.shield(following)
            if piece is _END:
                return
            yield piece
    finally:
        if following is not None and not following.done():
            await asyncio.wait((following,))  # a generator cannot be closed in the middle of its step


def _octets(piece: Octets) -> Octets:
    """Any buffer as octets: framing counts these, `len` counts items. Raises TypeError for what is none."""
    if piece.__class__ is bytes:
        return piece
    view = memoryview(piece)
    return view if view.nbytes == len(view) else view.cast("B")


async def _first(pieces: AsyncIterator[Octets]) -> Octets:
    try:
        return _octets(await anext(pieces, b""))
    except Exception as error:
        raise NotBegun from error


async def _chunked(sink: Sink, first: Octets, pieces: AsyncIterator[Octets], plan: StreamPlan) -> None:
    # An empty piece would be the last-chunk.
    if first:
        await sink.send_chunk(first)
    async for piece in pieces:
        piece = _octets(piece)
        if piece:
            await sink.send_chunk(piece)
    # Trailers are looked at again: a producer may fill them in as it goes, a digest say.
    await sink.send(last_chunk(checked_trailers(plan.trailers)) if plan.trailers else LAST_CHUNK)


async def _until_close(sink: Sink, first: Octets, pieces: AsyncIterator[Octets], plan: StreamPlan) -> None:
    if first:
        await sink.send(first)
    async for piece in pieces:
        await sink.send(_octets(piece))


async def _measured(sink: Sink, first: Octets, pieces: AsyncIterator[Octets], plan: StreamPlan) -> None:
    """Exactly the bytes that Content-Length promised: one more would be read as the next response."""
    left = plan.length - len(first)
    if first and left >= 0:
        await sink.send(first)
    async for piece in pieces:
        piece = _octets(piece)
        left -= len(piece)
        if left < 0:
            break
        if piece:
            await sink.send(piece)
    if left < 0:
        raise InvalidResponse(f"the stream is longer than its content-length of {plan.length} bytes")
    if left:
        raise InvalidResponse(f"the stream ended {left} bytes before its content-length of {plan.length}")


_Sender = Callable[[Sink, Octets, AsyncIterator[Octets], StreamPlan], Coroutine[Any, Any, None]]

_CONTENT: dict[Coding, _Sender] = {
    Coding.CHUNKED: _chunked,
    Coding.UNTIL_CLOSE: _until_close,
    Coding.LENGTH: _measured,
}
