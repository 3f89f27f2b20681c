"""A response's way in: bytes to the parser, the parser's events to the exchange. RFC 9112 §4, RFC 9110 §15.2.

One for each connection, since what the parser has left over belongs to the connection. What becomes of the
connection when a response is complete is said in `connection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netlab.client.errors import BadResponse, ContentTooLarge, Truncated
from netlab.client.exchange import HIGH, Exchange
from netlab.client.reasons import Reason
from netlab.client.timings import Step
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import NO_FIELDS
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import Content, EndOfMessage, ResponseHead
from netlab.http1.responses import ResponseParser

if TYPE_CHECKING:
    from netlab.client.connection import Connection
    from netlab.http1.limits import Limits

# Interim responses (1xx) that one request may get: they are for progress, not for ever.
MOST_INTERIM = 32


class Receiving:
    """Reads responses for a connection."""

    __slots__ = ("_connection", "_drain_left", "_parser", "ended")

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self._connection = connection
        self._parser = ResponseParser(limits)
        self._drain_left: int | None = None  # bytes that may still be read past; None: somebody wants them
        self.ended = False
        """Has the server said that it sends no more?"""

    def expect(self, method: str) -> None:
        """The next response answers this method."""
        self._drain_left = None
        self._parser.expect(method)

    @property
    def unasked(self) -> bool:
        """Are there bytes behind a complete response?"""
        return self._parser.buffered > 0

    def drain(self, left: int) -> None:
        """Read past what is still to come of this response, up to so many bytes."""
        self._drain_left = left

    def feed(self, exchange: Exchange, data: bytes, now: float) -> None:
        """Bytes from the server."""
        exchange.last_at = now
        if not exchange.responded:
            exchange.responded = True
            exchange.first_at = now
            exchange.timings.first_byte = now - exchange.sent_at
        self._parser.feed(data)
        self._take_events(exchange)

    def feed_eof(self, exchange: Exchange) -> None:
        """The end: that of a response which lasts until close, or too early."""
        self._parser.feed_eof()
        self._take_events(exchange)

    def _take_events(self, exchange: Exchange) -> None:
        """Everything that the parser finds in what has come."""
        connection, parser = self._connection, self._parser
        try:
            # Not on a connection that was closed meanwhile, for a drain that is too long.
            while (
                connection.exchange is exchange
                and connection.reason is None
                and (event := parser.next_event()) is not None
            ):
                if isinstance(event, Content):
                    self._content(exchange, event.data)
                elif isinstance(event, ResponseHead):
                    if event.interim:
                        self._interim(exchange, event)
                    else:
                        self._final(exchange, event)
                elif isinstance(event, EndOfMessage):
                    connection.finish(exchange, event.trailers)
        except ProtocolError as error:
            self._refuse(exchange, error)

    def _interim(self, exchange: Exchange, head: ResponseHead) -> None:
        """A 1xx response: the final one is still to come (RFC 9110 §15.2)."""
        exchange.interim.append(head)
        self._connection.tell(Step.CONTINUE, head)
        if head.status == 101:
            raise ProtocolError(400, "101 (Switching Protocols), which nobody asked for", "RFC 9110 §15.2.2")
        if len(exchange.interim) > MOST_INTERIM:
            raise ProtocolError(400, f"more than {MOST_INTERIM} interim responses", "RFC 9110 §15.2")
        if head.status == 100 and self._connection.sending is not None:
            self._connection.sending.proceed()

    def _final(self, exchange: Exchange, head: ResponseHead) -> None:
        exchange.head = head
        self._connection.answered(head)
        if head.framing is NO_CONTENT:
            self._connection.finish(exchange, NO_FIELDS)
        else:
            exchange.wake()

    def _content(self, exchange: Exchange, data: bytes) -> None:
        if self._drain_left is not None:
            self._drain_left -= len(data)
            if self._drain_left < 0:
                self._connection.close(Reason.UNREAD)
            return
        exchange.pieces.append(data)
        exchange.held += len(data)
        exchange.received += len(data)
        if exchange.held >= HIGH:
            self._connection.pause()
        else:
            self._connection.heard()
        exchange.wake()

    def _refuse(self, exchange: Exchange, error: ProtocolError) -> None:
        """What came is no response, or ended inside one."""
        where = self._connection.origin.authority
        if self.ended:
            exchange.fail(Truncated(f"{where} closed the connection too early: {error}"))
            self._connection.close(Reason.BROKEN)
            return
        kind = ContentTooLarge if error.status == 413 else BadResponse
        exchange.fail(kind(where, error))
        self._connection.close(Reason.BAD_RESPONSE)
