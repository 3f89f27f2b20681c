"""A lab that is solved by its first tasks: measured then, and done when its further tasks pass, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labs.runner.authoring import regions
from labs.runner.learner.learner import Learner
from labs.runner.learner.progress import fingerprint
from labs.runner.registry import Lab
from tests.labs import toy
from tests.labs.program import Program

FURTHER = toy.FILES["lab.toml"].replace('title = "add"', 'title = "add"\nminutes = 3\nfurther = true')
FURTHER = FURTHER.replace('title = "greet"', 'title = "greet"\nminutes = 2')
SOLVED = regions.stub(toy.FILES["solution.py"], {2})


@pytest.fixture
def labs(build: Callable[..., Lab], tmp_path: Path) -> Program:
    """The commands, on a toy whose second task is a further one."""
    build(lab_toml=FURTHER)
    return Program(tmp_path)


def test_a_lab_is_measured_once_it_is_solved_and_goes_on_with_its_further_tasks(labs: Program) -> None:
    labs.solve(SOLVED)
    first = labs.run("lab", "1")
    assert first.returncode == 1, "a further task is still open"
    assert "Lab 01 · A toy (1 task, about 2 min; 1 further task, about 3 min)" in first.stdout
    assert "The lab is solved: tasks 1 to 1 pass.\nNow your code is measured." in first.stdout
    assert "It was 9 letters." in first.stdout and "Lab 01 is solved: your code passes" in first.stdout
    assert "make lab-01       1 further task, about 3 min" in first.stdout
    assert "Lab 01 is done" not in first.stdout
    assert json.loads(labs.record.read_text().splitlines()[1])["code"] == "mine"
    again = labs.run("next").stdout
    assert "○ further task 2: add (about 3 min)" in again and "is measured" not in again, (
        "no other lab is left"
    )
    told = labs.run("status").stdout
    assert "solved; further task 2" in told and "0 of 1 done, 1 more solved, 1 to come" in told
    shown = labs.run("solution", "1").stdout
    assert "hello" in shown and "return a + b" not in shown
    assert labs.events() == ["checks", "measurement", "checks", "solution"]


def test_a_wrong_further_task_is_told_beside_a_lab_that_is_solved(labs: Program) -> None:
    labs.solve(toy.FILES["solution.py"].replace("a + b", "a - b"))
    told = labs.run("lab", "1").stdout
    assert "✗ task 2: add" in told and "Lab 01 is solved" in told


@pytest.mark.parametrize(
    ("last", "now", "solved"),
    [
        ({"failed": 2}, {}, True),
        ({"failed": 1}, {}, False),
        ({"failed": None, "done": True}, {}, True),
        ({"failed": 2}, {"file": b"# mine, changed\n"}, False),
        ({"failed": 2}, {"check": "f" * 16}, False),
    ],
)
def test_solved_is_a_conclusion_from_the_last_check_of_this_very_file(
    build: Callable[..., Lab], learner: Learner, last: dict[str, Any], now: dict[str, Any], solved: bool
) -> None:
    lab = build(lab_toml=FURTHER)
    path, _ = learner.work.open(lab)
    path.write_bytes(b"# mine\n")
    hashes = {"file": fingerprint(path), "check": now.get("check") or fingerprint(*lab.checks)}
    learner.record.add(lab, "checks", **last, **hashes)
    path.write_bytes(now.get("file", b"# mine\n"))
    assert learner.solved(lab) is solved


def test_further_tasks_come_last(build: Callable[..., Lab], tmp_path: Path) -> None:
    build(lab_toml=FURTHER)
    path = tmp_path / "labs" / "01_toy" / "lab.toml"
    path.write_text(
        FURTHER.replace("further = true", "").replace("minutes = 2", "minutes = 2\nfurther = true")
    )
    refused = Program(tmp_path).run("status")
    assert refused.returncode == 2 and "further tasks come last" in refused.stderr
