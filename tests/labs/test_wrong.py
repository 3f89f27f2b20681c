"""wrong.md is read strictly, applied exactly, and shown to a learner once the task passes."""

from __future__ import annotations

import pytest

from labs.runner.authoring import wrong
from labs.runner.errors import LabError
from labs.runner.learner import commands as commands
from labs.runner.learner.learner import Learner
from labs.runner.registry import Lab
from tests.labs import toy

SOLUTION = toy.FILES["solution.py"]
WRONG = toy.FILES["wrong.md"]


def test_a_wrong_program_is_read_with_its_story_task_and_test() -> None:
    rude, subtracts = wrong.read(WRONG)
    assert (rude.name, rude.task, rude.caught_by) == ("rude", 1, ("test_a_greeting_is_polite",))
    assert subtracts.story == "Takes the wrong sign."


def test_the_lines_that_differ_replace_those_of_the_solution() -> None:
    _, subtracts = wrong.read(WRONG)
    assert wrong.program_text(SOLUTION, subtracts) == SOLUTION.replace("a + b", "a - b")


def test_several_blocks_are_one_program() -> None:
    both = WRONG.replace(
        "-    return a + b\n",
        '-    return b"hello " + name.encode()\n+    return b""\n```\n\n```diff\n-    return a + b\n',
    )
    _, subtracts = wrong.read(both)
    made = wrong.program_text(SOLUTION, subtracts)
    assert "a - b" in made and 'b"hello "' not in made


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("## Task 1: greet", "## First: greet", "is not `## Task N: title`"),
        ("Takes the wrong sign.\n", "", "line 18: Subtracts: no story"),
        ("Caught by `test_sums_are_right`.\n", "", "no line `Caught by"),
        ("+    return a - b\n", "", ""),
        ("### Subtracts", "### Rude", "rude stands there twice"),
        ("```diff\n-    return a", "```python\n-    return a", "a block is a ```diff"),
        ("+    return a - b\n```", "+    return a - b\n", "a block is not closed"),
        ("-    return a + b\n+    return a - b", "-    return a + b\n+    return a + b", "changes nothing"),
        ("-    return a + b\n", "", "says not where"),
        ("+    return a - b", "?    return a - b", "begins with a space"),
    ],
)
def test_what_does_not_follow_the_format_is_named_with_its_line(old: str, new: str, complaint: str) -> None:
    text = WRONG.replace(old, new)
    assert text != WRONG
    if not complaint:  # a program that only removes lines is one
        assert len(wrong.read(text)) == 2
        return
    with pytest.raises(LabError) as caught:
        wrong.read(text)
    assert complaint in str(caught.value) and str(caught.value).startswith("wrong.md: ")


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("-    return a * b\n+    return a - b", "nowhere"),
        ('-    """Add."""\n+    """Sum."""', "outside the marked regions"),
        ("     \n-\n+x", ""),
    ],
)
def test_lines_that_are_not_in_a_region_once_are_refused(block: str, complaint: str) -> None:
    text = WRONG.replace("-    return a + b\n+    return a - b", block)
    with pytest.raises(LabError, match=complaint or "says not where"):
        wrong.program_text(SOLUTION, wrong.read(text)[1])


def test_the_wrong_programs_are_shown_once_the_task_passes(
    learner: Learner, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LabError, match="once the task passes"):
        commands.show_wrong(learner, lab, None, anyway=False)
    assert commands.show_wrong(learner, lab, 2, anyway=True) == 0
    shown = capsys.readouterr().out
    assert "Takes the wrong sign." in shown and "+    return a - b" in shown and "Rude" not in shown
    with pytest.raises(LabError, match="has no task 3"):
        commands.show_wrong(learner, lab, 3, anyway=True)
