"""One request, its app and its response: what the app sends becomes a Response.

Theory of operation. Two tasks share an exchange. The app runs in a task of its own from its first step, for
anyio compares the identity of tasks. The handler's task waits for what the app sends. A response that comes
in one message is answered whole; any other is a stream, and the exchange itself is that stream. The app's
task may outlive its response: that is how background tasks work.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio import Task
from collections.abc import Callable
from enum import Enum
from typing import Any

from netlab.asgi.incoming import Gate, Incoming, disconnect
from netlab.asgi.lifespan import end
from netlab.asgi.scope import App, InvalidMessage, Message, Scope, field_lines
from netlab.server import responding
from netlab.server.request import Request
from netlab.server.response import Response

# Bytes of a response that an app may be ahead of its client. Small pieces gather here into one chunk.
AHEAD = 64 * 1024

# Since Python 3.12 a task may take its first step at once. Many an app needs no second one.
EAGER: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}

log = logging.getLogger("netlab.asgi")


class _Stage(Enum):
    """Which message the app owes next."""

    START = "http.response.start"
    BODY = "http.response.body"
    TRAILERS = "http.response.trailers"
    DONE = "nothing: the response is complete"


class Exchange:
    """One request and its response; also the stream of that response: what the app sends, in pieces.

    content: the request's, where it is known already. tasks: the handler's, for which its shutdown waits.
    grace: seconds that the app may go on when nobody waits for its response any more.
    """

    def __init__(self, request: Request, content: bytes | None, tasks: set[Task[Any]], grace: float) -> None:
        self._tasks = tasks
        self._grace = grace
        self._request = request
        self._incoming = Incoming(request, content)
        self._stage = _Stage.START
        self._status = 200
        self._fields: list[tuple[str, str]] = []
        self._trailers: list[tuple[str, str]] | None = None
        self._pieces: list[bytes] = []
        self._size = 0  # bytes of them
        self._room = Gate()  # the app may send more
        self._room.open()
        self._news = Gate()  # the app has sent something, or ended
        self._streamed = False  # the content comes in more than one message, or trailers follow it
        self._begun = False  # the stream is being read
        self._closed = False  # the stream is not read any more
        self._gone = False  # nobody is there to take the rest
        self._unwanted = False  # the client is there, but this response has no content (HEAD, 304)
        self._task: Task[None]

    # The app's side: these run in its task.

    async def receive(self) -> Message:
        """The app asks for content, or for the client's leave."""
        if self._gone or self._stage is _Stage.DONE:
            return disconnect()
        return await self._incoming.next()

    async def send(self, message: Message) -> None:
        """The app sends. Suspends it while its client is behind; raises OSError when the client has left."""
        if self._gone:
            raise ConnectionResetError("the client has left")
        if message["type"] != self._stage.value:
            raise InvalidMessage(f"the app sent {message['type']!r}; expected is {self._stage.value}")
        _TAKE[self._stage](self, message)
        if self._stage is _Stage.DONE:
            return
        if self._unwanted:
            await asyncio.sleep(0)
        elif self._size >= AHEAD:
            self._room.shut()
            await self._room.passage()
            if self._gone:
                raise ConnectionResetError("the client has left")

    def _take_start(self, message: Message) -> None:
        self._status = int(message["status"])
        self._fields = field_lines(message.get("headers", ()))
        if message.get("trailers", False):
            self._trailers, self._streamed = [], True
        # The response begins with its first body: until then the app may still fail with a 500.
        self._stage = _Stage.BODY

    def _take_body(self, message: Message) -> None:
        body = message.get("body", b"")
        if not isinstance(body, (bytes, bytearray, memoryview)):
            raise InvalidMessage(f"the app sent a body that is {type(body).__name__}: give bytes")
        if body and not self._unwanted:
            self._pieces.append(bytes(body))
            self._size += len(body)
        if message.get("more_body", False):
            self._streamed = True
        else:
            self._stage = _Stage.DONE if self._trailers is None else _Stage.TRAILERS
        self._news.open()

    def _take_trailers(self, message: Message) -> None:
        assert self._trailers is not None
        self._trailers += field_lines(message.get("headers", ()))
        if not message.get("more_trailers", False):
            self._stage = _Stage.DONE
        self._news.open()

    # The handler's side.

    async def answer(self, app: App, scope: Scope) -> Response:
        """Start the app and wait for the beginning of its response, which is often all of it.

        Raises what the app raises before that, and InvalidMessage when it has nothing to say.
        """
        task = self._task = Task(self._run(app, scope), loop=asyncio.get_running_loop(), **EAGER)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        try:
            await self._hear()
            if not self._streamed:
                await self._incoming.stop()
                return Response(self._status, b"".join(self._pieces), self._fields)
            response = Response(self._status, fields=self._fields, stream=self, trailers=self._trailers)
            # A head that cannot be sent is refused now, where the app can still be told.
            responding.streamed(response, self._request.head, b"", True, None)
        except Exception:
            await self._incoming.stop()
            self._leave_later()
            raise
        except asyncio.CancelledError:
            await self._leave()  # the client has left
            raise
        # The client may also leave before the server reads the stream: then nothing else would close it.
        response.on_close = self._response_closed
        return response

    async def _run(self, app: App, scope: Scope) -> None:
        await app(scope, self.receive, self.send)

    def _ended(self, task: Task[None]) -> None:
        """The app has ended. What it failed with is raised in the handler's task, if that still listens."""
        self._tasks.discard(task)
        self._news.open()
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        what = f"{self._request.method} {self._request.target}"
        if self._gone:
            log.debug("%s: the app failed after its client had left", what, exc_info=error)
        elif self._stage is _Stage.DONE or self._unwanted:
            log.error("%s: the app failed after its response", what, exc_info=error)

    async def _hear(self) -> None:
        """Until the app has sent something. Raises what it failed with, or InvalidMessage."""
        # An app that has ended may have opened the gate for the last time before we have shut it.
        if not self._task.done():
            await self._news.passage()
            self._news.shut()
        if self._stage is _Stage.DONE or self._pieces or not self._task.done():
            return
        if self._incoming.broken is not None:
            raise self._incoming.broken  # the client's mistake, whatever the app made of it
        if self._task.cancelled():
            raise InvalidMessage("the app's task was cancelled before its response was complete")
        error = self._task.exception()
        if error is None and self._request.disconnected.done():
            # It was told that its response is not wanted any more, and has stopped, as it should.
            raise ConnectionAbortedError("the app has stopped: its response is not wanted any more")
        raise error or InvalidMessage(f"the app returned; expected is {self._stage.value}")

    def __aiter__(self) -> Exchange:
        return self

    async def __anext__(self) -> bytes:
        """What the app has sent since the last piece, which the kernel has taken by now.

        Empty when a first body without content asks for nothing but the head.
        """
        if not self._begun:
            self._begun = True
            if not self._pieces and self._stage is not _Stage.DONE:
                return b""
        while not self._pieces and self._stage is not _Stage.DONE:
            await self._hear()
        if not self._pieces:
            await self._incoming.stop()
            raise StopAsyncIteration
        pieces, self._pieces, self._size = self._pieces, [], 0
        self._room.open()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def aclose(self) -> None:
        """The stream is over: sent, broken off, or not wanted at all."""
        await self._incoming.stop()
        if self._stage is _Stage.DONE or self._closed:
            return
        self._closed = True
        if self._begun and self._request.disconnected.done():
            await self._leave()
        else:
            # A stream that was never read belongs to a response without content: let the app finish.
            self._unwanted = not self._begun
            self._leave_later()

    def _response_closed(self) -> None:
        """The server is done with the response. If it never read the stream, the client left first."""
        if not self._closed and self._stage is not _Stage.DONE:
            self._leave_later()

    def _leave_later(self) -> None:
        """Leave in a task that the handler's shutdown waits for."""
        if not self._task.done():
            leaving = asyncio.get_running_loop().create_task(self._leave())
            self._tasks.add(leaving)
            leaving.add_done_callback(self._tasks.discard)

    async def _leave(self) -> None:
        """Nobody waits for the rest of the response: the app is told, has its grace, and is cancelled."""
        self._gone = not self._unwanted
        self._pieces, self._size = [], 0
        self._room.open()
        try:
            await self._incoming.stop()
            if not self._task.done():
                await asyncio.wait((self._task,), timeout=self._grace)
        finally:
            if self._stage is not _Stage.DONE:
                await end((self._task,), 0)


_TAKE: dict[_Stage, Callable[[Exchange, Message], None]] = {
    _Stage.START: Exchange._take_start,
    _Stage.BODY: Exchange._take_body,
    _Stage.TRAILERS: Exchange._take_trailers,
}
