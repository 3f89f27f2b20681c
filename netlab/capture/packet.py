"""One captured packet, all layers at once: link, IP, TCP.

Here lives the way down the layers and back up again. Where the octets come from (a socket, a file, a relay's
recording) is not known here; every such source gives `Captured` values. This decoder is strict: it refuses
what breaks a rule. `segments` reads leniently what a trace can still use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from netlab.capture import ethernet, ip, tcp
from netlab.capture.errors import DecodeError
from netlab.capture.link import LINK_ETHERNET, network_layer


class Endpoint(NamedTuple):
    """One end of a connection."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Captured:
    """One packet as captured: its octets, and when, in nanoseconds since 1970 (UTC).

    link_type: a LINKTYPE_ number, which says what the octets start with (1 is Ethernet); comment: a remark
    stored with the packet.
    """

    time_ns: int
    data: bytes
    link_type: int = 1
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Packet:
    """A captured TCP packet, decoded. size: octets of the whole packet as captured."""

    time_ns: int
    datagram: ip.Datagram
    segment: tcp.Segment
    size: int

    @property
    def source(self) -> Endpoint:
        """The sender's address and port."""
        return Endpoint(str(self.datagram.source), self.segment.source_port)

    @property
    def destination(self) -> Endpoint:
        """The receiver's address and port."""
        return Endpoint(str(self.datagram.destination), self.segment.destination_port)

    @property
    def checksum(self) -> tcp.Checksum:
        """Whether TCP's checksum holds, or was left to the network card as on loopback."""
        return tcp.checksum_state(self.datagram.payload, self.datagram.pseudo_header())


def decode(captured: Captured) -> Packet:
    """Decode link, IP and TCP. Raises DecodeError when a layer is malformed or the packet carries no TCP."""
    ethertype, start = network_layer(captured.link_type, captured.data)
    if ethertype not in (ethernet.ETHERTYPE_IPV4, ethernet.ETHERTYPE_IPV6):
        raise DecodeError("link", 0, f"ethertype 0x{ethertype:04x}", "only IPv4 and IPv6 carry TCP")
    datagram = ip.decode(captured.data[start:])
    if datagram.protocol != ip.PROTOCOL_TCP:
        raise DecodeError("IP", 0, f"protocol {datagram.protocol}", "TCP is protocol 6")
    if datagram.fragment:
        raise DecodeError(
            "IP", 0, "a fragment", "this decoder does not put fragments together (RFC 791 §3.2)"
        )
    return Packet(captured.time_ns, datagram, tcp.decode(datagram.payload), len(captured.data))


def encode(datagram: ip.Datagram, segment: tcp.Segment, time_ns: int, comment: str = "") -> Captured:
    """An Ethernet packet that carries segment between the addresses of datagram, all checksums right."""
    draft = _with_payload(datagram, tcp.encode(segment))
    whole = _with_payload(datagram, tcp.with_checksum(draft.payload, draft.pseudo_header()))
    ethertype = ethernet.ETHERTYPE_IPV4 if whole.version == 4 else ethernet.ETHERTYPE_IPV6
    frame = ethernet.Frame(bytes(6), bytes(6), ethertype, ip.encode(whole))
    return Captured(time_ns, ethernet.encode(frame), LINK_ETHERNET, comment)


def _with_payload(datagram: ip.Datagram, payload: bytes) -> ip.Datagram:
    return ip.Datagram(datagram.source, datagram.destination, ip.PROTOCOL_TCP, datagram.hops, payload, 20)
