"""One connection's life on the client's side: connect, exchange after exchange, and the reason it ended.

Here the parts meet: the transport's bytes go to `receiving`, a request goes out through `sending`, and what
becomes of the connection goes to the pool's books. Which connection a request gets is decided in `pool`.

    CONNECTING   name look-up, TCP, TLS (`opening`)            deadlines: connect, handshake
    READY        connected or idle: no exchange is under way   deadline: keepalive_timeout, max_lifetime
    EXCHANGE     a request and its response                    deadline: stall, then head, then content
    DRAINING     the rest of content that no caller reads      deadline: drain
    CLOSED       `reason` says why

Which part answers for a connection's place in the pool? While it is leased, the holder of the lease: from the
grant until the final response's head has come. After that, the connection itself.
"""

from __future__ import annotations

from typing import Any

from netlab.client import failures
from netlab.client.errors import Disconnected, SessionClosed, TimedOut
from netlab.client.exchange import HIGH, Exchange
from netlab.client.opening import Opening
from netlab.client.outgoing import Outgoing
from netlab.client.persistence import Lifespan, said_close, worth_draining
from netlab.client.pool import Books
from netlab.client.reasons import Opened, Reason, State
from netlab.client.receiving import Receiving
from netlab.client.securing import TLSInfo
from netlab.client.sending import Callbacks, Sending, begin
from netlab.client.services import Services
from netlab.client.timings import Step, Timings
from netlab.client.url import Origin
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import NO_FIELDS, Fields
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import Content, EndOfMessage, Event, ResponseHead
from netlab.net.salvaging import SalvagingTransport
from netlab.net.sweep import NEVER


class Connection:
    """A connection to one origin. Made by the pool; then `connect`, then `perform` for each request."""

    __slots__ = (
        "_books", "_callbacks", "_lifespan", "_opening", "_receiving", "_services", "_unread_left",
        "_wants_close", "deadline", "exchange", "lease", "number", "origin", "reason", "requests", "sending",
        "state", "tls", "transport", "why_opened",
    )  # fmt: skip

    def __init__(
        self, services: Services, books: Books, origin: Origin, number: int, why_opened: Opened
    ) -> None:
        self._services = services
        self._books = books
        self.origin = origin
        self.number = number
        """Counts the connections of a session, from 1."""
        self.why_opened = why_opened
        self.state = State.CONNECTING
        self.reason: Reason | None = None
        """Why it is closed; None while it is open."""
        self.lease: Any = None
        """Set by the pool while a request holds the connection."""
        self.requests = 0
        self.tls: TLSInfo | None = None
        self.deadline = NEVER
        self._receiving = Receiving(services.limits)
        self._opening: Opening | None = None
        self._callbacks = Callbacks(self._set_deadline, self.await_content, self._late, self._content_failed)
        self._lifespan = Lifespan()
        # Of the exchange that is under way:
        self.exchange: Exchange | None = None
        self.sending: Sending | None = None  # while the kernel does not have the whole request
        self._wants_close = False
        self._unread_left = 0  # bytes that DRAINING may still read past

    # -- connecting -----------------------------------------------------------------------------------------

    async def connect(self, timings: Timings) -> None:
        """Look the name up, connect, shake hands. Raises ConnectFailed and its kin, TimedOut."""
        services = self._services
        self._opening = opening = Opening(services, self.origin, self, timings)
        transport = await opening.run()
        self._opening = None
        if self.reason is not None:
            transport.close()
            raise SessionClosed("the session was closed")
        self.tls = opening.tls
        self.transport: SalvagingTransport = transport
        self.state = State.READY
        self._lifespan.start(services.clock(), services.lifetime())
        services.sweep.add(self)
        transport.hand_over(self)
        if not transport.secure:
            transport.open()

    def rest_unused(self) -> None:
        """Wait in the pool for a first request."""
        now = self._services.clock()
        self._lifespan.rest_unused(now, self._services.settings.keepalive_timeout)
        self._back_to_pool(now)

    def connected(self) -> None:
        """The TLS handshake ended before this connection took the transport over."""

    # -- is it fit for another request? ---------------------------------------------------------------------

    def unfit(self, now: float) -> Reason | None:
        """Why it must not be used again, or None. Costs one system call."""
        if self.state is State.CLOSED:
            return self.reason
        if (over := self._lifespan.over(now)) is not None:
            return over
        self.transport.look()
        return self.reason

    # -- one exchange ---------------------------------------------------------------------------------------

    async def perform(self, request: Outgoing, exchange: Exchange) -> None:
        """Send a request and wait for the final response's head. Raises what made that impossible."""
        services = self._services
        self.exchange, exchange.source = exchange, self
        self.state = State.EXCHANGE
        self.requests += 1
        self._wants_close = request.wants_close
        self._receiving.expect(request.method)
        exchange.sent_at = services.clock()
        self.deadline = services.deadline(services.timeouts.head)
        try:
            self.sending = begin(services, self.transport, request, exchange, self._callbacks)
            if services.trace is not None:
                services.tell(Step.SENT, self, request.head)
            while exchange.head is None:
                await exchange.change()
        except BaseException:
            if self.exchange is exchange:
                self.close(Reason.ABANDONED)
            raise

    def flushed(self) -> None:
        """The kernel has taken what waited."""
        if self.sending is not None:
            self.sending.flushed()

    def _content_failed(self, error: BaseException) -> None:
        """The producer of the content has failed. A reset: the server must not take half for the whole."""
        if self.exchange is not None:
            self.exchange.fail(error)
            if self.state is not State.CLOSED:
                self.transport.abort()
            self.close(Reason.ABANDONED)

    # -- bytes come -----------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Bytes from the server."""
        exchange = self.exchange
        if exchange is None:
            self._receiving.feed(data)
            self._refuse_unasked()
            return
        exchange.bytes_came(self._services.clock())
        self._receiving.feed(data)
        self._take_events(exchange)

    def _refuse_unasked(self) -> None:
        """Bytes came without a request. A CRLF too many behind the content is forgiven."""
        try:
            if not self._receiving.has_more:
                return
        except ProtocolError:
            pass  # one CRLF after the other
        self.close(Reason.UNASKED)

    def ended(self) -> None:
        """The server sends no more."""
        exchange = self.exchange
        if exchange is not None and exchange.responded:
            self._receiving.feed_eof()
            self._take_events(exchange)
        elif exchange is not None:
            self.lost(None)
        else:
            self.close(Reason.SERVER_CLOSED)

    def _take_events(self, exchange: Exchange) -> None:
        """Everything that the parser finds in what has come."""
        receiving = self._receiving
        try:
            # Not on a connection that was closed meanwhile, for a drain that is too long.
            while (
                self.exchange is exchange
                and self.reason is None
                and (event := receiving.next_event()) is not None
            ):
                self._take(exchange, event)
        except ProtocolError as error:
            self._refuse(exchange, error)

    def _take(self, exchange: Exchange, event: Event) -> None:
        if isinstance(event, Content):
            self._content(exchange, event.data)
        elif isinstance(event, ResponseHead):
            if event.interim:
                self._interim(exchange, event)
            else:
                self._final(exchange, event)
        elif isinstance(event, EndOfMessage):
            self._finish(exchange, event.trailers)

    def _content(self, exchange: Exchange, data: bytes) -> None:
        if self.state is State.DRAINING:
            self._unread_left -= len(data)
            if self._unread_left < 0:
                self.close(Reason.UNREAD)
            return
        exchange.add_piece(data)
        if exchange.held >= HIGH:
            self.transport.pause()
        if self.deadline != NEVER:
            self._content_came()

    def _interim(self, exchange: Exchange, head: ResponseHead) -> None:
        """A 1xx response: the final one is still to come (RFC 9110 §15.2)."""
        self._receiving.count_interim(head)
        exchange.interim.append(head)
        self._services.tell(Step.CONTINUE, self, head)
        if head.status == 100 and self.sending is not None:
            self.sending.proceed()

    def _final(self, exchange: Exchange, head: ResponseHead) -> None:
        """The final response's head has come."""
        exchange.head = head
        if self.lease is not None:
            self.lease.release()
        self._content_came()
        services = self._services
        if services.trace is not None:
            services.tell(Step.HEAD, self, head)
        if self.requests == 1 and self.tls is not None:
            # TLS 1.3 sends its tickets after the handshake: by now they have come (RFC 8446 §4.6.1).
            services.tickets.keep(self.origin, self.transport.socket)
        if self.sending is not None and (head.status >= 400 or self.sending.awaits_continue):
            # The server has answered without the content, and does not want the rest of it.
            self.sending.stop()
        if head.framing is NO_CONTENT:
            self._finish(exchange, NO_FIELDS)
        else:
            exchange.wake()

    def _refuse(self, exchange: Exchange, error: ProtocolError) -> None:
        """What came is no response, or ended inside one."""
        ended = self._receiving.ended
        exchange.fail(failures.not_a_response(self.origin.authority, error, ended))
        self.close(Reason.BROKEN if ended else Reason.BAD_RESPONSE)

    # -- the pace of the reader -----------------------------------------------------------------------------

    def _content_came(self) -> None:
        """What was awaited has come. The deadline of a request that is still being taken goes on."""
        if not self.transport.waiting:
            self.deadline = NEVER

    def await_content(self) -> None:
        """The caller waits for content that has not come."""
        self.resume()
        if not self.transport.waiting:
            self.deadline = self._services.deadline(self._services.timeouts.content)

    def resume(self) -> None:
        """There is room for content again."""
        if not self._receiving.ended:
            self.transport.resume()

    def _set_deadline(self, deadline: float) -> None:
        self.deadline = deadline

    # -- the end of an exchange -----------------------------------------------------------------------------

    def _finish(self, exchange: Exchange, trailers: Fields) -> None:
        """The response is complete: the connection is idle again, or there is a reason why not."""
        assert exchange.head is not None
        exchange.finish(trailers)
        now = self._services.clock()
        reason = self._why_not_again(exchange.head, now)
        if self.sending is not None:
            self.sending.stop()
        self.exchange = self.sending = None
        if reason is None:
            self._back_to_pool(now)
        else:
            self.close(reason)
        exchange.wake()

    def _why_not_again(self, head: ResponseHead, now: float) -> Reason | None:
        """Why the connection cannot be used again after a complete response, or None."""
        over = self._lifespan.rest(head, now, self._services.settings.keepalive_timeout)
        if self.sending is not None and self.sending.unfinished:
            return Reason.UNSENT
        if self._wants_close or not head.persistent:
            return said_close(head, self._wants_close)
        if self._receiving.has_more:
            return Reason.UNASKED
        if self._receiving.ended or self.transport.broken:
            return Reason.SERVER_CLOSED
        return over

    def _back_to_pool(self, now: float) -> None:
        services = self._services
        self.state = State.READY
        # The sweep's clock does not count while the loop stands still; `unfit` looks at the true one.
        self.deadline = services.deadline(self._lifespan.left(now))
        self.transport.resume()
        if services.trace is not None:
            services.tell(Step.KEPT, self, self._lifespan.left(now))
        self._books.put_back(self)

    def discard_rest(self, exchange: Exchange) -> None:
        """The caller wants no more of this response: read past the rest if that is cheap, else close."""
        if self.exchange is not exchange or self.state is State.DRAINING:
            return
        head, services = exchange.head, self._services
        assert head is not None
        exchange.fail(Disconnected("the response was released before its content was read"))
        self._unread_left = services.settings.drain
        if self.sending is not None and self.sending.unfinished:
            self.close(Reason.UNSENT)
        elif (reason := said_close(head, self._wants_close)) is not None:
            self.close(reason)
        elif not worth_draining(head, exchange.received, self._unread_left):
            self.close(Reason.UNREAD)
        else:
            self.state = State.DRAINING
            self.deadline = services.deadline(services.timeouts.drain)
            exchange.pieces.clear()
            self.resume()

    # -- failures, and the end ------------------------------------------------------------------------------

    def lost(self, error: Exception | None) -> None:
        """The connection is gone; nothing of what came is left to read."""
        exchange = self.exchange
        if exchange is None:
            self.close(Reason.SERVER_CLOSED)
            return
        exchange.fail(failures.connection_lost(self.origin.authority, error, exchange.responded))
        self.close(Reason.BROKEN)

    def expire(self) -> None:
        """The deadline of this state has passed."""
        exchange = self.exchange
        self.deadline = NEVER
        if self.state is State.DRAINING:
            self.close(Reason.UNREAD)
        elif exchange is None:
            self.close(self._lifespan.ends_with)
        elif self.sending is None or not self.sending.expire():
            self._late("head" if exchange.head is None else "content")

    def _late(self, phase: str) -> None:
        """The server has not done what this deadline of `Timeouts` is for."""
        self.give_up(failures.late(self.origin.authority, phase, self._services.timeouts))

    def give_up(self, late: TimedOut) -> None:
        """End the exchange under way."""
        if self.exchange is not None:
            self.exchange.fail(late)
        self.close(Reason.TIMED_OUT)

    def close(self, reason: Reason) -> None:
        """Close now. No error when closed already."""
        if self.state is State.CLOSED:
            return
        was, self.state, self.reason = self.state, State.CLOSED, reason
        self.deadline = NEVER
        exchange = self.exchange
        if was is not State.CONNECTING:
            self._services.sweep.discard(self)
            self.transport.close()
        elif self._opening is not None:
            self._opening.cancel()
        self._services.tell(Step.CLOSED, self, reason)
        if self.sending is not None:
            self.sending.stop()
        if exchange is not None:
            exchange.fail(failures.connection_closed(self.origin.authority, reason))
        if self.lease is None:
            self._books.remove(self, reason)

    @property
    def loop_is_closed(self) -> bool:
        """Is there no event loop left that could do anything about it?"""
        return self._services.loop.is_closed()

    def __repr__(self) -> str:
        tls = "" if self.tls is None else f", {self.tls.version}{' resumed' if self.tls.resumed else ''}"
        state = self.state.value if self._opening is None else self._opening.phase
        if self.reason is not None:
            state = f"closed: {self.reason.value}"
        count = f"{self.requests} request{'' if self.requests == 1 else 's'}"
        return f"<Connection #{self.number} {self.origin}{tls}, {count}, {state}>"
