"""Following streams through a capture: order, loss, roles, numbers as Wireshark gives them, bounds."""

from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.capture import (
    Captured,
    Chunk,
    Direction,
    Endpoint,
    Flags,
    Secrets,
    Segment,
    compose,
    encode,
    follow,
    open_capture,
    pcapng,
)
from netlab.capture.following import Closed, Damaged, Data, Event, Flagged, Lost, Opened, StreamEnd, Unread
from netlab.capture.ip import Datagram
from tests.capture.test_pcapng import run_tshark, tshark

CLIENT, SERVER = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 443)
OUT, BACK = Direction.TO_SERVER, Direction.TO_CLIENT
NOW = 10**18

_Kind = TypeVar("_Kind")
TALK = [Chunk(OUT, 0.001, b"question"), Chunk(BACK, 0.002, b"answer"), Chunk(OUT, 0.003, b"thanks")]


def packet(
    way: Direction, flags: Flags, sequence: int, data: bytes = b"", acknowledgment: int = 0, port: int = 40000
) -> Captured:
    client = replace_port(CLIENT, port)
    source, destination = (client, SERVER) if way is OUT else (SERVER, client)
    datagram = Datagram(ip_address(source.address), ip_address(destination.address), 6, 64, b"", 20)
    numbers = sequence & 0xFFFFFFFF, acknowledgment & 0xFFFFFFFF
    return encode(datagram, Segment(source.port, destination.port, *numbers, flags, 100, data), NOW)


def replace_port(end: Endpoint, port: int) -> Endpoint:
    return end._replace(port=port)


def octets(events: Sequence[Event], way: Direction, stream: int = 0) -> bytes:
    return b"".join(
        e.octets for e in events if isinstance(e, Data) and (e.stream, e.direction) == (stream, way)
    )


def of(kind: type[_Kind], events: Sequence[Event]) -> list[_Kind]:
    return [event for event in events if isinstance(event, kind)]


def test_a_whole_conversation_becomes_events_in_the_order_of_the_capture() -> None:
    events = list(follow(compose(CLIENT, SERVER, TALK, NOW)))
    assert events[0] == Opened(0, NOW, CLIENT, SERVER, certain=True)
    assert of(Data, events) == [
        Data(0, OUT, NOW + 1_000_000, b"question"),
        Data(0, BACK, NOW + 2_000_000, b"answer"),
        Data(0, OUT, NOW + 3_000_000, b"thanks"),
    ]
    assert [(e.direction, e.flags.names) for e in of(Flagged, events)] == [
        (OUT, "SYN"), (BACK, "SYN, ACK"), (OUT, "FIN, ACK"), (BACK, "FIN, ACK"),
    ]  # fmt: skip
    assert events[-1] == Closed(0, NOW + 3_000_000, StreamEnd.FIN)


def test_secrets_come_out_where_they_stand() -> None:
    assert list(follow([Secrets(b"keys")])) == [Secrets(b"keys")]


@given(st.randoms(use_true_random=False), st.integers(0, 0xFFFFFFFF))
def test_retransmission_reordering_overlap_and_wrap_give_the_same_octets(
    chance: random.Random, start: int
) -> None:
    text = bytes(range(256)) * 2
    pieces = [(at, text[at : at + chance.randint(1, 40)]) for at in range(0, len(text), 20)]
    pieces += [(at, text[at : at + 20]) for at in range(0, len(text), 20)]
    chance.shuffle(pieces)
    packets = [packet(OUT, Flags.SYN, start)]
    packets += [packet(OUT, Flags.ACK, start + 1 + at, data) for at, data in pieces]
    events = list(follow(packets))
    assert octets(events, OUT) == text
    assert not of(Lost, events)


def test_missing_octets_are_given_up_when_their_receiver_acknowledged_them() -> None:
    packets = [
        packet(OUT, Flags.SYN, 0),
        packet(OUT, Flags.ACK, 1, b"one"),
        packet(OUT, Flags.ACK, 14, b"three"),
    ]
    packets += [packet(BACK, Flags.ACK, 1, acknowledgment=19)]
    more = [packet(OUT, Flags.ACK, 19 + n, b"x") for n in range(200)]
    events = list(follow(packets + more))
    assert of(Lost, events) == [Lost(0, OUT, NOW, 10)]
    assert octets(events, OUT) == b"onethree" + b"x" * 200
    place = events.index(Lost(0, OUT, NOW, 10))
    assert place < len(events) - 100, "long before the capture ends"


def test_without_an_acknowledgment_missing_octets_are_given_up_at_the_end() -> None:
    events = list(follow([packet(OUT, Flags.ACK, 1, b"one"), packet(OUT, Flags.ACK, 14, b"three")]))
    assert [type(e) for e in events] == [Opened, Data, Lost, Data, Closed]


def test_a_packet_that_the_capture_cut_short_loses_its_tail_alone() -> None:
    whole = [packet(OUT, Flags.ACK, 1 + 100 * n, bytes([65 + n]) * 100) for n in range(3)]
    cut = [replace(captured, data=captured.data[:74]) for captured in whole]
    events = list(follow(cut))
    assert octets(events, OUT) == b"A" * 20 + b"B" * 20 + b"C" * 20
    assert [lost.missing for lost in of(Lost, events)] == [80, 80, 80]


def test_a_capture_that_starts_in_the_middle_takes_the_lower_port_for_the_server() -> None:
    events = list(follow([packet(BACK, Flags.ACK, 900, b"middle"), packet(OUT, Flags.ACK, 7, b"more")]))
    assert events[0] == Opened(0, NOW, CLIENT, SERVER, certain=False)
    assert (octets(events, BACK), octets(events, OUT)) == (b"middle", b"more")
    assert events[-1] == Closed(0, NOW, StreamEnd.OPEN)


def test_a_syn_that_comes_behind_its_syn_ack_opens_no_second_stream() -> None:
    packets = compose(CLIENT, SERVER, TALK, NOW)
    packets[0], packets[1] = packets[1], packets[0]
    events = list(follow(packets))
    assert of(Opened, events) == [Opened(0, NOW, CLIENT, SERVER, certain=True)]
    assert octets(events, OUT) == b"questionthanks"


def test_the_same_ports_with_a_new_syn_are_a_new_stream() -> None:
    first = [packet(OUT, Flags.SYN, 50), packet(OUT, Flags.ACK, 51, b"first")]
    second = [
        packet(OUT, Flags.SYN, 5000),
        packet(OUT, Flags.SYN, 5000),
        packet(OUT, Flags.ACK, 5001, b"2nd"),
    ]
    events = list(follow(first + second))
    assert [e.stream for e in of(Opened, events)] == [0, 1], "the same SYN again is a retransmission"
    assert (octets(events, OUT, 0), octets(events, OUT, 1)) == (b"first", b"2nd")


def test_octets_that_cross_a_reset_are_still_told() -> None:
    packets = [
        packet(OUT, Flags.ACK, 1, b"a"),
        packet(OUT, Flags.RST, 2, b"why"),
        packet(BACK, Flags.ACK, 1, b"b"),
    ]
    events = list(follow(packets))
    assert (octets(events, OUT), octets(events, BACK)) == (b"a", b"b")
    assert of(Closed, events) == [Closed(0, NOW, StreamEnd.RST)]


def test_what_is_not_read_is_counted_by_reason_with_its_first_packet() -> None:
    arp, talk = Captured(0, bytes(12) + b"\x08\x06" + bytes(28)), compose(CLIENT, SERVER, TALK, NOW)
    events = list(follow([talk[0], arp, *talk[1:], arp, Captured(0, b"", 147)]))
    assert of(Unread, events) == [Unread("ARP", 2, 2), Unread("link type 147", 1, len(talk) + 3)]


def test_a_damaged_capture_ends_with_the_place_of_the_damage() -> None:
    data = pcapng.dumps(compose(CLIENT, SERVER, TALK, NOW))
    events = list(follow(open_capture(io.BytesIO(data[:-5]))))
    *_, closed, damaged = events
    assert isinstance(closed, Closed)
    assert isinstance(damaged, Damaged)
    assert octets(events, OUT) == b"questionthanks"
    assert str(damaged).startswith("pcapng, octet ")
    assert str(damaged).endswith("; 11 whole packets stand before it")


def flood(count: int) -> Iterator[Captured]:
    """One SYN from each of many clients, made as it is asked for."""
    for n in range(count):
        yield packet(OUT, Flags.SYN, n, port=1024 + n)


def test_streams_are_bounded_and_the_longest_idle_one_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netlab.capture.following._STREAMS_LIMIT", 10)
    events = list(follow(flood(30)))
    assert [e.stream for e in of(Closed, events)] == list(range(30))
    assert events.index(Closed(0, NOW, StreamEnd.OPEN)) < events.index(of(Opened, events)[15])


def test_a_late_packet_of_a_closed_stream_opens_no_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netlab.capture.following._ENDED_LIMIT", 0)
    talk = compose(CLIENT, SERVER, TALK, NOW)
    assert len(of(Opened, list(follow([*talk, *talk[-3:]])))) == 1
    assert len(of(Opened, list(follow([*talk, *talk])))) == 2, "a SYN opens one"


def test_memory_stays_flat_whatever_waits_behind_gaps() -> None:
    def endless() -> Iterator[Captured]:
        for n in range(5_000):
            yield packet(OUT, Flags.ACK, 2000 + n * 1400, bytes(1300))

    tracemalloc.start()
    try:
        lost = sum(event.missing for event in follow(endless()) if isinstance(event, Lost))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert lost == 4_999 * 100
    assert peak < 7 << 20, f"{peak:,} bytes for a stream of 7 MB in which every packet leaves a gap"


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 511), st.integers(0, 2**32 - 1), st.binary(max_size=9)))
)
def test_any_segments_give_events_and_end_every_stream(segments: list[tuple[bool, int, int, bytes]]) -> None:
    packets = [packet(OUT if out else BACK, Flags(f), s, d, s ^ 5) for out, f, s, d in segments]
    events = list(follow(packets))
    assert {e.stream for e in of(Opened, events)} == {e.stream for e in of(Closed, events)}


@tshark
def test_streams_have_the_numbers_and_octets_that_tshark_gives_them(tmp_path: Path) -> None:
    path = tmp_path / "several.pcapng"
    other = [Chunk(OUT, 0.0, b"theirs"), Chunk(BACK, 0.0, bytes(range(256)) * 300)]
    mixed = compose(CLIENT, SERVER, TALK, NOW) + compose(replace_port(CLIENT, 41000), SERVER, other, NOW)
    again = [packet(OUT, Flags.SYN, 5000), packet(OUT, Flags.ACK, 5001, b"again")]
    pcapng.write(path, mixed + again)
    lines = run_tshark(path, "-T", "fields", "-e", "tcp.stream", "-e", "tcp.dstport", "-e", "tcp.payload")
    expected: dict[tuple[int, Direction], bytes] = {}
    for line in lines:
        stream, port, *payload = line.split("\t")
        key = int(stream), OUT if port == "443" else BACK
        expected[key] = expected.get(key, b"") + bytes.fromhex(payload[0].replace(":", "") if payload else "")
    events = list(follow(mixed + again))
    for (stream, way), data in expected.items():
        assert octets(events, way, stream) == data
    assert len(expected) == 5
