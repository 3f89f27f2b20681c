"""Decrypted application data read as HTTP/1.1, by the project's own parsers.

Feed it what `Record.content` holds, in order; it yields what the parsers yield, or one `NotHttp` that says
why the rest of a side is not read: another protocol, a broken rule, an upgrade.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from netlab.http1 import (
    Content,
    EndOfMessage,
    Limits,
    ProtocolError,
    RequestHead,
    RequestParser,
    ResponseHead,
    ResponseParser,
)
from netlab.http1.messages import Event
from netlab.tls.tracing.values import Side

# A tracer looks on: it refuses nothing for its size.
_LIMITS = Limits(content=1 << 50)
_HTTP2 = b"PRI * HTTP/2.0\r\n"
# Requests whose response has not begun; more are counted as GET.
_PIPELINED = 1000


@dataclass(frozen=True, slots=True)
class NotHttp:
    """Why a side's application data is not read as HTTP/1.1 from here on."""

    reason: str


class HttpReading:
    """The requests and responses of one conversation."""

    def __init__(self) -> None:
        self._parsers: dict[Side, RequestParser | ResponseParser] = {
            Side.CLIENT: RequestParser(_LIMITS),
            Side.SERVER: ResponseParser(_LIMITS),
        }
        self._over: set[Side] = set()
        self._methods: deque[str] = deque(maxlen=_PIPELINED)

    def feed(self, side: Side, data: bytes) -> list[Event | NotHttp]:
        """Take the next application data of a side. Raises nothing."""
        if side in self._over or not data:
            return []
        if data.startswith(_HTTP2):
            self._over |= set(Side)
            return [NotHttp("HTTP/2: its frames are not read")]
        parser = self._parsers[side]
        parser.feed(data)
        return self._events(side, parser)

    def end(self, side: Side) -> list[Event | NotHttp]:
        """The side sent close_notify or FIN: a content without a length is complete (RFC 9112 §6.3)."""
        parser = self._parsers[side]
        if side in self._over or parser.at_start:
            return []
        parser.feed_eof()
        self._over.add(side)
        found = self._events(side, parser)
        return [event for event in found if not isinstance(event, NotHttp)]

    def _events(self, side: Side, parser: RequestParser | ResponseParser) -> list[Event | NotHttp]:
        found: list[Event | NotHttp] = []
        try:
            while (event := parser.next_event()) is not None:
                found.append(event)
                if side in self._over and isinstance(event, EndOfMessage):
                    break  # the end of the input ends one message: the parser would say so for ever
                if not self._follow(parser, event):
                    self._over |= set(Side)
                    found.append(NotHttp("the connection speaks another protocol from here on"))
                    break
        except ProtocolError as error:
            self._over.add(side)
            found.append(NotHttp(f"not HTTP/1.1: {error.rule} ({error.section})"))
        return found

    def _follow(self, parser: RequestParser | ResponseParser, event: Event) -> bool:
        """Keep the two sides in step; False when HTTP/1.1 is over (an upgrade, a tunnel)."""
        if isinstance(event, RequestHead):
            self._methods.append(event.method)
            self._expect()
        elif isinstance(event, ResponseHead):
            if event.status == 101:
                return False
            if not event.interim:
                method = self._methods.popleft() if self._methods else "GET"
                self._expect()
                return not (method == "CONNECT" and event.status < 300)
        return True

    def _expect(self) -> None:
        responses = self._parsers[Side.SERVER]
        assert isinstance(responses, ResponseParser)
        responses.expect(self._methods[0] if self._methods else "GET")


def describe(event: Event | NotHttp) -> list[str]:
    """An event as lines for a person: a head line by line, a content by its size."""
    if isinstance(event, RequestHead):
        return [f"{event.method} {event.target} HTTP/1.{event.minor}", *_fields(event)]
    if isinstance(event, ResponseHead):
        return [f"HTTP/1.{event.minor} {event.status} {event.reason}", *_fields(event)]
    if isinstance(event, Content):
        return [f"content: {len(event.data)} bytes"]
    if isinstance(event, EndOfMessage):
        return ["the message is complete"]
    return [event.reason]


def _fields(head: RequestHead | ResponseHead) -> list[str]:
    return [f"{name}: {value}" for name, value in head.fields.lines]
