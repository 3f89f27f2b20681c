"""A streamed response: piece by piece from the producer to the kernel, at the client's pace. RFC 9112 §7.1.

One piece is in memory at a time: the producer is asked for the next when the kernel has taken this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Protocol

from netlab.http1.serializer import LAST_CHUNK, last_chunk
from netlab.server.body import RequestBody
from netlab.server.filecontent import FileContent
from netlab.server.responding import Coding, InvalidResponse, StreamPlan, checked_trailers
from netlab.server.response import Response
from netlab.server.services import Carrier

Octets = bytes | memoryview

# Bytes that a stream may send without waiting before the other connections get their turn: some 300 µs.
UNYIELDED = 1024 * 1024


class Sender(Protocol):
    """What a stream needs to know of its exchange."""

    task: asyncio.Task[Any] | None
    body: RequestBody | None


class BodyWriter:
    """Sends the pieces of one streamed response, at the pace at which its client takes them."""

    __slots__ = ("_carrier", "_exchange", "_transport", "_unyielded")

    def __init__(self, carrier: Carrier, exchange: Sender) -> None:
        self._carrier = carrier
        self._exchange = exchange
        self._transport = carrier.transport
        self._unyielded = 0  # bytes sent since the other connections last had their turn

    @property
    def secure(self) -> bool:
        """Must the bytes pass through this process, to be encrypted?"""
        return self._transport.secure

    async def send_head(self, head: bytes) -> None:
        """Send the response head. It is too late for a 100 (Continue) then."""
        if self._exchange.body is not None:
            self._exchange.body.response_started = True
        await self.send(head)

    async def send(self, data: Octets) -> None:
        """Send; suspend until the kernel has taken it."""
        if not self._transport.write(data) or self._is_due(len(data)):
            await self._wait()

    async def send_chunk(self, data: Octets) -> None:
        """Send as one chunk, without a copy into another buffer; suspend as `send`. RFC 9112 §7.1"""
        size = len(data)
        if not self._transport.write_parts((b"%x\r\n" % size, data, b"\r\n")) or self._is_due(size):
            await self._wait()

    async def send_file(self, fd: int, offset: int, count: int) -> None:
        """Send part of a file, on a plain socket without reading it; suspend as `send`."""
        if not self._transport.write_file(fd, offset, count) or self._is_due(count):
            await self._wait()

    def _is_due(self, size: int) -> bool:
        """The kernel has taken so many bytes at once: is it time to wait all the same?"""
        self._unyielded += size
        return self._unyielded > UNYIELDED or self._transport.closed

    async def _wait(self) -> None:
        """Suspend the producer: until the kernel has taken what waits, or for a turn of the others."""
        transport = self._transport
        self._unyielded = 0
        if transport.closed:
            if self._carrier.is_closed and self._exchange.task is None:
                raise ConnectionResetError("the client has left")
            # The cancellation of this task is on its way: a producer that never waits would not notice it.
            # Raised as well, an error would have it hit the producer's `finally`.
            await self._carrier.server.loop.create_future()
        if not transport.waiting:
            await asyncio.sleep(0)
        while transport.waiting:
            await self._carrier.drained()


class NotBegun(Exception):
    """The producer failed before anything was sent: another response can still be. `__cause__` says why."""


async def send(writer: BodyWriter, response: Response, plan: StreamPlan, hold: bool) -> None:
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
        await writer.send_head(plan.head)
        if plan.coding is Coding.LENGTH and isinstance(stream, FileContent) and not writer.secure:
            await writer.send_file(stream.fd, stream.offset, stream.count)
        elif plan.coding is not Coding.NOTHING:
            await _CONTENT[plan.coding](writer, first, pieces, plan)
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


async def _chunked(
    writer: BodyWriter, first: Octets, pieces: AsyncIterator[Octets], plan: StreamPlan
) -> None:
    # An empty piece would be the last-chunk.
    if first:
        await writer.send_chunk(first)
    async for piece in pieces:
        piece = _octets(piece)
        if piece:
            await writer.send_chunk(piece)
    # Trailers are looked at again: a producer may fill them in as it goes, a digest say.
    await writer.send(last_chunk(checked_trailers(plan.trailers)) if plan.trailers else LAST_CHUNK)


async def _until_close(
    writer: BodyWriter, first: Octets, pieces: AsyncIterator[Octets], plan: StreamPlan
) -> None:
    if first:
        await writer.send(first)
    async for piece in pieces:
        await writer.send(_octets(piece))


async def _measured(
    writer: BodyWriter, first: Octets, pieces: AsyncIterator[Octets], plan: StreamPlan
) -> None:
    """Exactly the bytes that Content-Length promised: one more would be read as the next response."""
    left = plan.length - len(first)
    if first and left >= 0:
        await writer.send(first)
    async for piece in pieces:
        piece = _octets(piece)
        left -= len(piece)
        if left < 0:
            break
        if piece:
            await writer.send(piece)
    if left < 0:
        raise InvalidResponse(f"the stream is longer than its content-length of {plan.length} bytes")
    if left:
        raise InvalidResponse(f"the stream ended {left} bytes before its content-length of {plan.length}")


_Sender = Callable[[BodyWriter, Octets, AsyncIterator[Octets], StreamPlan], Coroutine[Any, Any, None]]

_CONTENT: dict[Coding, _Sender] = {
    Coding.CHUNKED: _chunked,
    Coding.UNTIL_CLOSE: _until_close,
    Coding.LENGTH: _measured,
}
