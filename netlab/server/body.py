"""The body of one request: read by its handler, or read past, or given up. RFC 9112 §6.

Lives as long as its exchange, and only for a request whose content does not come whole with its head (see
`Exchange.whole`). How bytes become Content events stands in `netlab.http1.content`.
"""

from __future__ import annotations

import asyncio

from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.framing import Framing, FramingKind
from netlab.http1.messages import Content, EndOfMessage, RequestHead
from netlab.http1.serializer import CONTINUE
from netlab.net.sweep import NEVER
from netlab.net.transport import BULK, RECEIVE
from netlab.server.bodytimer import BodyTimer
from netlab.server.services import Carrier

# A body that no handler has read and that has not all come: up to this many bytes are read past, so that the
# connection persists; a client with more to send is told to close.
DISCARD = 64 * 1024


class RequestBody:
    """Reads one request's body from the connection that carries it."""

    __slots__ = (
        "_carrier",
        "_expects_continue",
        "_framing",
        "_reader",
        "_timer",
        "closed",
        "complete",
        "end",
        "error",
        "received",
        "response_started",
    )

    # Set by `begin`, not by an `__init__`: CPython 3.11 calls one by way of C (FAST.md).
    end: EndOfMessage | None
    """Set when the body has been read to its end."""
    complete: bool
    """Set when all of it has come, and is read from the parser."""
    closed: bool
    """Set when the response has gone, or the client: nothing may be read any more."""
    received: int
    """Bytes of it that have been read from the parser."""
    response_started: bool
    """Set when the head of the response is written: too late for a 100 (Continue)."""
    error: ProtocolError | None
    """The rule that the client broke inside this body."""
    _carrier: Carrier
    _framing: Framing
    _expects_continue: bool
    _reader: asyncio.Future[None] | None  # while a task waits for bytes
    _timer: BodyTimer | None  # from the first wait on

    def begin(self, carrier: Carrier, head: RequestHead) -> RequestBody:
        """The body behind this head: itself."""
        self._carrier, self._framing = carrier, head.framing
        # Content that has come already needs no 100 (Continue).
        self._expects_continue = head.expects_continue and not carrier.parser.buffered
        self.complete = self.closed = self.response_started = False
        self._reader = self._timer = self.end = self.error = None
        self.received = 0
        return self

    # -- the handler reads ----------------------------------------------------------------------------------

    async def next(self) -> Content | EndOfMessage:
        """The next piece, or the end. Raises ProtocolError when the client breaks a rule or leaves."""
        carrier = self._carrier
        while True:
            if self.end is not None:
                return self.end
            if self.closed:
                # What comes now belongs to the next request, and perhaps to another user.
                raise RuntimeError("the body cannot be read any more: its exchange is over")
            try:
                event = carrier.parser.next_event()
            except ProtocolError as error:
                self.error = error
                raise
            if event is not None:
                break
            self._ask_to_continue()
            if not carrier.half_closed:
                carrier.transport.resume()
            await self._wait_readable()
        if isinstance(event, EndOfMessage):
            self.end = event
            self.complete = True
            return event
        assert isinstance(event, Content)
        self._count(event)
        return event

    def _count(self, piece: Content) -> None:
        """A piece has come: it counts for the minimum data rate."""
        self.received += len(piece.data)
        if self._timer is not None:
            self._timer.received += len(piece.data)

    def limit(self, size: int) -> None:
        """A handler's own limit for this body, in bytes."""
        if self.closed or self.end is not None:
            return
        self._carrier.parser.limit_content(size)

    def refuse(self, size: int) -> ProtocolError:
        """The body came with its head, and is larger than the handler's own limit: the error, for good."""
        self.limit(size)
        self.error = error = self._carrier.parser.refuse_content()
        return error

    @property
    def has_its_length(self) -> bool:
        """Is its length known from its head, and has as much been read?"""
        return self._framing.kind is FramingKind.LENGTH and self.received >= self._framing.length

    @property
    def trailers(self) -> Fields | None:
        """The trailer section, once the body has been read to its end; None without one."""
        return (self.end.trailers or None) if self.end is not None else None

    def _ask_to_continue(self) -> None:
        """RFC 9110 §10.1.1: the client waits for a 100 (Continue) before it sends the body."""
        if self._expects_continue and not self.response_started:
            self._expects_continue = False
            if not self._carrier.transport.write(CONTINUE):
                self._carrier.watch_send()

    async def _wait_readable(self) -> None:
        """Wait until the client sends more bytes or ends its side. Raises ProtocolError (408) when late."""
        if self._reader is not None and not self._reader.done():
            raise RuntimeError("two tasks read the body of one request at once")
        self._reader = reader = self._carrier.server.loop.create_future()
        self._start_waiting()
        try:
            await reader
        finally:
            # A task that was cancelled comes here late, when another may be reading.
            if self._reader is reader:
                self._reader = None
                self._stop_waiting()

    def _start_waiting(self) -> None:
        carrier = self._carrier
        server = carrier.server
        if self._timer is None:
            self._timer = BodyTimer(server.limits.least, server.timeouts.content)
        carrier.transport.reads = BULK
        self._timer.start(server.sweep)
        carrier.set_deadline()

    def _stop_waiting(self) -> None:
        carrier = self._carrier
        assert self._timer is not None
        carrier.transport.reads = RECEIVE
        self._timer.stop(carrier.server.sweep)
        carrier.set_deadline()

    # -- the connection tells -------------------------------------------------------------------------------

    @property
    def deadline(self) -> float:
        """When the wait that is under way is too long; NEVER while there is none."""
        return NEVER if self._timer is None else self._timer.deadline

    @property
    def is_awaited(self) -> bool:
        """Does a task wait for bytes, or has it been woken and not run yet?"""
        return self._reader is not None

    def wake(self) -> None:
        """Bytes have come, or the end of the connection: wake the task that waits."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def late(self, error: ProtocolError) -> None:
        """The client sends too slowly: the task that waits gets the error; no further byte is read past."""
        self.error = error
        if self._reader is None:
            self._stop_waiting()
        elif not self._reader.done():
            self._reader.set_exception(error)

    def close(self) -> None:
        """The response has gone: a task that still waits learns that its exchange is over."""
        self.closed = True
        if self.error is not None:
            self._forget_traceback(self.error)
        if self._reader is not None:
            self.wake()
            self._reader = None
            self._stop_waiting()

    @staticmethod
    def _forget_traceback(error: ProtocolError) -> None:
        """It leads back to the connection, which would wait for the garbage collector."""
        error.__traceback__ = None

    def give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """The connection has ended: in the next turn, a task that still waits learns of it."""
        self.closed = True
        if self.error is not None:
            self._forget_traceback(self.error)
        if self._reader is not None:
            loop.call_soon(self.wake)

    # -- content that no handler has read -------------------------------------------------------------------

    def discard(self) -> bool:
        """Read past what has come. True at the end of the body, and when it breaks a rule."""
        try:
            while (event := self._carrier.parser.next_event()) is not None:
                self.closed = True
                if isinstance(event, EndOfMessage):
                    self.complete = True
                    return True
                assert isinstance(event, Content)
                self._count(event)
        except ProtocolError as error:
            self._forget_traceback(error)
            self.error = error
            return True
        return False

    def may_discard(self) -> bool:
        """Is the rest small enough to be read past, and surely coming? Reads past what has come."""
        if self.error is None and (self.complete or self.discard()):
            return self.error is None
        if self.error is not None or self._expects_continue:
            return False
        # The length of chunked content is not known: too much of it ends the connection when it comes.
        parser = self._carrier.parser
        known = self._framing.length if self._framing.kind is FramingKind.LENGTH else parser.content_announced
        return known <= DISCARD

    def finish(self, persistent: bool) -> bool:
        """The response has gone. Has the whole body been read, or is it given up?

        What the handler left unread is read past, if it is small; else the connection cannot persist.
        """
        if self.complete or self.discard() or not (persistent and self.may_discard()):
            return True
        self._start_waiting()
        self._carrier.transport.resume()
        return False

    def discard_more(self) -> bool:
        """While `finish` waits, more has come. Returns as `discard`."""
        self._stop_waiting()
        return self.error is not None or self.discard()
