"""Classic pcap files (draft-ietf-opsawg-pcap): one header, then packets, each with its time and length.

Here lives the reader: both byte orders, times in microseconds and in nanoseconds, and the variant of old
Linux systems with 8 more octets in each packet's header. The format holds one link type and no secrets.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from netlab.capture.errors import DecodeError
from netlab.capture.packet import Captured


@dataclass(frozen=True, slots=True)
class _Format:
    """What the first four octets say. tick: nanoseconds in one unit of a packet's second time field."""

    order: str
    tick: int
    extra: int = 0  # octets of a packet's header that this reader does not use


# §4.1: a1b2c3d4 for microseconds, a1b23c4d for nanoseconds, in the byte order of the machine that wrote it.
_FORMATS = {
    struct.pack(order + "I", magic): _Format(order, tick, extra)
    for order in "<>"
    for magic, tick, extra in ((0xA1B2C3D4, 1000, 0), (0xA1B23C4D, 1, 0), (0xA1B2CD34, 1000, 8))
}
MAGICS = frozenset(_FORMATS)

# No interface captures larger packets: the bound keeps a damaged length from asking for gigabytes.
_LARGEST_PACKET = 16 << 20


class Reader:
    """Iterate over the packets of a classic pcap stream, in the order of the file.

    Raises DecodeError where the file is damaged, after the packets before that place.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Captured]:
        head = self._stream.read(24)
        form = _FORMATS.get(head[:4])
        if form is None:
            raise DecodeError("pcap", 0, f"it starts with {head[:4].hex()}", "§4: a1b2c3d4 or a1b23c4d")
        if len(head) < 24:
            raise DecodeError("pcap", len(head), "the file ends inside its header", "§4: 24 octets")
        # The upper bits of this field tell the length of a check sequence: the IP length drops it.
        link_type = struct.unpack_from(form.order + "I", head, 20)[0] & 0xFFFF
        packet = struct.Struct(form.order + "IIII" + "x" * form.extra)
        at = 24
        while record := self._stream.read(packet.size):
            if len(record) < packet.size:
                problem = f"the file ends inside the header of a packet, {len(record)} octets of it are there"
                raise DecodeError("pcap", at, problem, f"§5: {packet.size} octets")
            seconds, fraction, captured, _ = packet.unpack(record)
            if captured > _LARGEST_PACKET:
                problem = f"a packet of {captured} octets"
                raise DecodeError("pcap", at + 8, problem, f"at most {_LARGEST_PACKET}: the file is damaged")
            data = self._stream.read(captured)
            if len(data) < captured:
                problem = f"the file ends inside a packet: {len(data)} of {captured} octets are there"
                raise DecodeError("pcap", at, problem, "§5: the captured length")
            at += packet.size + captured
            yield Captured(seconds * 1_000_000_000 + fraction * form.tick, data, link_type)
