"""The minimum data rate of responses, by a clock that is an argument."""

from __future__ import annotations

from netlab.server.sendtimer import SendTimer

LEAST, WINDOW = 1024, 30


def takes(each: int, every: float, seconds: float, left: int = 1 << 20) -> float | None:
    """When a client that takes `each` bytes at a time is found too slow, in seconds; None if it is not."""
    timer, now, last = SendTimer(LEAST, WINDOW, left, 0.0), 0.0, 0.0
    while now < seconds and left > 0:
        now += 0.25
        if now - last >= every:
            left, last = left - each, now
        if timer.is_late(left, now):
            return now
    return None


def test_a_client_that_takes_nothing_is_late_after_one_window() -> None:
    assert takes(0, 1, 100) == 30


def test_a_client_that_stops_is_late_one_window_after_its_last_byte() -> None:
    timer = SendTimer(LEAST, WINDOW, 1 << 20, 0.0)
    assert not timer.is_late(1 << 19, 20.0)
    assert not timer.is_late(1 << 19, 49.9)
    assert timer.is_late(1 << 19, 50.0)


def test_a_client_below_the_rate_is_late_at_the_end_of_the_window() -> None:
    assert takes(30, 1, 600) == 30
    assert takes(33, 1, 600) == 30


def test_a_client_at_the_rate_is_never_late() -> None:
    assert takes(40, 1, 26_000) is None
    assert takes(1024, 29, 26_000) is None


def test_what_was_taken_beyond_the_rate_buys_no_time() -> None:
    timer = SendTimer(LEAST, WINDOW, 1 << 20, 0.0)
    assert not timer.is_late(1000, 1.0)
    assert not timer.is_late(999, 30.0)
    assert not timer.is_late(998, 59.0)
    assert timer.is_late(997, 60.0)


def test_the_rest_of_a_response_may_take_a_whole_window() -> None:
    timer = SendTimer(LEAST, WINDOW, 100, 0.0)
    assert not timer.is_late(50, 29.0)
    assert not timer.is_late(0, 30.0)


def test_bytes_written_meanwhile_are_not_taken_for_bytes_given_back() -> None:
    timer = SendTimer(LEAST, WINDOW, 10_000, 0.0)
    assert not timer.is_late(20_000, 1.0)
    assert timer.is_late(19_000, 30.0)
