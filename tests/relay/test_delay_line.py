"""The delay line: time is told, so every moment is exact."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.capture.delayline import DelayLine, Ending


def test_octets_leave_after_the_delay_and_not_before() -> None:
    line = DelayLine(delay=2.0)
    assert line.due() is None
    line.enter(10.0, b"abc")
    assert line.due() == 12.0
    assert line.take(11.9) == b""
    assert line.held == 3
    assert line.take(12.0) == b"abc"
    assert (line.held, line.due()) == (0, None)


def test_a_delay_costs_time_not_throughput() -> None:
    line = DelayLine(delay=5.0)
    for second in range(3):
        line.enter(second, b"%d" % second)
    assert [line.take(5.0), line.take(6.0), line.take(7.0)] == [b"0", b"1", b"2"], "5 s late, 1 s apart"


def test_what_arrived_together_leaves_together() -> None:
    line = DelayLine(delay=1.0)
    line.enter(0.0, b"ab")
    line.enter(0.5, b"cd")
    assert line.take(9.0) == b"abcd"


def test_nothing_overtakes() -> None:
    line = DelayLine()
    line.enter(3.0, b"held back")
    line.enter(1.0, b", then this")
    assert line.take(2.9) == b""
    assert line.take(3.0) == b"held back, then this"


def test_a_throttle_passes_its_rate_and_no_more() -> None:
    line = DelayLine(rate=10.0)
    line.enter(0.0, bytes(range(30)))
    assert line.due() == pytest.approx(0.1), "the first octet of ten a second"
    assert len(line.take(1.0)) == 10
    assert len(line.take(1.55)) == 5
    assert len(line.take(100.0)) == 15


def test_a_throttle_does_not_save_up_what_it_did_not_use() -> None:
    line = DelayLine(rate=10.0)
    line.enter(0.0, bytes(10))
    line.enter(50.0, bytes(20))
    line.take(50.0)
    assert line.held == 20
    assert len(line.take(51.0)) == 10


def test_throttle_and_delay_add_up() -> None:
    line = DelayLine(delay=3.0, rate=10.0)
    line.enter(0.0, bytes(20))
    assert line.take(3.05) == b""
    assert len(line.take(4.0)) == 10
    assert len(line.take(5.0)) == 10


def test_a_fast_throttle_hands_on_what_piled_up_in_ten_milliseconds() -> None:
    line = DelayLine(rate=1e6)
    line.enter(0.0, bytes(1_000_000))
    assert line.due() == pytest.approx(0.01)
    assert len(line.take(0.01)) == 10_000


@pytest.mark.parametrize("ending", Ending)
def test_the_ending_takes_the_same_way_behind_the_octets(ending: Ending) -> None:
    line = DelayLine(delay=2.0, rate=10.0)
    line.enter(0.0, bytes(20))
    line.end(1.0, ending)
    assert line.ending == (4.0, ending)
    line.take(4.0)
    assert line.due() == 4.0
    line.enter(5.0, b"nothing follows")
    line.end(5.0, Ending.FIN)
    assert (line.held, line.ending) == (0, (4.0, ending))


def test_no_more_is_taken_than_asked_for() -> None:
    line = DelayLine()
    line.enter(0.0, b"abcdef")
    line.enter(0.0, b"ghi")
    assert [line.take(0.0, 4), line.take(0.0, 4), line.take(0.0, 4)] == [b"abcd", b"efgh", b"i"]


@given(
    entries=st.lists(st.tuples(st.floats(0, 5), st.binary(min_size=1, max_size=40)), min_size=1, max_size=8),
    delay=st.floats(0, 10),
    rate=st.one_of(st.just(float("inf")), st.floats(0.5, 1e9)),
)
def test_every_octet_leaves_once_in_order_never_early_and_due_tells_when(
    entries: list[tuple[float, bytes]], delay: float, rate: float
) -> None:
    line = DelayLine(delay, rate)
    moments = list(accumulate(gap for gap, _ in entries))
    earliest: list[float] = []
    for moment, (_, data) in zip(moments, entries, strict=True):
        line.enter(moment, data)
        earliest += [moment + delay] * len(data)
    sent = b"".join(data for _, data in entries)
    out = b""
    while (due := line.due()) is not None:
        part = line.take(due)
        assert part, "something leaves when it is due"
        assert due >= earliest[len(out) + len(part) - 1] - 1e-6
        assert due >= moments[0] + (len(out) + len(part)) / rate - 1e-6
        out += part
    assert out == sent
    assert line.held == 0
