"""TCP segments as a trace needs them: what can still be read of a packet, read in a few steps.

Here lives a lenient reader. It ignores checksums, since a network card often fills them in after the capture.
It takes a total length of 0, where the card cuts the packet up later, and packets that the capture cut short.
`packet.decode` is the strict reader, with every field.
"""

from __future__ import annotations

from typing import NamedTuple

from netlab.capture.errors import DecodeError
from netlab.capture.ethernet import ETHERTYPE_IPV4, ETHERTYPE_IPV6
from netlab.capture.ip import PROTOCOL_TCP
from netlab.capture.link import network_layer
from netlab.capture.packet import Captured

_V4, _V6 = 20, 40

# RFC 8200 §4: hop-by-hop options, routing, destination options. Authentication counts in fours (RFC 4302).
_EXTENSIONS = frozenset({0, 43, 60})
_FRAGMENT, _AUTHENTICATION = 44, 51
_MOST_EXTENSIONS = 8

_PROTOCOLS = {
    1: "ICMP", 2: "IGMP", 4: "IPv4 in IP", 17: "UDP", 41: "IPv6 in IP", 47: "GRE", 50: "ESP", 58: "ICMPv6",
    59: "no next header", 89: "OSPF", 132: "SCTP",
}  # fmt: skip
_ETHERTYPES = {
    0x0806: "ARP", 0x8035: "RARP", 0x8848: "MPLS multicast", 0x8863: "PPPoE discovery",
    0x888E: "EAPOL", 0x88CC: "LLDP", 0x88E5: "MACsec",
}  # fmt: skip


class Sighting(NamedTuple):
    """One TCP segment.

    source, destination: address and port as octets; missing: octets of the payload that were not captured.
    """

    source: bytes
    destination: bytes
    sequence: int
    acknowledgment: int
    flags: int
    payload: bytes
    missing: int


class NotTcp(DecodeError):
    """A packet that carries no TCP that can be read; `what` names it in a few words."""

    def __init__(self, what: str, offset: int = 0) -> None:
        super().__init__("packet", offset, what, "only TCP over IPv4 and IPv6 is read")
        self.what = what


def segment_of(captured: Captured) -> Sighting:
    """The TCP segment of a captured packet. Raises NotTcp, or DecodeError where its link is not read."""
    data = captured.data
    kind, at = network_layer(captured.link_type, data)
    if kind == ETHERTYPE_IPV4:
        start, end, addresses = _v4(data, at)
    elif kind == ETHERTYPE_IPV6:
        start, end, addresses = _v6(data, at)
    else:
        raise NotTcp(_ETHERTYPES.get(kind, f"ethertype 0x{kind:04x}"))
    if len(data) < start + 20:
        raise NotTcp("a packet that was captured without its whole TCP header", len(data))
    payload = start + (data[start + 12] >> 4) * 4
    if payload < start + 20 or payload > end:
        raise NotTcp("a TCP header with an impossible length", start + 12)
    half = len(addresses) // 2
    return Sighting(
        addresses[:half] + data[start : start + 2],
        addresses[half:] + data[start + 2 : start + 4],
        int.from_bytes(data[start + 4 : start + 8], "big"),
        int.from_bytes(data[start + 8 : start + 12], "big"),
        data[start + 13],
        data[payload:end],
        max(0, end - max(len(data), payload)),
    )


def _v4(data: bytes, at: int) -> tuple[int, int, bytes]:
    """Where the segment starts and ends, and both addresses (RFC 791 §3.1)."""
    if len(data) < at + _V4 or data[at] >> 4 != 4:
        raise NotTcp("an IPv4 packet without a readable header", at)
    start = at + (data[at] & 15) * 4
    total = data[at + 2] << 8 | data[at + 3]
    if start < at + _V4 or 0 < total < start - at:
        raise NotTcp("an IPv4 header with an impossible length", at)
    if data[at + 6] & 0x3F or data[at + 7]:  # more fragments follow, or this one is not the first
        raise NotTcp("a fragment of an IPv4 packet (fragments are not put together)", at + 6)
    if data[at + 9] != PROTOCOL_TCP:
        raise NotTcp(_PROTOCOLS.get(data[at + 9], f"IP protocol {data[at + 9]}"), at + 9)
    # Length 0: the capture saw the packet before the network card cut it up (segmentation offload).
    return start, at + total if total else len(data), data[at + 12 : at + 20]


def _v6(data: bytes, at: int) -> tuple[int, int, bytes]:
    """Where the segment starts and ends, and both addresses (RFC 8200 §3)."""
    if len(data) < at + _V6 or data[at] >> 4 != 6:
        raise NotTcp("an IPv6 packet without a readable header", at)
    length, following, start = data[at + 4] << 8 | data[at + 5], data[at + 6], at + _V6
    end = start + length if length else len(data)  # 0: segmentation offload, or a jumbogram (RFC 2675)
    for _ in range(_MOST_EXTENSIONS):
        if following == PROTOCOL_TCP:
            return start, end, data[at + 8 : at + 40]
        if len(data) < start + 8:
            raise NotTcp("an IPv6 packet without its whole headers", start)
        if following in _EXTENSIONS:
            size = 8 + data[start + 1] * 8
        elif following == _AUTHENTICATION:
            size = 8 + data[start + 1] * 4
        elif following == _FRAGMENT:
            size = 8
            if data[start + 2] or data[start + 3] & 0xF9:  # an atomic fragment is whole (RFC 6946)
                raise NotTcp("a fragment of an IPv6 packet (fragments are not put together)", start)
        else:
            raise NotTcp(_PROTOCOLS.get(following, f"IP protocol {following}"), start)
        following, start = data[start], start + size
    raise NotTcp(f"an IPv6 packet with more than {_MOST_EXTENSIONS} extension headers", start)
