"""TCP reassembly: packets in any order in, the octets of each side in order out (RFC 9293 §3.4, §3.10).

Here lives one direction (`Flow`), both directions (`Conversation`) and the sorting of packets into
conversations (`Reassembler`). Nothing here sends, acknowledges or estimates: it is the reader of a
capture, not an endpoint.
"""

from __future__ import annotations

import bisect
import enum
from collections.abc import Iterable
from dataclasses import dataclass

from netlab.capture.errors import DecodeError
from netlab.capture.packet import Endpoint, Packet
from netlab.capture.tcp import Flags, Segment

# No window is larger (RFC 7323 §2.3: 65,535 shifted by 14): what lies further ahead is no part of this
# stream.
_LARGEST_WINDOW = 1 << 30

# What one piece that waits out of order costs besides its octets, so that a flood of tiny pieces is
# bounded too.
_COST_OF_A_PIECE = 64

_WAITING_LIMIT = 16 << 20
_CONVERSATION_LIMIT = 256 << 20


class Direction(enum.Enum):
    """Which way octets travel. The client is the side that sent the first SYN."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"

    @property
    def opposite(self) -> Direction:
        """The other way."""
        return Direction.TO_CLIENT if self is Direction.TO_SERVER else Direction.TO_SERVER


@dataclass(frozen=True, slots=True)
class Chunk:
    """Octets that went one way; time is in seconds since the conversation began."""

    direction: Direction
    time: float
    data: bytes


class Flow:
    """One direction of a connection: segments in any order become octets in order.

    Numbers inside count from 0 and never wrap; only `_offset` knows of the 32 bits on the wire. Where two
    segments bring different octets for the same place, the first to arrive stands, and the difference is
    counted.
    """

    def __init__(self, waiting_limit: int = _WAITING_LIMIT) -> None:
        self.octets = 0  # delivered in order
        self.retransmitted = 0  # octets that came again
        self.out_of_order = 0  # segments that came before their turn
        self.conflicts = 0  # octets that came again and differed, as far as the first copy was still here
        self.outside = 0  # segments that no window could hold
        self.finished = False  # everything up to the FIN was delivered
        self._base: int | None = None  # the sequence number of octet 0
        self._end: int | None = None  # where the FIN stands
        self._waiting: list[tuple[int, bytes]] = []  # sorted, not overlapping, all beyond self.octets
        self._cost = 0
        self._limit = waiting_limit

    @property
    def missing(self) -> tuple[int, int] | None:
        """The first gap as offsets (start, stop), or None when nothing is known to be missing."""
        if self._waiting:
            return self.octets, self._waiting[0][0]
        if self._end is not None and self.octets < self._end:
            return self.octets, self._end
        return None

    def relative(self, sequence: int) -> int:
        """A sequence number counted as tools do: the SYN is 0, the first octet (of those seen) is 1."""
        base = sequence if self._base is None else self._base
        return (sequence - base + 1) & 0xFFFFFFFF

    def add(self, segment: Segment) -> bytes:
        """Take one segment; return the octets that are now in order, often none. Raises DecodeError."""
        syn = bool(segment.flags & Flags.SYN)
        sequence = (segment.sequence + syn) & 0xFFFFFFFF  # the SYN itself uses one number
        if self._base is None:
            self._base = sequence
        offset = self._offset(sequence)
        if offset - self.octets > _LARGEST_WINDOW:
            self.outside += 1
            return b""
        end = offset + len(segment.payload)
        if segment.flags & Flags.FIN and self._end is None and end >= self.octets:
            self._end = end
        self._insert(offset, segment.payload)
        delivered = self._deliver()
        if self._cost > self._limit:
            raise DecodeError(
                "TCP stream",
                self.octets,
                f"more than {self._limit} octets wait for it",
                "a bound of this reader",
            )
        self.finished = self._end is not None and self.octets >= self._end
        return delivered

    def _offset(self, sequence: int) -> int:
        """The place of a sequence number in the whole stream: the one nearest to what was delivered last."""
        assert self._base is not None
        distance = (sequence - self._base - self.octets) & 0xFFFFFFFF
        # RFC 9293 §3.4: numbers are compared modulo 2**32; the upper half means "before".
        return self.octets + (distance - (1 << 32) if distance >= 1 << 31 else distance)

    def _insert(self, offset: int, data: bytes) -> None:
        """Keep those octets of data that are new, cut into pieces that overlap nothing."""
        already = max(0, min(self.octets - offset, len(data)))
        self.retransmitted += already
        offset, data = offset + already, data[already:]
        if self._end is not None:
            data = data[: max(0, self._end - offset)]  # nothing can follow the FIN
        if data and offset > self.octets:
            self.out_of_order += 1
        while data:
            at = bisect.bisect_right(self._waiting, offset, key=lambda piece: piece[0])
            if at and (overlap := self._waiting[at - 1][0] + len(self._waiting[at - 1][1]) - offset) > 0:
                self._compare(self._waiting[at - 1], offset, data[:overlap])
                offset, data = offset + min(overlap, len(data)), data[overlap:]
                continue
            room = self._waiting[at][0] - offset if at < len(self._waiting) else len(data)
            self._keep(at, offset, data[:room])
            offset, data = offset + min(room, len(data)), data[room:]

    def _compare(self, piece: tuple[int, bytes], offset: int, again: bytes) -> None:
        start = offset - piece[0]
        first = piece[1][start : start + len(again)]
        self.retransmitted += len(first)
        self.conflicts += sum(a != b for a, b in zip(first, again, strict=False))

    def _keep(self, at: int, offset: int, data: bytes) -> None:
        self._cost += len(data) + _COST_OF_A_PIECE
        self._waiting.insert(at, (offset, data))

    def _deliver(self) -> bytes:
        ready = 0
        reach = self.octets
        while ready < len(self._waiting) and self._waiting[ready][0] == reach:
            reach += len(self._waiting[ready][1])
            ready += 1
        pieces = [data for _, data in self._waiting[:ready]]
        del self._waiting[:ready]
        self._cost -= sum(len(data) + _COST_OF_A_PIECE for data in pieces)
        self.octets = reach
        return b"".join(pieces)


class Conversation:
    """One TCP connection as a capture shows it: its packets, and the octets of both directions in order."""

    def __init__(self, client: Endpoint, server: Endpoint, started_ns: int) -> None:
        self.client, self.server, self.started_ns = client, server, started_ns
        self.packets: list[Packet] = []
        self.chunks: list[Chunk] = []
        self.flows = {Direction.TO_SERVER: Flow(), Direction.TO_CLIENT: Flow()}
        self.reset_by: Direction | None = None  # the way the first RST went

    def direction(self, packet: Packet) -> Direction:
        """Which way a packet of this conversation goes."""
        return Direction.TO_SERVER if packet.source == self.client else Direction.TO_CLIENT

    def time(self, packet: Packet) -> float:
        """Seconds from the first packet of this conversation to packet."""
        return (packet.time_ns - self.started_ns) / 1e9

    def content(self, direction: Direction) -> bytes:
        """Everything that went one way, as far as it is in order."""
        return b"".join(chunk.data for chunk in self.chunks if chunk.direction is direction)

    @property
    def closed(self) -> bool:
        """Both sides finished and acknowledged that, or one of them reset the connection."""
        return self.reset_by is not None or all(self._fin_acknowledged(way) for way in Direction)

    @property
    def handshake(self) -> tuple[Packet, Packet, Packet] | None:
        """SYN, SYN-ACK and the ACK that completes them (RFC 9293 §3.5); None when one is not there."""
        wanted = iter(_HANDSHAKE)
        direction, flags = next(wanted)
        found: list[Packet] = []
        for packet in self.packets:
            if self.direction(packet) is direction and packet.segment.flags & _OPENING == flags:
                found.append(packet)
                if len(found) == len(_HANDSHAKE):
                    return found[0], found[1], found[2]
                direction, flags = next(wanted)
        return None

    def add(self, packet: Packet) -> None:
        """Take one more packet of this connection. Raises DecodeError beyond the bounds of the reader."""
        direction, segment = self.direction(packet), packet.segment
        self.packets.append(packet)
        if segment.flags & Flags.RST:
            self.reset_by = self.reset_by or direction
            return  # the octets of a reset are a diagnosis, not data (RFC 9293 §3.10.7)
        data = self.flows[direction].add(segment)
        if data:
            self.chunks.append(Chunk(direction, self.time(packet), data))
        if sum(flow.octets for flow in self.flows.values()) > _CONVERSATION_LIMIT:
            problem = f"a conversation of more than {_CONVERSATION_LIMIT} octets"
            raise DecodeError("TCP stream", _CONVERSATION_LIMIT, problem, "a bound of this reader")

    def _fin_acknowledged(self, direction: Direction) -> bool:
        flow = self.flows[direction]
        last = flow.octets + 2  # SYN and FIN use one number each
        return flow.finished and any(
            flow.relative(packet.segment.acknowledgment) == last
            for packet in reversed(self.packets)
            if self.direction(packet) is direction.opposite and packet.segment.flags & Flags.ACK
        )


_OPENING = Flags.SYN | Flags.ACK | Flags.RST
_HANDSHAKE = (
    (Direction.TO_SERVER, Flags.SYN),
    (Direction.TO_CLIENT, Flags.SYN | Flags.ACK),
    (Direction.TO_SERVER, Flags.ACK),
)


class Reassembler:
    """Sorts the packets of a capture into conversations, in the order in which they began."""

    def __init__(self, packets: Iterable[Packet] = ()) -> None:
        self.conversations: list[Conversation] = []
        self._current: dict[frozenset[Endpoint], Conversation] = {}
        for packet in packets:
            self.add(packet)

    def add(self, packet: Packet) -> Conversation:
        """Give one packet to its conversation, a new one where it begins one; return that conversation."""
        ends = frozenset((packet.source, packet.destination))
        conversation = self._current.get(ends)
        if conversation is None or _begins_anew(conversation, packet):
            client, server = _roles(packet)
            conversation = Conversation(client, server, packet.time_ns)
            self.conversations.append(conversation)
            self._current[ends] = conversation
        conversation.add(packet)
        return conversation


def _begins_anew(conversation: Conversation, packet: Packet) -> bool:
    """Whether a SYN opens a new connection between the same ends; the same SYN again is a retransmission."""
    if packet.segment.flags & _OPENING != Flags.SYN:
        return False
    first = conversation.packets[0].segment
    return not (first.flags & Flags.SYN and first.sequence == packet.segment.sequence)


def _roles(packet: Packet) -> tuple[Endpoint, Endpoint]:
    """Client and server, told by the SYN; without one the lower port is taken for the server's."""
    flags = packet.segment.flags & (Flags.SYN | Flags.ACK)
    if flags == Flags.SYN:
        return packet.source, packet.destination
    if flags == Flags.SYN | Flags.ACK or packet.source.port < packet.destination.port:
        return packet.destination, packet.source
    return packet.source, packet.destination
