"""Every field of a captured Ethernet packet, named: the ranges for an annotated hexdump of its headers."""

from __future__ import annotations

from netlab.capture import ethernet
from netlab.capture.hexdump import Range
from netlab.capture.link import LINK_ETHERNET, network_layer
from netlab.capture.packet import Captured, Packet, decode

_OPTION_NAMES = {
    0: "end of options", 1: "no operation", 2: "maximum segment size", 3: "window scale", 4: "SACK permitted",
    5: "SACK blocks", 8: "timestamps",
}  # fmt: skip


def annotate(captured: Captured) -> list[Range]:
    """The fields of an Ethernet packet that carries TCP. Raises DecodeError; ValueError for another link."""
    if captured.link_type != LINK_ETHERNET:
        raise ValueError(f"link type {captured.link_type}: only Ethernet packets (1) are annotated")
    packet = decode(captured)
    _, at = network_layer(captured.link_type, captured.data)
    internet = _v4(packet, at) if packet.datagram.version == 4 else _v6(packet, at)
    return _ethernet(captured.data, at) + internet + _tcp(packet, at + packet.datagram.header_length)


def _ethernet(data: bytes, end: int) -> list[Range]:
    frame = ethernet.decode(data)
    ethertype = int.from_bytes(data[end - 2 : end], "big")
    tags = [
        Range(at, at + 4, f"VLAN {int.from_bytes(data[at + 2 : at + 4], 'big') & 0x0FFF}")
        for at in range(12, end - 2, 4)
    ]
    return [
        Range(0, 6, f"Ethernet destination {frame.destination.hex(':')}"),
        Range(6, 12, f"Ethernet source {frame.source.hex(':')}"),
        *tags,
        Range(end - 2, end, f"type 0x{ethertype:04x}: {'IPv4' if ethertype == 0x0800 else 'IPv6'}"),
    ]


def _v4(packet: Packet, at: int) -> list[Range]:
    datagram = packet.datagram
    total = datagram.header_length + len(datagram.payload)
    ranges = [
        Range(at, at + 1, f"version 4, header of {datagram.header_length} octets"),
        Range(at + 1, at + 2, "differentiated services and ECN"),
        Range(at + 2, at + 4, f"total length {total}"),
        Range(at + 4, at + 6, "identification"),
        Range(at + 6, at + 8, "flags and fragment offset"),
        Range(at + 8, at + 9, f"time to live {datagram.hops}"),
        Range(at + 9, at + 10, "protocol 6: TCP"),
        Range(at + 10, at + 12, "header checksum"),
        Range(at + 12, at + 16, f"source {datagram.source}"),
        Range(at + 16, at + 20, f"destination {datagram.destination}"),
    ]
    if datagram.header_length > 20:
        ranges.append(Range(at + 20, at + datagram.header_length, "IPv4 options"))
    return ranges


def _v6(packet: Packet, at: int) -> list[Range]:
    datagram = packet.datagram
    ranges = [
        Range(at, at + 4, "version 6, traffic class, flow label"),
        Range(at + 4, at + 6, "payload length"),
        Range(at + 6, at + 7, "next header"),
        Range(at + 7, at + 8, f"hop limit {datagram.hops}"),
        Range(at + 8, at + 24, f"source {datagram.source}"),
        Range(at + 24, at + 40, f"destination {datagram.destination}"),
    ]
    if datagram.header_length > 40:
        ranges.append(Range(at + 40, at + datagram.header_length, "IPv6 extension headers"))
    return ranges


def _tcp(packet: Packet, at: int) -> list[Range]:
    segment = packet.segment
    ranges = [
        Range(at, at + 2, f"source port {segment.source_port}"),
        Range(at + 2, at + 4, f"destination port {segment.destination_port}"),
        Range(at + 4, at + 8, f"sequence number {segment.sequence}"),
        Range(at + 8, at + 12, f"acknowledgment number {segment.acknowledgment}"),
        Range(at + 12, at + 14, f"header of {segment.header_length} octets, flags {segment.flags.names}"),
        Range(at + 14, at + 16, f"window {segment.window}"),
        Range(at + 16, at + 18, f"checksum: {packet.checksum.value}"),
        Range(at + 18, at + 20, f"urgent pointer {segment.urgent}"),
        *_options(packet.datagram.payload[20 : segment.header_length], at + 20),
    ]
    end = at + segment.header_length
    if segment.payload:
        ranges.append(Range(end, end + len(segment.payload), f"{len(segment.payload)} octets of data"))
    return ranges


def _options(data: bytes, base: int) -> list[Range]:
    """The options, each as one range; `decode` has already refused a broken list."""
    ranges = []
    at = 0
    while at < len(data):
        kind = data[at]
        # The end of the list is padded with zeros up to the header's end (RFC 9293 §3.2).
        length = len(data) - at if kind == 0 else 1 if kind == 1 else data[at + 1]
        name = _OPTION_NAMES.get(kind, f"option {kind}")
        value = f" {int.from_bytes(data[at + 2 : at + length], 'big')}" if kind in (2, 3) else ""
        ranges.append(Range(base + at, base + at + length, name + value))
        at += length
    return ranges
