"""Was the machine too busy to conclude anything? With injected readings; then no ratio is shown."""

from __future__ import annotations

import pytest

from tests.bench import neighbours, report
from tests.bench.figures import Column, Result, Row, Sample, Spread, ratio
from tests.bench.generators import Counted
from tests.bench.loads import Spent, sample
from tests.bench.neighbours import Reading, parse, share, verdict

RATE = Column("rate", "requests/s", "requests/s", better=1)

STAT = """\
cpu  900 30 300 5000 10 40 50 60 0 0
cpu0 400 10 100 2500 5 20 25 30 0 0
cpu1 500 20 200 2500 5 20 25 30 0 0
intr 12345
"""


def result(readings: list[Sample], rates: tuple[list[float], list[float]] | None = None) -> Result:
    """netlab and uvicorn in as many rounds as there are readings."""
    ours, theirs = rates or ([2.0] * len(readings), [1.0] * len(readings))
    rows = [
        Row(
            name,
            "",
            True,
            [{"rate": rate, **reading} for rate, reading in zip(values, readings, strict=True)],
        )
        for name, values in (("netlab", ours), ("uvicorn", theirs))
    ]
    made = Result("get", "GET /", "32 connections", (RATE,), rows)
    made.busy = verdict(made)
    return made


def test_the_kernels_account_is_read_by_core() -> None:
    assert parse(STAT, (0,), tick=0.5) == Reading(busy=255.0, stolen=15.0)
    assert parse(STAT, (0, 1), tick=0.5) == Reading(busy=615.0, stolen=30.0)
    assert parse(STAT, (), tick=0.5) == Reading(busy=615.0, stolen=30.0)


@pytest.mark.parametrize("text", ["", "cpu0 1 2 3\n", "cpu7 400 10 100 2500 5 20 25 30 0 0\n"])
def test_an_account_without_the_cores_says_nothing(text: str) -> None:
    assert parse(text, (0,)) is None
    assert share(None, Reading(1.0, 0.0), 0.0, 1.0) == {}


def test_what_the_server_and_the_generator_used_is_not_a_neighbours() -> None:
    got = share(Reading(10.0, 1.0), Reading(12.5, 1.5), ours=2.0, seconds=2.0)
    assert got == {"others": 25.0, "stolen": 25.0}
    assert share(Reading(10.0, 1.0), Reading(11.9, 1.0), ours=2.0, seconds=2.0)["others"] == 0.0


def test_a_quiet_machine_gives_ratios() -> None:
    quiet = result([{"others": 3.0, "stolen": 0.0}] * 3)
    assert quiet.busy is None
    assert report.table(quiet).rows[1][-1] == "2.00"


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        ({"others": 40.0, "stolen": 0.0}, "other programs took 40 % of a core during the rounds"),
        ({"others": 0.0, "stolen": 9.0}, "the hypervisor took 9 % of a core during the rounds"),
    ],
)
def test_a_busy_machine_gives_figures_and_no_ratio(reading: Sample, reason: str) -> None:
    made = result([reading] * 3)
    text = report.table(made).text()
    assert f"!! BUSY: {reason}" in text and "no ratio is given" in text
    assert report.table(made).rows[1][-1] == "–" and report.table(made).rows[1][1] == "1"
    assert report.summary([made]).rows[0][4] == "–"


def test_one_disturbed_visit_of_many_does_not_decide() -> None:
    assert result([{"others": 2.0}, {"others": 90.0}, {"others": 2.0}]).busy is None


def test_without_readings_the_spread_alone_decides() -> None:
    assert result([{}, {}, {}]).busy is None


def test_paired_rounds_that_contradict_each_other_give_no_ratio() -> None:
    made = result([{}] * 5, ([1.0, 2.0, 3.0, 1.0, 2.0], [1.0] * 5))
    text = report.table(made).text()
    assert report.table(made).rows[1][-1] == "–"
    assert "!! UNSTEADY: the rounds differ too much for a ratio: uvicorn: requests/s" in text


def test_one_round_apart_from_the_others_leaves_the_median() -> None:
    made = result([{}] * 5, ([2.0, 2.0, 2.0, 2.0, 9.0], [1.0] * 5))
    assert report.table(made).rows[1][-1] == "2.00 (2.00–9.00)"
    assert ratio(*made.rows, RATE) == Spread(2.0, 2.0, 9.0)


def test_user_and_system_time_stand_apart_and_add_up() -> None:
    found = sample(Spent(user=1.0, system=3.0), Counted(done=1_000_000, seconds=4.0), 1e6)
    assert (found["user"], found["system"], found["cpu"], found["server"]) == (1.0, 3.0, 4.0, 100.0)


def test_this_machines_account_can_be_read_or_is_missing() -> None:
    got = neighbours.read(())
    assert got is None or got.busy > 0
