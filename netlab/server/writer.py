"""A response that a handler sends itself, before it ends: `request.start_response(…)`. RFC 9112 §7.1.

A handler that returns a Response with a stream is asked for each piece by the server (`streaming`). Here the
handler calls: it writes a piece, and goes on when the kernel has taken it. Bridges to other interfaces, ASGI
say, are made of that, for their apps push. How the head and the framing come about, `responding` says.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from netlab.http1.serializer import LAST_CHUNK, Lines, last_chunk
from netlab.server.responding import Coding, InvalidResponse, StreamPlan, checked_trailers
from netlab.server.services import Carrier
from netlab.server.streaming import UNYIELDED, Octets


class Written(Protocol):
    """What a writer tells the exchange whose response it sends."""

    def response_written(self, taken: bool) -> None:
        """All of the response is written. taken: the kernel has all of it."""

    def carried(self) -> bool:
        """Is the client still there, and this the exchange that is under way?"""


class ResponseWriter:
    """Sends one response, piece by piece, at the pace at which its client takes them.

    The head leaves with the first piece. An empty first piece sends the head alone.
    """

    __slots__ = ("_carrier", "_exchange", "_head", "_left", "_plan", "_transport", "_unyielded", "ended")

    def __init__(self, carrier: Carrier, exchange: Written, plan: StreamPlan) -> None:
        self._carrier = carrier
        self._exchange = exchange
        self._transport = carrier.transport
        self._plan = plan
        self._head = plan.head
        self._left = plan.length  # bytes that Content-Length has promised and that are still to come
        self._unyielded = 0  # bytes sent since the other connections last had their turn
        self.ended = False
        """Set when the response is complete: by `end`, or by the first piece of one without content."""

    @property
    def has_content(self) -> bool:
        """False for a response without content (HEAD, 204, 304): pieces are then dropped."""
        return self._plan.coding is not Coding.NOTHING

    async def write(self, piece: Octets) -> None:
        """Send a piece; suspend while the client takes less than we send.

        Raises ConnectionResetError when the client has left, InvalidResponse for more than Content-Length
        has promised.
        """
        size = len(piece)
        parts = self._framed(piece, size)
        if not self._exchange.carried():
            raise ConnectionResetError("the client has left")
        taken = self._transport.write_parts(parts) if parts else True
        self._unyielded += size
        if not taken or self._unyielded > UNYIELDED:
            await self._wait()

    def _framed(self, piece: Octets, size: int) -> tuple[Octets, ...]:
        """What goes on the wire for a piece: the head before the first one, and its chunk."""
        head, self._head = self._head, b""
        coding = self._plan.coding
        if coding is Coding.CHUNKED and size:
            return head + b"%x\r\n" % size, piece, b"\r\n"
        if coding is Coding.LENGTH:
            if size > self._left:
                length = self._plan.length
                raise InvalidResponse(f"the content is longer than its content-length of {length} bytes")
            self._left -= size
        if coding is Coding.NOTHING or not size:
            return (head,) if head else ()
        return (head, piece) if head else (piece,)

    async def end(self, trailers: Lines | None = None) -> None:
        """Send what ends the response. The handler may go on; its exchange is over.

        trailers: field lines behind a chunked body. Raises as `write`, and InvalidResponse for fewer bytes
        than Content-Length has promised, or for trailers that must not be sent.
        """
        if self.ended:
            return
        if self._left and self.has_content:
            promised = self._plan.length
            raise InvalidResponse(
                f"the content ended {self._left} bytes before its content-length of {promised}"
            )
        end = b""
        if self._plan.coding is Coding.CHUNKED:
            end = last_chunk(checked_trailers(trailers)) if trailers else LAST_CHUNK
        if not self._exchange.carried():
            raise ConnectionResetError("the client has left")
        head, self._head = self._head, b""
        self.ended = True
        self._exchange.response_written(self._transport.write(head + end) if head or end else self._is_idle())

    def _is_idle(self) -> bool:
        return not self._transport.waiting

    async def _wait(self) -> None:
        """Suspend the handler: until the kernel has taken what waits, or for a turn of the others."""
        transport = self._transport
        self._unyielded = 0
        if not transport.waiting:
            await asyncio.sleep(0)
        while transport.waiting and self._exchange.carried():
            await self._carrier.drained()
        if not self._exchange.carried():
            raise ConnectionResetError("the client has left")
