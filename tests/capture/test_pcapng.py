"""pcapng: what we write is read back, by us and by tshark; what is damaged is refused."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.capture import (
    Captured,
    Chunk,
    DecodeError,
    Direction,
    Endpoint,
    Reassembler,
    compose,
    decode,
    pcapng,
)

CLIENT, SERVER = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 8080)
HTTP = [
    Chunk(Direction.TO_SERVER, 0.001, b"GET /here HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    Chunk(Direction.TO_CLIENT, 0.25, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
]
PACKETS = compose(CLIENT, SERVER, HTTP, 1_700_000_000_123_456_789)
KEY_LOG = b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n"

tshark = pytest.mark.skipif(
    shutil.which("tshark") is None and not os.environ.get("CI"), reason="needs tshark: apt-get install tshark"
)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str = "<", options: bytes = b"") -> bytes:
    return block(1, struct.pack(order + "HHI", 1, 0, 0) + options, order)


def enhanced(ticks: int, data: bytes, order: str = "<", number: int = 0) -> bytes:
    size = len(data)
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, size, size)
    return block(6, head + data + bytes(-size % 4), order)


@given(
    packets=st.lists(
        st.builds(
            Captured,
            time_ns=st.integers(0, 2**64 - 1),
            data=st.binary(max_size=70),
            link_type=st.sampled_from([1, 101, 276]),
            comment=st.text(st.characters(codec="utf-8"), max_size=20),
        )
    ),
    key_log=st.binary(max_size=50),
)
def test_what_is_written_is_read_back(packets: list[Captured], key_log: bytes) -> None:
    read, secrets = pcapng.loads(pcapng.dumps(packets, key_log))
    assert read == packets
    assert [secret.data for secret in secrets] == ([key_log] if key_log else [])


def test_a_file_is_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "talk.pcapng"
    pcapng.write(path, PACKETS, KEY_LOG)
    packets, secrets = pcapng.read(path)
    assert packets == PACKETS
    assert secrets == [pcapng.Secrets(KEY_LOG)]
    (conversation,) = Reassembler(decode(captured) for captured in packets).conversations
    assert [chunk.data for chunk in conversation.chunks] == [chunk.data for chunk in HTTP]


def test_the_other_byte_order_is_read() -> None:
    packets, _ = pcapng.loads(section(">") + interface(">") + enhanced(5, b"abc", ">"))
    assert packets == [Captured(5000, b"abc")]


def test_times_default_to_microseconds_and_follow_resolution_and_offset() -> None:
    microseconds, _ = pcapng.loads(section() + interface() + enhanced(7, b""))
    assert microseconds[0].time_ns == 7000
    options = struct.pack("<HHB3x", 9, 1, 0x8A) + struct.pack("<HHq", 14, 8, 3) + bytes(4)
    binary, _ = pcapng.loads(section() + interface(options=options) + enhanced(512, b""))
    assert binary[0].time_ns == 3_500_000_000, "512 ticks of 2**-10 s, 3 s on top"


def test_interfaces_are_numbered_anew_in_each_section() -> None:
    again = section(">") + interface(">") + enhanced(2, b"b", ">")
    packets, _ = pcapng.loads(section() + interface() + interface() + enhanced(1, b"a", number=1) + again)
    assert [p.data for p in packets] == [b"a", b"b"]
    with pytest.raises(DecodeError, match="a packet of interface 1"):
        pcapng.loads(
            section() + interface() + interface() + section() + interface() + enhanced(1, b"", number=1)
        )


def test_unknown_blocks_and_options_are_skipped() -> None:
    strange = block(0x0BAD, b"whatever" * 3)
    options = struct.pack("<HH4s", 2988, 3, b"xyz") + bytes(4)
    packets, _ = pcapng.loads(section() + strange + interface(options=options) + strange + enhanced(1, b"a"))
    assert [p.data for p in packets] == [b"a"]


GOOD = section() + interface() + enhanced(1, b"abcd")
REFUSED = {
    "an empty file": (b"", "where a block should start"),
    "classic pcap": (bytes.fromhex("d4c3b2a1020004000000000000000000"), "starts with a Section Header"),
    "a byte-order magic of zeros": (GOOD[:8] + bytes(4) + GOOD[12:], "byte-order magic"),
    "a length that is no multiple of 4": (section() + b"\1\0\0\0\x15\0\0\0" + bytes(30), "block length 21"),
    "a length of 8": (section() + b"\1\0\0\0\x08\0\0\0", "block length 8"),
    "a length of 2 GiB": (section() + b"\1\0\0\0\0\0\0\x80", "block length 2147483648"),
    "an end inside a block": (GOOD[:-6], "ends inside a block"),
    "an end inside a length": (GOOD + b"\6\0\0", "where a block should start"),
    "two lengths that differ": (GOOD[:-4] + b"\0\0\0\0", "two lengths"),
    "version 2": (block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 2, 0, -1)), "version 2"),
    "a packet before its interface": (section() + enhanced(1, b""), "described before they are used"),
    "a packet longer than its block": (
        section() + interface() + block(6, struct.pack("<IIIII", 0, 0, 0, 50, 50) + bytes(8)),
        "captured length 50",
    ),
    "a block without its fixed fields": (
        section() + interface() + block(6, bytes(8)),
        "too short for its type",
    ),
    "secrets longer than their block": (
        section() + block(10, struct.pack("<II", 1, 99)),
        "99 octets of secrets",
    ),
    "an option past its block": (
        section() + interface(options=struct.pack("<HH", 2, 60)),
        "option 2 of 60 octets",
    ),
    "interfaces without end": (section() + interface() * 1025, "more than 1024 interfaces"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_damaged_files_are_refused(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(DecodeError, match=reason):
        pcapng.loads(data)


@given(st.binary(max_size=60), st.integers(0, len(GOOD)))
def test_arbitrary_octets_are_read_or_refused(noise: bytes, at: int) -> None:
    for data in (noise, GOOD[:at] + noise, GOOD[:at] + noise + GOOD[at + len(noise) :]):
        try:
            list(pcapng.Reader(io.BytesIO(data)))
        except DecodeError as error:
            assert error.layer == "pcapng"


def run_tshark(path: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["tshark", "-r", str(path), *arguments], capture_output=True, text=True, timeout=50, check=True
    )
    return done.stdout.splitlines()


@tshark
def test_tshark_reads_our_packets_as_we_do(tmp_path: Path) -> None:
    path = tmp_path / "talk.pcapng"
    pcapng.write(path, PACKETS, KEY_LOG)
    names = (
        "frame.time_epoch",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.seq",
        "tcp.ack",
        "tcp.len",
        "tcp.checksum.status",
    )
    fields = [argument for name in names for argument in ("-e", name)]
    lines = run_tshark(path, "-o", "tcp.check_checksum:TRUE", "-T", "fields", *fields)
    (conversation,) = Reassembler(decode(captured) for captured in PACKETS).conversations
    expected = []
    for packet in conversation.packets:
        way = conversation.direction(packet)
        seconds, rest = divmod(packet.time_ns, 10**9)
        segment = packet.segment
        heard = (
            conversation.flows[way.opposite].relative(segment.acknowledgment) if segment.acknowledgment else 0
        )
        expected.append(
            f"{seconds}.{rest:09d}\t{segment.source_port}\t{segment.destination_port}"
            f"\t{conversation.flows[way].relative(segment.sequence)}\t{heard}\t{len(segment.payload)}\t1"
        )
    assert lines == expected


@tshark
def test_tshark_finds_the_http_in_our_packets(tmp_path: Path) -> None:
    path = tmp_path / "talk.pcapng"
    pcapng.write(path, PACKETS)
    lines = run_tshark(
        path,
        "-d",
        "tcp.port==8080,http",
        "-T",
        "fields",
        "-e",
        "http.request.uri",
        "-e",
        "http.file_data",
        "-Y",
        "http",
    )
    assert len(lines) == 2
    assert lines[0].startswith("/here")
    assert "hello" in lines[1] or "68656c6c6f" in lines[1]


@tshark
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_tshark_calls_nothing_in_our_packets_malformed(tmp_path: Path, address: str) -> None:
    path = tmp_path / "talk.pcapng"
    large = [Chunk(Direction.TO_SERVER, 0.0, bytes(200_000))]
    pcapng.write(path, compose(Endpoint(address, 40000), Endpoint(address, 8080), large, 10**18))
    wrong = "_ws.malformed || tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0"
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    assert run_tshark(path, *checks, "-Y", wrong) == []
    assert len(run_tshark(path)) == 3 + 2 * 4 + 3


@pytest.mark.skipif(
    shutil.which("editcap") is None and not os.environ.get("CI"),
    reason="needs editcap: apt-get install tshark",
)
def test_wiresharks_editcap_takes_a_capture_with_secrets_and_returns_it(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.pcapng", tmp_path / "theirs.pcapng"
    pcapng.write(ours, PACKETS, KEY_LOG)
    subprocess.run(["editcap", str(ours), str(theirs)], check=True, timeout=50)
    packets, secrets = pcapng.read(theirs)
    assert [(p.time_ns, p.data) for p in packets] == [(p.time_ns, p.data) for p in PACKETS]
    assert [s.data for s in secrets] == [KEY_LOG]


def test_secrets_stand_behind_the_interface_of_the_packets(tmp_path: Path) -> None:
    raw = [Captured(5, b"abc", 101)]
    data = pcapng.dumps(raw, KEY_LOG)
    kinds = [0x0A0D0D0A, 1, 10, 6]
    at = 0
    for kind in kinds:
        found, length = struct.unpack_from("<II", data, at)
        assert found == kind
        at += length
    assert pcapng.loads(data) == (raw, [pcapng.Secrets(KEY_LOG)])
