"""What a handler gets and what it gives: Request and Response. RFC 9110 §3.4.

Values with a thin reading end: bytes come through the connection that carries the exchange; how a response
is put on the wire stands in `responding`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, unquote

from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.messages import Content, EndOfMessage, RequestHead
from netlab.server.disconnected import Disconnect, Disconnected

if TYPE_CHECKING:
    from netlab.server.pace import Pace

FieldLines = Mapping[str, str] | Iterable[tuple[str, str]]


class ContentSource(Protocol):
    """Where a request's content comes from: its connection, as long as the exchange lasts."""

    async def next_content(self, pace: Pace) -> Content | EndOfMessage:
        """The next piece, or the end. Raises ProtocolError when the client breaks a rule or leaves."""

    def limit_content(self, pace: Pace, size: int) -> None:
        """Let this message have `size` bytes of content."""

    def disconnect_reason(self, request: Request) -> Disconnect | None:
        """Why the response to this request is not wanted any more; None while it is."""

    @property
    def peer(self) -> str:
        """The client's address as text."""


class Request:
    """One request as a handler sees it. The content is read only when the handler asks for it."""

    __slots__ = ("_content", "_disconnected", "_pace", "head", "source", "trailers")

    def __init__(self, head: RequestHead, source: ContentSource, pace: Pace | None = None) -> None:
        self.head = head
        # Tells this request's content from the next one's. The head does not: equal heads are one object.
        self._pace = pace
        self.source = source
        """Where the content comes from: for bridges to other interfaces, not for handlers."""
        self._content = b"" if pace is None else None
        self._disconnected: Disconnected | None = None  # made when a handler asks for it
        self.trailers: Fields | None = None
        """The trailer section, once the content has been read to its end; None without one."""

    @property
    def method(self) -> str:
        """The method, case as sent (RFC 9110 §9.1)."""
        return self.head.method

    @property
    def target(self) -> str:
        """The request target as it was sent: path and query, percent-encoded, or "*"."""
        return self.head.target

    @property
    def path(self) -> str:
        """The path of the target, percent-decoded as UTF-8; octets that are not UTF-8 read as U+FFFD."""
        path = self.head.target
        if "?" in path:
            path = path.partition("?")[0]
        return unquote(path) if "%" in path else path

    @property
    def query(self) -> dict[str, str]:
        """The query as names and values; of a name that stands twice the last value."""
        return dict(parse_qsl(self.head.target.partition("?")[2], keep_blank_values=True))

    @property
    def fields(self) -> Fields:
        """The field lines (RFC 9110 §5)."""
        return self.head.fields

    @property
    def peer(self) -> str:
        """The client's address, such as "127.0.0.1:50412"; "" for a Unix socket."""
        return self.source.peer

    @property
    def disconnected(self) -> Disconnected:
        """The news that the response is not wanted any more: await it, or ask `disconnected.done()`.

        It comes when the client has closed the connection or its sending side (a client that does only the
        latter may still read); when the server is stopping and this response is a stream that has begun; and
        when the response is complete. `await request.disconnected` says which: a Disconnect. Await it when
        the content has been read: a client that still sends content is noticed by reading it.
        """
        news = self._disconnected
        if news is None:
            news = self._disconnected = Disconnected()
            if (reason := self.source.disconnect_reason(self)) is not None:
                news.set(reason)
        return news

    async def stream(self, limit: int | None = None) -> AsyncIterator[bytes]:
        """The content in pieces, as it arrives; the client is slowed to the reader's pace.

        limit: bytes that this request may have, instead of the server's limit. Raises ProtocolError when
        the client breaks the framing, sends more than it may (413) or leaves before the end.
        """
        pace = self._pace
        if self._content is not None or pace is None:
            if self._content:
                yield self._content
            return
        if limit is not None:
            self.source.limit_content(pace, limit)
        while isinstance(event := await self.source.next_content(pace), Content):
            yield event.data
        self._content = b""
        self.trailers = event.trailers or None

    async def read(self, limit: int | None = None) -> bytes:
        """All the content in one piece; the same again at every call. Arguments and errors as `stream`."""
        if self._content is None:
            pieces = [piece async for piece in self.stream(limit)]
            self._content = b"".join(pieces)
        return self._content

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"


class Response:
    """What a handler answers.

    status: 200 to 599. content: bytes, or text that is sent as UTF-8. fields: field lines; names and values
    are checked when they are sent. stream: instead of content, an async iterable of bytes, sent as it
    comes: chunked, or with a Content-Length if `fields` gives one; an iterable that is not async runs in a
    thread. trailers: field lines behind a chunked stream. on_close: called once, without arguments, when the
    server is done with this response: sent whole, broken off, replaced by a 500, or never sent because the
    client left first. What it raises is logged.
    """

    __slots__ = ("content", "fields", "on_close", "status", "stream", "trailers")

    def __init__(
        self,
        status: int = 200,
        content: bytes | str = b"",
        fields: FieldLines | None = None,
        *,
        stream: AsyncIterable[bytes | memoryview] | Iterable[bytes] | None = None,
        trailers: FieldLines | None = None,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        self.status = status
        self.content = content if content.__class__ is bytes else octets(content)
        self.fields = fields
        self.stream = stream
        self.trailers = trailers
        self.on_close = on_close

    def __repr__(self) -> str:
        what = "stream" if self.stream is not None else f"{len(self.content)} bytes"
        return f"<Response {self.status} {what}>"


def octets(content: object) -> bytes:
    """Content as bytes. Raises TypeError for anything that is neither bytes nor text."""
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    raise TypeError(
        f"content is {type(content).__name__}: give bytes or text, or an async iterable as stream="
    )


def refusal(error: ProtocolError) -> Response:
    """The answer to a broken rule: its status, and the rule as text."""
    return Response(error.status, f"{error}\n", {"content-type": "text/plain; charset=utf-8"})
