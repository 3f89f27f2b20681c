"""Follow every TCP stream of a capture of any size: events out, in the order of the capture, little kept.

Here lives the sorting of segments into streams, numbered as Wireshark numbers them (`tcp.stream`), and the
decision when missing octets are given up. What the octets mean is read by the caller. `stream` keeps whole
conversations instead; this module keeps, of each stream, only what waits behind a gap.

    for event in follow(open_capture(file)):
        match event:
            case Data(stream, direction, time_ns, octets): ...
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import NamedTuple

from netlab.capture.errors import DecodeError
from netlab.capture.flow import Flow
from netlab.capture.packet import Captured, Endpoint
from netlab.capture.pcapng import Secrets
from netlab.capture.segments import NotTcp, Sighting, segment_of
from netlab.capture.stream import Direction
from netlab.capture.tcp import Flags

# Behind a gap at most this much waits, in one stream and in all streams together.
_WAITING_LIMIT, _ALL_WAITING_LIMIT = 4 << 20, 64 << 20

# The receiver acknowledged octets that the capture lacks. The capture may still bring them, a little out of
# order: give them up after this many segments of the same direction.
_PATIENCE = 64

# Streams under way at once, streams that ended and may still see a late packet, and closed streams. The last
# are remembered only so that a late packet opens no new stream.
_STREAMS_LIMIT, _ENDED_LIMIT, _CLOSED_LIMIT = 32_768, 256, 65_536

_KINDS_LIMIT = 64  # different reasons why packets were not read

_FIN, _SYN, _RST, _ACK = (flag.value for flag in (Flags.FIN, Flags.SYN, Flags.RST, Flags.ACK))


class StreamEnd(enum.Enum):
    """How a stream ended, as far as the capture shows it."""

    FIN = "both sides closed"
    RST = "reset"
    OPEN = "still open where the capture ends"


class Opened(NamedTuple):
    """A stream's first packet. certain: a SYN tells which side is the client; else the port tells."""

    stream: int
    time_ns: int
    client: Endpoint
    server: Endpoint
    certain: bool


class Data(NamedTuple):
    """Octets of one direction, in order. time_ns: when the packet came that completed them."""

    stream: int
    direction: Direction
    time_ns: int
    octets: bytes


class Lost(NamedTuple):
    """Octets that the capture does not hold; the next Data of this direction follows behind them."""

    stream: int
    direction: Direction
    time_ns: int
    missing: int


class Flagged(NamedTuple):
    """A packet with SYN, FIN or RST."""

    stream: int
    direction: Direction
    time_ns: int
    flags: Flags


class Closed(NamedTuple):
    """No further event of this stream follows."""

    stream: int
    time_ns: int
    end: StreamEnd


class Unread(NamedTuple):
    """Packets that are no TCP or can't be read, by reason. first: the number of the first one, from 1."""

    reason: str
    packets: int
    first: int


class Damaged(NamedTuple):
    """The capture ends before its time: where and why, and how many whole packets stand before that place."""

    error: DecodeError
    packets: int

    def __str__(self) -> str:
        return f"{self.error}; {self.packets} whole packets stand before it"


Event = Opened | Data | Lost | Flagged | Closed | Unread | Damaged | Secrets


class _Way:
    """One direction of a stream: its flow, what its receiver acknowledged, how long a gap has been there."""

    __slots__ = ("acknowledged", "direction", "flow", "stuck")

    def __init__(self, direction: Direction) -> None:
        self.direction, self.flow = direction, Flow()
        self.acknowledged: int | None = None
        self.stuck = 0

    def hopeless(self) -> bool:
        """Whether the octets that are missing next will not come."""
        gap = self.flow.missing
        if gap is None or self.acknowledged is None or self.stuck <= _PATIENCE:
            return False
        return self.flow.offset(self.acknowledged) >= gap[1]


class _Stream:
    __slots__ = ("client", "first_syn", "number", "reset", "time_ns", "to_client", "to_server")

    def __init__(self, number: int, client: bytes) -> None:
        self.number, self.client = number, client
        self.to_server, self.to_client = _Way(Direction.TO_SERVER), _Way(Direction.TO_CLIENT)
        self.first_syn: int | None = None  # the sequence number of the client's SYN
        self.reset = False
        self.time_ns = 0

    @property
    def end(self) -> StreamEnd:
        if self.reset:
            return StreamEnd.RST
        both = self.to_server.flow.finished and self.to_client.flow.finished
        return StreamEnd.FIN if both else StreamEnd.OPEN


_Key = tuple[bytes, bytes]


class _Follower:
    """The streams under way. Each packet gives events; `finish` gives the last ones."""

    def __init__(self) -> None:
        self._streams: OrderedDict[_Key, _Stream] = OrderedDict()  # the longest idle first
        self._ended: OrderedDict[_Key, None] = OrderedDict()
        self._closed: OrderedDict[_Key, None] = OrderedDict()
        self._count = 0
        self._waiting = 0  # over all streams

    def add(self, time_ns: int, seen: Sighting) -> Iterator[Event]:
        """One segment."""
        key = (seen.source, seen.destination)
        key = key if key[0] < key[1] else (key[1], key[0])
        stream = self._streams.get(key)
        opens = seen.flags & (_SYN | _ACK | _RST) == _SYN
        if stream is None and key in self._closed and not opens:
            return  # a late packet of a closed stream
        if stream is not None and opens and stream.first_syn != seen.sequence:
            yield from self._close(key)
            stream = None
        if stream is None:
            stream, opened = self._open(key, time_ns, seen)
            yield opened
            if len(self._streams) > _STREAMS_LIMIT:
                yield from self._close(next(iter(self._streams)))
        self._streams.move_to_end(key)
        stream.time_ns = time_ns
        yield from self._segment(stream, time_ns, seen)
        if stream.end is not StreamEnd.OPEN and key not in self._ended:
            self._ended[key] = None
            if len(self._ended) > _ENDED_LIMIT:
                yield from self._close(next(iter(self._ended)))

    def _open(self, key: _Key, time_ns: int, seen: Sighting) -> tuple[_Stream, Opened]:
        syn = bool(seen.flags & _SYN)
        # Without a SYN the lower port is taken for the server's.
        lower = seen.source[-2:] < seen.destination[-2:]
        by_server = bool(seen.flags & _ACK) if syn else lower
        client, server = (seen.source, seen.destination)[:: -1 if by_server else 1]
        stream = _Stream(self._count, client)
        self._count += 1
        if syn and not by_server:
            stream.first_syn = seen.sequence
        elif syn:
            stream.first_syn = (seen.acknowledgment - 1) & 0xFFFFFFFF
        self._streams[key] = stream
        self._closed.pop(key, None)
        return stream, Opened(stream.number, time_ns, _endpoint(client), _endpoint(server), syn)

    def _segment(self, stream: _Stream, time_ns: int, seen: Sighting) -> Iterator[Event]:
        way, back = stream.to_server, stream.to_client
        if seen.source != stream.client:
            way, back = back, way
        if seen.flags & (_FIN | _SYN | _RST):
            yield Flagged(stream.number, way.direction, time_ns, Flags(seen.flags))
        if seen.flags & _RST:
            stream.reset = True
            return  # a reset's octets are a diagnosis, not data (RFC 9293 §3.10.7)
        flow, before = way.flow, way.flow.waiting
        data = flow.take(seen.sequence, seen.flags, seen.payload, seen.missing)
        if data:
            yield Data(stream.number, way.direction, time_ns, data)
        if seen.missing:
            behind = seen.sequence + (seen.flags >> 1 & 1) + len(seen.payload)
            if flow.offset(behind & 0xFFFFFFFF) == flow.octets:
                yield from _skip(stream.number, way, time_ns, seen.missing)
        if flow.waiting:
            way.stuck += 1
        self._waiting += flow.waiting - before
        if seen.flags & _ACK:
            back.acknowledged = seen.acknowledgment
            if back.flow.waiting:
                yield from self._give_up(stream, back, time_ns)
        if flow.waiting:
            yield from self._give_up(stream, way, time_ns)

    def _give_up(self, stream: _Stream, way: _Way, time_ns: int) -> Iterator[Event]:
        """Skip gaps that will not close, and those behind which too much waits."""
        before = way.flow.waiting
        while way.flow.waiting and (
            way.flow.waiting > _WAITING_LIMIT or self._waiting > _ALL_WAITING_LIMIT or way.hopeless()
        ):
            yield from _skip(stream.number, way, time_ns)
            self._waiting += way.flow.waiting - before
            before = way.flow.waiting
        if not way.flow.waiting:
            way.stuck = 0

    def _close(self, key: _Key) -> Iterator[Event]:
        stream = self._streams.pop(key)
        if self._ended.pop(key, _ABSENT) is not _ABSENT:
            self._closed[key] = None
            if len(self._closed) > _CLOSED_LIMIT:
                self._closed.popitem(last=False)
        for way in (stream.to_server, stream.to_client):
            self._waiting -= way.flow.waiting
            while way.flow.missing is not None:
                yield from _skip(stream.number, way, stream.time_ns)
        yield Closed(stream.number, stream.time_ns, stream.end)

    def finish(self) -> Iterator[Event]:
        """The capture is over: what waits behind gaps, then the end of every stream, in their order."""
        for key in sorted(self._streams, key=lambda each: self._streams[each].number):
            yield from self._close(key)


_ABSENT = object()


def _skip(number: int, way: _Way, time_ns: int, most: int | None = None) -> Iterator[Event]:
    count, data = way.flow.skip(most)
    if count:
        yield Lost(number, way.direction, time_ns, count)
    if data:
        yield Data(number, way.direction, time_ns, data)


def _endpoint(end: bytes) -> Endpoint:
    return Endpoint(str(ip_address(end[:-2])), int.from_bytes(end[-2:], "big"))


def follow(items: Iterable[Captured | Secrets]) -> Iterator[Event]:
    """Every TCP stream of a capture, as events in the order of the capture; linear in time, flat in memory.

    items: what `open_capture` or a pcapng reader gives. A DecodeError of theirs ends the capture there and
    comes out as Damaged. Packets that are not read come out as Unread, at the end, counted by reason.
    """
    follower, packets = _Follower(), 0
    unread: dict[str, list[int]] = {}
    damaged: Damaged | None = None
    source = iter(items)
    while True:
        try:
            item = next(source)
        except StopIteration:
            break
        except DecodeError as error:
            damaged = Damaged(error, packets)
            break
        if isinstance(item, Secrets):
            yield item
            continue
        packets += 1
        try:
            seen = segment_of(item)
        except DecodeError as error:
            _count(unread, error, packets)
            continue
        yield from follower.add(item.time_ns, seen)
    yield from follower.finish()
    for reason, (count, first) in unread.items():
        yield Unread(reason, count, first)
    if damaged is not None:
        yield damaged


def _count(unread: dict[str, list[int]], error: DecodeError, packet: int) -> None:
    reason = error.what if isinstance(error, NotTcp) else error.problem
    if reason not in unread and len(unread) >= _KINDS_LIMIT:
        reason = "other"
    unread.setdefault(reason, [0, packet])[0] += 1
