"""What is fuzzed of capture files: pcap, pcapng and gzip read as a stream, TCP streams followed.

Whatever the bytes are, the reader says so with its one error, and each stream is opened once and closed once.
"""

from __future__ import annotations

import gzip
import io
import struct

from netlab.capture import Captured, Chunk, Direction, Endpoint, compose, follow, open_capture, pcapng
from netlab.capture.following import Closed, Damaged, Data, Lost, Opened, Unread

_TALK = [Chunk(Direction.TO_SERVER, 0.001, b"question"), Chunk(Direction.TO_CLIENT, 0.002, b"answer")]


def conversation() -> list[Captured]:
    """A handshake, a question, an answer, a close."""
    return compose(Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 443), _TALK, 10**18)


def classic(packets: list[Captured]) -> bytes:
    """The packets as a classic pcap file."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for packet in packets:
        size = len(packet.data)
        parts.append(struct.pack("<IIII", packet.time_ns // 10**9, 0, size, size) + packet.data)
    return b"".join(parts)


def captures(data: bytes) -> str:
    """Follow every stream of a capture file."""
    opened: set[int] = set()
    closed: set[int] = set()
    said: set[str] = set()
    octets = 0
    for event in follow(open_capture(io.BytesIO(data))):
        said.add(type(event).__name__)
        match event:
            case Opened(stream=stream):
                assert stream == len(opened), "streams are numbered in the order in which they begin"
                opened.add(stream)
            case Data() | Lost():
                assert event.stream in opened - closed, f"{event} of a stream that is not open"
                octets += len(event.octets) if isinstance(event, Data) else 0
            case Closed(stream=stream):
                assert stream in opened - closed, f"{event} of a stream that is not open"
                closed.add(stream)
            case Unread(packets=packets):
                assert packets > 0
            case Damaged(error=error):
                said.add(f"{error.layer}: {error.problem.translate(_NO_DIGITS)[:40]}")
    assert opened == closed, f"{opened - closed} were never closed"
    assert octets <= 1100 * len(data), "more octets than even gzip can hold"
    return f"{len(opened)} {sorted(said)}"


_NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))

SEEDS = (
    classic(conversation()),
    pcapng.dumps(conversation(), b"CLIENT_RANDOM 00 00\n"),
    gzip.compress(classic(conversation())),
    pcapng.dumps(conversation())[:-7],
)
WORDS = (
    b"\x0a\x0d\x0d\x0a", b"\x4d\x3c\x2b\x1a", b"\xd4\xc3\xb2\xa1", b"\x1f\x8b\x08", b"\x06\0\0\0",
    b"\x03\0\0\0",
    b"\x02\0\0\0", b"\x0a\0\0\0", b"\x81\0\0\x01", b"\x08\0\x45\0", b"\x86\xdd\x60", b"\x08\x06", b"\x50\x02",
    b"\x50\x11", b"\x50\x14", b"\x20\0", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff",
)  # fmt: skip
