"""TCP conversations kept whole: the packets of a connection, and the octets of each side in order.

Here lives one connection with both its directions (`Conversation`) and the sorting of packets into
conversations (`Reassembler`). Everything is kept, for diagrams; `following` reads captures of any size and
keeps nothing. Nothing here sends or acknowledges: it reads a capture and is not an endpoint.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from netlab.capture.errors import DecodeError
from netlab.capture.flow import Flow
from netlab.capture.packet import Endpoint, Packet
from netlab.capture.tcp import Flags

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
            return  # a reset's octets are a diagnosis, not data (RFC 9293 §3.10.7)
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
        """Give a packet to its conversation, or to a new one that it opens. Return that conversation."""
        ends = frozenset((packet.source, packet.destination))
        conversation = self._current.get(ends)
        if conversation is None or _opens_new_connection(conversation, packet):
            client, server = _roles(packet)
            conversation = Conversation(client, server, packet.time_ns)
            self.conversations.append(conversation)
            self._current[ends] = conversation
        conversation.add(packet)
        return conversation


def _opens_new_connection(conversation: Conversation, packet: Packet) -> bool:
    """Whether a SYN opens a new connection between the same ends; the same SYN again is a retransmission."""
    if packet.segment.flags & _OPENING != Flags.SYN:
        return False
    first = conversation.packets[0].segment
    return not (first.flags & Flags.SYN and first.sequence == packet.segment.sequence)


def _roles(packet: Packet) -> tuple[Endpoint, Endpoint]:
    """Client and server. The SYN tells them; without a SYN the lower port counts as the server's."""
    flags = packet.segment.flags & (Flags.SYN | Flags.ACK)
    if flags == Flags.SYN:
        return packet.source, packet.destination
    if flags == Flags.SYN | Flags.ACK or packet.source.port < packet.destination.port:
        return packet.destination, packet.source
    return packet.source, packet.destination
