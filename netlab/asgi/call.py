"""One call of the app for one request: what it receives, and what becomes of what it sends.

Theory of operation. The app runs in the handler's own task from its first step to its last: anyio, for one,
compares the identity of tasks. No gate, queue or further task stands between the app and the server.
`receive` reads the body from the connection, `send` gives the server a whole response or writes a piece of
it, and each suspends the app only where the server has to wait. An app that goes on behind its response, with
background work, goes on in the same task; its connection does not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

from netlab.asgi.headers import KNOWN, Headers, Pair, headers_of
from netlab.asgi.scope import InvalidMessage, Message
from netlab.http1.errors import ProtocolError
from netlab.server.body import RequestBody
from netlab.server.disconnected import Disconnect
from netlab.server.filecontent import FileContent
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.writer import ResponseWriter

log = logging.getLogger("netlab.asgi")


class Stage:
    """Which message the app owes next, and what takes the messages that it may send."""

    __slots__ = ("expected", "takes")

    def __init__(self, expected: str) -> None:
        self.expected = expected
        self.takes: dict[str, Callable[[AppCall, Message], Waiting]] = {}
        """By the type of the message. Filled at the end of this file."""


START = Stage("http.response.start")
BODY = Stage("http.response.body")  # the first one: of most responses all of it
PIECES = Stage(BODY.expected)  # of a response that has begun, or whose trailers will come
TRAILERS = Stage("http.response.trailers")
DONE = Stage("nothing: the response is complete")
OVER = Stage(DONE.expected)  # of a response whose pieces were not wanted: `ended` has a timer to cancel

Waiting = Awaitable[None] | None
"""What a message makes the app wait for; mostly nothing."""


class UnsendableHead(OSError, ValueError):
    """A status or headers that cannot be sent: what is wrong. An OSError, so that apps stop that stream."""


class AppCall:
    """One call of an app: its `receive` and its `send`. To be begun before either is called."""

    __slots__ = (
        "_headers",
        "_is_read",
        "_request",
        "_status",
        "_timer",
        "_trailers",
        "_writer",
        "broken",
        "stage",
    )

    # Set by `begin`, not by an `__init__`: CPython 3.11 calls one by way of C (FAST.md).
    _request: Request
    stage: Stage
    """Which message comes next."""
    _status: int
    _headers: tuple[Pair, ...]
    _is_read: bool  # the app has been given all of the body
    _trailers: list[tuple[str, str]] | None
    _writer: ResponseWriter | None  # of a response in more than one piece
    _timer: asyncio.TimerHandle | None  # of an app whose pieces are not wanted (HEAD, 304)
    broken: ProtocolError | None
    """The rule that the client broke inside its body."""

    def begin(self, request: Request) -> None:
        """The app is called for this request."""
        self._request = request
        self.stage = START
        self._is_read = False
        self._trailers = self._writer = self._timer = self.broken = None

    # -- the app receives -----------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """The next piece of the body; then, when it comes, the news that the client has left.

        A call that is cancelled while it waits loses nothing: the next one takes up its read.
        """
        if self.stage is DONE or self.broken is not None or self._timer is not None:
            return _disconnect()
        if self._is_read:
            await self._request.disconnected
            return _disconnect()
        # Most bodies have come with their head, or there is none: no coroutine more is needed.
        request = self._request
        if request.whole is not None or request.body is None:
            body = b"" if request.whole is None else request.take_whole()
            self._is_read = True
            return {"type": "http.request", "body": body, "more_body": False}
        try:
            return await self._piece(request.body)
        except ProtocolError as error:
            self.broken = error
            return _disconnect()

    async def _piece(self, body: RequestBody) -> Message:
        piece = await self._request.receive()
        # A length that is known spares the app a last call, which would bring nothing.
        self._is_read = not piece or body.has_its_length
        return {"type": "http.request", "body": piece, "more_body": not self._is_read}

    # -- the app sends --------------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Take a message. Suspends the app while its client is behind.

        Raises InvalidMessage for a message that is not allowed here, ConnectionResetError (an OSError, as the
        specification asks) when the client has left.
        """
        stage, kind = self.stage, message["type"]
        # The two messages of nearly every response are not looked up in the stage's table (FAST.md).
        if stage is BODY and kind == "http.response.body":
            waiting = self._take_body(message)
        elif stage is START and kind == "http.response.start":
            # The response begins with its first body: until then the app may still fail with a 500.
            self._status = message["status"]
            try:
                headers = message["headers"]  # `get` is a call, and `in` would be a second look (FAST.md)
            except KeyError:
                headers = ()
            self._headers = tuple(headers)
            self.stage = BODY
            trailers = "trailers" in message and message["trailers"]
            if trailers:
                self._trailers, self.stage = [], PIECES
            return
        else:
            take = stage.takes.get(kind)
            if take is None:
                raise InvalidMessage(f"the app sent {kind!r}; expected is {stage.expected}")
            waiting = take(self, message)
        if waiting is not None:
            await waiting

    def _take_body(self, message: Message) -> Waiting:
        more = "more_body" in message and message["more_body"]
        if more:
            return self._take_piece(message)
        try:
            body = message["body"]
        except KeyError:
            body = b""
        if body.__class__ is not bytes:
            body = _octets(body)
        try:
            headers = KNOWN[self._headers]
        except (KeyError, TypeError):
            headers = headers_of(self._headers)
        # Nearly every response goes without a Response, whose plain version stands below (FAST.md).
        status, size, front = headers.last
        if size != len(body) or status is not self._status:  # `is`: 200.0 equals 200, and is refused
            front = headers.front_of(self._status, len(body))
        if front is None or not self._request.respond_known(front, body):
            self._request.respond(Response(self._status, body, headers.fields(len(body))))
        self.stage = DONE
        return None

    def _take_piece(self, message: Message) -> Waiting:
        body, more = _octets(message.get("body", b"")), message.get("more_body", False)
        if self._timer is not None:
            self.stage = PIECES if more else OVER
            return asyncio.sleep(0)
        writer = self._writer
        if writer is None:
            writer = self._writer = self._begin(headers_of(self._headers))
            self.stage = PIECES
        if more and writer.has_content:
            return writer.write(body)
        return self._write_last(writer, body, more)

    def _begin(self, headers: Headers) -> ResponseWriter:
        response = Response(self._status, fields=headers.lines, trailers=self._trailers)
        try:
            return self._request.start_response(response)
        except (ValueError, TypeError) as error:
            raise UnsendableHead(str(error)) from error

    async def _write_last(self, writer: ResponseWriter, body: bytes, more: bool) -> None:
        """The last piece; or the first one, of a response without content."""
        if self._trailers is not None and not more and writer.has_content:
            self.stage = TRAILERS
            await writer.write(body)
            return
        await writer.write(body)
        await writer.end()
        if more:
            self._give_up()
        else:
            self.stage = DONE

    def _give_up(self) -> None:
        """The response is complete, since it has no content, but the app has more: it may end in peace."""
        task = asyncio.current_task()
        assert task is not None
        self._timer = asyncio.get_running_loop().call_later(self._request.grace, task.cancel)

    def _take_trailers(self, message: Message) -> Waiting:
        assert self._trailers is not None and self._writer is not None
        self._trailers += headers_of(message.get("headers", ())).lines
        if message.get("more_trailers", False):
            return None
        return self._end(self._writer, self._trailers)

    async def _end(self, writer: ResponseWriter, trailers: list[tuple[str, str]]) -> None:
        await writer.end(trailers)
        self.stage = DONE

    # -- extensions -----------------------------------------------------------------------------------------

    def _take_path(self, message: Message) -> None:
        """http.response.pathsend: the server sends the file. Raises OSError when it cannot be opened."""
        path = message["path"]
        if not os.path.isabs(path):
            raise InvalidMessage(f"the app sent the path {path!r}: give an absolute one")
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        content = FileContent(fd, 0, os.fstat(fd).st_size)
        headers = headers_of(self._headers)
        lines = headers.lines if headers.length is not None else _with_length(headers.lines, content.count)
        self._request.respond(Response(self._status, fields=lines, stream=content))
        self.stage = DONE

    def _take_hint(self, message: Message) -> None:
        """http.response.early_hint: 103 (Early Hints) with Link fields. RFC 8297"""
        self._request.send_early_hints([bytes(link).decode("latin-1") for link in message.get("links", ())])

    def _take_debug(self, message: Message) -> None:
        """http.response.debug: for test clients; here it is a line of the log."""
        log.debug("%s: the app's debug message: %r", self._request, message.get("info"))

    # -- the app has ended ----------------------------------------------------------------------------------

    def failed(self, error: BaseException) -> None:
        """The app raised. Raises what the server shall answer: by a 500, or by breaking off the response."""
        if self._timer is not None:
            self._timer.cancel()
        if isinstance(error, asyncio.CancelledError):
            raise error
        if self.stage is DONE or self._timer is not None:
            log.error("%s: the app failed after its response", self._what, exc_info=error)
        elif self.broken is not None:
            raise self.broken  # the client's mistake, whatever the app made of it
        elif not self._request.carried():
            log.debug("%s: the app failed after its client had left", self._what, exc_info=error)
        else:
            raise error

    def ended(self) -> None:
        """The app returned, and `stage` is not DONE. Raises when its response is not complete."""
        if self._timer is not None:
            self._timer.cancel()
            return
        if self.broken is not None:
            raise self.broken
        reason = self._request.disconnected.reason
        if reason is not None and reason is not Disconnect.EXCHANGE_OVER:
            # It was told that its response is not wanted any more, and has stopped, as it should.
            raise ConnectionAbortedError("the app has stopped: its response is not wanted any more")
        raise InvalidMessage(f"the app returned; expected is {self.stage.expected}")

    @property
    def _what(self) -> str:
        return f"{self._request.method} {self._request.target}"


def _disconnect() -> Message:
    """The client has left, or the response is complete."""
    return {"type": "http.disconnect"}


def _octets(body: object) -> bytes:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise InvalidMessage(f"the app sent a body that is {type(body).__name__}: give bytes")
    return bytes(body)


def _with_length(lines: tuple[tuple[str, str], ...], size: int) -> tuple[tuple[str, str], ...]:
    return (*lines, ("content-length", str(size)))


DEBUG = {"http.response.debug": AppCall._take_debug}

START.takes = {
    "http.response.early_hint": AppCall._take_hint,
    **DEBUG,
}
BODY.takes = {
    "http.response.body": AppCall._take_body,
    "http.response.pathsend": AppCall._take_path,
    **DEBUG,
}
PIECES.takes = {**BODY.takes, "http.response.body": AppCall._take_piece}
TRAILERS.takes = {"http.response.trailers": AppCall._take_trailers}
