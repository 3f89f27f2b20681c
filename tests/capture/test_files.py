"""Capture files: classic pcap, pcapng's packet blocks, gzip; where a file ends early is said."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.capture import Captured, DecodeError, Secrets, open_capture, pcapng
from tests.capture.test_pcapng import block, enhanced, interface, section

PACKETS = [Captured(1_700_000_000_123_456_000 + 1000 * n, bytes([n]) * (n + 1)) for n in range(5)]


def classic(packets: list[Captured], order: str = "<", magic: int = 0xA1B2C3D4, extra: int = 0) -> bytes:
    """A classic pcap file; its times are in nanoseconds where the magic says so."""
    tick = 1 if magic == 0xA1B23C4D else 1000
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, packets[0].link_type)]
    for packet in packets:
        seconds, rest = divmod(packet.time_ns, 10**9)
        size = len(packet.data)
        head = struct.pack(order + "IIII", seconds, rest // tick, size, size) + bytes(extra)
        parts.append(head + packet.data)
    return b"".join(parts)


def packets_of(data: bytes) -> list[Captured]:
    return [item for item in open_capture(io.BytesIO(data)) if isinstance(item, Captured)]


def until_damage(data: bytes) -> tuple[list[Captured | Secrets], DecodeError]:
    """What is read before the damage, and the error that names it."""
    items: Iterator[Captured | Secrets] = open_capture(io.BytesIO(data))
    found: list[Captured | Secrets] = []
    with pytest.raises(DecodeError) as raised:
        while True:
            found.append(next(items))
    return found, raised.value


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "extra"), [(0xA1B2C3D4, 0), (0xA1B23C4D, 0), (0xA1B2CD34, 8)])
def test_classic_pcap_is_read_in_both_byte_orders_and_resolutions(order: str, magic: int, extra: int) -> None:
    assert packets_of(classic(PACKETS, order, magic, extra)) == PACKETS


def test_nanoseconds_of_classic_pcap_are_kept() -> None:
    odd = [Captured(1_000_000_007, b"x", 101)]
    assert packets_of(classic(odd, magic=0xA1B23C4D)) == odd


@pytest.mark.parametrize("data", [classic(PACKETS), pcapng.dumps(PACKETS)], ids=["pcap", "pcapng"])
def test_a_capture_packed_with_gzip_is_read_alike(data: bytes) -> None:
    assert packets_of(gzip.compress(data)) == PACKETS
    members = gzip.compress(data[:30]) + gzip.compress(data[30:]) + bytes(7)
    assert packets_of(members) == PACKETS, "several members, and zeros behind the last"


def simple(length: int, data: bytes, order: str = "<") -> bytes:
    return block(3, struct.pack(order + "I", length) + data + bytes(-len(data) % 4), order)


def obsolete(ticks: int, data: bytes, order: str = "<", number: int = 0) -> bytes:
    size = len(data)
    head = struct.pack(order + "HHIIII", number, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, size, size)
    return block(2, head + data + bytes(-size % 4), order)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_three_packet_blocks_of_pcapng_are_read(order: str) -> None:
    start = section(order) + interface(order)
    blocks = enhanced(5, b"abc", order) + simple(2, b"de", order) + obsolete(9, b"fghij", order)
    expected = [Captured(5000, b"abc"), Captured(5000, b"de"), Captured(9000, b"fghij")]
    assert packets_of(start + blocks) == expected, "a simple block takes the time of the packet before it"


def test_a_simple_block_is_cut_at_the_snapshot_length() -> None:
    snapped = block(1, struct.pack("<HHI", 1, 0, 4))
    assert packets_of(section() + snapped + simple(100, b"abcd")) == [Captured(0, b"abcd")]
    with pytest.raises(DecodeError, match="a packet of 100 octets in a body of 8"):
        packets_of(section() + interface() + simple(100, b"abcd"))
    with pytest.raises(DecodeError, match="described before they are used"):
        packets_of(section() + simple(1, b"a"))


def test_secrets_and_sections_come_in_the_order_of_the_file() -> None:
    one = pcapng.dumps(PACKETS[:1], b"first\n")
    two = section(">") + interface(">") + enhanced(2, b"b", ">")
    items = list(open_capture(io.BytesIO(one + two)))
    assert items == [Secrets(b"first\n"), PACKETS[0], Captured(2000, b"b")]


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_a_truncated_capture_gives_its_whole_packets_and_says_where_it_ends(form: str) -> None:
    data = classic(PACKETS) if form == "pcap" else pcapng.dumps(PACKETS)
    ends = [
        len(classic(PACKETS[: n + 1]) if form == "pcap" else pcapng.dumps(PACKETS[: n + 1])) for n in range(5)
    ]
    for size in range(1, len(data)):
        whole = sum(end <= size for end in ends)
        if size in ends or (form == "pcap" and size == 24) or (form == "pcapng" and size < ends[0]):
            continue
        found, error = until_damage(data[:size])
        assert found == PACKETS[:whole]
        assert error.layer in (form, "capture")
        if size > ends[0]:
            assert error.offset == ends[whole - 1], "the offset where the unfinished packet starts"


def test_a_truncated_gzip_gives_what_was_packed_before_its_end() -> None:
    packets = [Captured(n * 1000, bytes([n % 251]) * 400) for n in range(500)]
    packed = gzip.compress(classic(packets), 0)
    found, error = until_damage(packed[: len(packed) // 2])
    assert found == packets[: len(found)]
    assert 200 < len(found) < 260
    assert (error.layer, error.problem) == ("gzip", "the file ends inside its packed data")
    assert error.offset == len(packed) // 2
    damaged = bytearray(packed)
    damaged[-6] ^= 1  # in the check sum
    found, error = until_damage(bytes(damaged))
    assert found == packets
    assert "damaged" in error.problem


REFUSED = {
    "an empty file": (b"", "the file is empty"),
    "a text": (b"GET / HTTP/1.1\r\n", "it starts with 47 45 54 20"),
    "a key log": (b"CLIENT_RANDOM 00", "give it with --keylog"),
    "a PEM file": (b"-----BEGIN PRIVATE KEY-----", "give a private key with --key"),
    "Zstandard": (b"\x28\xb5\x2f\xfd" + bytes(9), "unzstd"),
    "xz": (b"\xfd7zXZ\0", "unxz"),
    "snoop": (b"snoop\0\0\0", "editcap"),
    "a pcap header cut short": (classic(PACKETS)[:20], "ends inside its header"),
    "a packet of 2 GiB": (classic(PACKETS)[:24] + b"\0" * 8 + b"\0\0\0\x80" * 2, "a packet of 2147483648"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_capture_is_refused_with_the_way_out(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(DecodeError, match=reason):
        packets_of(data)


@given(st.sampled_from([classic(PACKETS), pcapng.dumps(PACKETS), gzip.compress(classic(PACKETS))]), st.data())
def test_a_damaged_capture_is_read_or_refused_by_its_one_error(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data)))
    noise = draw.draw(st.binary(max_size=9))
    for damaged in (noise, data[:at] + noise, data[:at] + noise + data[at + len(noise) :]):
        try:
            list(open_capture(io.BytesIO(damaged)))
        except DecodeError as error:
            assert error.rule
