"""Stubs: exercise.py is made from solution.py, and must stay what solution.py would make."""

from __future__ import annotations

from pathlib import Path

from labs.runner import regions
from labs.runner.mistakes import Mistake
from labs.runner.registry import Entry


def expected_stub(folder: Path) -> str:
    """What exercise.py must hold. Raises Mistake for a broken marker or a solution without regions."""
    solution = folder / "solution.py"
    if not solution.is_file():
        raise Mistake(f"{solution}: not there yet: write the solution first, its regions marked")
    source = solution.read_text("utf-8")
    if not regions.find(source, str(solution)):
        raise Mistake(f"{solution}: no region is marked (`# >>> task 1: title` to `# <<< task 1`)")
    made = regions.stub(source, where=str(solution))
    try:
        compile(made, "exercise.py", "exec")
    except SyntaxError as error:
        raise Mistake(f"{solution}: its stub is not Python (line {error.lineno}: {error.msg})") from None
    return made


def write_stub(entry: Entry) -> bool:
    """Bring exercise.py up to date. True when it changed."""
    made = expected_stub(entry.folder)
    target = entry.folder / "exercise.py"
    if target.is_file() and target.read_text("utf-8") == made:
        return False
    target.write_text(made, "utf-8")
    return True
