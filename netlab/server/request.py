"""What a handler gets: a Request. RFC 9110 §3.4.

Values with a thin reading end: the body comes through `body`, from the connection that carries the exchange.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from netlab.http1.fields import Fields
from netlab.http1.messages import Content, RequestHead
from netlab.server.body import RequestBody
from netlab.server.disconnected import Disconnected


class Source(Protocol):
    """What a request knows of the exchange that it belongs to."""

    @property
    def disconnected(self) -> Disconnected:
        """The news that the response is not wanted any more."""

    @property
    def peer(self) -> str:
        """The client's address as text."""

    @property
    def addresses(self) -> tuple[Any, Any]:
        """The socket's own address and the client's, as the socket module has them."""

    @property
    def secure(self) -> bool:
        """Is this TLS?"""


class Request:
    """One request as a handler sees it. The body is read only when the handler asks for it."""

    __slots__ = ("_body", "_source", "head")

    def __init__(self, head: RequestHead, source: Source, body: RequestBody | None = None) -> None:
        self.head = head
        self._source = source
        self._body = body

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
    def trailers(self) -> Fields | None:
        """The trailer section, once the body has been read to its end; None without one."""
        return None if self._body is None else self._body.trailers

    @property
    def peer(self) -> str:
        """The client's address, such as "127.0.0.1:50412"; "" for a Unix socket."""
        return self._source.peer

    @property
    def client_address(self) -> tuple[str, int] | None:
        """The client's address and port; None for a Unix socket, and for a client that has left."""
        theirs = self._source.addresses[1]
        return (theirs[0], theirs[1]) if isinstance(theirs, tuple) else None

    @property
    def server_address(self) -> tuple[str, int | None] | None:
        """The address and port that the client has reached; (path, None) for a Unix socket."""
        ours = self._source.addresses[0]
        if isinstance(ours, str):
            return ours, None
        return (ours[0], ours[1]) if isinstance(ours, tuple) else None

    @property
    def secure(self) -> bool:
        """Has it come over TLS?"""
        return self._source.secure

    @property
    def disconnected(self) -> Disconnected:
        """The news that the response is not wanted any more: await it, or ask `disconnected.done()`.

        It comes when the client has closed the connection or its sending side (a client that does only the
        latter may still read); when the server is stopping and this response is a stream that has begun; and
        when the response is complete. `await request.disconnected` says which: a Disconnect. Await it when
        the body has been read: the leave of a client that is still sending is noticed by reading.
        """
        return self._source.disconnected

    async def stream(self, limit: int | None = None) -> AsyncIterator[bytes]:
        """The body in pieces, as it arrives; the client is slowed to the reader's pace.

        limit: bytes that this request may have, instead of the server's limit. Raises ProtocolError when
        the client breaks the framing, sends more than it may (413) or leaves before the end.
        """
        body = self._body
        if body is None:
            return
        if body.content is not None:
            if body.content:
                yield body.content
            return
        if limit is not None:
            body.limit(limit)
        while isinstance(event := await body.next(), Content):
            yield event.data

    async def read(self, limit: int | None = None) -> bytes:
        """All the body in one piece; the same again at every call. Arguments and errors as `stream`."""
        body = self._body
        if body is None:
            return b""
        if body.content is None:
            if limit is not None:
                body.limit(limit)
            pieces = []
            # As `stream`, without the cost of an asynchronous generator.
            while isinstance(event := await body.next(), Content):
                pieces.append(event.data)
            body.content = b"".join(pieces)
        return body.content

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"
