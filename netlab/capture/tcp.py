"""TCP segments (RFC 9293 §3.1) with the options that a handshake carries.

Here lives one segment: its header, its options, its checksum. What segments mean together is in `stream`.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from netlab.capture.checksum import internet_checksum, ones_complement_sum
from netlab.capture.errors import DecodeError

_HEADER = struct.Struct("!HHIIHHHH")
_SACK_BLOCK = struct.Struct("!II")


class Flags(enum.IntFlag):
    """The control bits of RFC 9293 §3.1, with the three of ECN (RFC 3168, RFC 9768)."""

    FIN = 0x001
    SYN = 0x002
    RST = 0x004
    PSH = 0x008
    ACK = 0x010
    URG = 0x020
    ECE = 0x040
    CWR = 0x080
    AE = 0x100

    @property
    def names(self) -> str:
        """The bits that are set as tools write them, SYN and FIN first: `SYN, ACK`."""
        return ", ".join(flag.name or "" for flag in _WRITTEN_ORDER if flag in self)


_WRITTEN_ORDER = (
    Flags.SYN, Flags.FIN, Flags.RST, Flags.PSH, Flags.ACK, Flags.URG, Flags.ECE, Flags.CWR, Flags.AE,
)  # fmt: skip


class Checksum(enum.Enum):
    """What the checksum field says about the segment."""

    VALID = "valid"
    # Checksum offload, on loopback and modern network cards: the kernel writes the sum of the pseudo-header
    # alone, and the hardware adds the rest. A capture on the sending machine shows the unfinished sum.
    OFFLOADED = "left to the network card"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one segment (RFC 9293 §3.2); None or empty: not sent.

    mss: largest payload the sender takes, octets; window_scale: left shift of later windows (RFC 7323 §2);
    sack: blocks of sequence numbers received out of order (RFC 2018 §3); timestamps: value and echo (RFC
    7323 §3); other: kind and content of what is not decoded here.
    """

    mss: int | None = None
    window_scale: int | None = None
    sack_permitted: bool = False
    sack: tuple[tuple[int, int], ...] = ()
    timestamps: tuple[int, int] | None = None
    other: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment. Sequence numbers are as on the wire, 0 to 2**32 - 1; window is not scaled yet."""

    source_port: int
    destination_port: int
    sequence: int
    acknowledgment: int
    flags: Flags
    window: int
    payload: bytes = b""
    options: Options = field(default_factory=Options)
    urgent: int = 0
    header_length: int = 20

    @property
    def length(self) -> int:
        """How many sequence numbers it uses: its octets, plus one for SYN and one for FIN (RFC 9293 §3.4)."""
        return len(self.payload) + bool(self.flags & Flags.SYN) + bool(self.flags & Flags.FIN)


def decode(data: bytes) -> Segment:
    """Decode one segment. Raises DecodeError when the header or an option is cut short or inconsistent."""
    if len(data) < _HEADER.size:
        raise DecodeError(
            "TCP", len(data), "the segment ends inside its header", "RFC 9293 §3.1: at least 20 octets"
        )
    source, destination, sequence, acknowledgment, bits, window, _, urgent = _HEADER.unpack_from(data)
    header_length = (bits >> 12) * 4
    if header_length < _HEADER.size:
        raise DecodeError(
            "TCP", 12, f"data offset {bits >> 12}", "RFC 9293 §3.1: at least 5 words of 32 bits"
        )
    if header_length > len(data):
        raise DecodeError("TCP", 12, f"a header of {header_length} octets in {len(data)}", "RFC 9293 §3.1")
    options = _decode_options(data[_HEADER.size : header_length])
    payload = data[header_length:]
    flags = Flags(bits & 0x1FF)  # RFC 9293 §3.1: the reserved bits must be ignored on receipt
    return Segment(
        source, destination, sequence, acknowledgment, flags, window, payload, options, urgent, header_length
    )


def _sack_blocks(content: bytes) -> tuple[tuple[int, int], ...]:
    return tuple((left, right) for left, right in _SACK_BLOCK.iter_unpack(content))


def _timestamps(content: bytes) -> tuple[int, int]:
    value, echo = _SACK_BLOCK.unpack(content)
    return value, echo


# Kind → the field it fills, the lengths of content it may have, how the content is read, the rule.
# A window shift above 14 must be used as if it were 14 (RFC 7323 §2.3).
_OPTIONS: dict[int, tuple[str, frozenset[int], Callable[[bytes], Any], str]] = {
    2: ("mss", frozenset({2}), lambda content: int.from_bytes(content, "big"), "RFC 9293 §3.2: length 4"),
    3: ("window_scale", frozenset({1}), lambda content: min(content[0], 14), "RFC 7323 §2.2: length 3"),
    4: ("sack_permitted", frozenset({0}), lambda content: True, "RFC 2018 §2: length 2"),
    5: ("sack", frozenset({8, 16, 24, 32}), _sack_blocks, "RFC 2018 §3: length 2 + 8n"),
    8: ("timestamps", frozenset({8}), _timestamps, "RFC 7323 §3.2: length 10"),
}  # fmt: skip
_END_OF_LIST, _NO_OPERATION = 0, 1


def _decode_options(data: bytes) -> Options:
    found: dict[str, Any] = {}
    other: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data) and data[at] != _END_OF_LIST:
        kind = data[at]
        if kind == _NO_OPERATION:
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else 0
        if length < 2 or at + length > len(data):
            raise DecodeError("TCP", _HEADER.size + at, f"option {kind} of length {length}", "RFC 9293 §3.2")
        content = data[at + 2 : at + length]
        if kind in _OPTIONS:
            name, lengths, read, rule = _OPTIONS[kind]
            if len(content) not in lengths:
                raise DecodeError("TCP", _HEADER.size + at, f"option {kind} of length {length}", rule)
            found[name] = read(content)
        else:
            other.append((kind, content))
        at += length
    return Options(**found, other=tuple(other))


def _encode_options(options: Options) -> bytes:
    pieces: list[tuple[int, bytes]] = []
    if options.mss is not None:
        pieces.append((2, options.mss.to_bytes(2, "big")))
    if options.sack_permitted:
        pieces.append((4, b""))
    if options.timestamps is not None:
        pieces.append((8, _SACK_BLOCK.pack(*options.timestamps)))
    if options.window_scale is not None:
        pieces.append((3, bytes([options.window_scale])))
    if options.sack:
        pieces.append((5, b"".join(_SACK_BLOCK.pack(*block) for block in options.sack)))
    pieces.extend(options.other)
    encoded = b"".join(bytes([kind, 2 + len(content)]) + content for kind, content in pieces)
    if len(encoded) > 40:
        raise ValueError(f"{len(encoded)} octets of options; a TCP header holds 40 (RFC 9293 §3.1)")
    return encoded + bytes([_NO_OPERATION]) * (-len(encoded) % 4)


def encode(segment: Segment) -> bytes:
    """The octets of a segment, its checksum still 0: `with_checksum` fills it in."""
    options = _encode_options(segment.options)
    offset = (_HEADER.size + len(options)) // 4
    header = _HEADER.pack(
        segment.source_port, segment.destination_port, segment.sequence, segment.acknowledgment,
        offset << 12 | segment.flags, segment.window, 0, segment.urgent,
    )  # fmt: skip
    return header + options + segment.payload


def with_checksum(data: bytes, pseudo_header: bytes) -> bytes:
    """The segment's octets with the checksum filled in (RFC 9293 §3.1)."""
    blank = data[:16] + b"\0\0" + data[18:]
    return data[:16] + internet_checksum(pseudo_header + blank).to_bytes(2, "big") + data[18:]


def checksum_state(data: bytes, pseudo_header: bytes) -> Checksum:
    """Judge the checksum of a segment's octets, given the pseudo-header of the packet that carried it."""
    if ones_complement_sum(pseudo_header + data) == 0xFFFF:
        return Checksum.VALID
    written = int.from_bytes(data[16:18], "big")
    return Checksum.OFFLOADED if written == ones_complement_sum(pseudo_header) else Checksum.WRONG
