"""Ethernet, IP and TCP: what is decoded, and what is refused with which rule."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.capture import (
    Captured,
    Checksum,
    DecodeError,
    Endpoint,
    Flags,
    Options,
    Segment,
    decode,
    encode,
    ethernet,
    ip,
    tcp,
)
from netlab.capture.checksum import internet_checksum, ones_complement_sum
from netlab.capture.link import LINK_COOKED, LINK_COOKED_2, LINK_RAW

# A SYN as Linux sends it on loopback: window 65,495, four options, the checksum left to the card.
LOOPBACK_SYN = bytes.fromhex(
    "000000000000 000000000000 0800"
    "4500003c 1c464000 4006 2074 7f000001 7f000001"
    "9c40 1f90 00000064 00000000 a002 ffd7 fe30 0000"
    "0204ffd7 0402 080a 0000000a 00000000 01 030307"
)


def datagram(source: str, destination: str) -> ip.Datagram:
    return ip.Datagram(ip_address(source), ip_address(destination), 6, 64, b"", 20)


def replaced(data: bytes, at: int, octets: bytes) -> bytes:
    return data[:at] + octets + data[at + len(octets) :]


def with_right_ip_checksum(data: bytes) -> bytes:
    """The Ethernet packet with the checksum of its IPv4 header mended, so that a later rule is reached."""
    size = (data[14] & 15) * 4
    header = replaced(data[14 : 14 + size], 10, b"\0\0")
    return replaced(data, 24, internet_checksum(header).to_bytes(2, "big"))


def test_every_field_of_a_loopback_syn_is_decoded() -> None:
    packet = decode(Captured(5, LOOPBACK_SYN))
    assert packet.time_ns == 5
    assert packet.size == len(LOOPBACK_SYN) == 74
    assert packet.source == Endpoint("127.0.0.1", 40000)
    assert packet.destination == Endpoint("127.0.0.1", 8080)
    assert (packet.datagram.version, packet.datagram.hops, packet.datagram.header_length) == (4, 64, 20)
    segment = packet.segment
    assert (segment.sequence, segment.acknowledgment, segment.flags) == (100, 0, Flags.SYN)
    assert (segment.window, segment.header_length, segment.payload) == (65495, 40, b"")
    expected = Options(mss=65495, window_scale=7, sack_permitted=True, timestamps=(10, 0))
    assert segment.options == expected
    assert segment.length == 1, "a SYN uses one sequence number"


def test_an_offloaded_checksum_is_told_from_a_right_and_a_wrong_one() -> None:
    assert decode(Captured(0, LOOPBACK_SYN)).checksum is Checksum.OFFLOADED
    made = encode(datagram("127.0.0.1", "127.0.0.1"), decode(Captured(0, LOOPBACK_SYN)).segment, 0)
    assert decode(made).checksum is Checksum.VALID
    broken = replaced(made.data, 48, b"\x08")  # in the window
    assert decode(Captured(0, broken)).checksum is Checksum.WRONG


@pytest.mark.parametrize(
    ("source", "destination"), [("127.0.0.1", "10.9.8.7"), ("::1", "fe80::1"), ("2001:db8::5", "::1")]
)
def test_what_is_encoded_decodes_to_the_same_segment(source: str, destination: str) -> None:
    segment = Segment(
        1, 65535, 0xFFFFFFFF, 12, Flags.PSH | Flags.ACK, 512, b"abc", Options(sack=((1, 2), (5, 9))), 3
    )
    packet = decode(encode(datagram(source, destination), segment, 1))
    assert packet.segment == replace(segment, header_length=40)
    assert packet.checksum is Checksum.VALID
    assert str(packet.source) == (f"[{source}]:1" if ":" in source else f"{source}:1")


def test_every_option_survives_encoding() -> None:
    options = Options(
        mss=1460,
        window_scale=3,
        sack_permitted=True,
        timestamps=(7, 9),
        sack=((1, 2),),
        other=((254, b"abc"),),
    )
    assert tcp.decode(tcp.encode(Segment(1, 2, 3, 4, Flags.SYN, 5, options=options))).options == options


@given(st.binary(min_size=0, max_size=64))
def test_the_sum_is_the_one_of_rfc_1071(data: bytes) -> None:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(padded[i : i + 2], "big") for i in range(0, len(padded), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert ones_complement_sum(data) == total


def test_link_padding_is_no_payload() -> None:
    packet = decode(Captured(0, LOOPBACK_SYN + b"padding"))
    assert packet.segment.payload == b""


def test_each_link_type_leads_to_the_same_packet() -> None:
    inner = LOOPBACK_SYN[14:]
    cooked = Captured(0, bytes(14) + b"\x08\x00" + inner, LINK_COOKED)
    cooked_2 = Captured(0, b"\x08\x00" + bytes(18) + inner, LINK_COOKED_2)
    for captured in (Captured(0, inner, LINK_RAW), cooked, cooked_2):
        assert decode(captured).segment == decode(Captured(0, LOOPBACK_SYN)).segment


def test_ipv6_extension_headers_are_stepped_over() -> None:
    plain = encode(datagram("::1", "::1"), Segment(1, 2, 3, 4, Flags.ACK, 5, b"x"), 0).data
    segment = plain[54:]
    extensions = bytes([60, 1]) + bytes(14) + bytes([44, 0]) + bytes(6) + bytes([6, 0]) + bytes(6)
    length = (len(extensions) + len(segment)).to_bytes(2, "big")
    data = plain[:18] + length + b"\x00" + plain[21:54] + extensions + segment
    packet = decode(Captured(0, data))
    assert packet.segment.payload == b"x"
    assert packet.datagram.header_length == 40 + len(extensions)


REFUSED = {
    "an empty frame": (b"", "Ethernet"),
    "a length instead of a type": (replaced(LOOPBACK_SYN, 12, b"\x00\x2e"), "IEEE 802.3"),
    "ARP": (replaced(LOOPBACK_SYN, 12, b"\x08\x06"), "only IPv4 and IPv6"),
    "no IP packet at all": (LOOPBACK_SYN[:14], "nothing to decode"),
    "version 5": (replaced(LOOPBACK_SYN, 14, b"\x55"), "version 5"),
    "half an IPv4 header": (LOOPBACK_SYN[:24], "ends inside its header"),
    "an IPv4 header of 16 octets": (replaced(LOOPBACK_SYN, 14, b"\x44"), "at least 20 octets"),
    "a total length below the header": (replaced(LOOPBACK_SYN, 16, b"\x00\x10"), "includes the header"),
    "a packet cut short": (LOOPBACK_SYN[:-1], "cut short"),
    "a wrong IPv4 checksum": (replaced(LOOPBACK_SYN, 22, b"\x3f"), "header checksum"),
    "UDP": (with_right_ip_checksum(replaced(LOOPBACK_SYN, 23, b"\x11")), "protocol 17"),
    "a fragment": (with_right_ip_checksum(replaced(LOOPBACK_SYN, 20, b"\x20\x00")), "fragment"),
    "a data offset of 4": (replaced(LOOPBACK_SYN, 46, b"\x40"), "data offset 4"),
    "a header longer than the segment": (replaced(LOOPBACK_SYN, 46, b"\xf0"), "a header of 60 octets"),
    "an option of length 0": (replaced(LOOPBACK_SYN, 55, b"\x00"), "option 2 of length 0"),
    "an option past the header": (replaced(LOOPBACK_SYN, 61, b"\x40"), "option 8 of length 64"),
    "an MSS of 3 octets": (replaced(LOOPBACK_SYN, 55, b"\x05"), "RFC 9293 §3.2: length 4"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_packets_are_refused_with_the_rule(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(DecodeError, match=reason):
        decode(Captured(0, data))


def test_a_last_option_without_its_length_is_refused() -> None:
    # The header ends right behind the kind octet of an option.
    data = replaced(LOOPBACK_SYN, 71, b"\x01\x01\x03")
    with pytest.raises(DecodeError, match="option 3 of length 0"):
        decode(Captured(0, data))


def test_ipv6_refuses_what_is_cut_short_or_endless() -> None:
    whole = encode(datagram("::1", "::1"), Segment(1, 2, 3, 4, Flags.ACK, 5), 0).data[14:]
    with pytest.raises(DecodeError, match="ends inside its header"):
        ip.decode(whole[:39])
    with pytest.raises(DecodeError, match="cut short"):
        ip.decode(whole[:-1])
    many = bytes([0, 0]) + bytes(6)
    header = b"\x60\0\0\0" + (9 * 8).to_bytes(2, "big") + b"\0\x40" + whole[8:40]
    with pytest.raises(DecodeError, match="more than 8 extension headers"):
        ip.decode(header + many * 9)
    long = b"\x60\0\0\0" + (8).to_bytes(2, "big") + b"\0\x40" + whole[8:40] + bytes([6, 5]) + bytes(6)
    with pytest.raises(DecodeError, match="longer than the packet"):
        ip.decode(long)
    fragment = (
        b"\x60\0\0\0" + (8).to_bytes(2, "big") + b"\x2c\x40" + whole[8:40] + bytes([6, 0, 0, 8]) + bytes(4)
    )
    assert ip.decode(fragment).fragment


def test_an_unknown_link_type_is_refused_by_name() -> None:
    with pytest.raises(DecodeError, match="link type 147"):
        decode(Captured(0, LOOPBACK_SYN, 147))


def test_a_window_shift_above_14_counts_as_14() -> None:
    assert tcp.decode(
        tcp.encode(Segment(1, 2, 3, 4, Flags.SYN, 5, options=Options(window_scale=15)))
    ).options == Options(window_scale=14)


def test_options_that_do_not_fit_a_header_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="a TCP header holds 40"):
        tcp.encode(Segment(1, 2, 3, 4, Flags.SYN, 5, options=Options(other=((254, bytes(40)),))))


@given(st.binary(max_size=120))
def test_arbitrary_octets_decode_or_raise_decode_error(data: bytes) -> None:
    for candidate in (Captured(0, data), Captured(0, data, LINK_RAW)):
        try:
            decode(candidate)
        except DecodeError as error:
            assert error.rule
    frame = ethernet.Frame(bytes(6), bytes(6), 0x0800, data)
    assert ethernet.decode(ethernet.encode(frame)) == frame


@given(st.integers(min_value=0, max_value=len(LOOPBACK_SYN) - 1), st.integers(min_value=0, max_value=255))
def test_one_changed_octet_decodes_or_raises_decode_error(at: int, octet: int) -> None:
    try:
        decode(Captured(0, replaced(LOOPBACK_SYN, at, bytes([octet]))))
    except DecodeError as error:
        assert str(error).startswith(error.layer)


def test_flags_are_spoken_as_people_write_them() -> None:
    assert (Flags.ACK | Flags.SYN).names == "SYN, ACK"
    assert (Flags.ACK | Flags.PSH | Flags.FIN).names == "FIN, PSH, ACK"
    assert Flags(0).names == ""
