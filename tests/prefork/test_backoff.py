"""When a worker starts again: decided without a clock, so tested without one."""

from __future__ import annotations

from netlab.prefork.backoff import Backoff


def _crash(backoff: Backoff, at: float, after: float = 0.1, served: bool = True) -> float | None:
    """Start at a moment, serve or not, end a little later."""
    backoff.started(at)
    if served:
        backoff.served()
    return backoff.ended(at + after)


def test_the_first_death_is_mended_at_once() -> None:
    assert _crash(Backoff(), 100.0) == 0.0


def test_a_crash_loop_waits_twice_as_long_each_time_up_to_a_limit() -> None:
    backoff, now, delays = Backoff(first=0.25, most=5.0), 0.0, []
    for _ in range(9):
        delay = _crash(backoff, now)
        assert delay is not None
        delays.append(delay)
        now += 0.1 + delay
    assert delays == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


def test_a_healthy_life_clears_the_record() -> None:
    backoff = Backoff(first=1.0, healthy=10.0)
    for _ in range(4):
        _crash(backoff, 0.0)
    assert _crash(backoff, 50.0, after=10.0) == 0.0
    assert _crash(backoff, 70.0, after=9.9) == 1.0, "and a short one does not"


def test_one_that_has_never_served_is_given_up() -> None:
    backoff = Backoff(first=0.25, attempts=3)
    assert [_crash(backoff, now, served=False) for now in (0.0, 1.0, 2.0)] == [0.0, 0.25, None]


def test_a_long_start_that_fails_is_no_healthy_life() -> None:
    backoff = Backoff(healthy=10.0, attempts=2)
    assert _crash(backoff, 0.0, after=60.0, served=False) == 0.0
    assert _crash(backoff, 100.0, after=60.0, served=False) is None


def test_one_that_has_served_is_never_given_up() -> None:
    backoff = Backoff(attempts=2, most=30.0)
    _crash(backoff, 0.0)
    for _ in range(2000):
        assert _crash(backoff, 0.0, served=False) is not None
    assert _crash(backoff, 0.0, served=False) == 30.0
