"""Capture files of any kind: pcapng and classic pcap, packed with gzip or not, read as a stream.

Here lives the choice of the reader by the file's first octets, and gzip without an end in memory: a capture
of any size is read in constant memory.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from netlab.capture import pcap, pcapng
from netlab.capture.errors import DecodeError
from netlab.capture.packet import Captured
from netlab.capture.pcapng import Secrets

_GZIP = b"\x1f\x8b"
_PCAPNG = b"\x0a\x0d\x0d\x0a"

# What people hand in for a capture, by the first octets, and what to do with it.
_OTHERS = {
    b"\x28\xb5\x2f\xfd": "Zstandard: unpack it first, with unzstd",
    b"\xfd7zX": "xz: unpack it first, with unxz",
    b"BZh": "bzip2: unpack it first, with bunzip2",
    b"\x04\x22\x4d\x18": "LZ4: unpack it first, with unlz4",
    b"PK\x03\x04": "a zip archive: unpack it first, with unzip",
    b"snoop": "a snoop capture: convert it first, with editcap -F pcapng",
    b"CLIENT_": "a TLS key log: give it with --keylog",
    b"SERVER_": "a TLS key log: give it with --keylog",
    b"-----BEGIN": "a PEM file: give a private key with --key",
}

_PIECE = 64 << 10


class _Unpacked(io.RawIOBase):
    """The octets that a gzip stream (RFC 1952) holds, several members too. `problem`: why they end early."""

    def __init__(self, packed: BinaryIO) -> None:
        self.problem: DecodeError | None = None
        self._packed = packed
        self._at = 0  # octets of the packed stream that were read
        self._inflate = zlib.decompressobj(wbits=31)
        self._left = b""  # packed octets that are read and not yet inflated
        self._ready = b""  # unpacked octets that no reader has taken yet
        self._done = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill buffer as far as one step gives; 0 at the end, also at an early one."""
        while not self._ready and not self._done:
            self._ready += self._step(len(buffer))
        data, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def _step(self, most: int) -> bytes:
        if self._inflate.eof and not self._next_member():
            self._done = True
            return b""
        at_end = not self._left and not self._refill()
        before = self._inflate.copy()
        try:
            data = self._inflate.decompress(self._left, most)
        except zlib.error as error:
            return self._until_damage(before, str(error))
        self._left = self._inflate.unconsumed_tail or self._inflate.unused_data
        if at_end and not data and not self._inflate.eof:
            self._end_early("the file ends inside its packed data")
        return data

    def _until_damage(self, inflate: zlib._Decompress, reason: str) -> bytes:
        """What the latest packed octets give up to the damaged one; the failing call gave none of it."""
        good = []
        for place in range(len(self._left)):
            try:
                good.append(inflate.decompress(self._left[place : place + 1]))
            except zlib.error:
                self._left = self._left[place:]
                break
        self._end_early(f"the packed data is damaged: {reason}")
        return b"".join(good)

    def _next_member(self) -> bool:
        """Start the next member (RFC 1952 §2.2), behind zeros that pad a tape; False: there is none."""
        self._left = self._left.lstrip(b"\0")
        while not self._left and self._refill():
            self._left = self._left.lstrip(b"\0")
        self._inflate = zlib.decompressobj(wbits=31)
        return self._left[:1] == _GZIP[:1]

    def _refill(self) -> bool:
        self._left = self._packed.read(_PIECE)
        self._at += len(self._left)
        return bool(self._left)

    def _end_early(self, problem: str) -> None:
        self._done = True
        self.problem = DecodeError("gzip", self._at - len(self._left), problem, "RFC 1952")


def open_capture(stream: BinaryIO) -> Iterator[Captured | Secrets]:
    """What a capture file holds, packet by packet, in the order of the file; nothing is kept.

    stream: open for reading in binary mode, no need to seek. Raises DecodeError for a file that is no
    capture, and where one is damaged or ends early, after everything before that place.
    """
    buffered = _buffered(stream)
    if buffered.peek(2)[:2] != _GZIP:
        yield from _reader(buffered)
        return
    unpacked = _Unpacked(buffered)
    try:
        yield from _reader(io.BufferedReader(unpacked, _PIECE))
    except DecodeError:
        # Where the packing ends early, that is the cause; the capture's own end is a consequence.
        if unpacked.problem is None:
            raise
    if unpacked.problem is not None:
        raise unpacked.problem


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream))


def _reader(stream: io.BufferedReader) -> Iterator[Captured | Secrets]:
    start = stream.peek(16)[:16]
    if start[:4] in pcap.MAGICS:
        return iter(pcap.Reader(cast(BinaryIO, stream)))
    if start[:4] == _PCAPNG:
        return iter(pcapng.Reader(cast(BinaryIO, stream)))
    if not start:
        raise DecodeError("capture", 0, "the file is empty", "a capture is pcapng or pcap, also with gzip")
    for magic, advice in _OTHERS.items():
        if start.startswith(magic):
            raise DecodeError("capture", 0, f"this is {advice}", "read here: pcapng and pcap, also with gzip")
    shown = start[:4].hex(" ")
    raise DecodeError("capture", 0, f"it starts with {shown}", "pcapng: 0a 0d 0d 0a; pcap: a1 b2 c3 d4")
