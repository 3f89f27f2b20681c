"""How lab 01 sees the packets of a fetch: with a raw socket, by the kernel's own counters, or in a recording.

A raw socket shows each packet (root). Without it, TCP_INFO still counts the segments of our own socket, so
the verdict is measured here all the same; the ladder is then drawn from a recording made by record.py.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from netlab import sniffer
from netlab.capture import Captured, Conversation, Direction, Flags, Reassembler, annotate, decode, rungs

HANDSHAKE, EXCHANGE, CLOSE = "handshake", "exchange", "close"

# struct tcp_info, <linux/tcp.h>: since Linux 4.2 and 4.6.
_STRUCT_SIZE, _RTT, _SEGS, _DATA_SEGS = 256, 68, 136, 152


@dataclass(frozen=True, slots=True)
class Step:
    """One packet of a fetch: seconds since the first, relative numbers, octets of data and of the frame."""

    time: float
    to_server: bool
    flags: str
    sequence: int
    acknowledgment: int | None
    data: int
    octets: int
    note: str
    phase: str


class Shape(NamedTuple):
    """What one connection, or a part of one, was made of: packets and octets on the wire."""

    handshake: int  # packets before the first octet of a request
    exchange: int
    close: int
    octets: int  # of all frames together
    request: int  # octets of requests
    response: int  # octets of responses, heads and content

    @property
    def packets(self) -> int:
        """All of them."""
        return self.handshake + self.exchange + self.close


class Counters(NamedTuple):
    """TCP_INFO of one socket: segments both ways, those with data among them, the smoothed round trip (s)."""

    segments: int
    with_data: int
    round_trip: float


def watch(
    port: int, act: Callable[[], object], connections: int
) -> tuple[list[Conversation], list[Captured]]:
    """Capture while act() runs and until its connections are closed. Raises sniffer.Unavailable."""
    with sniffer.Sniffer(port) as tap:
        act()
        captured = tap.collect(connections, timeout=5.0)
        if tap.dropped:
            raise RuntimeError(f"the kernel dropped {tap.dropped} packets of this capture")
    return Reassembler(decode(packet) for packet in captured).conversations, captured


def steps(conversation: Conversation) -> list[Step]:
    """The packets of a connection, each with the phase it belongs to."""
    found, phase = [], HANDSHAKE
    for rung, packet in zip(rungs(conversation), conversation.packets, strict=True):
        if rung.flags & (Flags.FIN | Flags.RST):
            phase = CLOSE
        elif rung.length and phase == HANDSHAKE:
            phase = EXCHANGE
        to_server = rung.direction is Direction.TO_SERVER
        numbers = rung.sequence, rung.acknowledgment, rung.length, packet.size
        found.append(Step(rung.time, to_server, rung.flags.names, *numbers, rung.note, phase))
    return found


def shape(packets: list[Step]) -> Shape:
    """Count what a list of packets is made of."""
    phases = [step.phase for step in packets]
    request = sum(step.data for step in packets if step.to_server)
    response = sum(step.data for step in packets if not step.to_server)
    octets = sum(step.octets for step in packets)
    counts = [phases.count(phase) for phase in (HANDSHAKE, EXCHANGE, CLOSE)]
    return Shape(*counts, octets, request, response)


def later_exchanges(packets: list[Step]) -> list[Step]:
    """The packets of every exchange but the first: from the second request to the first FIN."""
    requests = [at for at, step in enumerate(packets) if step.to_server and step.data]
    closing = next((at for at, step in enumerate(packets) if step.phase == CLOSE), len(packets))
    return packets[requests[1] : closing] if len(requests) > 1 else []


def counters(stream: socket.socket) -> Counters:
    """What the kernel counted on this socket since its SYN. Raises OSError on other systems than Linux."""
    if not hasattr(socket, "TCP_INFO"):
        raise OSError(f"{sys.platform} has none")
    info = stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _STRUCT_SIZE)
    if len(info) < _DATA_SEGS + 8:
        raise OSError("this kernel's TCP_INFO does not count segments (Linux 4.6 does)")
    (round_trip,) = struct.unpack_from("=I", info, _RTT)
    return Counters(
        sum(struct.unpack_from("=II", info, _SEGS)),
        sum(struct.unpack_from("=II", info, _DATA_SEGS)),
        round_trip / 1e6,
    )


def fields_of(captured: Captured) -> list[tuple[int, str, str]]:
    """Each field of a packet: its offset, its octets in hexadecimal, what it is."""
    return [
        (item.start, captured.data[item.start : item.stop].hex(" "), item.label)
        for item in annotate(captured)
        if item.start < item.stop
    ]


def save(path: Path, packets: list[Step], syn: Captured) -> None:
    """Write a recording: decoded packets, and the SYN octet by octet."""
    story = (
        "One fetch of 17 octets from netlab over loopback, captured by labs/01_raw_socket/record.py. "
        "It stands in where a machine may not open a raw socket; no figure and no verdict is taken from it."
    )
    recording = {"what": story, "packets": [asdict(step) for step in packets], "syn": syn.data.hex()}
    path.write_text(json.dumps(recording, indent=1) + "\n", "utf-8")


def load(path: Path) -> tuple[list[Step], Captured]:
    """Read a recording back."""
    recording: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return [Step(**step) for step in recording["packets"]], Captured(0, bytes.fromhex(recording["syn"]))
