"""Ethernet II frames: two addresses, a type, a payload (IEEE 802.3 §3.2.6, the "type" interpretation).

The kernel hands out frames without preamble and without check sequence, and on loopback with addresses of
zeros. VLAN tags are stepped over in `link`; the older length interpretation is not read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from netlab.capture.errors import DecodeError

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
HEADER_LENGTH = 14

# Below this the field is a length, not a type (IEEE 802.3 §3.2.6).
LOWEST_TYPE = 0x0600

_HEADER = struct.Struct("!6s6sH")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. Addresses are 6 octets each."""

    destination: bytes
    source: bytes
    ethertype: int
    payload: bytes


def decode(data: bytes) -> Frame:
    """Split a frame into its parts. Raises DecodeError when it is too short or no Ethernet II frame."""
    if len(data) < HEADER_LENGTH:
        raise DecodeError("Ethernet", len(data), "the frame ends inside its header", "a header is 14 octets")
    destination, source, ethertype = _HEADER.unpack_from(data)
    if ethertype < LOWEST_TYPE:
        raise DecodeError(
            "Ethernet",
            12,
            f"0x{ethertype:04x} is a length, not a type",
            "IEEE 802.3 §3.2.6: a type is 0x0600 or more",
        )
    return Frame(destination, source, ethertype, data[HEADER_LENGTH:])


def encode(frame: Frame) -> bytes:
    """The octets of a frame, without padding and without check sequence."""
    return _HEADER.pack(frame.destination, frame.source, frame.ethertype) + frame.payload
