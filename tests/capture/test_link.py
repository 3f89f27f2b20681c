"""Link types and the lenient reader of segments: where TCP is found, and what else a packet is called."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.capture import Captured, DecodeError, Flags, Segment, annotate, decode, encode
from netlab.capture.segments import NotTcp, segment_of
from tests.capture.test_decode import LOOPBACK_SYN, datagram, replaced

V4 = LOOPBACK_SYN[14:]
V6 = encode(datagram("::1", "::1"), Segment(40000, 8080, 100, 0, Flags.SYN, 5), 0).data[14:]
TAG = b"\x81\x00\x00\x07"

LINKS = {
    "Ethernet": (1, bytes(12) + b"\x08\x00" + V4),
    "Ethernet with a VLAN tag": (1, bytes(12) + TAG + b"\x08\x00" + V4),
    "Ethernet with two tags": (1, bytes(12) + b"\x88\xa8\x00\x01" + TAG + b"\x08\x00" + V4),
    "Ethernet with IPv6": (1, bytes(12) + TAG + b"\x86\xdd" + V6),
    "PPPoE": (1, bytes(12) + b"\x88\x64\x11\0\0\x01\0\x3e\0\x21" + V4),
    "MPLS with two labels": (1, bytes(12) + b"\x88\x47" + b"\0\x01\0\x40\0\x02\x01\x40" + V6),
    "SNAP": (1, bytes(12) + b"\0\x44\xaa\xaa\x03\0\0\0\x08\0" + V4),
    "cooked": (113, bytes(14) + b"\x08\x00" + V4),
    "cooked with a tag": (113, bytes(14) + TAG + b"\x08\x00" + V4),
    "cooked 2": (276, b"\x08\x00" + bytes(18) + V4),
    "cooked 2 with a tag": (276, b"\x81\x00" + bytes(18) + b"\x00\x07\x08\x00" + V4),
    "null, little-endian": (0, b"\x02\0\0\0" + V4),
    "null, big-endian, IPv6 of macOS": (0, b"\0\0\0\x1e" + V6),
    "loop": (108, b"\0\0\0\x02" + V4),
    "PPP": (9, b"\xff\x03\x00\x21" + V4),
    "PPP with compressed address": (9, b"\x00\x57" + V6),
    "raw": (101, V4),
    "raw IPv6": (101, V6),
    "raw, as BSD numbers it": (12, V4),
    "IPv4": (228, V4),
    "IPv6": (229, V6),
}


@pytest.mark.parametrize("name", LINKS)
def test_each_link_type_leads_to_the_same_segment(name: str) -> None:
    link_type, data = LINKS[name]
    captured = Captured(0, data, link_type)
    seen = segment_of(captured)
    assert (seen.sequence, seen.flags, seen.payload, seen.missing) == (100, 2, b"", 0)
    assert seen.source[-2:] == (40000).to_bytes(2, "big")
    assert decode(captured).segment.sequence == 100


def test_a_vlan_tag_is_a_field_of_the_annotated_packet() -> None:
    ranges = annotate(Captured(0, LINKS["Ethernet with a VLAN tag"][1]))
    assert [r.label for r in ranges[2:4]] == ["VLAN 7", "type 0x0800: IPv4"]
    assert all(a.stop == b.start for a, b in itertools.pairwise(ranges)), "no octet is left out"


def test_ethernet_padding_is_no_payload_and_a_missing_tail_is_counted() -> None:
    assert segment_of(Captured(0, LOOPBACK_SYN + bytes(9))).payload == b""
    longer = replaced(LOOPBACK_SYN, 16, b"\x00\x50") + b"abc"  # 20 octets of payload, 3 captured
    seen = segment_of(Captured(0, longer))
    assert (seen.payload, seen.missing) == (b"abc", 17)


def test_segmentation_offload_leaves_the_length_0_and_all_octets_count() -> None:
    seen = segment_of(Captured(0, replaced(LOOPBACK_SYN, 16, b"\0\0") + b"x" * 70_000))
    assert len(seen.payload) == 70_000


def test_a_wrong_checksum_hides_no_segment() -> None:
    assert segment_of(Captured(0, replaced(LOOPBACK_SYN, 24, b"\0\0"))).sequence == 100


NOT_TCP = {
    "ARP": (replaced(LOOPBACK_SYN, 12, b"\x08\x06"), "ARP"),
    "UDP": (replaced(LOOPBACK_SYN, 23, b"\x11"), "UDP"),
    "an unknown protocol": (replaced(LOOPBACK_SYN, 23, b"\xfd"), "IP protocol 253"),
    "an unknown ethertype": (replaced(LOOPBACK_SYN, 12, b"\x77\x77"), "ethertype 0x7777"),
    "a first fragment": (replaced(LOOPBACK_SYN, 20, b"\x20\x00"), "a fragment of an IPv4 packet"),
    "a later fragment": (replaced(LOOPBACK_SYN, 20, b"\x00\x01"), "a fragment of an IPv4 packet"),
    "half a TCP header": (LOOPBACK_SYN[:50], "without its whole TCP header"),
    "a TCP header of 16 octets": (replaced(LOOPBACK_SYN, 46, b"\x40"), "an impossible length"),
    "a TCP header longer than the packet": (replaced(LOOPBACK_SYN, 46, b"\xf0"), "an impossible length"),
    "version 9": (replaced(LOOPBACK_SYN, 14, b"\x95"), "without a readable header"),
    "an IPv6 fragment": (
        bytes(12) + b"\x86\xdd" + V6[:6] + b"\x2c" + V6[7:40] + b"\x06\0\x00\x01" + bytes(4) + V6[40:],
        "a fragment of an IPv6 packet",
    ),
}


@pytest.mark.parametrize("name", NOT_TCP)
def test_what_is_no_tcp_is_named_in_a_few_words(name: str) -> None:
    data, reason = NOT_TCP[name]
    with pytest.raises(NotTcp) as raised:
        segment_of(Captured(0, data))
    assert reason in raised.value.what


@pytest.mark.parametrize("link_type", [0, 1, 9, 101, 108, 113, 228, 229, 276])
@given(data=st.binary(max_size=90))
def test_arbitrary_octets_are_read_or_refused(link_type: int, data: bytes) -> None:
    for candidate in (data, LOOPBACK_SYN[:14] + data, V6[:40] + data):
        try:
            segment_of(Captured(0, candidate, link_type))
        except DecodeError as error:
            assert error.problem
