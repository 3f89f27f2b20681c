"""What a person looks at: the annotated hexdump and the ladder."""

from __future__ import annotations

import pytest

from netlab.capture import (
    Captured,
    Chunk,
    Direction,
    Endpoint,
    Range,
    Reassembler,
    annotate,
    compose,
    decode,
    hexdump,
    ladder,
    rungs,
)

CLIENT, SERVER = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 8080)
TALK = compose(
    CLIENT,
    SERVER,
    [Chunk(Direction.TO_SERVER, 0.0015, b"ask"), Chunk(Direction.TO_CLIENT, 0.0025, b"tell")],
    10**18,
)


def test_a_hexdump_underlines_its_ranges_in_place() -> None:
    drawn = hexdump(
        b"GET / HTTP/1.1\r\n", [Range(0, 3, "method"), Range(6, 14, "version"), Range(14, 16, "CRLF")]
    )
    assert drawn == "\n".join(
        [
            "0000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|",
            "      ^^^^^^^^ method",
            "                        ^^^^^^^^^^^^^^^^^^^^^^^^ version",
            "                                                 ^^^^^ CRLF",
        ]
    )


def test_a_range_over_several_lines_is_named_where_it_begins_and_where_it_ends() -> None:
    lines = hexdump(bytes(40), [Range(14, 34, "long")]).splitlines()
    assert [line[:4] for line in lines] == ["0000", "    ", "0010", "0020", "    "]
    assert lines[1] == " " * 49 + "^^^^^" + " long"
    assert lines[1].index("^") == lines[0].index("00  |") - 3
    assert lines[4] == "      ^^^^^ … long"


def test_a_short_last_line_is_padded_and_a_base_is_added() -> None:
    drawn = hexdump(b"AB", base=0x30)
    assert drawn == f"0030  {'41 42':<23}  {'':<23}  |AB|"


def test_an_empty_range_marks_a_place() -> None:
    assert hexdump(b"AB", [Range(1, 1, "here")]).splitlines()[1] == "         | here"


def test_ranges_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="start must lie"):
        Range(3, 2, "backwards")
    with pytest.raises(ValueError, match="beyond the 2 octets"):
        hexdump(b"AB", [Range(1, 3, "too far")])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_octet_of_a_packet_is_annotated_once(address: str) -> None:
    for captured in compose(
        Endpoint(address, 1), Endpoint(address, 2), [Chunk(Direction.TO_SERVER, 0.0, b"x")], 0
    ):
        ranges = annotate(captured)
        assert [item.start for item in ranges] == [0, *(item.stop for item in ranges[:-1])]
        assert ranges[-1].stop == len(captured.data)
        assert hexdump(captured.data, ranges)


def test_the_syn_is_annotated_with_its_values() -> None:
    labels = [item.label for item in annotate(TALK[0])]
    assert "sequence number 0" in labels
    assert "header of 28 octets, flags SYN" in labels
    assert "maximum segment size 65495" in labels
    assert "SACK permitted" in labels
    assert "checksum: valid" in labels


def test_only_ethernet_packets_are_annotated() -> None:
    with pytest.raises(ValueError, match="link type 101"):
        annotate(Captured(0, TALK[0].data[14:], 101))


def test_the_ladder_shows_times_directions_and_relative_numbers() -> None:
    (conversation,) = Reassembler(decode(captured) for captured in TALK).conversations
    lines = ladder(conversation).splitlines()
    assert lines[0].split() == ["time,", "ms", "client", "127.0.0.1:40000", "127.0.0.1:8080", "server"]
    assert len({len(line) for line in lines}) == 1, "every line is as long as the others"
    assert len(lines) == 1 + len(TALK)
    assert lines[1].split("|")[1].strip("->") == " SYN  seq=0  win=65535 mss=65495 sack "
    assert lines[1].endswith(">|")
    assert "|<" in lines[2]
    assert " SYN, ACK  seq=0 ack=1 " in lines[2]
    assert lines[4].split()[0] == "1.500"
    assert " PSH, ACK  seq=1 ack=1 len=3 " in lines[4]
    assert " PSH, ACK  seq=1 ack=4 len=4 " in lines[6]
    assert " FIN, ACK  seq=5 ack=5 " in lines[9]


def test_a_lost_beginning_does_not_disturb_the_ladder() -> None:
    (conversation,) = Reassembler(decode(captured) for captured in TALK[3:]).conversations
    first = rungs(conversation)[0]
    assert (first.sequence, first.acknowledgment, first.length) == (1, 1, 3)
