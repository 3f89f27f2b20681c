"""Packets that a recorded conversation could have had: tools then open what no raw socket captured.

A relay records octets and times, not packets. Here a handshake, acknowledgments and a close are put around
those octets. Each packet carries a comment that says so: a reader must not take it for a captured one.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from netlab.capture import ip, tcp
from netlab.capture.packet import Captured, Endpoint, encode
from netlab.capture.stream import Chunk, Direction
from netlab.capture.tcp import Flags, Options

COMMENT = "composed by netlab from a recording: the octets are real, the packets are not"

# What fits one IPv4 packet of 65,535 octets less two headers of 20: loopback packets are this large too.
_LARGEST_PAYLOAD = 65_495
_WINDOW = 65_535


class _Side:
    """One end of the connection: both endpoints, and its next sequence number."""

    def __init__(self, here: Endpoint, there: Endpoint) -> None:
        self.here, self.there, self.next = here, there, 0

    def packet(
        self,
        time_ns: int,
        flags: Flags,
        acknowledgment: int,
        data: bytes = b"",
        options: Options | None = None,
    ) -> Captured:
        segment = tcp.Segment(
            self.here.port,
            self.there.port,
            self.next,
            acknowledgment,
            flags,
            _WINDOW,
            data,
            options or Options(),
        )
        self.next = (self.next + segment.length) & 0xFFFFFFFF
        source, destination = ip_address(self.here.address), ip_address(self.there.address)
        return encode(
            ip.Datagram(source, destination, ip.PROTOCOL_TCP, 64, b"", 20), segment, time_ns, COMMENT
        )


def compose(client: Endpoint, server: Endpoint, chunks: Iterable[Chunk], started_ns: int) -> list[Captured]:
    """Packets that carry chunks between client and server: handshake, data each acknowledged, close.

    Chunks must be in order of time; their times count from started_ns (nanoseconds since 1970).
    """
    sides = {Direction.TO_SERVER: _Side(client, server), Direction.TO_CLIENT: _Side(server, client)}
    client_side, server_side = sides[Direction.TO_SERVER], sides[Direction.TO_CLIENT]
    syn_options = Options(mss=_LARGEST_PAYLOAD, sack_permitted=True)
    packets = [
        client_side.packet(started_ns, Flags.SYN, 0, options=syn_options),
        server_side.packet(started_ns, Flags.SYN | Flags.ACK, client_side.next, options=syn_options),
        client_side.packet(started_ns, Flags.ACK, server_side.next),
    ]
    now = started_ns
    for chunk in chunks:
        now = started_ns + round(chunk.time * 1e9)
        sender, receiver = sides[chunk.direction], sides[chunk.direction.opposite]
        for start in range(0, len(chunk.data), _LARGEST_PAYLOAD):
            piece = chunk.data[start : start + _LARGEST_PAYLOAD]
            packets.append(sender.packet(now, Flags.PSH | Flags.ACK, receiver.next, piece))
            packets.append(receiver.packet(now, Flags.ACK, sender.next))
    packets.append(client_side.packet(now, Flags.FIN | Flags.ACK, server_side.next))
    packets.append(server_side.packet(now, Flags.FIN | Flags.ACK, client_side.next))
    packets.append(client_side.packet(now, Flags.ACK, server_side.next))
    return packets
