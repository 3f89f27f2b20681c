"""One connection's life on the client's side: connect, exchange after exchange, and the reason it ended.

Here the parts meet: the transport's bytes go to `receiving`, a request goes out through `sending`, and what
becomes of the connection goes to the pool's books. Which connection a request gets is decided in `pool`.

    CONNECTING   name look-up, TCP                             deadline: connect (in `dialing`)
    HANDSHAKE    TLS                                           deadline: handshake
    READY        connected or idle: no exchange is under way   deadline: keepalive_timeout, lifetime
    EXCHANGE     a request and its response                    deadline: stall, then head, then content
    DRAINING     the rest of content that nobody reads         deadline: drain
    CLOSED       `reason` says why

Who answers for a connection's place in the pool? While it is `held`, a coroutine of the session: from the
moment the pool gave it the connection until the final response's head has come. It may put another connection
in the place of one that died (`Pool.instead`) without standing in line again. After that, the connection
itself.
"""

from __future__ import annotations

import asyncio
import socket
from enum import Enum
from typing import TYPE_CHECKING

from netlab.client import securing
from netlab.client.dialing import dial, resolve
from netlab.client.errors import Disconnected, SessionClosed, TimedOut, Truncated
from netlab.client.exchange import Exchange
from netlab.client.persistence import may_idle, said_close
from netlab.client.reasons import Reason
from netlab.client.receiving import Receiving
from netlab.client.sending import Sending, begin
from netlab.client.timings import Step, Timings, TraceEvent
from netlab.client.url import Origin
from netlab.http1.fields import Fields
from netlab.http1.framing import FramingKind
from netlab.http1.messages import ResponseHead
from netlab.net.poller import READABLE
from netlab.net.salvaging import SalvagingTransport
from netlab.net.sweep import NEVER

if TYPE_CHECKING:
    from netlab.client.outgoing import Outgoing
    from netlab.client.session import Session

_peek = socket.socket.recv  # of a TLS socket, too: the octets of the wire, not those of the content


class State(Enum):
    """Where a connection is in its life."""

    CONNECTING = "connecting"
    HANDSHAKE = "in the TLS handshake"
    READY = "idle"
    EXCHANGE = "in use"
    DRAINING = "draining"
    CLOSED = "closed"


class Connection:
    """A connection to one origin. Made by the pool; then `connect`, then `perform` for each request."""

    __slots__ = (
        "_dialing", "_idle_until", "_idle_why", "_opening", "_receiving", "_retire_at", "_wants_close",
        "deadline", "exchange", "held", "number", "origin", "reason", "requests", "sending", "session",
        "state", "tls", "transport",
    )  # fmt: skip

    def __init__(self, session: Session, origin: Origin, number: int) -> None:
        self.session = session
        self.origin = origin
        self.number = number
        """Counts the connections of a session, from 1."""
        self.state = State.CONNECTING
        self.reason: Reason | None = None
        """Why it is closed; None while it is open."""
        self.held = True
        self.requests = 0
        self.tls: securing.TLSInfo | None = None
        self.deadline = NEVER
        self._receiving = Receiving(self, session.limits)
        self._dialing: asyncio.Task[None] | None = None
        self._opening: asyncio.Future[None] | None = None
        self._retire_at = self._idle_until = NEVER
        self._idle_why = Reason.IDLE
        # Of the exchange that is under way:
        self.exchange: Exchange | None = None
        self.sending: Sending | None = None  # while the kernel does not have the whole request
        self._wants_close = False

    # -- connecting -----------------------------------------------------------------------------------------

    async def connect(self, timings: Timings) -> None:
        """Look the name up, connect, shake hands. Raises ConnectFailed and its kin, TimedOut."""
        session = self.session
        if session.closed:
            raise SessionClosed("the session was closed")
        start = session.clock()
        # A task of its own, which `close` can end: a peer that never answers must not outlive the session.
        self._dialing = dialing = session.start(self._dial(timings, start))
        await asyncio.wait((dialing,))
        self._dialing = None  # its error leads back to us
        if dialing.cancelled():
            raise SessionClosed("the session was closed")
        dialing.result()
        if self._opening is not None:
            await self._opening
            timings.tls = session.clock() - start - timings.dns - timings.connect
            self.tell(Step.SECURED, self.tls)
            if self.reason is not None:
                raise Disconnected(f"{self.origin.authority} closed the connection after the handshake")
        self.deadline = NEVER

    async def _dial(self, timings: Timings, start: float) -> None:
        """Name look-up and TCP."""
        session, clock, timeout = self.session, self.session.clock, self.session.timeouts.connect
        addresses = await resolve(session.loop, self.origin, timeout)
        resolved = clock()
        timings.dns = resolved - start
        self.tell(Step.RESOLVED, [address[0] for _, address in addresses])
        sock, address = await dial(session.loop, self.origin, addresses, timeout)
        connected = clock()
        timings.connect = connected - resolved
        self.tell(Step.CONNECTED, address)
        self._open(sock, connected)

    def _open(self, sock: socket.socket, now: float) -> None:
        session = self.session
        if self.origin.secure:
            sock = securing.wrap(sock, self.origin, *session.tls_for(self.origin))
            self._opening = session.loop.create_future()
            self.state = State.HANDSHAKE
            self.deadline = session.deadline(session.timeouts.handshake)
        else:
            self.state = State.READY
        self._retire_at = now + session.lifetime()
        self.transport = SalvagingTransport(sock, session.poller, self)
        session.sweep.add(self)
        self.transport.open()

    def connected(self) -> None:
        """The TLS handshake is done."""
        self.tls = securing.agreed(self.transport.socket)
        self.state = State.READY
        if self._opening is not None and not self._opening.done():
            self._opening.set_result(None)

    def _handshake_failed(self, error: Exception | None) -> None:
        if self._opening is not None and not self._opening.done():
            self._opening.set_exception(securing.failure(self.origin, error))
        self.close(Reason.CONNECT_FAILED)

    # -- is it fit for another request? ---------------------------------------------------------------------

    def unfit(self, now: float) -> Reason | None:
        """Why it must not be used again, or None. Costs one system call."""
        if self.state is State.CLOSED:
            return self.reason
        if now >= self._retire_at:
            return Reason.LIFETIME
        if now >= self._idle_until:
            return self._idle_why
        try:
            _peek(self.transport.socket, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError:
            return Reason.SERVER_CLOSED
        # Something is there: the end, bytes that nobody asked for, or a message of TLS's own such as a
        # ticket, which is harmless. Reading tells.
        self.transport.ready(READABLE)
        return self.reason

    # -- one exchange ---------------------------------------------------------------------------------------

    async def perform(self, request: Outgoing, exchange: Exchange) -> None:
        """Send a request and wait for the final response's head. Raises what made that impossible."""
        session = self.session
        self.exchange, exchange.connection = exchange, self
        self.state = State.EXCHANGE
        self.requests += 1
        self._wants_close = request.wants_close
        self._receiving.expect(request.method)
        exchange.sent_at = session.clock()
        self.deadline = session.deadline(session.timeouts.head)
        try:
            self.sending = begin(self, request, exchange)
            if session.trace is not None:
                self.tell(Step.SENT, request.head)
            await exchange.final_head()
        except BaseException:
            if self.exchange is exchange:
                self.close(Reason.ABANDONED)
            raise

    def flushed(self) -> None:
        """The kernel has taken what waited."""
        if self.sending is not None:
            self.sending.flushed()

    # -- bytes come -----------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Bytes from the server."""
        if self.exchange is None:
            self.close(Reason.UNASKED)
        else:
            self._receiving.feed(self.exchange, data, self.session.clock())

    def ended(self) -> None:
        """The server sends no more."""
        self._receiving.ended = True
        if self.exchange is None:
            self.close(Reason.SERVER_CLOSED)
        elif not self.exchange.responded:
            self.lost(None)
        else:
            self._receiving.feed_eof(self.exchange)

    def answered(self, head: ResponseHead) -> None:
        """The final response's head has come."""
        self.held = False
        self.heard()
        session = self.session
        if session.trace is not None:
            self.tell(Step.HEAD, head)
        if self.requests == 1 and self.tls is not None:
            # TLS 1.3 sends its tickets after the handshake: by now they have come (RFC 8446 §4.6.1).
            session.keep_ticket(self.origin, self.transport.socket)
        if self.sending is not None and (head.status >= 400 or self.sending.hesitates):
            # The server has answered without the content, which is not wanted any more. RFC 9110 §10.1.1
            self.sending.stop()

    def pause(self) -> None:
        """Nobody reads what has come: let the rest wait in the kernel, and the server with it."""
        self.transport.pause()
        self.heard()

    def heard(self) -> None:
        """What was awaited has come. The deadline of a request that is still being taken goes on."""
        if not self.transport.waiting:
            self.deadline = NEVER

    def awaited(self) -> None:
        """Somebody waits for content that has not come."""
        self.resume()
        if not self.transport.waiting:
            self.deadline = self.session.deadline(self.session.timeouts.content)

    def resume(self) -> None:
        """There is room for content again."""
        if not self._receiving.ended:
            self.transport.resume()

    # -- the end of an exchange -----------------------------------------------------------------------------

    def finish(self, exchange: Exchange, trailers: Fields) -> None:
        """The response is complete: the connection is idle again, or there is a reason why not."""
        assert exchange.head is not None
        exchange.ended, exchange.trailers = True, trailers
        exchange.connection = None
        exchange.timings.content = exchange.last_at - exchange.first_at
        now = self.session.clock()
        reason = self._why_not_again(exchange.head, now)
        if self.sending is not None:
            self.sending.stop()
        self.exchange = self.sending = None
        if reason is None:
            self._rest(now)
        else:
            self.close(reason)
        exchange.wake()

    def _why_not_again(self, head: ResponseHead, now: float) -> Reason | None:
        """Why the connection cannot be used again after a complete response, or None."""
        idle_for, self._idle_why = may_idle(head, self.session.keepalive_timeout)
        self._idle_until = now + idle_for
        if self.sending is not None and self.sending.unfinished:
            return Reason.UNSENT
        if self.transport.broken:
            return Reason.SERVER_CLOSED
        if self._wants_close or not head.persistent:
            return said_close(head, self._wants_close)
        if self._receiving.unasked:
            return Reason.UNASKED
        if self._receiving.ended:
            return Reason.SERVER_CLOSED
        if idle_for <= 0:
            return self._idle_why
        return Reason.LIFETIME if now >= self._retire_at else None

    def _rest(self, now: float) -> None:
        self.state = State.READY
        # The sweep's clock does not count while the loop stands still; `unfit` looks at the true one.
        self.deadline = self.session.deadline(min(self._idle_until, self._retire_at) - now)
        self.transport.resume()
        session = self.session
        if session.trace is not None:
            self.tell(Step.KEPT, self._idle_until - now)
        session.pool.give_back(self)

    def discard_rest(self, exchange: Exchange) -> None:
        """Nobody reads the rest of this response: read past it if that is cheap, else close."""
        if self.exchange is not exchange or self.state is State.DRAINING:
            return
        head, session = exchange.head, self.session
        assert head is not None
        exchange.fail(Disconnected("the response was released before its content was read"))
        left = session.drain
        if head.framing.kind is FramingKind.LENGTH and head.framing.length - exchange.received > left:
            left = 0
        if self.sending is not None and self.sending.unfinished:
            self.close(Reason.UNSENT)
        elif (reason := said_close(head, self._wants_close)) is not None:
            self.close(reason)
        elif left <= 0:
            self.close(Reason.UNREAD)
        else:
            self.state = State.DRAINING
            self._receiving.drain(left)
            self.deadline = session.deadline(session.timeouts.drain)
            exchange.pieces.clear()
            self.resume()

    # -- failures, and the end ------------------------------------------------------------------------------

    def lost(self, error: Exception | None) -> None:
        """The connection is gone; the transport is closed already."""
        exchange = self.exchange
        if self.state is State.HANDSHAKE:
            self._handshake_failed(error)
        elif exchange is None:
            self.close(Reason.SERVER_CLOSED)
        else:
            kind = Truncated if exchange.responded else Disconnected
            exchange.fail(kind(securing.how_it_ended(self.origin.authority, error, exchange.responded)))
            self.close(Reason.BROKEN)

    def expire(self) -> None:
        """The deadline of this state has passed."""
        exchange, timeouts = self.exchange, self.session.timeouts
        self.deadline = NEVER
        if self.state is State.HANDSHAKE:
            line = f"the TLS handshake with {self.origin.authority} took longer than {timeouts.handshake:g} s"
            self._handshake_failed(TimedOut(line, "handshake"))
        elif self.state is State.DRAINING:
            self.close(Reason.UNREAD)
        elif exchange is None:
            self.close(Reason.LIFETIME if self._retire_at <= self._idle_until else self._idle_why)
        elif self.sending is None or not self.sending.expire():
            phase = "content" if exchange.head is not None else "head"
            what = "sent no byte of content" if exchange.head is not None else "sent no response"
            self.time_out(f"{what} for {getattr(timeouts, phase):g} s", phase)

    def time_out(self, what: str, phase: str) -> None:
        """A deadline has passed. what: what the server did not do."""
        self.give_up(TimedOut(f"{self.origin.authority} {what}", phase))

    def give_up(self, late: TimedOut) -> None:
        """Give the exchange under way up."""
        if self.exchange is not None:
            self.exchange.fail(late)
        self.close(Reason.TIMED_OUT)

    def abort(self, reason: Reason) -> None:
        """Close with a reset: the server must not take what it got for a whole request."""
        if self.state is not State.CLOSED and self.state is not State.CONNECTING:
            self.transport.abort()
        self.close(reason)

    def close(self, reason: Reason) -> None:
        """Close now. No error when closed already."""
        if self.state is State.CLOSED:
            return
        was, self.state, self.reason = self.state, State.CLOSED, reason
        self.deadline = NEVER
        session, exchange = self.session, self.exchange
        if was is not State.CONNECTING:
            session.sweep.discard(self)
            self.transport.close()
        elif self._dialing is not None and not self._dialing.cancel() and not self._dialing.cancelled():
            self._dialing.exception()  # seen: nobody waits for it any more
        self.tell(Step.CLOSED, reason)
        if self._opening is not None and not self._opening.done():
            self._opening.set_exception(SessionClosed("the session was closed"))
        if self.sending is not None:
            self.sending.stop()
        if exchange is not None:
            exchange.fail(
                SessionClosed("the session was closed")
                if reason is Reason.SESSION_CLOSED
                else Disconnected(f"the connection to {self.origin.authority} was closed: {reason.value}")
            )
        if not self.held:
            session.pool.discard(self, reason)

    def let_go(self) -> None:
        """Whoever held it is done with it: its place is free."""
        if self.held:
            self.held = False
            self.close(Reason.ABANDONED)
            self.session.pool.discard(self, self.reason or Reason.ABANDONED)

    # -- what may be asked ----------------------------------------------------------------------------------

    @property
    def loop_is_closed(self) -> bool:
        """Is there no event loop left that could do anything about it?"""
        return self.session.loop.is_closed()

    def tell(self, step: Step, detail: object) -> None:
        if self.session.trace is not None:
            self.session.trace(TraceEvent(step, self, detail))

    def __repr__(self) -> str:
        tls = "" if self.tls is None else f", {self.tls.version}{' resumed' if self.tls.resumed else ''}"
        state = self.state.value if self.reason is None else f"closed: {self.reason.value}"
        count = f"{self.requests} request{'' if self.requests == 1 else 's'}"
        return f"<Connection #{self.number} {self.origin}{tls}, {count}, {state}>"
