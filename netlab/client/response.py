"""The response as a caller sees it: a head, and content that is read when it is asked for."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

from netlab.client.connection import Connection
from netlab.client.decoding import Decoder
from netlab.client.errors import ContentTooLarge, DecodingFailed, StatusError, TimedOut
from netlab.client.exchange import Exchange
from netlab.client.timings import Timings
from netlab.client.url import URL
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.messages import ResponseHead
from netlab.net.sweep import NEVER

# What `read` takes at most: it is memory. `stream` has no such limit.
READ_LIMIT = 1 << 30


class ClientResponse:
    """A response. Read it to its end or `release` it: until then it keeps its connection."""

    __slots__ = (
        "_content",
        "_decoder",
        "_exchange",
        "_give_up",
        "_pieces",
        "_size",
        "_url",
        "connection",
        "history",
        "method",
    )

    def __init__(
        self,
        method: str,
        url: URL,
        exchange: Exchange,
        connection: Connection,
        give_up: float,
    ) -> None:
        self.method = method
        self._url = url
        self.history: tuple[ClientResponse, ...] = ()
        """The redirects that led here, the first one first."""
        self._decoder: Decoder | None = None
        self.connection = connection
        """The connection that carried it: for its repr, its `tls`, its `reason`."""
        self._exchange = exchange
        self._give_up = give_up  # by the event loop's clock
        self._content: bytes | None = None
        self._pieces: list[bytes] = []  # what `read` has so far
        self._size = 0  # bytes of them

    def decode_with(self, decoder: Decoder | None) -> None:
        """Take the content codings away. Called before the content is read."""
        self._decoder = decoder

    # -- the head -------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The URL that answered: behind redirects, the last one."""
        return str(self._url)

    @property
    def head(self) -> ResponseHead:
        """Status line, fields, framing, persistence."""
        head = self._exchange.head
        assert head is not None  # a response is made when its head has come
        return head

    @property
    def status(self) -> int:
        """The status code."""
        return self.head.status

    @property
    def reason(self) -> str:
        """The reason phrase, which means nothing (RFC 9112 §4)."""
        return self.head.reason

    @property
    def fields(self) -> Fields:
        """The field lines."""
        return self.head.fields

    headers = fields

    @property
    def trailers(self) -> Fields:
        """The trailer section, once the content has been read to its end; empty without one."""
        return self._exchange.trailers

    @property
    def interim(self) -> tuple[ResponseHead, ...]:
        """The heads of interim responses (1xx) that came before this one."""
        return tuple(self._exchange.interim)

    @property
    def timings(self) -> Timings:
        """Where the time went, in seconds; `content` once the content has come whole."""
        return self._exchange.timings

    @property
    def reused(self) -> bool:
        """Did the request find an open connection?"""
        return self._exchange.timings.reused

    @property
    def ok(self) -> bool:
        """Is the status below 400?"""
        return self.status < 400

    def raise_for_status(self) -> None:
        """Raise StatusError, and release the response, if the status is 400 or above."""
        if not self.ok:
            self.release()
            raise StatusError(self.status, self.reason, self.url)

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case; empty without one."""
        return str(self.fields.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The charset that Content-Type names, if Python knows it."""
        return _charset(self.fields.get("content-type"))

    # -- the content ----------------------------------------------------------------------------------------

    async def stream(self) -> AsyncIterator[bytes]:
        """The content in pieces, as it comes; the server is slowed to the reader's pace.

        Raises Truncated when the connection ended too early, BadResponse, TimedOut.
        """
        if self._content is not None:
            if self._content:
                yield self._content
            return
        while self._pieces:
            self._size -= len(self._pieces[0])
            yield self._pieces.pop(0)
        while (piece := await self._next()) is not None:
            yield piece

    async def read(self, limit: int = READ_LIMIT) -> bytes:
        """All the content in one piece; the same again at every call.

        limit: bytes. Raises ContentTooLarge beyond it, and what `stream` raises.
        """
        if self._content is None and self._decoder is None and not self._pieces:
            # Most responses are here whole by now: no need to ask for piece after piece.
            self._content = self._exchange.take_whole(limit)
        if self._content is None:
            # Kept here: a call that is cancelled, or finds too much, must not make the next one's shorter.
            pieces = self._pieces
            while self._size <= limit and (piece := await self._next()) is not None:
                self._size += len(piece)
                pieces.append(piece)
            if self._size > limit:
                self.release()
                rule = f"the content is larger than the {limit} bytes that read() takes"
                raise ContentTooLarge(self.url, ProtocolError(413, rule, "use stream()"))
            self._content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
        return self._content

    async def text(self, encoding: str | None = None) -> str:
        """The content as text: by `encoding`, else by the charset of Content-Type, else UTF-8."""
        content = await self.read()
        return content.decode(encoding or self.charset or "utf-8", "replace")

    async def json(self) -> Any:
        """The content read as JSON. Raises json.JSONDecodeError, a ValueError."""
        return json.loads(await self.read())

    async def _next(self) -> bytes | None:
        """The next piece of content, its coding taken away; None at the end."""
        decoder = self._decoder
        if decoder is None:
            return await self._next_encoded()
        try:
            while not (piece := decoder.read()):
                encoded = await self._next_encoded()
                if encoded is None:
                    decoder.finish()
                    return None
                decoder.feed(encoded)
        except DecodingFailed:
            self.release()
            raise
        return piece

    async def _next_encoded(self) -> bytes | None:
        exchange = self._exchange
        if self._give_up == NEVER or exchange.pieces or exchange.ended:
            return await exchange.next_piece()
        try:
            async with asyncio.timeout_at(self._give_up):
                return await exchange.next_piece()
        except TimeoutError as error:
            if isinstance(error, TimedOut):
                raise
            late = TimedOut(f"the content of {self.url} did not come in time", "total")
            if exchange.source is not None:
                exchange.source.give_up(late)
            raise late from None

    # -- the end --------------------------------------------------------------------------------------------

    def release(self) -> None:
        """Done with it. Its connection is used again if little content is left, else closed; never waits."""
        source = self._exchange.source
        if source is not None:
            source.discard_rest(self._exchange)

    async def __aenter__(self) -> ClientResponse:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        # A response that was forgotten would keep its place in the pool for ever.
        if self._exchange.source is not None and not self.connection.loop_is_closed:
            warnings.warn(f"{self!r} was neither read nor released", ResourceWarning, stacklevel=2)
            self.release()

    def __repr__(self) -> str:
        return f"<ClientResponse {self.method} {self.url} {self.status} {self.reason}>".replace(" >", ">")


def _charset(content_type: str | None) -> str | None:
    """The charset parameter, if Python knows it."""
    for part in (content_type or "").split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            label = value.strip(" \t\"'")
            try:
                b"x".decode(label, "replace")
            except (LookupError, ValueError):
                break
            return label
    return None
