"""The life of one TCP connection: requests in, responses out, in order, until one side ends it. RFC 9112 §9.

`advance` is the whole of it: next head → exchange → done? → persist, linger or close. Every callback of the
transport, of a task and of the sweep ends there. Which state may follow which stands in `states`, one request
and its response in `exchange`, how a head is read in `netlab.http1.parser`.

Of the steps of a request's way, 2 (a head) and 7 (persistence) are taken here, 3 to 6 in `exchange`.
"""

from __future__ import annotations

import asyncio
import socket

from netlab.http1.errors import ProtocolError
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import RequestHead
from netlab.http1.parser import RequestParser
from netlab.net.accepted import AcceptedTransport
from netlab.net.poller import READABLE
from netlab.net.sockets import Ends, both_ends
from netlab.net.sweep import ALWAYS, NEVER
from netlab.net.window import tighten
from netlab.server import responding, states
from netlab.server.disconnected import Disconnect
from netlab.server.exchange import Exchange
from netlab.server.lingering import Linger
from netlab.server.response import refusal
from netlab.server.sendtimer import SendTimer
from netlab.server.services import Services
from netlab.server.states import CLOSED, EXCHANGE, HEAD, IDLE, LINGERING, OPENING, TO_EXCHANGE, TO_IDLE, State

# Pipelined requests answered in one turn of the loop; then the other connections get theirs.
TURNS = range(16)


class Connection:
    """A client's connection. The server makes one for each socket that it accepts."""

    __slots__ = (
        "_drain_waiter", "_is_fresh", "_is_paused", "_linger", "_send_timer", "deadline", "ends", "exchange",
        "half_closed", "parser", "server", "state", "transport",
    )  # fmt: skip

    # Set by `start`, as an exchange's.
    server: Services
    parser: RequestParser
    transport: AcceptedTransport
    state: State
    deadline: float  # when `expire` is called; each state sets its own
    exchange: Exchange | None
    """The request that is being answered, from its head until its response has gone."""
    half_closed: bool  # the client has closed its sending side; it may still read
    ends: Ends | None  # the addresses, once `addresses` has asked for them
    _is_fresh: bool  # no request has come yet: the deadline of the first head runs from accept
    _is_paused: bool  # reading was paused in an exchange, or in a long pipeline
    _linger: Linger | None  # from the last byte of the last response on
    _send_timer: SendTimer | None  # while the kernel does not take what we write
    _drain_waiter: asyncio.Future[None] | None  # of the stream that waits for that

    def start(self, server: Services, sock: socket.socket, deadline: float) -> None:
        """Serve a client from here on. deadline: when its first head must be whole."""
        self.server, self.deadline = server, deadline
        self.parser = RequestParser(server.limits, server.heads)
        self.exchange = self._linger = self._send_timer = self._drain_waiter = self.ends = None
        self.half_closed, self._is_fresh, self._is_paused = False, True, False
        self.transport = transport = server.transport_class()
        transport.attach(sock, server.poller, self)
        self.state = OPENING if transport.secure else IDLE
        transport.open()

    # -- the life of a connection ---------------------------------------------------------------------------

    def advance(self, head: RequestHead | None = None) -> None:
        """Go on as far as possible without waiting: next head → exchange → done? → persist, linger or close.

        head: the next request's, if it is read already. What waits for the client, a handler or the kernel
        goes on with a callback that ends here again. A client that pipelines gets 16 answers at once. If it
        has sent more ahead, the kernel holds less for it: unread answers soon hold up the next request.
        """
        server = self.server
        for _ in TURNS:
            exchange = self.exchange
            if exchange is None:
                if head is None and (head := self._next_head()) is None:
                    return
                # A whole head has come: steps 3 to 5.
                self.state = TO_EXCHANGE[self.state]
                self.deadline, self._is_fresh = NEVER, False
                server.requests += 1
                self.exchange = exchange = Exchange()
                exchange.start(self, head)
                head = None
            if not exchange.sent:
                if self.parser.buffer:
                    self._pause_if_full(exchange)
                return
            body = exchange.body
            if exchange.after is not None or (body is not None and body.end is None):
                exchange.close()
                if body is not None and not (body.complete or body.finish(exchange.persistent)):
                    return
            # Step 7: persist, linger or close (RFC 9112 §9.3).
            self.exchange = None
            is_special = body is not None or not exchange.persistent or self.half_closed
            if is_special and not self._persists(exchange):
                return
            self.state = TO_IDLE[self.state]
            self.deadline = server.idle_deadline
            if self._is_paused and not self.half_closed and self.parser.buffered < server.limits.pipeline:
                self._is_paused = False
                self.transport.resume()
            if not self.parser.buffer and not server.draining:
                return
        if self.parser.buffered >= server.limits.pipeline:
            self._pause()
        tighten(self.transport.socket)
        server.loop.call_soon(self.advance)

    # -- step 2: the next head ------------------------------------------------------------------------------

    def _next_head(self) -> RequestHead | None:
        """Step 2: the next request head. None where there is none, and then something is waited for."""
        if self.state is LINGERING or self.state is CLOSED:
            return None
        try:
            head = self.parser.next_head()
        except ProtocolError as error:
            self._refuse(error)
            return None
        if head is None:
            self._wait_for_head()
        return head

    def _wait_for_head(self) -> None:
        """No whole head has come: wait for one, or for the rest of one."""
        if self.half_closed:
            self.close()
        elif self.parser.buffered:
            self.transport.resume()
            if self.state is not HEAD:
                self.state = states.TO_HEAD[self.state]
                if not self._is_fresh:
                    self.deadline = self.server.sweep.deadline(self.server.timeouts.head)
        elif self.server.draining:
            self.linger()  # the response before this did not say "close": a request may be on its way

    def _refuse(self, error: ProtocolError) -> None:
        """Answer a head that breaks a rule with the rule's name, then close: what follows is no request."""
        error.__traceback__ = None  # it leads back to us, and we would wait for the garbage collector
        server = self.server
        server.refused += 1
        date = server.date if self.transport.secure else server.plain_date
        head, response = self.parser.refused_head(), refusal(error)
        self.transport.write(responding.fixed(response, head, date, False, None)[0])
        if server.access_log is not None:
            server.log_access(self, head, response)
        self.linger()

    # -- an exchange is under way ---------------------------------------------------------------------------

    def _pause_if_full(self, exchange: Exchange) -> None:
        """Further requests, or content that the handler is not reading yet, wait in the kernel."""
        if self.parser.buffered >= self.server.limits.pipeline and self.state is EXCHANGE:
            body = exchange.body
            if body is None or not body.is_awaited:
                self._pause()

    def _pause(self) -> None:
        """Read no more for now: what the client sends stays in the kernel."""
        self._is_paused = True
        self.transport.pause()

    def _persists(self, exchange: Exchange) -> bool:
        """Step 7: may the connection go on behind this exchange? If not, it lingers or is closed."""
        body, parser = exchange.body, self.parser
        if body is not None and (body.error is not None or not body.complete):
            # No further request can be found behind a body that is broken or still on its way.
            self.linger()
            return False
        if exchange.persistent and (not self.half_closed or parser.buffered):
            return True
        bare = exchange.head.framing is NO_CONTENT
        if self.half_closed or (bare and not parser.buffer and not self.server.draining):
            # A client that asked for the close sends no more: nothing is lost by closing at once. Behind
            # a body, though, old clients send a CRLF too many (RFC 9112 §2.2): it would become a reset.
            self._close_after_response()
        else:
            self.linger()
        return False

    # -- what the transport tells ---------------------------------------------------------------------------

    def connected(self) -> None:
        """The TLS handshake is done. The deadline of the first head, which covers it, goes on."""
        self.state = TO_IDLE[self.state]

    def spoke_plain_text(self) -> None:
        """The client began without TLS, with plain HTTP it seems: it is told so, in plain text."""
        rule = "plain HTTP on a port that speaks TLS: use an https URL"
        self._refuse(ProtocolError(400, rule, "RFC 9110 §4.2.2"))

    def received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self.state is LINGERING:
            # Read so that the client sees our response and not a reset; never parsed.
            self._lingering_read(len(data))
            return
        if self.exchange is None:
            self.advance(self.parser.feed_head(data))
            return
        self.parser.feed(data)
        self.exchange.wake_body()
        self.advance()

    def ended(self) -> None:
        """The client sends no more. A request that is complete is answered all the same (half-close)."""
        self.half_closed = True
        if self.state is LINGERING:
            if not self.transport.waiting:
                self.close()
            return
        self.parser.feed_eof()
        if self.exchange is not None:
            self.exchange.tell(Disconnect.CLIENT_LEFT)
            self.exchange.wake_body()
        self.advance()

    def flushed(self) -> None:
        """The kernel has taken what waited."""
        exchange = self.exchange
        if self.state is LINGERING:
            (self.close if self.half_closed else self._start_linger)()
        elif self._drain_waiter is not None and not self._drain_waiter.done():
            self._drain_waiter.set_result(None)
        elif exchange is None:  # the response was postponed, and the connection has gone on
            idle, head = self.server.idle_deadline, self.server.timeouts.head
            self.deadline = idle if self.state is IDLE else self.server.sweep.deadline(head)
        elif exchange.task is None:
            exchange.sent = True
            self.advance()

    def lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._detach()

    # -- waiting for the client -----------------------------------------------------------------------------

    async def drained(self) -> None:
        """Wait until the kernel has taken what waits. A client that takes too little of it is dropped."""
        self.watch_send()
        self._drain_waiter = self.server.loop.create_future()
        try:
            await self._drain_waiter
        finally:
            self._drain_waiter = None
            self.set_deadline()

    def watch_send(self) -> None:
        """The kernel did not take all that was written: from now on each sweep looks how the client reads."""
        server, unconfirmed = self.server, self.transport.unacknowledged
        now = server.sweep.deadline(0)
        self._send_timer = SendTimer(server.limits.least, server.timeouts.stall, unconfirmed, now)
        self.deadline = ALWAYS

    def set_deadline(self) -> None:
        """In an exchange: what the client must take comes first, then what it must send."""
        if self.state is EXCHANGE and self.exchange is not None:
            if self.transport.waiting:
                self.deadline = ALWAYS
            else:
                body = self.exchange.body
                self.deadline = NEVER if body is None else body.deadline

    def expire(self) -> None:
        """The deadline of this state has passed. Called by the sweep."""
        if self.transport.waiting:
            self._expire_send()
        elif self.state is HEAD:
            rule = "the request head did not come whole in time"
            self._refuse(ProtocolError(408, rule, "RFC 9110 §15.5.9"))
        elif self.state is EXCHANGE:
            self._expire_body()
        else:
            self.close()

    def _expire_send(self) -> None:
        """A client that takes its response too slowly, or not at all, is dropped."""
        assert self._send_timer is not None
        if self._send_timer.is_late(self.transport.unacknowledged, self.server.sweep.now):
            self.abort()
        elif self.state is EXCHANGE:
            self._expire_body()

    def _expire_body(self) -> None:
        """A client that sends its body too slowly, or not at all: the handler that reads it gets a 408."""
        exchange = self.exchange
        if exchange is None or exchange.body is None or exchange.body.deadline > self.server.sweep.now:
            self.set_deadline()
            return
        exchange.body.late(ProtocolError(408, "the request content did not come in time", "RFC 9110 §15.5.9"))
        if exchange.sent:
            self.advance()

    # -- the end --------------------------------------------------------------------------------------------

    def linger(self) -> None:
        """Send FIN, then read until the client closes, too: its unread bytes would turn into a reset."""
        if self.half_closed:
            self._close_after_response()
            return
        self.state = states.TO_LINGERING[self.state]
        self._leave_exchange()
        self.transport.shut()
        self.transport.resume()
        if self.transport.waiting:
            self.watch_send()
        else:
            self._start_linger()

    def _start_linger(self) -> None:
        """Our last byte has left: the client has so long to read it and to close."""
        self._linger = Linger(self.server.limits.least, self.server.timeouts.linger, self.server.sweep)
        self.deadline = self._linger.deadline

    def _lingering_read(self, size: int) -> None:
        """So many bytes that are dropped: a client in the middle of an upload has not seen our response.

        It gets more time only while the server has room for clients that still wait for an answer.
        """
        if self._linger is None or self.transport.waiting or self.server.draining:
            return
        if not self.server.is_full():
            self._linger.received(size)
            self.deadline = self._linger.deadline

    def _close_after_response(self) -> None:
        """Close once the kernel has taken the response."""
        if self.transport.close(unless_waiting=True):
            self._detach()
        else:
            self.state = states.TO_LINGERING[self.state]
            self._leave_exchange()
            self.watch_send()
            self.transport.shut()

    def drain(self) -> None:
        """The server stops. Idle connections close, streams are asked to end, others end with a response."""
        if self.state is OPENING:
            self.close()
        elif self.state is IDLE and self.transport.unacknowledged:
            # Its response is on its way, and said no "close": a request that comes now must not reset it.
            self.transport.ready(READABLE)
            if self.state is IDLE and not self.parser.buffered:
                self.linger()
        elif self.exchange is not None:
            self.exchange.stop_streaming()
        else:
            self.close_if_idle()

    def close_if_idle(self) -> None:
        """Close, unless a request is under way: one that the kernel has already is answered."""
        requests = self.server.requests
        if self.state is IDLE and not self.parser.buffered:
            self.transport.ready(READABLE)  # closing on unread bytes would be a reset
        if self.state is IDLE and not self.parser.buffered and self.server.requests == requests:
            self.close()

    def abort(self) -> None:
        """Close with a reset."""
        self.transport.abort()
        self._detach()

    def close(self) -> None:
        """Close now."""
        self.transport.close()
        self._detach()

    def _detach(self) -> None:
        """Leave the server's books; cancel the handler, which closes its generators."""
        if self.state is CLOSED:
            return
        self.state = states.TO_CLOSED[self.state]
        self.half_closed = True
        if self.exchange is not None:
            self._leave_exchange()
        self.server.connection_closed(self)

    def _leave_exchange(self) -> None:
        """The exchange under way, if any, is not carried any more."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.give_up()

    # -- what may be asked ----------------------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Has the connection ended?"""
        return self.state is CLOSED

    @property
    def is_between_requests(self) -> bool:
        """Has a response gone, and nothing come since?"""
        return self.state is IDLE and not self._is_fresh and not self.parser.buffered

    @property
    def addresses(self) -> Ends:
        """The server's address and the client's, asked of the kernel once."""
        if self.ends is None:
            self.ends = both_ends(self.transport.socket)
        return self.ends

    @property
    def peer(self) -> str:
        """The client's address, such as "127.0.0.1:50412"; "" for a Unix socket."""
        theirs = self.addresses[1]
        return f"{theirs[0]}:{theirs[1]}" if theirs is not None else ""
