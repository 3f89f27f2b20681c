"""pcapng files (draft-ietf-opsawg-pcapng): the blocks that a packet capture needs, read and written.

Here live Section Header, Interface Description, Decryption Secrets and the three kinds of packet block:
Enhanced, Simple, and the obsolete Packet Block of older files. A reader must skip the blocks it does not
know (§3.1); ours does, and skips options it does not know. Both byte orders are read, ours is written
little-endian. A Decryption Secrets Block holds a TLS key log: Wireshark
then opens the capture decrypted.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from netlab.capture.errors import DecodeError
from netlab.capture.link import LINK_ETHERNET
from netlab.capture.packet import Captured

SECTION_HEADER = 0x0A0D0D0A  # the same in both byte orders: it stands before the order is known (§4.1)
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10

SECRETS_TLS_KEY_LOG = 0x544C534B  # "TLSK" (§4.7)

_MAGIC = 0x1A2B3C4D
_BYTE_ORDERS = {struct.pack("<I", _MAGIC): "<", struct.pack(">I", _MAGIC): ">"}

_OPTION_COMMENT, _IF_NAME, _IF_RESOLUTION, _IF_OFFSET = 1, 2, 9, 14
_NANOSECONDS = b"\x09"  # if_tsresol: 10 to the minus 9 (§4.2)

# No real block is larger. The bound keeps a damaged length from asking for gigabytes.
_LARGEST_BLOCK = 16 << 20
_INTERFACES_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Secrets:
    """A Decryption Secrets Block: data, and what kind it is (a TLS key log, as Wireshark reads it)."""

    data: bytes
    kind: int = SECRETS_TLS_KEY_LOG


@dataclass(frozen=True, slots=True)
class _Interface:
    link_type: int
    snapshot: int  # octets kept of a packet at the most; 0: all of them
    unit: tuple[int, int]  # nanoseconds in one tick of its clock, as a fraction
    offset_ns: int


def _broken(offset: int, problem: str, rule: str) -> DecodeError:
    return DecodeError("pcapng", offset, problem, rule)


class Reader:
    """Iterate over what a pcapng stream holds: Captured packets and Secrets, in the order of the file.

    Captured.time_ns is rounded down. A Simple Packet Block has no time: it gets that of the packet before it.
    Raises DecodeError where the file is damaged or is no pcapng file, after what came before that place.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at = 0
        self._order = "<"
        self._interfaces: list[_Interface] = []
        self._time_ns = 0  # of the latest packet that has a time

    def __iter__(self) -> Iterator[Captured | Secrets]:
        first = True
        while (block := self._block(first)) is not None:
            first = False
            kind, body, start = block
            if kind == SECTION_HEADER:
                self._section(body, start)
            elif kind == INTERFACE_DESCRIPTION:
                self._interface(body, start)
            elif kind == ENHANCED_PACKET:
                number, high, low, captured, _ = self._unpack("IIIII", body, start)
                yield self._packet(body, start, number, high << 32 | low, captured)
            elif kind == OBSOLETE_PACKET:
                number, _, high, low, captured, _ = self._unpack("HHIIII", body, start)
                yield self._packet(body, start, number, high << 32 | low, captured)
            elif kind == SIMPLE_PACKET:
                yield self._simple_packet(body, start)
            elif kind == DECRYPTION_SECRETS:
                yield self._secrets(body, start)

    def _unpack(self, shape: str, body: bytes, start: int) -> tuple[int, ...]:
        if len(body) < struct.calcsize(self._order + shape):
            raise _broken(start, f"a block with a body of {len(body)} octets", "too short for its type (§4)")
        return struct.unpack_from(self._order + shape, body)

    def _block(self, first: bool) -> tuple[int, bytes, int] | None:
        """The next block: its type, its body, where the body starts; None at the end of the file (§3.1)."""
        start, head = self._at, self._stream.read(8)
        if not head and not first:
            return None
        if len(head) < 8:
            raise _broken(
                start, f"{len(head)} octets where a block should start", "§3.1: type and length, 8 octets"
            )
        if int.from_bytes(head[:4], "little") == SECTION_HEADER:
            head += self._stream.read(4)
            if len(head) < 12:
                raise _broken(start, f"the file ends inside a section header of {len(head)} octets", "§4.1")
            if head[8:] not in _BYTE_ORDERS:
                raise _broken(
                    start + 8, f"byte-order magic {head[8:].hex()}", "§4.1: 1A2B3C4D in either order"
                )
            self._order = _BYTE_ORDERS[head[8:]]
        elif first:
            raise _broken(
                0, f"it starts with {head[:4].hex()}", "§4.1: a file starts with a Section Header, 0a0d0d0a"
            )
        kind, length = struct.unpack(self._order + "II", head[:8])
        if length % 4 or not 12 <= length <= _LARGEST_BLOCK:
            raise _broken(
                start + 4, f"block length {length}", f"a multiple of 4 from 12 to {_LARGEST_BLOCK} (§3.1)"
            )
        rest = self._stream.read(max(0, length - len(head)))
        if len(head) + len(rest) != length:
            raise _broken(start, f"the file ends inside a block of {length} octets", "§3.1")
        if rest[-4:] != head[4:8]:
            raise _broken(
                start + length - 4, "the two lengths of the block differ", "§3.1: the length is repeated"
            )
        self._at += length
        return kind, head[8:] + rest[:-4], start + 8

    def _section(self, body: bytes, start: int) -> None:
        _, major, _ = self._unpack("IHH", body, start)
        if major != 1:
            raise _broken(start + 4, f"version {major}", "§4.1: version 1 is the only one there is")
        self._interfaces.clear()  # interfaces are numbered within their section

    def _interface(self, body: bytes, start: int) -> None:
        link_type, _, snapshot = self._unpack("HHI", body, start)
        if len(self._interfaces) == _INTERFACES_LIMIT:
            raise _broken(start, f"more than {_INTERFACES_LIMIT} interfaces", "a bound of this reader")
        options = self._options(body, 8, start)
        resolution = options.get(_IF_RESOLUTION, b"\x06")[0:1] or b"\x06"
        base, exponent = (2 if resolution[0] & 0x80 else 10), resolution[0] & 0x7F
        (seconds,) = struct.unpack(self._order + "q", options.get(_IF_OFFSET, bytes(8)).ljust(8, b"\0")[:8])
        unit = (10**9, base**exponent)
        self._interfaces.append(_Interface(link_type, snapshot, unit, seconds * 10**9))

    def _interface_of(self, number: int, start: int) -> _Interface:
        if number < len(self._interfaces):
            return self._interfaces[number]
        rule = "§4.3: interfaces are described before they are used"
        raise _broken(start, f"a packet of interface {number}", rule)

    def _packet(self, body: bytes, start: int, number: int, ticks: int, captured: int) -> Captured:
        """An Enhanced Packet Block (§4.3), or an obsolete one (appendix A): both start with 20 octets."""
        interface = self._interface_of(number, start)
        if 20 + captured > len(body):
            raise _broken(start + 12, f"captured length {captured} in a body of {len(body)} octets", "§4.3")
        nanoseconds, parts = interface.unit
        self._time_ns = ticks * nanoseconds // parts + interface.offset_ns
        comment = ""
        if len(body) > (at := 20 + captured + -captured % 4):
            options = self._options(body, at, start)
            comment = options.get(_OPTION_COMMENT, b"").decode("utf-8", "replace")
        return Captured(self._time_ns, body[20 : 20 + captured], interface.link_type, comment)

    def _simple_packet(self, body: bytes, start: int) -> Captured:
        """A Simple Packet Block (§4.4): of interface 0, cut at its snapshot length, without a time."""
        (length,) = self._unpack("I", body, start)
        interface = self._interface_of(0, start)
        captured = min(length, interface.snapshot or length)
        if 4 + captured > len(body):
            raise _broken(start, f"a packet of {captured} octets in a body of {len(body)} octets", "§4.4")
        return Captured(self._time_ns, body[4 : 4 + captured], interface.link_type)

    def _secrets(self, body: bytes, start: int) -> Secrets:
        kind, length = self._unpack("II", body, start)
        if 8 + length > len(body):
            raise _broken(start + 4, f"{length} octets of secrets in a body of {len(body)} octets", "§4.7")
        return Secrets(body[8 : 8 + length], kind)

    def _options(self, body: bytes, at: int, start: int) -> dict[int, bytes]:
        """The options from body[at:] on (§3.5); of an option that is repeated, the first."""
        found: dict[int, bytes] = {}
        while at + 4 <= len(body):
            code, length = struct.unpack_from(self._order + "HH", body, at)
            if code == 0:
                break
            if at + 4 + length > len(body):
                raise _broken(start + at, f"option {code} of {length} octets runs past its block", "§3.5")
            found.setdefault(code, body[at + 4 : at + 4 + length])
            at += 4 + length + -length % 4
        return found


class Writer:
    """Write a pcapng stream: one section, an interface for each link type met, times in nanoseconds.

    link_type: that of the first packet, for secrets that are written before it.
    """

    def __init__(self, stream: BinaryIO, interface: str = "lo", link_type: int = LINK_ETHERNET) -> None:
        self._stream = stream
        self._name, self._link_type = interface.encode(), link_type
        self._numbers: dict[int, int] = {}
        # -1: the length of the section is not known in advance (§4.1).
        self._write(SECTION_HEADER, struct.pack("<IHHq", _MAGIC, 1, 0, -1))

    def secrets(self, secrets: Secrets) -> None:
        """Write the keys. They must stand before the packets that they open (§4.7).

        An interface is described first: editcap refuses a file in which secrets stand before it.
        """
        if not self._numbers:
            self._interface(self._link_type)
        body = struct.pack("<II", secrets.kind, len(secrets.data)) + _padded(secrets.data)
        self._write(DECRYPTION_SECRETS, body)

    def _interface(self, link_type: int) -> int:
        """Describe an interface of a link type. Return its number."""
        self._numbers[link_type] = number = len(self._numbers)
        options = _options({_IF_NAME: self._name, _IF_RESOLUTION: _NANOSECONDS})
        # Snapshot length 0: no limit (§4.2).
        self._write(INTERFACE_DESCRIPTION, struct.pack("<HHI", link_type, 0, 0) + options)
        return number

    def packet(self, captured: Captured) -> None:
        """Write one packet. Before the first packet of a link type, an interface is described."""
        number = self._numbers.get(captured.link_type)
        if number is None:
            number = self._interface(captured.link_type)
        size = len(captured.data)
        head = struct.pack(
            "<IIIII", number, captured.time_ns >> 32, captured.time_ns & 0xFFFFFFFF, size, size
        )
        options = _options({_OPTION_COMMENT: captured.comment.encode()} if captured.comment else {})
        self._write(ENHANCED_PACKET, head + _padded(captured.data) + options)

    def _write(self, kind: int, body: bytes) -> None:
        length = 12 + len(body)
        self._stream.write(struct.pack("<II", kind, length) + body + struct.pack("<I", length))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _options(options: dict[int, bytes]) -> bytes:
    encoded = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options.items()]
    return b"".join([*encoded, bytes(4)]) if encoded else b""


def dumps(packets: Iterable[Captured], key_log: bytes = b"", interface: str = "lo") -> bytes:
    """A whole pcapng file as octets; key_log is a TLS key log (the lines that SSLKEYLOGFILE holds)."""
    stream, held = io.BytesIO(), list(packets)
    writer = Writer(stream, interface, held[0].link_type if held else LINK_ETHERNET)
    if key_log:
        writer.secrets(Secrets(key_log))
    for packet in held:
        writer.packet(packet)
    return stream.getvalue()


def loads(data: bytes) -> tuple[list[Captured], list[Secrets]]:
    """The packets and the secrets of a whole pcapng file. Raises DecodeError."""
    items = list(Reader(io.BytesIO(data)))
    return [i for i in items if isinstance(i, Captured)], [i for i in items if isinstance(i, Secrets)]


def write(path: Path, packets: Iterable[Captured], key_log: bytes = b"", interface: str = "lo") -> None:
    """Write a pcapng file that Wireshark and tshark open. Raises OSError."""
    path.write_bytes(dumps(packets, key_log, interface))


def read(path: Path) -> tuple[list[Captured], list[Secrets]]:
    """The packets and the secrets of a pcapng file. Raises OSError, DecodeError."""
    with path.open("rb") as stream:
        items = list(Reader(stream))
    return [i for i in items if isinstance(i, Captured)], [i for i in items if isinstance(i, Secrets)]
