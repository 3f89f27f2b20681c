"""TCP connections on their way to the tracer: each stream has its number, its ends, its tracer and its HTTP.

A `Teller` is told of each record as it is read, so that nothing has to be kept. Packets of a capture come
through `Streams`; a live conversation has its bytes already and uses `Stream` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from netlab.capture import Captured, DecodeError, Direction, Endpoint, Flags, Flow, Packet
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Record, Side
from netlab.tls.tracing.web import HttpReading, describe

SIDES = {Direction.TO_SERVER: Side.CLIENT, Direction.TO_CLIENT: Side.SERVER}

# Streams whose end is still to come; beyond it the one that began first is taken for ended.
_OPEN = 4096


# SYN, FIN and RST that are kept for the page: a hostile capture has millions.
_MARKS = 20
_MARKED = ((Flags.SYN, "SYN"), (Flags.FIN, "FIN"), (Flags.RST, "RST"))


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
        self.notes: list[str] = []
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


class _Tcp:
    """A stream on its way out of packets."""

    def __init__(self, stream: Stream, packet: Packet) -> None:
        self.stream = stream
        self.flows = {way: Flow() for way in Direction}
        self.first = packet.segment
        self.over = False

    def way(self, packet: Packet) -> Direction:
        return Direction.TO_SERVER if packet.source == self.stream.client else Direction.TO_CLIENT

    def end(self) -> None:
        """Say what the capture lacks, and end the stream."""
        if self.over:
            return
        self.over = True
        for way, flow in self.flows.items():
            if flow.missing:
                start, stop = flow.missing
                self.stream.notes.append(
                    f"{SIDES[way].value} byte {start}: {stop - start} bytes are missing in the capture;"
                    " what follows them is not read"
                )
        self.stream.end()


class Streams:
    """Sorts packets into streams. make: gives a stream for its number, client and server."""

    def __init__(self, make: Callable[[int, Endpoint, Endpoint], Stream]) -> None:
        self.count = 0
        self.skipped: dict[str, int] = {}  # packets that carry no TCP, by the reason
        self._make = make
        self._open: dict[frozenset[Endpoint], _Tcp] = {}

    def add(self, captured: Captured, decode: Callable[[Captured], Packet]) -> None:
        """Take one packet; one that carries no TCP is counted."""
        try:
            packet = decode(captured)
        except DecodeError as error:
            reason = f"{error.layer}: {error.problem}"
            if reason in self.skipped or len(self.skipped) < 20:
                self.skipped[reason] = self.skipped.get(reason, 0) + 1
            return
        ends = frozenset((packet.source, packet.destination))
        tcp = self._open.get(ends)
        if tcp is None or _begins_anew(tcp, packet):
            if tcp is not None:
                tcp.end()
            tcp = self._begin(ends, packet)
        if not tcp.over:
            self._deliver(tcp, packet)

    def end(self) -> None:
        """The capture is over."""
        for tcp in self._open.values():
            tcp.end()
        self._open.clear()

    def _begin(self, ends: frozenset[Endpoint], packet: Packet) -> _Tcp:
        self._open.pop(ends, None)
        if len(self._open) >= _OPEN:
            self._open.pop(next(iter(self._open))).end()
        client, server = _roles(packet)
        tcp = self._open[ends] = _Tcp(self._make(self.count, client, server), packet)
        self.count += 1
        return tcp

    def _deliver(self, tcp: _Tcp, packet: Packet) -> None:
        way = tcp.way(packet)
        flags = packet.segment.flags
        if text := ", ".join(name for flag, name in _MARKED if flags & flag):
            acknowledges = ", ACK" if flags & Flags.SYN and flags & Flags.ACK else ""
            tcp.stream.mark(SIDES[way], packet.time_ns / 1e9, text + acknowledges)
        if flags & Flags.RST:
            return
        try:
            data = tcp.flows[way].add(packet.segment)
        except DecodeError as error:
            tcp.stream.notes.append(f"{SIDES[way].value}: {error}")
            tcp.end()
            return
        if data:
            tcp.stream.feed(SIDES[way], data, packet.time_ns / 1e9)
        if all(flow.finished for flow in tcp.flows.values()):
            tcp.end()


def _begins_anew(tcp: _Tcp, packet: Packet) -> bool:
    """Does a SYN open a new connection between the same ends? The same SYN again is a retransmission."""
    if packet.segment.flags & (Flags.SYN | Flags.ACK | Flags.RST) != Flags.SYN:
        return False
    return not (tcp.first.flags & Flags.SYN and tcp.first.sequence == packet.segment.sequence)


def _roles(packet: Packet) -> tuple[Endpoint, Endpoint]:
    """Client and server by the SYN; without one the lower port is taken for the server's."""
    flags = packet.segment.flags & (Flags.SYN | Flags.ACK)
    if flags == Flags.SYN:
        return packet.source, packet.destination
    if flags == Flags.SYN | Flags.ACK or packet.source.port < packet.destination.port:
        return packet.destination, packet.source
    return packet.source, packet.destination
