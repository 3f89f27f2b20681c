"""A request's way out, where it does not go in one write: large content, a stream, 100 (Continue).

A stream is sent by a task beside the reading of the response, so that a server which answers while it is
being sent to (an echo) and a client cannot wait for each other for ever. Small requests come no further here
than `begin`. What this file wants of its connection comes as `Callbacks`; the connection is not imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from typing import NamedTuple

from netlab.client.errors import InvalidRequest
from netlab.client.exchange import Exchange
from netlab.client.outgoing import Outgoing
from netlab.client.services import Services
from netlab.http1.serializer import LAST_CHUNK
from netlab.net.outgoing import Buffer
from netlab.net.salvaging import SalvagingTransport
from netlab.net.sweep import NEVER

# Content up to this size travels in one write with its head.
TOGETHER = 64 * 1024

# An idle connection's kernel buffer takes this much whole or, when the connection is dead, not at all.
ONE_SEGMENT = 4096


class Callbacks(NamedTuple):
    """What a connection does for its sending."""

    set_deadline: Callable[[float], None]
    """Expire at this moment of the sweep's clock, NEVER for not at all."""
    taken: Callable[[], None]
    """The kernel has taken what waited, though the response has begun already."""
    late: Callable[[str], None]
    """A deadline has passed: its name in `Timeouts`."""
    failed: Callable[[BaseException], None]
    """The content cannot be produced."""


class NotTakenError(Exception):
    """The connection takes no more bytes."""


def begin(
    services: Services,
    transport: SalvagingTransport,
    request: Outgoing,
    exchange: Exchange,
    callbacks: Callbacks,
) -> Sending | None:
    """Hand a request to the transport. None when the kernel has all of it."""
    content = request.content
    if request.stream is not None or request.expects:
        transport.write(request.head)
        sending = Sending(services, transport, request, exchange, callbacks)
        sending.start()
        return sending
    if len(content) <= TOGETHER:
        octets = request.head + content
        gone = transport.write(octets)
        # RFC 9110 §9.2.2: what surely was not carried out may be sent again.
        exchange.unsent = transport.broken and len(octets) <= ONE_SEGMENT
    else:
        transport.write(request.head)
        gone = transport.write(content)
    if gone:
        return None
    sending = Sending(services, transport, request, exchange, callbacks)
    sending.handed_over()
    return sending


def _octets(piece: Buffer) -> Buffer:
    """A piece as octets: framing counts these, `len` of a memoryview counts items. Raises InvalidRequest."""
    if isinstance(piece, memoryview):
        if not piece.c_contiguous:
            raise InvalidRequest("the stream gave a view with gaps: give bytes")
        return piece if piece.nbytes == len(piece) else piece.cast("B")
    if isinstance(piece, (bytes, bytearray)):
        return piece
    raise InvalidRequest(f"the stream gave {type(piece).__name__}: give bytes")


class Sending:
    """A request that is not with the kernel yet."""

    __slots__ = (
        "_callbacks",
        "_continue",
        "_exchange",
        "_request",
        "_services",
        "_stopped",
        "_task",
        "_transport",
        "_waited",
        "_whole",
        "_writer",
    )

    def __init__(
        self,
        services: Services,
        transport: SalvagingTransport,
        request: Outgoing,
        exchange: Exchange,
        callbacks: Callbacks,
    ) -> None:
        self._services = services
        self._transport = transport
        self._request = request
        self._exchange = exchange
        self._callbacks = callbacks
        self._stopped = False  # some of it will never be sent
        self._whole = False  # all of it is with the transport
        self._waited = 0  # bytes that waited there when the deadline last passed
        self._task: asyncio.Task[None] | None = None
        self._continue: asyncio.Future[None] | None = None  # while the content waits for 100 (Continue)
        self._writer: asyncio.Future[None] | None = None  # while the task waits for the kernel

    @property
    def unfinished(self) -> bool:
        """Is some of it not with the kernel?"""
        return self._stopped or not self._whole or self._transport.waiting > 0

    @property
    def awaits_continue(self) -> bool:
        """Does the content still wait for 100 (Continue)?"""
        return self._request.expects and (self._continue is None or not self._continue.done())

    # -- the task of a stream -------------------------------------------------------------------------------

    def start(self) -> None:
        """Send the content in a task."""
        services = self._services
        if self._request.expects:
            self._continue = services.loop.create_future()
            self._callbacks.set_deadline(services.deadline(services.timeouts.expect))
        self._task = services.start(self._send_content())
        self._task.add_done_callback(self._done)

    async def _send_content(self) -> None:
        """However it ends, a producer that has begun is closed: its `finally` has run."""
        request, stream = self._request, self._request.stream
        if self._continue is not None:
            await self._continue
        request.begun = True
        try:
            if stream is None:
                await self._send(request.content)
            elif request.length is None:
                await self._chunked(stream)
            else:
                await self._measured(stream, request.length)
            self.handed_over()
        finally:
            await request.close_stream()

    async def _chunked(self, stream: AsyncIterable[bytes]) -> None:
        async for given in stream:
            piece = _octets(given)
            # An empty piece would be the last-chunk.
            if piece:
                await self._send(b"".join((b"%x\r\n" % len(piece), piece, b"\r\n")))
        await self._send(LAST_CHUNK)

    async def _measured(self, stream: AsyncIterable[bytes], length: int) -> None:
        """Exactly the bytes that Content-Length promised: one more would be read as the next request."""
        left = length
        async for given in stream:
            piece = _octets(given)
            if len(piece) > left:
                raise InvalidRequest(f"the stream is longer than its Content-Length of {length} bytes")
            left -= len(piece)
            if piece:
                await self._send(piece)
        if left:
            raise InvalidRequest(f"the stream ended {left} bytes before its Content-Length of {length}")

    async def _send(self, data: Buffer) -> None:
        """Send a piece; suspends until the kernel has taken it. Raises NotTakenError."""
        transport = self._transport
        if transport.write(data) and not transport.broken and not transport.closed:
            return
        if transport.broken or transport.closed:
            raise NotTakenError
        self._await_taking()
        self._writer = self._services.loop.create_future()
        try:
            await self._writer
        finally:
            self._writer = None
        if transport.broken:
            raise NotTakenError

    def _done(self, task: asyncio.Task[None]) -> None:
        """The content has been sent, or could not be."""
        error = None if task.cancelled() else task.exception()
        # After a break, what has come is read first: an answer may lie there (`net.salvaging`).
        if error is not None and not isinstance(error, NotTakenError):
            self._callbacks.failed(error)

    # -- what the connection tells --------------------------------------------------------------------------

    def proceed(self) -> None:
        """Let the content go: 100 (Continue) has come, or enough time has passed."""
        if self._continue is not None and not self._continue.done():
            self._continue.set_result(None)

    def handed_over(self) -> None:
        """The transport has all of it."""
        self._whole = True
        if self._transport.waiting:
            self._await_taking()
        else:
            self.flushed()

    def flushed(self) -> None:
        """The kernel has taken what waited."""
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)
        if self._exchange.head is not None:
            # The stall's deadline ends; a caller that waits for content begins to count here.
            self._callbacks.set_deadline(NEVER)
            if self._exchange.awaited:
                self._callbacks.taken()
        elif self._whole:
            # From here on the server thinks.
            services = self._services
            self._callbacks.set_deadline(services.deadline(services.timeouts.head))

    def _await_taking(self) -> None:
        self._waited = 0
        services = self._services
        self._callbacks.set_deadline(services.deadline(services.timeouts.stall))

    def expire(self) -> bool:
        """A deadline has passed. True when it was about the sending, which goes on or is given up."""
        if self.awaits_continue:
            self.proceed()
            return True
        waiting = self._transport.waiting
        if waiting and waiting == self._waited:
            self._callbacks.late("stall")
            return True
        if waiting:
            # A slow server gets as long again.
            self._await_taking()
            self._waited = waiting
            return True
        # The producer's turn: it may take as long as it likes.
        return not self._whole and self._exchange.head is None

    def stop(self) -> None:
        """Send no more: the server has answered, or the connection is gone. RFC 9112 §9.5"""
        if self.unfinished:
            self._stopped = True
            self._transport.cease()
        if self._task is not None:
            self._task.cancel()
