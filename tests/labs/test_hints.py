"""Hints: the section of a task keeps its code as it is written, in a file and in a terminal."""

from __future__ import annotations

import pytest

from labs.runner import registry
from labs.runner.authoring.hints import hint
from labs.runner.terminal import Terminal

TEXT = """# Hints 3: nearly the code

## Task 1

    while data:
        send(data)

Then return.

## Task 2

Words.
"""


def test_a_hint_keeps_the_indentation_of_its_first_line() -> None:
    assert hint(TEXT, 1) == "    while data:\n        send(data)\n\nThen return."
    assert hint(TEXT, 2) == "Words."


def test_a_terminal_shows_the_code_of_a_hint_in_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().markdown(hint(TEXT, 1))
    assert capsys.readouterr().out == "    while data:\n        send(data)\n\nThen return.\n"


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_the_code_of_each_hint_begins_in_a_column_of_its_own(lab: registry.Lab) -> None:
    for level in (1, 2, 3):
        text = (lab.folder / "hints" / f"{level}.md").read_text("utf-8")
        for task in lab.tasks:
            lines = hint(text, task.number).splitlines()
            assert lines and (len(lines) < 2 or lines[0][:1] == " " or not lines[1].startswith("    ")), (
                lines[:2]
            )
