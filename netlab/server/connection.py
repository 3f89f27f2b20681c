"""One connection's life: requests in, responses out, in order, until one side ends it. RFC 9112 §9.

Here the parts meet: the transport's bytes go to the parser, the parser's heads to the handler, the handler's
responses to the transport. How a head is read, a length decided or a field checked is said elsewhere.

The way of a request is numbered in the comments below; steps 1 and 2 begin in `server` and `transport`.
"""

from __future__ import annotations

import asyncio
from asyncio import Task
from typing import TYPE_CHECKING, Any

from netlab.cors import decide
from netlab.http1.content import END_OF_MESSAGE
from netlab.http1.errors import ProtocolError
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import Content, EndOfMessage, RequestHead
from netlab.http1.serializer import CONTINUE
from netlab.net.sweep import NEVER
from netlab.server import preflight, responding, streaming
from netlab.server.disconnected import Disconnect
from netlab.server.exchange import Request, Response, refusal
from netlab.server.lifecycle import CLOSED, EXCHANGE, HEAD, IDLE, LINGERING, Lifecycle, wake
from netlab.server.pace import Pace

if TYPE_CHECKING:
    import socket

    from netlab.cors import Decision
    from netlab.server.server import Server

# Pipelined requests answered in one turn of the loop; then the other connections get theirs.
TURN = 16

# Bytes that a stream may send without waiting before the other connections get their turn: some 300 µs.
UNYIELDED = 1024 * 1024

_TEXT = {"content-type": "text/plain; charset=utf-8"}


class Connection(Lifecycle):
    """A client's connection. Made by the server for each socket that it accepts."""

    __slots__ = ("_cors", "_unyielded")

    def __init__(self, server: Server, sock: socket.socket) -> None:
        super().__init__(server, sock)
        self._cors: Decision | None = None  # of the exchange that is under way
        self._unyielded = 0  # bytes streamed since the other connections last had their turn

    # -- step 2: bytes come ---------------------------------------------------------------------------------

    def connected(self) -> None:
        """The TLS handshake is done; the deadline of the head, which covers it, goes on."""
        self.state = IDLE

    def spoke_plain_text(self) -> None:
        """The client began without TLS, with plain HTTP it seems: it is told so, in plain text."""
        self.state = IDLE
        self._refuse(
            ProtocolError(400, "plain HTTP on a port that speaks TLS: use an https URL", "RFC 9110 §4.2.2")
        )

    def received(self, data: bytes) -> None:
        """Bytes from the client."""
        state = self.state
        if state is LINGERING:
            # Read so that the client sees our answer and not a reset; never parsed.
            self._overhear(len(data))
            return
        self._parser.feed(data)
        if state is EXCHANGE:
            if wake(self._reader):
                return  # it takes what has come before we read again: no need to pause
        else:
            self._answer_waiting()
        if self.state is EXCHANGE and self._parser.buffered >= self._server.limits.pipeline:
            # Further requests, or content that the handler is not reading yet: let them wait in the kernel.
            self.transport.pause()

    def ended(self) -> None:
        """The client sends no more. A request that is complete is answered all the same (half-close)."""
        self.half_closed = True
        self._tell(Disconnect.CLIENT_LEFT)
        if self.state is LINGERING:
            if not self.transport.waiting:
                self.close()
            return
        self._parser.feed_eof()
        if self.state is EXCHANGE:
            wake(self._reader)
        else:
            self._answer_waiting()

    def _answer_waiting(self) -> None:
        """Answer the requests that have come, in their order, as far as they do not have to wait."""
        for _ in range(TURN):
            try:
                head = self._parser.next_event()
            except ProtocolError as error:
                self._refuse(error)
                return
            if head is None:
                self._await_request()
                return
            assert isinstance(head, RequestHead)
            if not self._begin(head):
                return
            if not self._parser.buffered:
                return  # idle, as `_finish` left it
        if self._parser.buffered >= self._server.limits.pipeline:
            self.transport.pause()
        self._server.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """The rest of a long pipeline, in a turn of its own."""
        if self.state in (IDLE, HEAD):
            self._answer_waiting()

    # -- step 3: the framing is fixed; step 4: CORS; step 5: the handler starts at once ---------------------

    def _begin(self, head: RequestHead) -> bool:
        """Start the exchange that this head opens. True when it is over and the next may begin."""
        server = self._server
        self.state = EXCHANGE
        self.deadline = NEVER
        self._fresh = False
        self._head = head
        self._persistent = head.persistent
        server.requests += 1
        pace = None
        if head.framing is not NO_CONTENT:
            owes_continue = head.expects_continue and not self._parser.buffered
            self._content = pace = Pace(server.limits.least, server.timeouts.content, owes_continue)
            self._parser.limits = server.limits  # a handler's own were for the request before
        self._request = request = Request(head, self, pace)
        if head.scheme == "https" and not (self.transport.secure or server.uds):
            # RFC 9110 §7.4 (MUST), unless a trusted gateway asks: who else can reach a Unix socket?
            return self._respond(Response(421, "an https resource is not to be had without TLS\n", _TEXT))
        if server.cors is not None:
            self._cors = decision = decide(server.cors.policy_for(request.path), head.method, head.fields)
            if decision.kind in preflight.DENIED:
                preflight.report(head, decision)
            if decision.preflight:
                return self._respond(preflight.answer(decision))
        try:
            outcome = server.begin(server.app(request))
        except BaseException as error:
            return self._fail(error)
        if outcome.__class__ is Task:
            self.task = outcome
            outcome.add_done_callback(self._handler_done)
            return False
        return self._respond(outcome)

    def _handler_done(self, task: Task[Any]) -> None:
        """A handler that had to wait has finished."""
        self.task = None
        error = asyncio.CancelledError("the handler was cancelled") if task.cancelled() else task.exception()
        if self.state is CLOSED:
            self._close_exchange()
            if error is None:
                self._close_response(task.result())  # the client left: it is never sent
        elif self._respond(task.result()) if error is None else self._fail(error):
            self._answer_waiting()

    def _fail(self, error: BaseException) -> bool:
        """A handler raised: the client hears of its own broken rule alone. Returns as `_respond`."""
        if error is self._broken and self._broken is not None:
            return self._respond(refusal(self._broken))
        self._raise_if_final(error)
        if self.half_closed and isinstance(error, ConnectionError):
            # The handler was told that its client has left, and says so: no accident, and no answer to give.
            self.abort()
            return False
        self._server.report(self._head, error)
        return self._respond(Response(500, "the handler failed\n", _TEXT))

    # -- the handler reads the request's content ------------------------------------------------------------

    async def next_content(self, pace: Pace) -> Content | EndOfMessage:
        """The next piece of the request's content, or its end: for Request.stream."""
        while True:
            if pace.whole:
                return END_OF_MESSAGE  # somebody has read it already
            if pace.over or pace is not self._content:
                # The next request's content, which may be another user's, is not for a task left over from
                # this one; nor for a task that asked in time and has waited since.
                raise RuntimeError("the content cannot be read any more: its exchange is over")
            try:
                event = self._parser.next_event()
            except ProtocolError as error:
                self._break(error)
                raise
            if event is not None:
                break
            if pace.owes_continue and not pace.answered:
                # RFC 9110 §10.1.1: the client waits for this before it sends the content.
                pace.owes_continue = False
                if not self.transport.write(CONTINUE):
                    self._watch_stall()
            if not self.half_closed:
                self.transport.resume()
            await self._more(pace)
        if isinstance(event, EndOfMessage):
            self._content = None
            pace.whole = True
            return event
        assert isinstance(event, Content)
        pace.heard += len(event.data)
        return event

    def limit_content(self, pace: Pace, size: int) -> None:
        """A handler's own limit for this request's content, in bytes."""
        if pace is self._content and not pace.over:
            self._parser.limit_content(size)

    @property
    def peer(self) -> str:
        """The client's address."""
        try:
            address = self.transport.socket.getpeername()
        except OSError:
            return ""
        return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else ""

    # -- step 6: the response -------------------------------------------------------------------------------

    def _respond(self, response: Any) -> bool:
        """Send a response. True when it has gone whole and the next request may begin."""
        head, server = self._head, self._server
        assert head is not None
        if response.__class__ is Response and response.on_close is not None:
            self._responses.append(response)
        persistent = self._persistent and not server.draining
        if self.half_closed and not self._parser.buffered:
            persistent = False  # nothing more can come: the last response says so (RFC 9112 §9.6)
        if self._content is not None and (not isinstance(response, Response) or response.stream is None):
            persistent = persistent and self._may_discard()
        try:
            if not isinstance(response, Response):
                raise responding.InvalidResponse(f"the handler returned {response!r:.80}, not a Response")
            if response.stream is not None:
                plan = responding.streamed(response, head, server.date, persistent, self._cors)
                return self._stream(response, plan)
            octets, persistent = responding.fixed(response, head, server.date, persistent, self._cors)
        except (ValueError, TypeError, AttributeError) as error:
            server.report(head, error)
            response = Response(500, "the handler's response cannot be sent\n", _TEXT)
            octets, persistent = responding.fixed(response, head, server.date, persistent, self._cors)
        self._persistent = persistent
        if server.access_log is not None:
            self._log_access(response)
        if self.transport.write(octets):
            return self._finish()
        self._watch_stall()
        return False

    def _stream(self, response: Response, plan: responding.StreamPlan) -> bool:
        """Send a streamed response: at once as far as it goes, then in a task of its own."""
        self._persistent = plan.persistent
        self._coding = plan.coding
        if self._server.draining:
            self._tell(Disconnect.SERVER_STOPS)
        if self._server.access_log is not None:
            self._log_access(response)
        try:
            # While the request's content is still coming, the stream may be made of it: its first piece is
            # asked for before the head leaves. That also gets a waiting client its 100 (Continue) in time.
            outcome = self._server.begin(streaming.send(self, response, plan, hold=self._content is not None))
        except streaming.NotBegun as error:
            return self._fail(error.__cause__ or error)
        except BaseException as error:
            self._cut(error)
            return False
        if outcome.__class__ is Task:
            self.task = outcome
            outcome.add_done_callback(self._stream_done)
            return False
        return self._finish()

    def _stream_done(self, task: Task[Any]) -> None:
        self.task = None
        error = None if task.cancelled() else task.exception()
        if self.state is CLOSED:
            self._close_exchange()
            return
        if isinstance(error, streaming.NotBegun):
            if self._fail(error.__cause__ or error):
                self._answer_waiting()
        elif task.cancelled() or error is not None:
            self._cut(error or asyncio.CancelledError("the stream was cancelled"))
        elif self._finish():
            self._answer_waiting()

    def _cut(self, error: BaseException) -> None:
        """End a response that cannot be completed so that the client cannot take it for a whole one.

        A reset, for a close that looks regular would complete a response that ends with its connection. A
        stream that ends because the server asked it to is closed in peace where the client sees what is
        missing (the last-chunk, or bytes of its length): a reset could undo what it has not read yet.
        """
        self._raise_if_final(error)
        if error is not self._broken and not isinstance(error, ConnectionError):
            self._server.report(self._head, error)
        elif self._server.draining and self._coding in (responding.Coding.CHUNKED, responding.Coding.LENGTH):
            self._close_exchange()
            self._linger()
            return
        self.abort()

    async def send(self, data: bytes | memoryview) -> None:
        """Send a piece of a stream; backpressure suspends the producer here until the kernel has it."""
        if self._content is not None:
            self._content.answered = True
        await self._sent(self.transport.write(data), len(data))

    async def _sent(self, gone: bool, size: int) -> None:
        """After a write: backpressure, if the kernel did not take all of it."""
        transport = self.transport
        if gone:
            if transport.closed:
                if self.state is CLOSED and self.task is None:
                    raise ConnectionResetError("the client has left")
                # Its cancellation is on its way: a producer that never waits would not notice it. Raised as
                # well, an error would have it hit the producer's `finally`.
                await self._server.loop.create_future()
            self._unyielded += size
            if self._unyielded > UNYIELDED:
                self._unyielded = 0
                await asyncio.sleep(0)
            return
        self._unyielded = 0
        while transport.waiting:
            await self._taken()

    async def send_chunk(self, data: bytes | memoryview) -> None:
        """Send a piece of a stream as one chunk, without copying it into another (RFC 9112 §7.1)."""
        transport = self.transport
        await self._sent(transport.write_parts((b"%x\r\n" % len(data), data, b"\r\n")), len(data))

    @property
    def secure(self) -> bool:
        """Is this TLS?"""
        return self.transport.secure

    async def send_file(self, fd: int, offset: int, count: int) -> None:
        """Send part of a file; on a plain socket without reading it."""
        await self._sent(self.transport.write_file(fd, offset, count), count)

    def flushed(self) -> None:
        """The kernel has taken what waited."""
        if self.state is EXCHANGE:
            if self._writer is not None:
                wake(self._writer)
            elif self.task is None and self._finish():
                self._answer_waiting()
        elif self.state is LINGERING:
            if self.half_closed:
                self.close()
            else:
                self._await_end()

    # -- step 7: persistence --------------------------------------------------------------------------------

    def _finish(self) -> bool:
        """The response has gone. True when the connection persists and the next request may begin."""
        self._close_exchange()
        self._cors = None
        if self._content is not None:
            self._content.over = True
        if self._reader is not None:
            # Of a task left over from the handler: it learns that its exchange is over.
            wake(self._reader)
            self._end_reading(self._content)
        if self._broken is not None:
            self._linger()
            return False
        if self._content is not None and not self._discard(self._content):
            # Content is still on its way that nobody wants.
            if self._persistent and self._may_discard():
                self._await_discarded(self._content)
            else:
                self._linger()
            return False
        bare = self._head is None or self._head.framing is NO_CONTENT
        self._head = None
        if not self._persistent or (self.half_closed and not self._parser.buffered):
            # A client that asked for the close sends no more: nothing is lost by closing at once. Behind
            # content, though, old clients send a CRLF too many (RFC 9112 §2.2): it would become a reset.
            if self.half_closed or (bare and not self._parser.buffered and not self._server.draining):
                self._close_after_response()
            else:
                self._linger()
            return False
        self.state = IDLE
        if not bare:
            self._parser.forget()
        self.deadline = self._server.sweep.deadline(self._server.timeouts.idle)
        transport = self.transport
        if transport.paused and not self.half_closed and self._parser.buffered < self._server.limits.pipeline:
            transport.resume()
        return True

    def _await_discarded(self, pace: Pace) -> None:
        """Wait for more of the content that nobody wants."""
        self._begin_reading(pace).add_done_callback(self._discarded)
        self.transport.resume()

    def _discarded(self, reader: asyncio.Future[None]) -> None:
        """More content that nobody wants has come; or too little, and `_broken` says so."""
        if self.state is CLOSED:
            return
        reader.exception()
        self._end_reading(self._content)
        if self.state is EXCHANGE and self._finish():
            self._answer_waiting()
