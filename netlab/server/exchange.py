"""One request and its response: the object that lives as long as both are under way. RFC 9110 §3.

The connection makes an Exchange for each request head. Here the steps 3 to 6 of a request's way are taken;
1 and 2 (accept, read a head) stand in `server` and `connection`, 7 (persist or close) in `connection`:

3. The framing fixes the length of the content before any handler runs.
4. CORS: a preflight is answered here; any other request takes the fields that its response will need.
5. The handler coroutine starts at once. If it finishes without waiting, its response is sent in this turn.
6. The response becomes bytes: of fixed length, chunked, or until close. Backpressure suspends the producer.
"""

from __future__ import annotations

from asyncio import Task
from collections.abc import Iterable
from typing import Any

from netlab.cors import Decision
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import RequestHead
from netlab.http1.serializer import field_lines
from netlab.net.eagerstart import HandlerTask
from netlab.server import preflight, responding, streaming
from netlab.server.afterwards import Afterwards
from netlab.server.background import failure
from netlab.server.body import RequestBody
from netlab.server.disconnected import Disconnect, Disconnected
from netlab.server.request import Request
from netlab.server.responding import Coding, InvalidResponse
from netlab.server.response import TEXT, Response, refusal
from netlab.server.services import Carrier
from netlab.server.writer import ResponseWriter

# Where a client sees that the end of a response is missing, though the connection closes in peace.
_SELF_DELIMITING = (Coding.CHUNKED, Coding.LENGTH)

# Stands for a response that was sent without a Response (see Request.respond_known).
_KNOWN = Response()


class Exchange(Request):
    """One request, its handler and its response. A handler knows it as its Request."""

    __slots__ = ("_coding", "_cors", "after", "begun", "persistent", "sent", "task")

    # Set by `start`, as a request's.
    persistent: bool
    """May another request follow? Set to False on the way, by both sides; never back."""
    sent: bool
    """Set when the kernel has taken the whole response."""
    task: Task[Any] | None
    """The handler, or the stream, while it has to wait."""
    begun: Response | ResponseWriter | None
    """What the handler has given before its end: see Request.respond and Request.start_response."""
    after: Afterwards | None
    """What is told at the end, once there is something to tell."""
    _cors: Decision | None
    _coding: Coding | None  # of a streamed response, from its begin on

    def start(self, carrier: Carrier, head: RequestHead) -> None:
        """Steps 3 to 5: from the head to the handler, whose response may be sent when this returns."""
        self.carrier, self.head, self.persistent = carrier, head, head.persistent
        self.method, self.target, self.path = head.method, head.target, head.path
        self.sent, self.grace = False, 0.0
        self.task = self.tasks = self.whole = self.body = self._content = None
        self.begun = self.after = self._cors = self._coding = None
        server = carrier.server
        # Step 3: the framing has fixed the length of the content.
        if head.framing is not NO_CONTENT:
            self.whole = whole = carrier.parser.start_content(head.framing, server.limits)
            if whole is None:
                self.body = RequestBody().begin(carrier, head)
        # Step 4: CORS.
        if server.cors is not None or head.scheme is not None:
            response, self._cors = preflight.response_to(self)
            if response is not None:
                self.answer(response)
                return
        # Step 5: the handler starts at once.
        try:
            handle, start = server.handle, server.start_eagerly  # a method call looks up its attribute
            outcome = start(handle(self))
        except BaseException as error:
            self._handler_failed(error)
            return
        if outcome.__class__ is HandlerTask:
            self._handler_waits(outcome)
        elif self.begun is None:
            self.answer(outcome)
        elif self.begun is not _KNOWN:
            self._handler_ended()

    def _handler_waits(self, task: Task[Any]) -> None:
        """The handler has taken its first step, and goes on as a task: as ours, or in the background."""
        task.add_done_callback(self._handler_done)
        if self.tasks is not None:
            self.tasks.add(task)
        if self.begun is None or (isinstance(self.begun, ResponseWriter) and not self.begun.ended):
            self.task = task
            return
        self.carrier.server.background.tasks.add(task)
        self._respond_with_stream()

    def _handler_ended(self) -> None:
        """A handler that sends its response itself has ended."""
        if isinstance(self.begun, ResponseWriter) and not self.begun.ended:
            self._abort_response(InvalidResponse("the handler ended before its response"))
        self._respond_with_stream()

    def _respond_with_stream(self) -> None:
        """A response with a stream that the handler gave in a step: a stream starts between steps alone."""
        begun = self.begun
        if isinstance(begun, Response) and begun.stream is not None and self.carried():
            self.answer(begun)

    # -- the handler has ended ------------------------------------------------------------------------------

    def _handler_done(self, task: Task[Any]) -> None:
        """A handler that had to wait has ended."""
        if self.tasks is not None:
            self.tasks.discard(task)
        if task is not self.task:
            self.carrier.server.background.done(task, self.head)
            return
        self.task = None
        error = failure(task)
        if self.carrier.exchange is not self:
            # The client has left: what the handler gives is never sent.
            if error is None:
                self._afterwards().response = task.result()
            self.close()
        elif error is not None:
            self._handler_failed(error)
        elif self.begun is None:
            self.answer(task.result())
        else:
            self._handler_ended()
        self.carrier.advance()

    def _handler_failed(self, error: BaseException) -> None:
        """Answer for a handler that raised: a client hears of the rule that it broke itself, or of a 500."""
        if self.body is not None and error is self.body.error:
            self.answer(refusal(self.body.error))
            return
        if isinstance(self.begun, ResponseWriter):
            self._abort_response(error)
            return
        self._raise_if_final(error)
        if self.begun is not None:
            self.carrier.server.report(self.head, error)
            self._respond_with_stream()
            return
        if self.carrier.half_closed and isinstance(error, ConnectionError):
            # The handler was told that its client has left, and says so: no accident, and no answer to give.
            self.carrier.abort()
            return
        self.carrier.server.report(self.head, error)
        self.answer(Response(500, "the handler failed\n", TEXT))

    def _raise_if_final(self, error: BaseException) -> None:
        """What ends the process is raised on; this connection ends first."""
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            self.carrier.abort()
            raise error

    # -- step 6: the response -------------------------------------------------------------------------------

    def answer(self, response: Any) -> None:
        """Step 6: send a response, whole or its begin."""
        carrier, head, body = self.carrier, self.head, self.body
        server = carrier.server
        persistent = self.persistent and not server.draining
        if carrier.half_closed and not carrier.parser.buffered:
            persistent = False  # nothing more can come: the last response says so (RFC 9112 §9.6)
        try:
            if not isinstance(response, Response):
                raise responding.InvalidResponse(f"the handler returned {response!r:.80}, not a Response")
            if response.on_close is not None:
                self._afterwards().response = response
            if response.stream is not None:
                plan = responding.streamed(response, head, server.date, persistent, self._cors)
                self._stream(response, plan)
                return
            if body is not None and not body.complete:
                persistent = persistent and body.may_discard()
            status, fields, content = response.status, response.fields, response.content
            usual = responding.USUAL.get(status)
            if (
                usual is not None and (status.__class__ is int or isinstance(status, int))  # 200.0 equals 200
                and fields.__class__ is dict and fields == usual.fields
                and (usual.order is None or usual.order == tuple(fields))
                and content.__class__ is bytes and head.minor and head.method != "HEAD" and self._cors is None
            ):  # fmt: skip
                # Nearly every response is as one before it. `responding.fixed` would give the same (FAST.md).
                front = usual.fronts.get(len(content)) or usual.front(len(content))
                octets = b"".join((front, server.date, b"\r\n" if persistent else responding.CLOSES, content))
            else:
                octets, persistent = responding.fixed(response, head, server.date, persistent, self._cors)
        except Exception as error:  # also what a handler's own mapping or value raises
            server.report(head, error)
            response = Response(500, "the handler's response cannot be sent\n", TEXT)
            persistent = persistent and (body is None or body.may_discard())
            octets, persistent = responding.fixed(response, head, server.date, persistent, self._cors)
        self.persistent = persistent
        if server.access_log is not None:
            server.log_access(self, head, response)
        if carrier.transport.write(octets):
            self.sent = True
        else:
            carrier.watch_send()

    def _stream(self, response: Response, plan: responding.StreamPlan) -> None:
        """Send a streamed response: at once as far as it goes, then in a task of its own."""
        carrier, body, head, server = self.carrier, self.body, self.head, self.carrier.server
        self.persistent, self._coding = plan.persistent, plan.coding
        if server.draining:
            self.tell(Disconnect.SERVER_STOPS)
        if server.access_log is not None:
            server.log_access(self, head, response)
        writer = streaming.BodyWriter(carrier, self)
        # While the handler may still read the request's content, the stream may be made of it: its first
        # piece is asked for before the head leaves. A waiting client gets its 100 (Continue) in time, too.
        hold = self.whole is not None or (body is not None and body.end is None)
        try:
            outcome = server.start_eagerly(streaming.send(writer, response, plan, hold))
        except BaseException as error:
            self._stream_failed(error)
            return
        if outcome.__class__ is HandlerTask:
            self.task = outcome
            outcome.add_done_callback(self._stream_done)
        else:
            self.sent = True

    def _stream_done(self, task: Task[Any]) -> None:
        """A stream that had to wait has ended."""
        self.task = None
        error = failure(task)
        if self.carrier.exchange is not self:
            self.close()
        elif error is None:
            self.sent = True
        else:
            self._stream_failed(error)
        self.carrier.advance()

    def _stream_failed(self, error: BaseException) -> None:
        if isinstance(error, streaming.NotBegun):
            self._coding = self.begun = None  # nothing has been sent: another response can take its place
            self._handler_failed(error.__cause__ or error)
        else:
            self._abort_response(error)

    def _abort_response(self, error: BaseException) -> None:
        """End a response that cannot be completed so that the client cannot take it for a whole one.

        A reset, for a close that looks regular would complete a response that ends with its connection. A
        stream that ends because the server asked it to is closed in peace where the client sees what is
        missing (the last-chunk, or bytes of its length): a reset could undo what it has not read yet.
        """
        self._raise_if_final(error)
        wanted = self.body is not None and error is self.body.error
        if not wanted and not isinstance(error, ConnectionError):
            self.carrier.server.report(self.head, error)
        elif self.carrier.server.draining and self._coding in _SELF_DELIMITING:
            self.carrier.linger()
            return
        self.carrier.abort()

    # -- what the connection tells, and what the handler is told --------------------------------------------

    def wake_body(self) -> None:
        """More of the body has come, or its end: for the handler, or to be read past."""
        if self.body is not None:
            (self.body.discard_more if self.sent else self.body.wake)()

    def _check_first(self) -> None:
        """Raises where there is a response already, or no client to send one to."""
        if self.begun is not None:
            raise RuntimeError("this request has its response already")
        if not self.carried():
            raise ConnectionResetError("the client has left")

    def respond(self, response: Response) -> None:
        """See Request.respond."""
        if self.begun is not None or self.carrier.exchange is not self:
            self._check_first()
        self.begun = response
        if response.stream is None:
            self.answer(response)
        if self.task is not None:  # else the handler is in its first step, and `start` goes on behind that
            self._leave_behind(self.task)

    def respond_known(self, front: bytes, content: bytes) -> bool:
        """See Request.respond_known."""
        carrier, server, head = self.carrier, self.carrier.server, self.head
        if (
            self.begun is not None or carrier.exchange is not self or carrier.half_closed
            or server.access_log is not None or self._cors is not None
            or not head.minor or head.method == "HEAD" or (self.body is not None and not self.body.complete)
        ):  # fmt: skip
            return False
        self.begun = _KNOWN
        if server.draining:
            self.persistent = False
        last = b"\r\n" if self.persistent else responding.CLOSES
        if carrier.transport.write(b"".join((front, server.date, last, content))):
            self.sent = True
        else:
            carrier.watch_send()
        if self.task is not None:
            self._leave_behind(self.task)
        return True

    def _leave_behind(self, task: Task[Any]) -> None:
        """The response is given: the connection goes on without the handler, which goes on in its task."""
        self.task, carrier = None, self.carrier
        carrier.server.background.tasks.add(task)
        if self.sent and self.persistent and not carrier.parser.buffer:
            carrier.advance()  # all that is left to do is to become idle
        else:
            # In a turn of their own: neither a stream nor the next request's handler starts inside a task.
            carrier.server.loop.call_soon(self._respond_with_stream)
            carrier.server.loop.call_soon(carrier.advance)

    def send_early_hints(self, links: Iterable[str]) -> None:
        """See Request.send_early_hints."""
        lines = field_lines([("link", link) for link in links])
        if self.begun is not None:
            raise RuntimeError("the response has begun: hints come before it")
        are_sent = lines and self.head.minor and self.carried()
        if are_sent and not self.carrier.transport.write(b"HTTP/1.1 103 Early Hints\r\n" + lines + b"\r\n"):
            self.carrier.watch_send()

    def start_response(self, response: Response) -> ResponseWriter:
        """See Request.start_response."""
        carrier, head, server = self.carrier, self.head, self.carrier.server
        self._check_first()
        persists = self.persistent and not server.draining
        plan = responding.streamed(response, head, server.date, persists, self._cors)
        self.persistent, self._coding = plan.persistent, plan.coding
        if response.on_close is not None:
            self._afterwards().response = response
        if self.body is not None:
            self.body.response_started = True
        if server.draining:
            self.tell(Disconnect.SERVER_STOPS)
        if server.access_log is not None:
            server.log_access(self, head, response)
        self.begun = writer = ResponseWriter(carrier, self, plan)
        return writer

    def response_written(self, taken: bool) -> None:
        """The handler has written all of its response: what it still does is background work."""
        self.sent = taken
        if not taken:
            self.carrier.watch_send()
        if self.task is not None:
            self._leave_behind(self.task)

    def carried(self) -> bool:
        """Is the client still there, and this the exchange that is under way?"""
        return self.carrier.exchange is self

    @property
    def disconnected(self) -> Disconnected:
        """See Request.disconnected."""
        after = self._afterwards()
        news = after.news
        if news is None:
            news = after.news = Disconnected()
            if self.carrier.exchange is not self:
                news.set(Disconnect.EXCHANGE_OVER)
            elif self.carrier.half_closed:
                news.set(Disconnect.CLIENT_LEFT)
            elif self.carrier.server.draining and self._coding is not None:
                news.set(Disconnect.SERVER_STOPS)
        return news

    def _afterwards(self) -> Afterwards:
        """There is something to tell at the end."""
        if self.after is None:
            self.after = Afterwards()
        return self.after

    def tell(self, reason: Disconnect) -> None:
        """Tell the handler, if it asks, that its response is not wanted any more."""
        if self.after is not None and self.after.news is not None:
            self.after.news.set(reason)

    def stop_streaming(self) -> None:
        """The server drains: a stream that has begun is asked to end."""
        if self._coding is not None:
            self.tell(Disconnect.SERVER_STOPS)

    # -- the end --------------------------------------------------------------------------------------------

    def close(self) -> None:
        """The response has gone, or is given up: tell what the handler left behind. Again: no effect."""
        if self.body is not None:
            self.body.close()
        if self.after is not None:
            self.after.tell(self.carrier.server, self.head)

    def give_up(self) -> None:
        """The connection carries this exchange no more: cancel the handler, which closes its streams."""
        self.tell(Disconnect.CLIENT_LEFT)
        loop = self.carrier.server.loop
        if self.task is None:
            self.close()
        elif self.grace:
            if self.carrier.is_closed:
                loop.call_soon(self.carrier.flushed)  # a handler that waits for the client goes on
            loop.call_later(self.grace, self.task.cancel)
        else:
            # In the next turn: a task that has not taken its own first step would be cancelled unstarted.
            loop.call_soon(self.task.cancel)
        if self.body is not None:
            # Behind the handler's own cancellation: any other task that waits for the body learns of it.
            self.body.give_up(loop)
