"""From a clone to the first lab solved in ten minutes: what a newcomer reads and writes, counted.

The way: README.md down to where it says what to begin with, the lab's README down to "Read on here", what
`make next` prints, and the texts of the exercise in front of the further tasks. How fast people read and
write are assumptions, stated here. The set-up is timed by no test: it is allowed a minute, and took 39 s on
two cores.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from labs.runner import registry
from labs.runner.authoring import regions
from labs.runner.authoring.stub import stub_of
from labs.runner.registry import ROOT
from tests.labs.program import Program

WORDS_A_MINUTE = 200
MINUTES_A_LINE = 0.3
SET_UP = 1.0  # minutes; the lab's README is read meanwhile
A_RUN = 2.0  # seconds from the command to its last line; 1.2 on two cores
PROMISED = 10

LAB = registry.find(1)


def words(text: str) -> int:
    """Words that have a letter: rules of tables and pictures made of dashes are not read."""
    return len(re.findall(r"\S*[A-Za-z]\S*", text))


def texts_of(source: str) -> str:
    """The docstrings and comments of a source."""
    places = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    ]
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    return "\n".join([ast.get_docstring(node) or "" for node in places] + comments)


def before(text: str, mark: str) -> str:
    assert text.count(mark) == 1, mark
    return text.split(mark)[0]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `make next` prints on a fresh clone."""
    return Program(tmp_path_factory.mktemp("first"), labs=registry.LABS).run("next").stdout


def lines_to_write() -> int:
    """Lines of the reference in the tasks that solve the lab."""
    marked = regions.find(LAB.solution.read_text("utf-8"))
    return sum(
        bool(line.strip()) for region in marked if region.task <= LAB.solved_by for line in region.body
    )


def test_the_first_lab_is_solved_within_the_minutes_that_the_readme_promises(told: str) -> None:
    begin = before((ROOT / "README.md").read_text("utf-8"), "\nEach lab tests one claim")
    lab_readme = before(
        (LAB.folder / "README.md").read_text("utf-8"), "**Read on here when the lab is solved.**"
    )
    exercise = before(stub_of(LAB.folder), "# --- What tasks 1 to 6 use is given here")
    reading = (words(begin) + words(told) + words(texts_of(exercise))) / WORDS_A_MINUTE
    waiting = max(SET_UP, words(lab_readme) / WORDS_A_MINUTE)
    running = (LAB.solved_by + 1) * A_RUN / 60
    writing = lines_to_write() * MINUTES_A_LINE
    assert reading + waiting + running + writing <= PROMISED, (reading, waiting, running, writing)


def test_the_texts_say_the_lines_and_minutes_that_the_lab_has() -> None:
    readme, lab_readme = (path.read_text("utf-8") for path in (ROOT / "README.md", LAB.folder / "README.md"))
    minutes = sum(task.minutes for task in LAB.tasks[: LAB.solved_by])
    assert (lines_to_write(), LAB.solved_by, minutes) == (22, 6, 8)
    assert "in ten minutes**: one of set-up, one of reading, eight of writing 22 lines in six tasks" in readme
    assert "22 lines in six tasks" in lab_readme


def test_the_first_tasks_take_a_line_or_two() -> None:
    marked = {region.task: region.body for region in regions.find(LAB.solution.read_text("utf-8"))}
    assert [len(marked[task]) for task in (1, 2)] == [1, 2]


def test_the_set_up_names_what_to_read_meanwhile() -> None:
    named = re.findall(r"meanwhile read (\S+\.md)", Path("labs/runner/bootstrap.py").read_text("utf-8"))
    assert [ROOT / path for path in named] == [LAB.folder / "README.md"]
