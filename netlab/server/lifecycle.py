"""How a connection waits and how it ends: states, deadlines, refusals, lingering. RFC 9112 §9.5, §9.6.

    OPENING    TLS handshake, if any                          deadline: head
    IDLE       no byte of a request has come                  deadline: head (first request), then idle
    HEAD       part of a head has come                        deadline: head, from its first byte
    EXCHANGE   a request is being answered                    deadline: content, stall; none to compute
    LINGERING  we have said our last; the client reads it     deadline: linger
    CLOSED

What is said in an exchange, and in which order, stands in `connection`.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Any

from netlab.http1.errors import ProtocolError
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import RequestHead
from netlab.http1.parser import RequestParser
from netlab.net.poller import READABLE
from netlab.net.sweep import NEVER
from netlab.net.transport import Transport
from netlab.server import responding
from netlab.server.exchange import refusal
from netlab.server.pace import Pace

if TYPE_CHECKING:
    import socket

    from netlab.server.server import Server


class State(Enum):
    """Where a connection is in its life."""

    OPENING = "opening"
    IDLE = "idle"
    HEAD = "head"
    EXCHANGE = "exchange"
    LINGERING = "lingering"
    CLOSED = "closed"


# Bound here once: in Python 3.11 each look at State.IDLE runs a descriptor.
OPENING, IDLE, HEAD, EXCHANGE, LINGERING, CLOSED = State


class Lifecycle:
    """The part of a connection that waits, is late, and ends; `connection` adds the rest."""

    __slots__ = (
        "_broken",
        "_content",
        "_ended",
        "_fresh",
        "_parser",
        "_persistent",
        "_server",
        "_stalled",
        "_waiter",
        "deadline",
        "state",
        "task",
        "transport",
    )

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self._server = server
        self._parser = RequestParser(server.limits)
        self.transport = Transport(sock, server.poller, self)  # type: ignore[arg-type]
        self.state = OPENING if self.transport.secure else IDLE
        self.deadline = server.sweep.deadline(server.timeouts.head)
        self._fresh = True  # no request has come yet: the deadline of the head runs from accept
        self._ended = False  # the client sends no more; it may still read
        self._persistent = True
        self._content: Pace | None = None  # the current request's, as long as some of it is to be read
        self._broken: ProtocolError | None = None  # the rule that this client's content broke
        self._stalled = 0  # bytes unacknowledged when the deadline for taking them last passed
        self.task: asyncio.Task[Any] | None = None  # the handler, or the stream, that had to wait
        self._waiter: asyncio.Future[None] | None = None  # set when bytes come, or go

    # -- waiting --------------------------------------------------------------------------------------------

    def _await_request(self) -> None:
        """No whole request is there: wait for one, or for the rest of one."""
        if self._ended:
            self.close()
        elif self._parser.buffered:
            self.transport.resume()
            if self.state is not HEAD:
                self.state = HEAD
                if not self._fresh:
                    self.deadline = self._server.sweep.deadline(self._server.timeouts.head)
        elif self._server.draining:
            self.close()

    async def _wait(self, deadline: float) -> None:
        """Until bytes have come, or gone; with a deadline."""
        self.deadline = deadline
        self._waiter = waiter = self._server.loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None
            self.deadline = NEVER

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break(self, error: ProtocolError) -> None:
        """The client broke a rule inside its content: no further request can be found behind it."""
        self._broken = error
        self._persistent = False

    # -- refusals, and the end ------------------------------------------------------------------------------

    def _refuse(self, error: ProtocolError) -> None:
        """Answer what broke a rule with the rule's name, then close: nothing after it is a request."""
        error.__traceback__ = None  # it leads back to us, who would wait for the garbage collector
        self._persistent = False
        self._server.refused += 1
        nobody = RequestHead("GET", "*", 1, self._server.no_fields, NO_CONTENT, False, False)
        octets, _ = responding.fixed(refusal(error), nobody, self._server.date, False, None)
        self.transport.write(octets)
        self._linger()

    def _linger(self) -> None:
        """Send FIN, then read until the client closes too, for its unread bytes would turn into a reset."""
        if self._ended:
            self._close_after_response()
            return
        self.state = LINGERING
        self.deadline = self._server.sweep.deadline(self._server.timeouts.linger)
        self.transport.shut()
        self.transport.resume()

    def _close_after_response(self) -> None:
        if self.transport.waiting:
            self.state = LINGERING
            self.deadline = self._server.sweep.deadline(self._server.timeouts.stall)
            self.transport.shut()
        else:
            self.close()

    def expire(self) -> None:
        """The deadline of this state has passed."""
        if self.transport.waiting:
            self._expire_stall()
        elif self.state is HEAD:
            self._refuse(
                ProtocolError(408, "the request head did not come whole in time", "RFC 9110 §15.5.9")
            )
        elif self.state is EXCHANGE and self._content is not None:
            self._expire_content()
        else:
            self.close()

    def _expire_stall(self) -> None:
        """A client that has taken nothing for that long is dropped; a slow one gets as long again."""
        # What our kernel holds counts, too: it takes our bytes by the megabyte, and makes room for more only
        # when a third has gone. A slow link needs minutes for that, reading on all the while.
        unread = self.transport.unacknowledged
        if unread == self._stalled:
            self.abort()
        else:
            self._stalled = unread
            self.deadline = self._server.sweep.deadline(self._server.timeouts.stall)

    def _expire_content(self) -> None:
        """The client sends its content too slowly, or not at all: the handler that reads it gets a 408."""
        late = ProtocolError(408, "the request content did not come in time", "RFC 9110 §15.5.9")
        self._break(late)
        self.deadline = NEVER
        if self.task is not None and self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(late)
        else:
            self._linger()

    def lost(self, error: Exception | None) -> None:
        """The connection is gone: whoever works for it is told."""
        self._leave()

    def drain(self) -> None:
        """The server is stopping: idle connections close, others after their response."""
        if self.state is IDLE and not self._parser.buffered:
            # A request that the kernel has already is answered; closing on it would be a reset.
            self.transport.ready(READABLE)
        if self.state is OPENING or (self.state is IDLE and not self._parser.buffered):
            self.close()

    def abort(self) -> None:
        """Close with a reset."""
        self.transport.abort()
        self._leave()

    def close(self) -> None:
        """Close now."""
        self.transport.close()
        self._leave()

    def _leave(self) -> None:
        """Leave the server's books; cancel the handler, which closes its generators."""
        if self.state is CLOSED:
            return
        self.state = CLOSED
        if self._broken is not None:
            self._broken.__traceback__ = None  # it leads back to us
        if self.task is not None:
            # In the next turn: a task that has not taken its own first step would be cancelled unstarted.
            self._server.loop.call_soon(self.task.cancel)
        self._server.left(self)
