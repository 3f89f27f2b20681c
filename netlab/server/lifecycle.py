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
from netlab.http1.framing import NO_CONTENT, FramingKind
from netlab.http1.messages import Content, EndOfMessage, RequestHead
from netlab.http1.parser import RequestParser
from netlab.net.accepted import AcceptedTransport
from netlab.net.poller import READABLE
from netlab.net.sweep import ALWAYS, NEVER
from netlab.net.transport import BULK, RECEIVE
from netlab.server import responding
from netlab.server.disconnected import Disconnect
from netlab.server.exchange import Request, Response, refusal
from netlab.server.pace import Pace
from netlab.server.sendtimer import SendTimer

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


# A client that goes on uploading after our last word is listened to for so many times `Timeouts.linger`.
LINGERINGS = 6


# Content that no handler has read and that has not all come: up to this many bytes are read past, so that
# the connection persists; a client with more to say is told to close.
DISCARD = 64 * 1024


class Lifecycle:
    """The part of a connection that waits, is late, and ends; `connection` adds the rest."""

    __slots__ = (
        "_broken",
        "_coding",
        "_content",
        "_fresh",
        "_head",
        "_parser",
        "_persistent",
        "_reader",
        "_request",
        "_responses",
        "_sending",
        "_server",
        "_writer",
        "deadline",
        "half_closed",
        "state",
        "task",
        "transport",
    )

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self._server = server
        self._parser = RequestParser(server.limits)
        self.transport = AcceptedTransport(sock, server.poller, self)  # type: ignore[arg-type]
        self.state = OPENING if self.transport.secure else IDLE
        self.deadline = server.sweep.deadline(server.timeouts.head)
        self._fresh = True  # no request has come yet: the deadline of the head runs from accept
        self.half_closed = False
        """The client sends no more; it may still read."""
        self._persistent = True
        self._head: RequestHead | None = None  # of the exchange that is under way
        self._request: Request | None = None  # of the same exchange
        self._coding: responding.Coding | None = None  # of its response, once that is a stream
        self._responses: list[Response] = []  # of the same, to be told when they are done with
        self._content: Pace | None = None  # the current request's, as long as some of it is to be read
        self._broken: ProtocolError | None = None  # the rule that this client's content broke
        self.task: asyncio.Task[Any] | None = None  # the handler, or the stream, that had to wait
        # A request may be read while its response is sent, by two tasks:
        self._reader: asyncio.Future[None] | None = None  # who waits for bytes to come
        self._writer: asyncio.Future[None] | None = None  # who waits for bytes to go
        self._sending: SendTimer | None = None  # from the first write that the kernel did not take whole

    # -- waiting --------------------------------------------------------------------------------------------

    def _await_request(self) -> None:
        """No whole request is there: wait for one, or for the rest of one."""
        if self.half_closed:
            self.close()
        elif self._parser.buffered:
            self.transport.resume()
            if self.state is not HEAD:
                self.state = HEAD
                if not self._fresh:
                    self.deadline = self._server.sweep.deadline(self._server.timeouts.head)
        elif self._server.draining:
            self._linger()  # the response before this did not say "close": a request may be on its way

    async def _more(self, pace: Pace | None) -> None:
        """Until the client has sent more, or its end. Raises ProtocolError (408) when it is too slow."""
        if self._reader is not None and not self._reader.done():
            raise RuntimeError("two tasks read the content of one request at once")
        reader = self._begin_reading(pace)
        try:
            await reader
        finally:
            # A task that was cancelled comes here late, when another may be reading.
            if self._reader is reader:
                self._end_reading(pace)

    def _begin_reading(self, pace: Pace | None) -> asyncio.Future[None]:
        self._reader = reader = self._server.loop.create_future()
        self.transport.reads = BULK
        if pace is not None:
            pace.begin(self._server.sweep)
        self._set_deadline()
        return reader

    def _end_reading(self, pace: Pace | None) -> None:
        self._reader = None
        self.transport.reads = RECEIVE
        if pace is not None:
            pace.end(self._server.sweep)
        self._set_deadline()

    async def until_half_closed(self) -> None:
        """Until the client sends no more. To be awaited when its content has been read, and by one task."""
        while not self.half_closed:
            await self._more(None)

    async def _taken(self) -> None:
        """Until the kernel has taken what waits. A client that takes nothing of it is dropped."""
        self._watch_stall()
        self._writer = self._server.loop.create_future()
        try:
            await self._writer
        finally:
            self._writer = None
            self._set_deadline()

    def _watch_stall(self) -> None:
        """The kernel did not take all that was written: from now on each sweep looks how the client reads."""
        server = self._server
        least, window, now = server.limits.least, server.timeouts.stall, server.sweep.deadline(0)
        self._sending = SendTimer(least, window, self.transport.unacknowledged, now)
        self.deadline = ALWAYS

    def _set_deadline(self) -> None:
        """In an exchange: what the client must take comes first, then what it must send."""
        if self.state is EXCHANGE:
            if self.transport.waiting:
                self.deadline = ALWAYS
            else:
                self.deadline = NEVER if self._content is None else self._content.deadline

    def _break(self, error: ProtocolError) -> None:
        """The client broke a rule inside its content: no further request can be found behind it."""
        self._broken = error
        self._persistent = False

    # -- what the handler is told ---------------------------------------------------------------------------

    def disconnect_reason(self, request: Request) -> Disconnect | None:
        """Why the response to this request is not wanted any more; None while it is."""
        if request is not self._request:
            return Disconnect.EXCHANGE_OVER
        if self.half_closed:
            return Disconnect.CLIENT_LEFT
        if self._server.draining and self._coding is not None:
            return Disconnect.SERVER_STOPS
        return None

    def _tell(self, reason: Disconnect) -> None:
        """Tell the handler under way, if it has asked, that its response is not wanted any more."""
        if self._request is not None and self._request._disconnected is not None:
            self._request._disconnected.set(reason)

    def _close_exchange(self) -> None:
        """The exchange is over, the response sent or broken off."""
        self._tell(Disconnect.EXCHANGE_OVER)
        self._request = self._coding = None
        while self._responses:
            self._close_response(self._responses.pop())

    def _close_response(self, response: Any) -> None:
        """Call what the handler wants to be called when the server is done with a response."""
        if not isinstance(response, Response) or response.on_close is None:
            return
        try:
            response.on_close()
        except Exception as error:
            self._server.report(self._head, error)

    # -- content that no handler has read -------------------------------------------------------------------

    def _discard(self, pace: Pace) -> bool:
        """Read past the content that has come and that no handler has read. True at its end."""
        try:
            while (event := self._parser.next_event()) is not None:
                if isinstance(event, EndOfMessage):
                    self._content = None
                    return True
                assert isinstance(event, Content)
                pace.heard += len(event.data)
            return False
        except ProtocolError as error:
            self._break(error)
            return True

    def _may_discard(self) -> bool:
        """Is the rest of the unread content small enough to read past, and surely coming?"""
        framing, pace = self._head.framing if self._head else NO_CONTENT, self._content
        if pace is None or self._discard(pace):
            return self._persistent
        if pace.owes_continue:
            return False
        # How long chunked content will be nobody knows: too much of it ends the connection when it comes.
        known = framing.length if framing.kind is FramingKind.LENGTH else self._parser.content_announced
        return known <= DISCARD

    # -- refusals, and the end ------------------------------------------------------------------------------

    def _refuse(self, error: ProtocolError) -> None:
        """Answer what broke a rule with the rule's name, then close: nothing after it is a request."""
        error.__traceback__ = None  # it leads back to us, who would wait for the garbage collector
        self._persistent = False
        self._server.refused += 1
        head, response = self._parser.refused_head(), refusal(error)
        date = self._server.date if self.transport.secure else self._server.plain_date
        octets, _ = responding.fixed(response, head, date, False, None)
        self.transport.write(octets)
        if self._server.access_log is not None:
            self._head = head
            self._log_access(response)
        self._linger()

    def _linger(self) -> None:
        """Send FIN, then read until the client closes too, for its unread bytes would turn into a reset."""
        if self.half_closed:
            self._close_after_response()
            return
        self.state = LINGERING
        self.transport.shut()
        self.transport.resume()
        if self.transport.waiting:
            self._watch_stall()
        else:
            self._await_end()

    def _await_end(self) -> None:
        """Our last word has left: the client has so long to read it and to close."""
        server, seconds = self._server, self._server.timeouts.linger
        end = server.sweep.deadline(LINGERINGS * seconds)
        self._content = Pace(server.limits.least, seconds, end=end)
        self._content.begin(server.sweep)
        self.deadline = self._content.deadline

    def _overhear(self, size: int) -> None:
        """So many bytes that nobody will read: who is in the middle of an upload has not seen our answer."""
        pace = self._content
        if pace is not None and not self.transport.waiting and not self._server.draining:
            pace.end(self._server.sweep)
            pace.heard += size
            pace.begin(self._server.sweep)
            self.deadline = pace.deadline

    def _close_after_response(self) -> None:
        if self.transport.waiting:
            self.state = LINGERING
            self._watch_stall()
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
        elif self.state is EXCHANGE:
            self._expire_content()
        else:
            self.close()

    def _expire_stall(self) -> None:
        """A client that takes its response too slowly, or not at all, is dropped."""
        assert self._sending is not None
        if self._sending.is_late(self.transport.unacknowledged, self._server.sweep.now):
            self.abort()
            return
        if self.state is EXCHANGE:
            self._expire_content()

    def _expire_content(self) -> None:
        """The client sends its content too slowly, or not at all: who reads it gets a 408."""
        pace, reader = self._content, self._reader
        if pace is None or pace.deadline > self._server.sweep.now:
            self._set_deadline()
        elif reader is not None and not reader.done():
            late = ProtocolError(408, "the request content did not come in time", "RFC 9110 §15.5.9")
            self._break(late)
            reader.set_exception(late)

    def _raise_if_final(self, error: BaseException) -> None:
        """What ends the process is raised on, and nobody would be left to end this connection."""
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            self.abort()
            raise error

    def _log_access(self, response: Response) -> None:
        """A log that cannot be written (its reader has left, the disk is full) costs no client its answer."""
        assert self._server.access_log is not None and self._head is not None
        try:
            self._server.access_log(self, self._head, response)  # type: ignore[arg-type]
        except Exception as error:
            self._server.report(self._head, error)

    def lost(self, error: Exception | None) -> None:
        """The connection is gone: whoever works for it is told."""
        self._leave()

    def drain(self) -> None:
        """The server is stopping: idle connections close, others after their response."""
        if self.state is OPENING:
            self.close()
        elif self.state is IDLE and self.transport.unacknowledged:
            # Its response is still on its way, and said nothing of a close: a request that comes now must
            # not reset it.
            self.transport.ready(READABLE)
            if self.state is IDLE and not self._parser.buffered:
                self._linger()
        elif self.state is EXCHANGE and self._coding is not None:
            self._tell(Disconnect.SERVER_STOPS)
        else:
            self.close_if_idle()

    @property
    def between_requests(self) -> bool:
        """Has a response gone, and nothing come since?"""
        return self.state is IDLE and not self._fresh and not self._parser.buffered

    def close_if_idle(self) -> None:
        """Close, unless a request is under way: one that the kernel has already is answered."""
        requests = self._server.requests
        if self.state is IDLE and not self._parser.buffered:
            self.transport.ready(READABLE)  # closing on unread bytes would be a reset
        if self.state is IDLE and not self._parser.buffered and self._server.requests == requests:
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
        reader, self._reader = self._reader, None
        if self._broken is not None:
            self._broken.__traceback__ = None  # it leads back to us
        if self.task is not None:
            # In the next turn: a task that has not taken its own first step would be cancelled unstarted.
            self._server.loop.call_soon(self.task.cancel)
        self.half_closed = True
        if self._content is not None:
            self._content.over = True
        self._tell(Disconnect.CLIENT_LEFT)
        if self.task is None:
            self._close_exchange()
        if reader is not None:
            # Behind the handler's own cancellation: whoever else waits for content learns that it is over.
            self._server.loop.call_soon(wake, reader)
        self._server.connection_closed(self)


def wake(waiter: asyncio.Future[None] | None) -> bool:
    """What was waited for has come. False where nobody waits."""
    if waiter is None or waiter.done():
        return False
    waiter.set_result(None)
    return True
