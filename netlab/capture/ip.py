"""IPv4 (RFC 791) and IPv6 (RFC 8200) headers, decoded into one kind of value.

Here lives what carries TCP: addresses, the protocol, the payload cut to the length the header states.
Fragments are recognised, not reassembled; option contents and IPv6 extension headers are stepped over.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from netlab.capture.checksum import internet_checksum, ones_complement_sum
from netlab.capture.errors import DecodeError

PROTOCOL_TCP = 6

_V4_HEADER = struct.Struct("!BBHHHBBH4s4s")
_V6_HEADER = struct.Struct("!IHBB16s16s")

# RFC 8200 §4: the headers that may stand between the IPv6 header and TCP, all "next header, length in
# units of 8 octets less the first". The fragment header has a fixed length and is read apart.
_V6_STEPPED_OVER = {0: "hop-by-hop options", 43: "routing", 60: "destination options"}
_V6_FRAGMENT = 44
# Four kinds exist and each occurs once or twice: more than this is an attack on the decoder, not a packet.
_V6_MOST_EXTENSIONS = 8


@dataclass(frozen=True, slots=True)
class Datagram:
    """One IP packet.

    protocol: the protocol of the payload (6 is TCP); hops: time to live or hop limit; header_length:
    octets before the payload, options and extension headers included; fragment: the payload is a part of
    something longer.
    """

    source: IPv4Address | IPv6Address
    destination: IPv4Address | IPv6Address
    protocol: int
    hops: int
    payload: bytes
    header_length: int
    fragment: bool = False

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.source.version

    def pseudo_header(self) -> bytes:
        """What TCP's checksum covers besides the segment itself (RFC 9293 §3.1, RFC 8200 §8.1)."""
        addresses = self.source.packed + self.destination.packed
        if self.version == 4:
            return addresses + struct.pack("!BBH", 0, self.protocol, len(self.payload))
        return addresses + struct.pack("!IxxxB", len(self.payload), self.protocol)


def decode(data: bytes) -> Datagram:
    """Decode one IP packet; octets after the stated length (link padding) are dropped. Raises DecodeError."""
    if not data:
        raise DecodeError("IP", 0, "nothing to decode", "RFC 791 §3.1: the first octet holds the version")
    version = data[0] >> 4
    if version == 4:
        return _decode_v4(data)
    if version == 6:
        return _decode_v6(data)
    raise DecodeError("IP", 0, f"version {version}", "the version is 4 (RFC 791 §3.1) or 6 (RFC 8200 §3)")


def _decode_v4(data: bytes) -> Datagram:
    if len(data) < _V4_HEADER.size:
        raise DecodeError(
            "IPv4", len(data), "the packet ends inside its header", "RFC 791 §3.1: at least 20 octets"
        )
    first, _, length, _, fragment, hops, protocol, _, source, destination = _V4_HEADER.unpack_from(data)
    header_length = (first & 0x0F) * 4
    if header_length < _V4_HEADER.size:
        raise DecodeError(
            "IPv4", 0, f"a header of {header_length} octets", "RFC 791 §3.1: at least 20 octets"
        )
    if length < header_length:
        raise DecodeError("IPv4", 2, f"total length {length}", "RFC 791 §3.1: it includes the header")
    if length > len(data):
        raise DecodeError(
            "IPv4", 2, f"total length {length}, only {len(data)} octets here", "the packet is cut short"
        )
    if ones_complement_sum(data[:header_length]) != 0xFFFF:
        raise DecodeError("IPv4", 10, "the header checksum does not match", "RFC 791 §3.1")
    return Datagram(
        IPv4Address(source), IPv4Address(destination), protocol, hops, data[header_length:length],
        header_length, fragment=bool(fragment & 0x3FFF),  # more-fragments flag or an offset
    )  # fmt: skip


def _decode_v6(data: bytes) -> Datagram:
    if len(data) < _V6_HEADER.size:
        raise DecodeError("IPv6", len(data), "the packet ends inside its header", "RFC 8200 §3: 40 octets")
    _, length, following, hops, source, destination = _V6_HEADER.unpack_from(data)
    end = _V6_HEADER.size + length
    if end > len(data):
        raise DecodeError(
            "IPv6", 4, f"payload length {length}, only {len(data) - 40} here", "the packet is cut short"
        )
    protocol, start, fragment = _step_over_extensions(data[:end], following)
    return Datagram(
        IPv6Address(source),
        IPv6Address(destination),
        protocol,
        hops,
        data[start:end],
        start,
        fragment=fragment,
    )


def _step_over_extensions(data: bytes, following: int) -> tuple[int, int, bool]:
    """Walk the extension headers: the protocol behind them, where it starts, whether it is a fragment."""
    start, fragment = _V6_HEADER.size, False
    for _ in range(_V6_MOST_EXTENSIONS):
        if following not in _V6_STEPPED_OVER and following != _V6_FRAGMENT:
            return following, start, fragment
        if len(data) < start + 8:
            raise DecodeError("IPv6", start, "the packet ends inside an extension header", "RFC 8200 §4")
        if following == _V6_FRAGMENT:
            # An "atomic" fragment is whole: offset 0 and no more to come (RFC 6946).
            fragment = bool(int.from_bytes(data[start + 2 : start + 4], "big") & 0xFFF9)
            length = 8
        else:
            length = 8 + data[start + 1] * 8
        following, start = data[start], start + length
        if start > len(data):
            raise DecodeError(
                "IPv6", start - length, "an extension header longer than the packet", "RFC 8200 §4"
            )
        if fragment:
            return following, start, fragment
    raise DecodeError("IPv6", start, f"more than {_V6_MOST_EXTENSIONS} extension headers", "RFC 8200 §4.1")


def encode(datagram: Datagram) -> bytes:
    """The octets of a packet with a plain header (no options, not fragmented), its checksum filled in."""
    source, destination = datagram.source.packed, datagram.destination.packed
    size = len(datagram.payload)
    if datagram.version == 6:
        return (
            _V6_HEADER.pack(6 << 28, size, datagram.protocol, datagram.hops, source, destination)
            + datagram.payload
        )
    # Don't Fragment, as TCP sets it to discover the path's MTU (RFC 1191).
    parts = [0x45, 0, 20 + size, 0, 0x4000, datagram.hops, datagram.protocol, 0, source, destination]
    parts[7] = internet_checksum(_V4_HEADER.pack(*parts))
    return _V4_HEADER.pack(*parts) + datagram.payload
