"""A response's way in: bytes become events. RFC 9112 §4, RFC 9110 §15.2.

One for each connection, because what the parser has left over belongs to the connection. What an event does
to the exchange and to the connection is decided in `connection`.
"""

from __future__ import annotations

from netlab.http1.errors import ProtocolError
from netlab.http1.limits import Limits
from netlab.http1.messages import ResponseHead
from netlab.http1.responses import ResponseParser

# Interim responses (1xx) that one request may get: they are for progress, not for ever.
MOST_INTERIM = 32


class Receiving:
    """Reads the responses of one connection, and counts the interim ones."""

    __slots__ = ("_interim", "_parser", "ended", "feed", "next_event")

    def __init__(self, limits: Limits) -> None:
        self._parser = ResponseParser(limits)
        self.feed = self._parser.feed
        """Take bytes from the server; ask `next_event` until it says None."""
        self.next_event = self._parser.next_event
        """The next event, or None when more bytes are needed. Raises ProtocolError."""
        self._interim = 0
        self.ended = False
        """Has the server said that it sends no more?"""

    def expect(self, method: str) -> None:
        """The next response answers this method."""
        self._interim = 0
        self._parser.expect(method)

    @property
    def has_more(self) -> bool:
        """Are there bytes behind a complete response, other than a CRLF too many? Raises ProtocolError."""
        return self._parser.buffered > 0 and self._parser.skip_empty_lines()

    def feed_eof(self) -> None:
        """The server sends no more."""
        self.ended = True
        self._parser.feed_eof()

    def count_interim(self, head: ResponseHead) -> None:
        """An interim response has come. Raises ProtocolError for one too many, and for 101."""
        if head.status == 101:
            rule = "101 (Switching Protocols), which the request did not ask for"
            raise ProtocolError(400, rule, "RFC 9110 §15.2.2")
        self._interim += 1
        if self._interim > MOST_INTERIM:
            raise ProtocolError(400, f"more than {MOST_INTERIM} interim responses", "RFC 9110 §15.2")
