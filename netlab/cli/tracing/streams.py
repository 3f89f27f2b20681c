"""TCP connections on their way to the tracer: each stream has its number, its ends, its tracer and its HTTP.

A `Teller` is told of each record as it is read, so that nothing has to be kept. A capture comes through
`Streams`; a live conversation has its bytes already and uses `Stream` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from netlab.capture import Direction, Endpoint, Flags, Secrets
from netlab.capture.following import Closed, Damaged, Data, Event, Flagged, Lost, Opened, Unread
from netlab.capture.pcapng import SECRETS_TLS_KEY_LOG
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Record, Side
from netlab.tls.tracing.web import HttpReading, describe

SIDES = {Direction.TO_SERVER: Side.CLIENT, Direction.TO_CLIENT: Side.SERVER}

# SYN, FIN and RST that are kept for the page: a hostile capture has millions.
_MARKS = 20
_MARKED = ((Flags.SYN, "SYN"), (Flags.FIN, "FIN"), (Flags.RST, "RST"), (Flags.ACK, "ACK"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A packet of TCP that opens or closes: when, which side sent it, and its flags."""

    time: float
    side: Side
    text: str


class Teller(Protocol):
    """Takes what is read, in order."""

    def record(self, stream: Stream, record: Record, http: list[str]) -> None:
        """One record; http: what its content says, line by line."""

    def end(self, stream: Stream) -> None:
        """A stream is over."""


class Tellers:
    """Several tellers that are told the same."""

    def __init__(self, *tellers: Teller) -> None:
        self._tellers = tellers

    def record(self, stream: Stream, record: Record, http: list[str]) -> None:
        """Tell all."""
        for each in self._tellers:
            each.record(stream, record, http)

    def end(self, stream: Stream) -> None:
        """Tell all."""
        for each in self._tellers:
            each.end(stream)


class Stream:
    """One TCP connection. number: as tshark counts, from 0. notes: what the capture lacks of it."""

    def __init__(
        self, number: int, client: Endpoint, server: Endpoint, ring: Keyring, teller: Teller
    ) -> None:
        self.number, self.client, self.server = number, client, server
        self.tracer = Tracer(ring)
        self.started: float | None = None
        self.records = 0
        self.marks: list[Mark] = []
        self._http = HttpReading()
        self._teller = teller

    def feed(self, side: Side, data: bytes, time: float | None) -> None:
        """Take the next bytes of a side, and tell of the records that are whole."""
        if self.started is None:
            self.started = time
        for record in self.tracer.feed(side, data, time):
            self.records += 1
            lines: list[str] = []
            if record.content and record.content_name == "application_data":
                for event in self._http.feed(record.side, record.content):
                    lines += describe(event)
            elif record.content == b"\x01\x00" and record.content_name == "alert":
                for event in self._http.end(record.side):
                    lines += describe(event)
            self._teller.record(self, record, lines)

    def mark(self, side: Side, time: float, text: str) -> None:
        """A packet without data that opens or closes the connection."""
        if len(self.marks) < _MARKS:
            self.marks.append(Mark(time, side, text))

    def end(self) -> None:
        """The connection is over."""
        self.tracer.end()
        self._teller.end(self)


MakeStream = Callable[[int, Endpoint, Endpoint], Stream]


class Streams:
    """Gives each event of a capture to its stream. make: gives a stream for its number, client and server."""

    def __init__(self, make: MakeStream, ring: Keyring) -> None:
        self.count = 0
        self.complaints: list[str] = []  # what of the file could not be read
        self._make, self._ring = make, ring
        self._open: dict[int, Stream] = {}

    def read(self, events: Iterable[Event]) -> None:
        """Take all events of a capture. Raises DecodeError when not even one packet of it can be read."""
        for event in events:
            match event:
                case Data(number, direction, time_ns, octets):
                    self._open[number].feed(SIDES[direction], octets, time_ns / 1e9)
                case Lost(number, direction, _, missing):
                    self._open[number].tracer.lost(SIDES[direction], missing)
                case Opened(number, _, client, server, _):
                    self._open[number] = self._make(number, client, server)
                    self.count += 1
                case Flagged(number, direction, time_ns, flags):
                    text = ", ".join(name for flag, name in _MARKED if flags & flag)
                    self._open[number].mark(SIDES[direction], time_ns / 1e9, text)
                case Closed(number, _, _):
                    self._open.pop(number).end()
                case Secrets(data, kind) if kind == SECRETS_TLS_KEY_LOG:
                    self._ring.log.feed(data + b"\n")
                case Unread(reason, packets, first):
                    self.complaints.append(f"{packets} packets not read, from number {first} on: {reason}")
                case Damaged(error, 0):
                    raise error
                case Damaged():
                    self.complaints.append(str(event))
