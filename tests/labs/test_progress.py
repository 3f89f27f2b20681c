"""The record only grows, survives a torn line, and what it concludes follows from hashes."""

from __future__ import annotations

from typing import Any

import pytest

from labs.runner.learner.learner import Learner
from labs.runner.learner.progress import State, standing
from labs.runner.registry import Lab

PASS = {"event": "checks", "done": True, "passed": [1, 2], "failed": None, "file": "f", "check": "c"}
FAIL = {"event": "checks", "done": False, "passed": [1], "failed": 2, "file": "f", "check": "c"}


def state(*events: dict[str, Any], file: str = "f", check: str = "c", stub: str = "s") -> State:
    return standing(events, file, check, stub).state


@pytest.mark.parametrize(
    ("events", "hashes", "expected"),
    [
        ([], {}, State.STARTED),
        ([], {"file": ""}, State.NEW),
        ([], {"file": "s"}, State.NEW),
        ([FAIL], {}, State.STARTED),
        ([PASS], {}, State.DONE),
        ([FAIL, PASS], {}, State.DONE),
        ([PASS], {"file": "g"}, State.RECHECK),
        ([PASS], {"check": "d"}, State.RECHECK),
        ([PASS, FAIL | {"file": "g"}], {"file": "g"}, State.STARTED),
        ([PASS, FAIL | {"file": "g"}], {"file": "f"}, State.DONE),
        ([PASS], {"file": ""}, State.NEW),
    ],
    ids=lambda value: str(value) if isinstance(value, State | dict) else None,
)
def test_done_is_a_conclusion(events: list[dict[str, Any]], hashes: dict[str, str], expected: State) -> None:
    assert state(*events, **hashes) is expected


def test_the_next_task_is_the_one_that_failed_last() -> None:
    assert standing([FAIL], "f", "c", "s").task == 2


def test_everything_else_is_kept_too() -> None:
    now = standing(
        [
            {"event": "prediction", "said": "7"},
            {"event": "hint", "task": 1, "level": 2},
            {"event": "hint", "task": 1, "level": 1},
            {"event": "solution"},
            {"event": "measurement", "figures": {"letters": 9}},
        ],
        "f", "c", "s",
    )  # fmt: skip
    assert (now.prediction, now.hints, now.solution_opened) == ("7", {1: 2}, True)
    assert now.measured == {"event": "measurement", "figures": {"letters": 9}}


def test_the_record_only_grows(learner: Learner, lab: Lab) -> None:
    learner.record.add(lab, "hint", task=1, level=1)
    before = learner.record.path.read_bytes()
    learner.record.add(lab, "solution")
    assert learner.record.path.read_bytes().startswith(before)
    events = learner.record.events(lab)
    assert [event["event"] for event in events] == ["hint", "solution"]
    assert set(events[0]["versions"]) == {"netlab", "python"}


def test_a_torn_last_line_costs_itself_alone(learner: Learner, lab: Lab) -> None:
    learner.record.add(lab, "hint", task=1, level=1)
    learner.record.add(lab, "hint", task=1, level=2)
    whole = learner.record.path.read_bytes()
    learner.record.path.write_bytes(whole[:-9])
    assert [event["level"] for event in learner.record.events(lab)] == [1]
    learner.record.add(lab, "hint", task=1, level=3)
    assert [event["level"] for event in learner.record.events(lab)] == [1, 3]


@pytest.mark.parametrize(
    "line",
    [
        {"event": "hint"},
        {"event": "hint", "task": "1", "level": None},
        {"event": "checks", "failed": "x"},
        {"event": 7},
        {"event": "prediction", "said": 7},
    ],
)
def test_an_event_without_its_figures_is_passed_over(line: dict[str, Any]) -> None:
    events = [{"event": "checks", "failed": 2}, {"event": "hint", "task": 2, "level": 1}, line]
    now = standing(events, "f", "c", "s")
    assert (now.task, now.hints, now.state) == (2, {2: 1}, State.STARTED)


def test_foreign_lines_are_passed_over(learner: Learner, lab: Lab) -> None:
    learner.record.path.parent.mkdir(parents=True)
    learner.record.path.write_bytes(
        b'\xff\xfe\n[1]\nnull\n{"lab": "other", "event": "hint"}\n{"lab": "toy"}\n'
    )
    assert learner.record.events(lab) == [{"lab": "toy"}]
    assert learner.standing(lab).state is State.NEW
