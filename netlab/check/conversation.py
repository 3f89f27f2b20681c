"""One connection to the server under test: bytes out, answers in, and how it ended. No judgement here.

The reader is lenient where the server under test may be odd: an answer that this project's own parser
refuses is kept as "malformed", with its status if it has one. RFC 9112 §4, §6 and §7.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from netlab.check.target import JudgedServer
from netlab.http1 import Content, EndOfMessage, Fields, ProtocolError, ResponseHead, ResponseParser
from netlab.http1.framing import NO_CONTENT

_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-5][0-9]{2})")
_OPENING = 16  # bytes that show the form of a status line
_MOST = 1 << 20  # bytes of answers that are kept: more is a server that does not stop


class ConnectionEnd(Enum):
    """What became of the connection."""

    OPEN = "the connection is open"
    CLOSED = "the server closed"
    RESET = "the server reset the connection"


@dataclass(slots=True)
class ObservedAnswer:
    """One response as it came. complete: has its content come whole?"""

    status: int
    fields: Fields
    content: bytes = b""
    complete: bool = False

    @property
    def interim(self) -> bool:
        """Is it a 1xx response?"""
        return self.status < 200

    @property
    def says_close(self) -> bool:
        """Does it announce the close of the connection (RFC 9112 §9.6)?"""
        options = (self.fields.get("connection") or "").split(",")
        return "close" in {option.strip(" \t").lower() for option in options}


@dataclass(slots=True)
class Observed:
    """All that one conversation showed."""

    answers: list[ObservedAnswer] = field(default_factory=list)
    ending: ConnectionEnd = ConnectionEnd.OPEN
    malformed: str = ""
    """What was wrong with the bytes that were no response, "" if nothing was."""
    sent: bytes = b""
    opening: bytes = b""
    """The first bytes that came, of the status line at least."""
    late: bool = False
    """Did an answer that was due not come in time?"""

    @property
    def finals(self) -> list[ObservedAnswer]:
        """The final responses, in their order."""
        return [answer for answer in self.answers if not answer.interim]

    def __str__(self) -> str:
        said = ", ".join(str(answer.status) for answer in self.answers) or "no answer"
        parts = [said, self.ending.value]
        if self.malformed:
            parts.insert(1, f"malformed: {self.malformed}")
        return "; ".join(parts)


class JudgeConnection:
    """One connection. Use `async with`; every wait ends after the target's timeout."""

    def __init__(self, target: JudgedServer, methods: Sequence[str] = ()) -> None:
        self._target = target
        self._methods = list(methods)
        self._parser = ResponseParser()
        self._expect_next()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._pending: ObservedAnswer | None = None
        self._kept = 0
        self.observed = Observed()

    async def __aenter__(self) -> JudgeConnection:
        """Connect. Raises OSError, also when the server does not take the connection in time."""
        target, context = self._target, self._target.context()
        async with asyncio.timeout(max(target.timeout, 5.0)):
            self._reader, self._writer = await asyncio.open_connection(
                target.host, target.port, ssl=context, server_hostname=target.host if context else None
            )
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._writer.transport.abort()
        # The transport closes its socket in the next turn of the loop.
        await asyncio.sleep(0)

    async def send(self, data: bytes) -> None:
        """Send bytes; a server that has closed already is no error here: `observed` says it."""
        self.observed.sent += data
        try:
            self._writer.write(data)
            async with asyncio.timeout(self._target.timeout):
                await self._writer.drain()
        except (TimeoutError, OSError):
            pass

    async def half_close(self) -> None:
        """Say that nothing more will be sent: FIN. In TLS asyncio cannot, and this does nothing."""
        if self._writer.can_write_eof():
            try:
                self._writer.write_eof()
            except OSError:
                pass

    async def receive(self, finals: int, interims: int = 0, seconds: float | None = None) -> None:
        """Receive until so many final and interim responses are there, the server closes, or time is up.

        A final response too many ends the wait: it came in place of an interim one (RFC 9110 §10.1.1).
        seconds: how long, in place of the target's timeout.
        """
        observed = self.observed
        try:
            async with asyncio.timeout(self._target.timeout if seconds is None else seconds):
                while observed.ending is ConnectionEnd.OPEN and not observed.malformed:
                    got = sum(answer.complete for answer in observed.finals)
                    came = len(observed.answers) - len(observed.finals)
                    if got > finals or (got == finals and came >= interims):
                        return
                    await self._more()
        except TimeoutError:
            observed.late = True

    async def until_closed(self, seconds: float) -> None:
        """Receive until the server closes, or for so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while self.observed.ending is ConnectionEnd.OPEN:
                    await self._more()
        except TimeoutError:
            pass

    async def _more(self) -> None:
        try:
            data = await self._reader.read(1 << 16)
        except (ConnectionError, ssl.SSLError, OSError):
            self.observed.ending = ConnectionEnd.RESET
            return
        if not data:
            self.observed.ending = ConnectionEnd.CLOSED
            self._parser.feed_eof()
        elif self._kept <= _MOST:
            if len(self.observed.opening) < _OPENING:
                self.observed.opening += data[:_OPENING]
            self._kept += len(data)
            self._parser.feed(data)
        if not self.observed.malformed:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Make answers of what has come."""
        try:
            while (event := self._parser.next_event()) is not None:
                if isinstance(event, ResponseHead):
                    self._head(event)
                elif isinstance(event, Content):
                    if self._pending is not None:
                        self._pending.content += event.data
                elif isinstance(event, EndOfMessage):
                    self._end()
                    if self.observed.ending is not ConnectionEnd.OPEN and not self._parser.buffered:
                        return  # content that ended with the connection: the parser has nothing more
        except ProtocolError as error:
            if (
                self.observed.ending is ConnectionEnd.CLOSED
                and not self._parser.buffered
                and self._pending is None
            ):
                return  # the end between two responses
            self.observed.malformed = str(error)
            status = _STATUS.match(data)
            if status is not None and self._pending is None:
                self.observed.answers.append(ObservedAnswer(int(status[1]), Fields(), complete=True))

    def _head(self, head: ResponseHead) -> None:
        answer = self._pending = ObservedAnswer(head.status, head.fields)
        self.observed.answers.append(answer)
        if answer.interim:
            answer.complete, self._pending = True, None
        elif head.framing is NO_CONTENT:
            self._end()

    def _end(self) -> None:
        if self._pending is not None:
            self._pending.complete = True
        self._pending = None
        self._expect_next()

    def _expect_next(self) -> None:
        """Tell the parser which method the next final response answers: HEAD has no content."""
        self._parser.expect(self._methods.pop(0) if self._methods else "GET")
