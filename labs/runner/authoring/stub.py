"""Stubs: what a learner starts from is made from solution.py when a lab is opened; it is not kept in git."""

from __future__ import annotations

from pathlib import Path

from labs.runner.authoring import regions
from labs.runner.errors import LabError


def stub_of(folder: Path) -> str:
    """The text of exercise.py. Raises LabError for a broken marker or a solution without regions."""
    solution = folder / "solution.py"
    if not solution.is_file():
        raise LabError(f"{solution}: not there yet: write the solution first, its regions marked")
    source = solution.read_text("utf-8")
    if not regions.find(source, str(solution)):
        raise LabError(f"{solution}: no region is marked (`# >>> task 1: title` to `# <<< task 1`)")
    made = regions.stub(source, where=str(solution))
    try:
        compile(made, "exercise.py", "exec")
    except SyntaxError as error:
        raise LabError(f"{solution}: its stub is not Python (line {error.lineno}: {error.msg})") from None
    return made
