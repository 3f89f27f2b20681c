"""The minutes of each task: at least what its reading and writing take. Thinking is not counted."""

from __future__ import annotations

import ast

import pytest

from labs.runner import registry
from labs.runner.authoring import regions
from labs.runner.authoring.regions import Region
from labs.runner.registry import Lab, Task
from tests.labs.test_first_lab import MINUTES_A_LINE, WORDS_A_MINUTE, words

TASKS = [(lab, task) for lab in registry.written() for task in lab.tasks]


def asked(source: str, region: Region) -> str:
    """The docstring of the function that holds a region."""
    around = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= region.start + 1 <= (node.end_lineno or 0)
    ]
    return ast.get_docstring(max(around, key=lambda node: node.lineno)) or "" if around else ""


def is_code(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


@pytest.mark.parametrize(("lab", "task"), TASKS, ids=[f"{lab.name}-{task.number}" for lab, task in TASKS])
def test_a_task_has_the_minutes_that_its_reading_and_writing_take(lab: Lab, task: Task) -> None:
    source = lab.solution.read_text("utf-8")
    marked = [region for region in regions.find(source) if region.task == task.number]
    lines = sum(is_code(line) for region in marked for line in region.body)
    reading = sum(words(asked(source, region)) for region in marked) / WORDS_A_MINUTE
    assert round(reading + lines * MINUTES_A_LINE) <= task.minutes, (reading, lines)
