"""Which workers are late: decided without a clock, so tested without one."""

from __future__ import annotations

from netlab.prefork.beats import Beats


def test_a_worker_without_a_beat_is_late_after_the_timeout() -> None:
    beats: Beats[str] = Beats(60)
    beats.heard("a", 100)
    beats.heard("b", 130)
    assert beats.next_due() == 160
    assert beats.late(159.9) == []
    assert beats.late(160) == ["a"]
    beats.heard("a", 160)
    assert beats.late(189.9) == [] and beats.late(190) == ["b"]


def test_a_worker_that_has_ended_is_late_no_more() -> None:
    beats: Beats[str] = Beats(60)
    beats.heard("a", 0)
    beats.forget("a")
    beats.forget("a")
    assert beats.late(1000) == [] and beats.next_due() is None


def test_after_a_suspension_each_has_its_full_time() -> None:
    beats: Beats[str] = Beats(60)
    beats.heard("a", 0)
    beats.waited(0.5, 50)  # an ordinary wait
    assert beats.late(60) == ["a"]
    beats.waited(3600, 3660)
    assert beats.late(3719) == [] and beats.late(3720) == ["a"]


def test_without_a_timeout_no_worker_is_late() -> None:
    beats: Beats[str] = Beats(None)
    beats.heard("a", 0)
    assert beats.late(1e9) == [] and beats.next_due() is None
