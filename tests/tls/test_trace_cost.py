"""What the tracer costs: time in proportion to any input, and memory that stays flat."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from netlab.capture import Flags, Options, Segment, encode, ip, pcapng
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.values import Side
from tests.tls.conversing import Talk, contexts, logging

Pieces = list[tuple[Side, bytes]]


def handshake_record(content: bytes) -> bytes:
    return b"\x16\x03\x03" + len(content).to_bytes(2, "big") + content


def hellos() -> Pieces:
    """The hellos of a real connection of TLS 1.3."""
    talk = Talk(*contexts())
    talk.handshake()
    return talk.wire.sent[:2]


def _a_byte_at_a_time(size: int) -> Pieces:
    record = b"\x17\x03\x03\x01\x00" + bytes(256)
    return [(Side.CLIENT, bytes([octet])) for octet in (record * (size // 261 + 1))[:size]]


def _a_message_in_crumbs(size: int) -> Pieces:
    """A message of which every record holds one byte."""
    message = b"\x0b" + (size // 6).to_bytes(3, "big") + bytes(size // 6)
    return [(Side.SERVER, b"".join(handshake_record(bytes([octet])) for octet in message))]


def _small_messages(size: int) -> Pieces:
    """Messages of four bytes, many in a record."""
    return [(Side.SERVER, handshake_record(b"\x0e\0\0\0" * 400)) for _ in range(size // 1600)]


def _finished_again(size: int) -> Pieces:
    """Each Finished asks for the hash of all messages."""
    return [*hellos(), (Side.CLIENT, handshake_record(b"\x14\0\0\x0c" + bytes(12)) * (size // 21))]


def _hello_again(size: int) -> Pieces:
    client, server = hellos()
    return [client, (Side.SERVER, server[1][: 5 + 122] * (size // 127))]


def _no_tls(size: int) -> Pieces:
    return [(Side.CLIENT, b"hello " * 10) for _ in range(size // 60)]


def _headers_after_headers(size: int) -> Pieces:
    """Behind a gap, every place looks like a record that is not followed by one."""
    return [
        (Side.CLIENT, b"\x17\x03\x03\0\0" + b"!!!!"),
        *[(Side.CLIENT, b"?" + b"\x17\x03\x03\x40\x00" * 300)] * (size // 1501),
    ]


@pytest.mark.parametrize(
    "shape",
    [_a_byte_at_a_time, _a_message_in_crumbs, _small_messages, _finished_again, _hello_again, _no_tls,
    _headers_after_headers],
)  # fmt: skip
def test_time_is_proportional_to_the_input(shape: Callable[[int], Pieces]) -> None:
    """Eight times the input takes about eight times the processor time; its square would be 64."""

    def cost(size: int) -> float:
        pieces, best = shape(size), 9.0
        for _ in range(2):
            tracer, started = Tracer(), time.process_time()
            for side, data in pieces:
                tracer.feed(side, data)
            tracer.end()
            best = min(best, time.process_time() - started)
        return best

    assert cost(96_000) <= 24 * max(cost(12_000), 0.002)


@pytest.mark.soak
def test_a_capture_of_100_megabytes_is_read_in_flat_memory(tmp_path: Path) -> None:
    """`netlab trace` on 100 MB, and on 10: the same memory but for a little."""
    peaks = [_peak(tmp_path / f"{size}.pcapng", size) for size in (10, 100)]
    assert peaks[1] < peaks[0] + 8 * 1024, f"KiB at the most, of 10 MB and of 100 MB: {peaks}"


def _peak(path: Path, megabytes: int) -> int:
    """The largest resident set of a child that reads a capture, in KiB."""
    _write(path, megabytes)
    script = (
        "import re, sys\n"
        "from netlab.__main__ import main\n"
        f"assert main(['trace', {str(path)!r}, '--json']) == 0\n"
        "status = open('/proc/self/status').read()\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', status)[1], file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, timeout=100, check=True)
    assert done.stdout.count(b'"plaintext": null') == 0
    assert done.stdout.count(b'"content_type": "application_data"') >= megabytes * 60
    path.unlink()
    return int(done.stderr)


def _write(path: Path, megabytes: int) -> None:
    """A capture of one connection whose server sends so much, in segments of 1,448 bytes."""
    client, server = contexts()
    with logging(client) as logged:
        talk = Talk(client, server)
        talk.handshake()
    addresses = ip_address("127.0.0.1"), ip_address("127.0.0.1")
    next_number = dict.fromkeys(Side, 1)
    with path.open("wb") as file:
        writer = pcapng.Writer(file)
        writer.secrets(pcapng.Secrets(logged.log))

        def send(side: Side, data: bytes) -> None:
            ports = (40_000, 443) if side is Side.CLIENT else (443, 40_000)
            for at in range(0, len(data), 1448):
                piece = data[at : at + 1448]
                numbers = next_number[side], next_number[side.other]
                segment = Segment(*ports, *numbers, Flags.ACK, 65_535, piece, Options())
                next_number[side] += len(piece)
                writer.packet(encode(ip.Datagram(*addresses, ip.PROTOCOL_TCP, 64, b"", 20), segment, 10**18))

        for round_number in range(megabytes * 64 + 1):
            for side, data in talk.wire.sent:
                send(side, data)
            talk.wire.sent.clear()
            if round_number < megabytes * 64:
                talk.say(Side.SERVER, bytes(16_384))
                talk.wire.said[Side.SERVER] = b""
