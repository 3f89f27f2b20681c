"""Marked regions: how one reference solution yields the learner's stub. Wrong programs stand in `wrong`.

    # >>> task 2: decide the length
    …the learner's part…
    # <<< task 2

Pure functions from text to text: no file is read or written here. A region's body sits at its marker's
indentation.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from labs.runner.errors import LabError

_OPEN = re.compile(r"^(?P<indent>[ \t]*)# >>> task (?P<task>\d+): (?P<title>\S.*?)\s*$")
_CLOSE = re.compile(r"^[ \t]*# <<< task (?P<task>\d+)\s*$")


@dataclass(frozen=True, slots=True)
class Region:
    """One marked part of a solution. `start` and `end` are line indices: the two markers, both included."""

    task: int
    title: str
    indent: str
    start: int
    end: int
    body: tuple[str, ...]


def find(source: str, where: str = "solution.py") -> list[Region]:
    """The regions of a source, in its order. Raises LabError that names every broken marker at once."""
    lines = source.splitlines()
    regions: list[Region] = []
    errors: list[str] = []
    opened: tuple[int, re.Match[str]] | None = None
    for index, line in enumerate(lines):
        if start := _OPEN.match(line):
            if opened:
                errors.append(f"line {index + 1}: task {start['task']} opens inside task {opened[1]['task']}")
            opened = (index, start)
        elif end := _CLOSE.match(line):
            if opened is None or opened[1]["task"] != end["task"]:
                errors.append(f"line {index + 1}: closes task {end['task']}, which is not open")
            else:
                regions.append(_region(lines, opened, index))
            opened = None
        elif re.match(r"^\s*# (>>>|<<<)", line):
            errors.append(
                f"line {index + 1}: not a marker: {line.strip()!r} (`# >>> task N: title`, `# <<< task N`)"
            )
    if opened:
        errors.append(f"line {opened[0] + 1}: task {opened[1]['task']} is never closed")
    errors += [f"line {r.start + 1}: task {r.task} is empty" for r in regions if not "".join(r.body).strip()]
    if errors:
        raise LabError(f"{where}: " + "; ".join(errors))
    return regions


def _region(lines: list[str], opened: tuple[int, re.Match[str]], end: int) -> Region:
    start, marker = opened
    body = tuple(lines[start + 1 : end])
    return Region(int(marker["task"]), marker["title"], marker["indent"], start, end, body)


def titles(regions: Collection[Region]) -> dict[int, str]:
    """Task number to title: the first region of a task names it."""
    found: dict[int, str] = {}
    for region in regions:
        found.setdefault(region.task, region.title)
    return dict(sorted(found.items()))


def stub(source: str, only: Collection[int] | None = None, where: str = "solution.py") -> str:
    """The learner's file: each region (of the tasks in `only`, or of all) raises NotImplementedError."""
    regions = find(source, where)
    named = titles(regions)
    return _rebuild(
        source,
        {
            region.start: [f'{region.indent}raise NotImplementedError("{_quoted(region.task, named)}")']
            for region in regions
            if only is None or region.task in only
        },
        regions,
    )


def todo(task: int, title: str) -> str:
    """What the stub of a task says when it is reached."""
    return f"task {task}: {title}"


def _quoted(task: int, named: dict[int, str]) -> str:
    return todo(task, named[task]).replace("\\", "\\\\").replace('"', '\\"')


def _rebuild(source: str, replaced: dict[int, list[str]], regions: list[Region]) -> str:
    lines = source.splitlines()
    for region in reversed(regions):
        if region.start in replaced:
            lines[region.start : region.end + 1] = replaced[region.start]
    return "\n".join(lines) + "\n"
