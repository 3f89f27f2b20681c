"""Reassembly: whatever order, repetition, overlap and wrap the network makes, the stream comes out."""

from __future__ import annotations

import itertools
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.capture import (
    Chunk,
    DecodeError,
    Direction,
    Endpoint,
    Flags,
    Flow,
    Packet,
    Reassembler,
    Segment,
    compose,
    decode,
)
from netlab.capture.ip import Datagram

CLIENT, SERVER = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 8080)
OUT, BACK = Direction.TO_SERVER, Direction.TO_CLIENT


def data(sequence: int, octets: bytes, flags: Flags = Flags.ACK) -> Segment:
    return Segment(40000, 8080, sequence & 0xFFFFFFFF, 0, flags, 100, octets)


def packet(
    way: Direction, flags: Flags, sequence: int, heard: int = 0, octets: bytes = b"", time_ns: int = 0
) -> Packet:
    source, destination = (CLIENT, SERVER) if way is OUT else (SERVER, CLIENT)
    segment = Segment(source.port, destination.port, sequence, heard, flags, 100, octets)
    datagram = Datagram(ip_address(source.address), ip_address(destination.address), 6, 64, b"", 20)
    return Packet(time_ns, datagram, segment, 54 + len(octets))


def opened(start: int = 100) -> Flow:
    flow = Flow()
    flow.add(data(start - 1, b"", Flags.SYN))
    return flow


def test_segments_in_order_come_out_as_they_come_in() -> None:
    flow = opened()
    assert [flow.add(data(100, b"ab")), flow.add(data(102, b"cd"))] == [b"ab", b"cd"]
    assert (flow.octets, flow.retransmitted, flow.out_of_order, flow.missing) == (4, 0, 0, None)


def test_a_segment_before_its_turn_waits_for_the_gap_to_close() -> None:
    flow = opened()
    assert flow.add(data(104, b"ef")) == b""
    assert flow.add(data(102, b"cd")) == b""
    assert flow.missing == (0, 2)
    assert flow.add(data(100, b"ab")) == b"abcdef"
    assert (flow.out_of_order, flow.missing) == (2, None)


def test_a_retransmission_is_counted_and_not_delivered_again() -> None:
    flow = opened()
    flow.add(data(100, b"abcd"))
    assert flow.add(data(100, b"abcd")) == b""
    assert flow.add(data(102, b"cdef")) == b"ef"
    assert flow.retransmitted == 6


def test_where_copies_differ_the_first_stands_and_the_difference_is_counted() -> None:
    flow = opened()
    flow.add(data(102, b"CD"))
    flow.add(data(101, b"xyyx"))
    assert flow.add(data(100, b"a")) == b"axCDx"
    assert flow.conflicts == 2


def test_one_long_segment_fills_around_the_pieces_that_wait() -> None:
    flow = opened()
    flow.add(data(102, b"2"))
    flow.add(data(104, b"4"))
    assert flow.add(data(100, b"01-3-5")) == b"012345"


def test_sequence_numbers_wrap_around() -> None:
    flow = opened(0xFFFFFFFE)
    assert flow.add(data(0, b"cd")) == b""
    assert flow.add(data(0xFFFFFFFE, b"ab")) == b"abcd"
    assert flow.relative(2) == 5, "relative numbers go on counting"


def test_a_fin_ends_the_flow_only_when_all_before_it_is_there() -> None:
    flow = opened()
    flow.add(data(102, b"cd", Flags.FIN | Flags.ACK))
    assert not flow.finished
    assert flow.missing == (0, 2)
    assert flow.add(data(100, b"ab")) == b"abcd"
    assert flow.finished
    assert flow.add(data(104, b"after the end")) == b"", "nothing can follow a FIN"


def test_a_fin_whose_octets_never_came_shows_as_a_gap() -> None:
    flow = opened()
    flow.add(data(110, b"", Flags.FIN | Flags.ACK))
    assert flow.missing == (0, 10)


def test_a_capture_that_begins_in_the_middle_counts_from_its_first_octet() -> None:
    flow = Flow()
    assert flow.add(data(5000, b"middle")) == b"middle"
    assert flow.relative(5000) == 1


def test_a_segment_that_no_window_can_hold_is_left_out() -> None:
    flow = opened()
    assert flow.add(data(100 + (1 << 30) + 1, b"far")) == b""
    assert (flow.outside, flow.missing) == (1, None)


def test_what_waits_is_bounded_in_octets_and_in_pieces() -> None:
    flow = Flow(waiting_limit=1000)
    flow.add(data(0, b"", Flags.SYN))
    with pytest.raises(DecodeError, match="more than 1000 octets wait"):
        flow.add(data(10, bytes(1000)))
    flow = Flow(waiting_limit=1000)
    flow.add(data(0, b"", Flags.SYN))
    with pytest.raises(DecodeError, match="more than 1000 octets wait"):
        for place in range(10, 100, 2):
            flow.add(data(place, b"x"))


def test_a_large_segment_in_order_does_not_wait_and_is_not_bounded() -> None:
    flow = Flow(waiting_limit=1000)
    flow.add(data(0, b"", Flags.SYN))
    assert len(flow.add(data(1, bytes(5000)))) == 5000


@given(
    octets=st.binary(min_size=1, max_size=200),
    start=st.integers(0, 0xFFFFFFFF),
    draw=st.data(),
)
def test_any_cover_in_any_order_gives_the_stream_back(octets: bytes, start: int, draw: st.DataObject) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(octets)), max_size=12))
    extra = draw.draw(st.lists(st.integers(0, 40), min_size=len(cuts), max_size=len(cuts)))
    edges = sorted({0, len(octets), *cuts})
    segments = [(a, octets[a:b]) for a, b in itertools.pairwise(edges)]
    segments += [(a, octets[a : a + n]) for a, n in zip(cuts, extra, strict=True)]
    shuffled = draw.draw(st.permutations(segments))
    flow = opened(start)
    out = b"".join(flow.add(data(start + offset, part)) for offset, part in shuffled)
    out += flow.add(data(start + len(octets), b"", Flags.FIN | Flags.ACK))
    assert out == octets
    assert flow.finished
    assert flow.conflicts == 0
    assert flow.retransmitted == sum(len(part) for _, part in segments) - len(octets)


def talk() -> list[Packet]:
    chunks = [Chunk(OUT, 0.001, b"question"), Chunk(BACK, 0.002, b"answer"), Chunk(OUT, 0.003, b"thanks")]
    return [decode(captured) for captured in compose(CLIENT, SERVER, chunks, 10**18)]


def test_both_directions_of_a_conversation_come_out_with_their_times() -> None:
    (conversation,) = Reassembler(talk()).conversations
    assert (conversation.client, conversation.server) == (CLIENT, SERVER)
    assert conversation.chunks == [
        Chunk(OUT, 0.001, b"question"),
        Chunk(BACK, 0.002, b"answer"),
        Chunk(OUT, 0.003, b"thanks"),
    ]
    assert conversation.content(OUT) == b"questionthanks"
    assert conversation.content(BACK) == b"answer"
    assert conversation.closed


def test_the_handshake_is_found_and_its_absence_is_told() -> None:
    (whole,) = Reassembler(talk()).conversations
    assert whole.handshake is not None
    assert [p.segment.flags.names for p in whole.handshake] == ["SYN", "SYN, ACK", "ACK"]
    (headless,) = Reassembler(talk()[1:]).conversations
    assert headless.handshake is None
    assert headless.client == CLIENT, "the sender of a SYN-ACK is the server"
    (middle,) = Reassembler(talk()[3:]).conversations
    assert middle.client == CLIENT, "without a SYN the lower port is the server's"


def test_a_conversation_is_closed_only_when_both_fins_are_acknowledged() -> None:
    packets = talk()
    for kept in range(1, len(packets)):
        (conversation,) = Reassembler(packets[:kept]).conversations
        assert not conversation.closed, f"closed after {kept} of {len(packets)} packets"


def test_a_reset_closes_and_its_octets_are_no_data() -> None:
    packets = talk()[:4]
    packets.append(packet(BACK, Flags.RST | Flags.ACK, 1, 9, b"go away"))
    (conversation,) = Reassembler(packets).conversations
    assert conversation.reset_by is BACK
    assert conversation.closed
    assert conversation.content(BACK) == b""


def test_the_same_ends_with_a_new_syn_are_a_new_conversation() -> None:
    again = [packet(OUT, Flags.SYN, 777, time_ns=10**18 + 5)]
    reassembler = Reassembler([*talk(), *again])
    assert len(reassembler.conversations) == 2
    assert reassembler.conversations[1].packets == again


def test_the_same_syn_again_is_a_retransmission() -> None:
    packets = talk()
    reassembler = Reassembler([packets[0], *packets])
    assert len(reassembler.conversations) == 1
    assert reassembler.conversations[0].closed


def test_conversations_side_by_side_are_kept_apart() -> None:
    other = Endpoint("127.0.0.1", 40001)
    mine, theirs = talk(), compose(other, SERVER, [Chunk(OUT, 0.0, b"theirs")], 10**18)
    mixed = [p for pair in zip(mine, [decode(c) for c in theirs], strict=False) for p in pair] + mine[
        len(theirs) :
    ]
    first, second = Reassembler(mixed).conversations
    assert first.content(OUT) == b"questionthanks"
    assert second.content(OUT) == b"theirs"
