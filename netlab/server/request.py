"""What a handler gets: a Request. RFC 9110 §3.4.

Values with a thin reading end: the body comes through `body`, from the connection. How a request is answered
stands in `exchange`.
"""

from __future__ import annotations

from asyncio import Task
from collections.abc import AsyncIterator, Iterable
from typing import Any
from urllib.parse import parse_qsl

from netlab.http1.fields import Fields
from netlab.http1.forwarded import Told
from netlab.http1.messages import Content, RequestHead
from netlab.server.body import RequestBody
from netlab.server.disconnected import Disconnected
from netlab.server.response import Response
from netlab.server.services import Carrier
from netlab.server.writer import ResponseWriter


class Request:
    """One request as a handler sees it. The body is read only when the handler asks for it.

    The server gives a handler an Exchange, which is a Request that has a connection and can be answered.
    """

    __slots__ = (
        "_content", "body", "carrier", "grace", "head", "method", "path", "target", "tasks", "whole",
    )  # fmt: skip

    # Set by `begin`, not by an `__init__`: CPython 3.11 calls one by way of C (FAST.md).
    head: RequestHead
    method: str
    """The method, case as sent (RFC 9110 §9.1)."""
    target: str
    """The request target as it was sent: path and query, percent-encoded, or "*"."""
    path: str
    """The path of the target, percent-decoded as UTF-8; octets that are not UTF-8 read as U+FFFD."""
    # What follows is for the server and for bridges to other interfaces, not for handlers.
    carrier: Carrier
    """The connection."""
    whole: bytes | None
    """The content, if it came with its head, until it is taken: then there is no `body`."""
    body: RequestBody | None
    """The content that comes behind its head, in pieces."""
    grace: float
    """Seconds for which the handler may go on when its client has left; then it is cancelled."""
    tasks: set[Task[Any]] | None
    """Where the handler's task is noted while it lives, if it has to wait."""
    _content: bytes | None  # all of the body, once `read` has given it

    def begin(self, head: RequestHead) -> Request:
        """The request with this head, without content and without a connection: itself."""
        self.head, self.method, self.target, self.path = head, head.method, head.target, head.path
        self.whole = self.body = self._content = None
        return self

    @property
    def query(self) -> dict[str, str]:
        """The query as names and values; of a name that stands twice the last value."""
        text = self.target.partition("?")[2]
        if "%" in text or "+" in text:
            return dict(parse_qsl(text, keep_blank_values=True))
        # Nothing is encoded: the same without decoding each name and value (FAST.md).
        query = {}
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if pair:
                query[name] = value
        return query

    @property
    def fields(self) -> Fields:
        """The field lines (RFC 9110 §5)."""
        return self.head.fields

    @property
    def trailers(self) -> Fields | None:
        """The trailer section, once the body has been read to its end; None without one."""
        return None if self.body is None else self.body.trailers

    @property
    def peer(self) -> str:
        """The client's address, such as "127.0.0.1:50412"; "" for a Unix socket."""
        told = self.forwarded
        if told is None:
            return self.carrier.peer
        return f"{told.client[0]}:{told.client[1]}" if told.client is not None else ""

    @property
    def client_address(self) -> tuple[str, int] | None:
        """The client's address and port; None where they are not known (Unix sockets, hidden clients).

        Behind a trusted proxy (see Server, forwarded) it is the proxy's client; its port may be 0, unknown.
        """
        told = self.forwarded
        if told is not None:
            return told.client
        return self.carrier.addresses[1]

    @property
    def server_address(self) -> tuple[str, int | None] | None:
        """The address and port that the client has reached; (path, None) for a Unix socket."""
        return self.carrier.addresses[0]

    @property
    def secure(self) -> bool:
        """Has it come over TLS?"""
        return self.carrier.transport.secure

    @property
    def forwarded(self) -> Told | None:
        """What a trusted proxy tells of its client; None without one (see Server, forwarded)."""
        trusted = self.carrier.server.forwarded
        return None if trusted is None else trusted.told(self.head.fields, self.carrier.addresses[1])

    @property
    def scheme(self) -> str:
        """http or https: that of the client's own connection, if a trusted proxy tells it."""
        told = self.forwarded
        if told is not None and told.scheme is not None:
            return told.scheme
        return "https" if self.carrier.transport.secure else "http"

    @property
    def host(self) -> str:
        """The host that the client asked for, with its port if it has one; "" where no field tells it."""
        told = self.forwarded
        if told is not None and told.host is not None:
            return told.host
        host: str = self.head.authority or self.head.fields.get("host", "")
        return host

    @property
    def disconnected(self) -> Disconnected:
        """The news that the response is not wanted any more: await it, or ask `disconnected.done()`.

        It comes when the client has closed the connection or its sending side (a client that does only the
        latter may still read); when the server is stopping and this response is a stream that has begun; and
        when the response is complete. `await request.disconnected` says which: a Disconnect. Await it when
        the body has been read: the leave of a client that is still sending is noticed by reading.
        """
        raise NotImplementedError

    async def stream(self, limit: int | None = None) -> AsyncIterator[bytes]:
        """The body in pieces, as it arrives; the client is slowed to the reader's pace.

        limit: bytes that this request may have, instead of the server's limit. Raises ProtocolError when
        the client breaks the framing, sends more than it may (413) or leaves before the end.
        """
        content, body = self._content, self.body
        if content is None and self.whole is not None:
            content = self.take_whole(limit)
        if content is not None or body is None:
            if content:
                yield content
            return
        if limit is not None:
            body.limit(limit)
        while isinstance(event := await body.next(), Content):
            yield event.data

    async def receive(self) -> bytes:
        """The next piece of the body; empty at its end. Errors as `stream`.

        A call that is cancelled while it waits loses nothing: the next call gets the piece.
        """
        if self.whole is not None:
            return self.take_whole()
        if self.body is None:
            return b""
        event = await self.body.next()
        return event.data if isinstance(event, Content) else b""

    def take_whole(self, limit: int | None = None) -> bytes:
        """Take the body that came with its head (`whole`): for bridges.

        Errors as `stream`; RuntimeError where the exchange is over.
        """
        whole, carrier = self.whole, self.carrier
        assert whole is not None
        if carrier.exchange is not self:
            raise RuntimeError("the body cannot be read any more: its exchange is over")
        self.whole = None
        if limit is not None and len(whole) > limit:
            self.body = body = RequestBody().begin(carrier, self.head)
            raise body.refuse(limit)
        return whole

    def send_early_hints(self, links: Iterable[str]) -> None:
        """Send 103 (Early Hints) with these Link fields, before the response. RFC 8297

        Not to an HTTP/1.0 client, which knows no interim responses. Raises UnsafeField for a link that cannot
        be a field value, RuntimeError when the response has begun.
        """
        raise NotImplementedError

    def carried(self) -> bool:
        """Is the client still there, and the response still to be completed? For bridges."""
        raise NotImplementedError

    def respond(self, response: Response) -> None:
        """Send the response now. The handler goes on as background work; what it returns is ignored.

        The connection does not wait for it: the next request may begin. Raises ConnectionResetError when the
        client has left, RuntimeError for a second response.
        """
        raise NotImplementedError

    def respond_known(self, front: bytes, content: bytes) -> bool:
        """`respond` in one step, for bridges. front: the head up to its Date field (responding.front_of).

        False where this request needs more care: nothing is sent, and `respond` is to be called.
        """
        raise NotImplementedError

    def start_response(self, response: Response) -> ResponseWriter:
        """Begin a response whose pieces the handler writes itself. Raises as `respond`, and InvalidResponse.

        response: status and fields, and trailers if some will come (an empty list then); no content and no
        stream. A handler that ends, or raises, before `end` has been awaited breaks the response off.
        """
        raise NotImplementedError

    async def read(self, limit: int | None = None) -> bytes:
        """All the body in one piece; the same again at every call. Arguments and errors as `stream`."""
        content = self._content
        if content is None:
            if self.whole is not None:
                content = self.take_whole(limit)
            elif self.body is None:
                return b""
            else:
                content = await self._all_pieces(self.body, limit)
            self._content = content
        return content

    @staticmethod
    async def _all_pieces(body: RequestBody, limit: int | None) -> bytes:
        """As `stream`, without the cost of an asynchronous generator."""
        if limit is not None:
            body.limit(limit)
        pieces = []
        while isinstance(event := await body.next(), Content):
            pieces.append(event.data)
        return b"".join(pieces)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"
