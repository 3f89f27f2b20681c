"""The raw socket: its filter (run here by a small interpreter), its errors, and, as root, real captures."""

from __future__ import annotations

import errno
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from netlab import sniffer
from netlab.capture import (
    Captured,
    Chunk,
    Direction,
    Endpoint,
    Flags,
    Reassembler,
    compose,
    decode,
    pcapng,
)
from netlab.sniffer import Sniffer, port_filter

REASON = sniffer.unavailable()
raw = pytest.mark.skipif(REASON is not None, reason=REASON or "")

ARRIVES, LEAVES = 0, 4


def run_filter(program: list[tuple[int, int, int, int]], data: bytes, packet_type: int = ARRIVES) -> int:
    """Run classic BPF as the kernel does: how many octets to keep. A load beyond the packet keeps nothing."""
    accumulator = index = at = 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        sizes = {0x20: 4, 0x28: 2, 0x30: 1, 0x48: 2}
        if code in sizes and k == 0xFFFFF004:
            accumulator = packet_type
        elif code in sizes:
            place = k + (index if code == 0x48 else 0)
            if place + sizes[code] > len(data):
                return 0
            accumulator = int.from_bytes(data[place : place + sizes[code]], "big")
        elif code == 0xB1:
            if k >= len(data):
                return 0
            index = 4 * (data[k] & 15)
        elif code in (0x15, 0x45):
            at += yes if (accumulator == k if code == 0x15 else accumulator & k) else no
        else:
            assert code == 0x06
            return k


def packets(client: str, server: str) -> list[bytes]:
    ends = Endpoint(client, 40000), Endpoint(server, 8080)
    return [captured.data for captured in compose(*ends, [Chunk(Direction.TO_SERVER, 0.0, b"hello")], 0)]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_filter_keeps_both_directions_of_its_port_and_nothing_else(address: str) -> None:
    for data in packets(address, address):
        assert run_filter(port_filter(8080), data) >= len(data)
        assert run_filter(port_filter(40000), data) >= len(data)
        assert run_filter(port_filter(8081), data) == 0


def test_on_loopback_the_copy_that_leaves_is_dropped_and_elsewhere_it_is_kept() -> None:
    data = packets("127.0.0.1", "127.0.0.1")[0]
    assert run_filter(port_filter(8080), data, LEAVES) == 0
    assert run_filter(port_filter(8080, both_ways=True), data, LEAVES) >= len(data)


def test_the_filter_drops_what_is_no_tcp_or_a_later_fragment() -> None:
    v4, v6 = packets("127.0.0.1", "127.0.0.1")[0], packets("::1", "::1")[0]
    program = port_filter(8080)
    assert run_filter(program, v4[:12] + b"\x08\x06" + v4[14:]) == 0, "ARP"
    assert run_filter(program, v4[:23] + b"\x11" + v4[24:]) == 0, "UDP over IPv4"
    assert run_filter(program, v6[:20] + b"\x11" + v6[21:]) == 0, "UDP over IPv6"
    assert run_filter(program, v4[:20] + b"\x00\x10" + v4[22:]) == 0, "a fragment with an offset"
    assert run_filter(program, v4[:20] + b"\x20\x00" + v4[22:]) > 0, "a first fragment has its ports"


def test_the_filter_finds_the_ports_behind_ip_options_and_survives_short_packets() -> None:
    data = packets("127.0.0.1", "127.0.0.1")[0]
    with_options = data[:14] + b"\x46" + data[15:34] + bytes(4) + data[34:]
    assert run_filter(port_filter(8080), with_options) > 0
    for size in range(38):
        assert run_filter(port_filter(8080), data[:size]) == 0


class Refusing:
    """Stands in for the socket class of a machine that refuses raw sockets."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def __call__(self, *arguments: object) -> Any:
        raise self.error


@pytest.mark.linux("AF_PACKET")
def test_without_permission_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniffer.socket, "socket", Refusing(PermissionError(errno.EPERM, "no")))
    with pytest.raises(sniffer.NotPermitted, match="root or CAP_NET_RAW: run it again with sudo"):
        Sniffer(80).open()
    assert "sudo" in (sniffer.unavailable() or "")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_told_apart(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sniffer.sys, "platform", platform)
    with pytest.raises(sniffer.NotSupported, match=f"{platform} has none"):
        Sniffer(80).open()


@pytest.mark.linux("AF_PACKET")
def test_a_kernel_without_packet_sockets_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniffer.socket, "socket", Refusing(OSError(errno.EAFNOSUPPORT, "no")))
    with pytest.raises(sniffer.NotSupported, match="this kernel has none"):
        Sniffer(80).open()


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="1 to 65535"):
        Sniffer(port)


def test_reading_from_a_closed_sniffer_says_how_to_open_it() -> None:
    with pytest.raises(ValueError, match="with Sniffer"):
        Sniffer(80).read()


def exchange(server: socket.socket, question: bytes = b"question", answer: bytes = b"answer") -> None:
    """One connection: ask, answer, close in order."""
    family = server.family
    with socket.socket(family) as client:
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        with accepted:
            client.sendall(question)
            assert accepted.recv(1000) == question
            accepted.sendall(answer)
            assert client.recv(1000) == answer
            client.shutdown(socket.SHUT_WR)
            assert accepted.recv(1) == b""


@pytest.fixture(params=["127.0.0.1", "::1"])
def server(request: pytest.FixtureRequest) -> Any:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        listener = socket.create_server((request.param, 0), family=family)
    except OSError as error:
        pytest.skip(f"no loopback address {request.param}: {error}")
    with listener:
        yield listener


@raw
def test_the_three_way_handshake_is_captured_once_and_in_order(server: socket.socket) -> None:
    before = time.time_ns()
    with Sniffer(server.getsockname()[1]) as tap:
        exchange(server)
        captured = tap.collect()
        assert tap.dropped == 0
    (conversation,) = Reassembler(decode(packet) for packet in captured).conversations
    assert conversation.handshake == tuple(conversation.packets[:3])
    syns = [p for p in conversation.packets if p.segment.flags & Flags.SYN]
    assert len(syns) == 2, "each packet once, although loopback shows it twice"
    assert syns[0].segment.options.mss
    assert conversation.content(Direction.TO_SERVER) == b"question"
    assert conversation.content(Direction.TO_CLIENT) == b"answer"
    assert conversation.closed
    times = [packet.time_ns for packet in captured]
    assert before <= times[0]
    assert times == sorted(times), "stamped as they arrived, not as they were read"
    assert times[-1] <= time.time_ns()


@raw
def test_the_traffic_of_other_ports_is_not_copied() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as mine,
        socket.create_server(("127.0.0.1", 0)) as other,
        Sniffer(mine.getsockname()[1]) as tap,
    ):
        exchange(other)
        exchange(mine)
        reassembler = Reassembler(decode(packet) for packet in tap.collect())
        assert [c.server.port for c in reassembler.conversations] == [mine.getsockname()[1]]


@raw
def test_collect_waits_for_as_many_conversations_as_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Sniffer(listener.getsockname()[1]) as tap:
        exchange(listener)
        exchange(listener)
        reassembler = Reassembler(decode(packet) for packet in tap.collect(2))
        assert [conversation.closed for conversation in reassembler.conversations] == [True, True]


@raw
def test_collect_gives_up_when_its_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Sniffer(listener.getsockname()[1]) as tap:
        assert tap.collect(timeout=0.01) == []
        assert tap.read() is None
        assert tap.fileno() >= 0


@raw
def test_an_interface_that_is_not_there_leaves_no_socket_behind() -> None:
    with pytest.raises(OSError, match="No such device"):
        Sniffer(80, "no-such-if0").open()


@raw
@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark: apt-get install tshark")
def test_tshark_reads_a_real_capture_as_we_do(server: socket.socket, tmp_path: Path) -> None:
    with Sniffer(server.getsockname()[1]) as tap:
        exchange(server)
        captured: list[Captured] = tap.collect()
    path = tmp_path / "real.pcapng"
    pcapng.write(path, captured)
    fields = [a for name in ("tcp.seq", "tcp.ack", "tcp.len", "tcp.flags") for a in ("-e", name)]
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", *fields],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    (conversation,) = Reassembler(decode(packet) for packet in captured).conversations
    expected = []
    for packet in conversation.packets:
        way, segment = conversation.direction(packet), packet.segment
        heard = conversation.flows[way.opposite].relative(segment.acknowledgment)
        expected.append(
            f"{conversation.flows[way].relative(segment.sequence)}"
            f"\t{heard if segment.flags & Flags.ACK else 0}\t{len(segment.payload)}\t0x{segment.flags:04x}"
        )
    assert done.stdout.splitlines() == expected
