"""Each task says why the reference is written the way it is, and `solution` shows it beside the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.runner import registry
from labs.runner.authoring.hints import hint
from labs.runner.errors import LabError
from labs.runner.learner.commands import LEVELS, show_solution
from labs.runner.learner.learner import Learner
from labs.runner.registry import Lab
from labs.runner.terminal import Terminal
from tests.labs import toy
from tests.labs.program import Program

SHORTEST, LONGEST = 100, 400  # characters: two or three sentences


def unwrapped(text: str) -> str:
    """The text without white space: a terminal's width decides where its lines end."""
    return "".join(text.split())


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_each_task_of_a_lab_says_why_in_two_or_three_sentences(lab: Lab) -> None:
    whys = {task.number: task.why for task in lab.tasks}
    assert {n: len(why) for n, why in whys.items() if not SHORTEST <= len(why) <= LONGEST} == {}
    assert len(set(whys.values())) == len(whys), "two tasks give the same reason"
    assert [n for n, why in whys.items() if len(re.findall(r"[.)](?= |$)", why)) < 2] == [], "one sentence"


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_a_why_is_no_hint_over_again(lab: Lab) -> None:
    texts = [(lab.folder / "hints" / f"{level}.md").read_text("utf-8") for level in LEVELS]
    for task in lab.tasks:
        hints = [" ".join(hint(text, task.number).split()) for text in texts]
        assert not [said for said in hints if said and (task.why in said or said in task.why)], task.title


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_the_solution_of_a_lab_shows_the_why_of_each_task(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_solution(Learner.at(tmp_path / "work", Terminal()), lab, anyway=True) == 0
    told = capsys.readouterr().out.split("\nwhy the reference does it this way\n")[1:]
    for task, text in zip(lab.tasks, told, strict=True):
        assert unwrapped(text).startswith(unwrapped(task.why))


def test_the_solution_stands_beside_the_learners_code_with_its_why_and_others_errors(
    lab: Lab, tmp_path: Path
) -> None:
    labs = Program(tmp_path)
    labs.solve(toy.FILES["solution.py"].replace("return a + b", "return b + a"))
    labs.run("lab", "1")
    labs.environment["COLUMNS"] = "80"
    told = labs.run("solution", "1").stdout
    assert "-     return b + a\n+     return a + b\n" in told
    heading = "why the reference does it this way"
    assert all(unwrapped(heading + task.why) in unwrapped(told) for task in lab.tasks)
    assert "Think of `+`." not in told, "a hint tells where to look, not why"
    assert "Subtracts (caught by `test_sums_are_right`)" in told


@pytest.mark.parametrize("value", ['""', '" "', "7", '["why"]'], ids=["empty", "blank", "number", "list"])
def test_a_why_that_is_no_text_is_named_with_its_task(tmp_path: Path, value: str) -> None:
    text = re.sub(r'(?m)^why = "Python.*$', lambda _: f"why = {value}", toy.FILES["lab.toml"])
    with pytest.raises(LabError, match=r"lab\.toml: task 2 has no `why` text$"):
        toy.build(tmp_path, lab_toml=text)
