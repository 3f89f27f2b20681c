"""A process over time: when it is read, what comes out as CSV and JSON, and what the plot shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from netlab.probes import series as module
from netlab.probes.errors import ProbeError
from netlab.probes.process import Snapshot
from netlab.probes.reading import Reading
from netlab.probes.series import ASCII, Series, plot, sparkline
from tests.kit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def readings(monkeypatch: pytest.MonkeyPatch, *values: int | None) -> None:
    """Let the next readings show these values as RSS; after them the process is gone."""
    left = list(values)

    def look(pid: int, port: int | None) -> Reading:
        if not left:
            raise ProbeError("no process has the id 7")
        return Reading(Snapshot(pid, rss=left.pop(0), fds=3), kernel=None)

    monkeypatch.setattr(module, "look", look)


def test_it_is_read_at_the_start_and_at_every_beat(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    readings(monkeypatch, *range(100))
    series = Series(7, clock=clock)
    series.watch(1.0, 0.25, sleep=clock.sleep)
    assert [sample.at for sample in series.samples] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert series.ended is None


def test_a_slow_reading_does_not_shift_the_beats(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    readings(monkeypatch, *range(100))
    series = Series(7, clock=clock)

    def oversleep(seconds: float) -> None:
        clock.now += seconds + 0.125

    series.watch(1.0, 0.25, sleep=oversleep)
    assert [sample.at for sample in series.samples] == [0.0, 0.375, 0.625, 0.875, 1.125]


def test_a_process_that_ends_ends_the_series(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    readings(monkeypatch, 10, 30, 20)
    series = Series(7, clock=clock)
    series.watch(10.0, 1.0, sleep=clock.sleep)
    assert series.column("rss") == [10, 30, 20]
    assert series.ended == "no process has the id 7"
    assert (series.rise("rss"), series.peak("rss")) == (10, 20)


def test_a_process_that_was_never_there_is_an_error(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    readings(monkeypatch)
    with pytest.raises(ProbeError):
        Series(7, clock=clock).watch(1.0, sleep=clock.sleep)


def test_what_is_hidden_has_no_rise(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    readings(monkeypatch, None, 10)
    series = Series(7, clock=clock)
    assert series.rise("rss") is None and series.peak("rss") is None
    series.sample()
    series.sample()
    assert series.rise("rss") is None and series.peak("rss") is None


def test_csv_and_json_have_the_same_columns(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    readings(monkeypatch, 10, None)
    series = Series(7, clock=clock)
    series.watch(1.0, 1.0, sleep=clock.sleep)
    assert series.as_csv() == "at,written,uss,rss,fds,kernel\n0.000,,,10,3,\n1.000,,,,3,\n"
    plain = json.loads(json.dumps(series.as_dict()))
    assert plain["at"] == [0.0, 1.0]
    assert plain["rss"] == [10, None]
    assert plain["fds"] == [3, 3]


async def test_a_real_process_is_followed_without_blocking_the_loop() -> None:
    series = Series(os.getpid())
    await series.watch_async(0.05, 0.02)
    assert len(series.samples) >= 2
    assert all((value or 0) > 1 << 20 for value in series.column("rss"))


def test_a_real_process_that_ends_ends_the_series() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        series = Series(other.pid)

        def end_it(_: float) -> None:
            other.communicate(b"\n")

        series.watch(60.0, sleep=end_it)
    assert len(series.samples) == 1
    assert series.ended is not None and f"no process has the id {other.pid}" in series.ended


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([7, 0], "█▁"),
        ([5, 5, 5], "▁▁▁"),
        ([0, None, 7], "▁ █"),
        ([None, None], "  "),
        ([], ""),
    ],
)
def test_a_sparkline(values: list[float | None], drawn: str) -> None:
    assert sparkline(values) == drawn


def test_a_peak_is_not_lost_when_many_values_share_a_column() -> None:
    values: list[float | None] = [0.0] * 1000
    values[503] = 9.0
    assert sparkline(values, width=10) == "▁▁▁▁▁█▁▁▁▁"


def test_a_plot_has_the_lowest_at_the_bottom_and_the_highest_at_the_top() -> None:
    assert plot([0, 8, 15], height=2) == [" ▁█", "▁██"]
    assert plot([0, 7, None], height=1, levels=ASCII) == [".@ "]
