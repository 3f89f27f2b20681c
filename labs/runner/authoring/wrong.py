"""wrong.md: the wrong programs of a lab: the story, the test that catches it, the lines that differ.

    ## Task 2: choose the deadline

    ### One deadline for the whole request

    A large upload over a slow link is late before it is half done.

    Caught by `test_each_phase_brings_its_own_deadline`.

    ```diff
         beginnings = {
    -        (Phase.IDLE, Event.BYTES): (Phase.HEAD, timeouts.head),
    +        (Phase.IDLE, Event.BYTES): (Phase.HEAD, None),
    ```

Each line of a block begins with a space (unchanged), `-` (in solution.py) or `+` (in the wrong program), and
then stands as in the file. The unchanged and removed lines of a block must be found once in solution.py, and
what changes must stand in a marked region. A program that differs in several places has several blocks.

Pure functions: no file is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from labs.runner.authoring import regions
from labs.runner.authoring.regions import Region
from labs.runner.errors import LabError

WHERE = "wrong.md"
_TASK = re.compile(r"## Task (\d+)(?:: .+)?")
_CAUGHT_BY = re.compile(r"Caught by (`test_\w+`(?:, `test_\w+`)*)\.?")


@dataclass(frozen=True, slots=True)
class Change:
    """Lines of the solution, and what stands there in the wrong program."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    shown: str
    """The block as it is written."""

    @property
    def removed(self) -> list[int]:
        """Which of the old lines the wrong program does not have, by index."""
        kept = [line[:1] != "-" for line in self.shown.splitlines() if line[:1] != "+"]
        return [index for index, stays in enumerate(kept) if not stays]


@dataclass(frozen=True, slots=True)
class WrongProgram:
    """A plausible wrong answer: why a person writes it, which tests must catch it, what it puts where."""

    title: str
    task: int
    story: str
    caught_by: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """The title in letters, digits and underscores: for files and messages."""
        return re.sub(r"[^a-z0-9]+", "_", self.title.lower()).strip("_")


def read(text: str) -> list[WrongProgram]:
    """Every wrong program of a file, in its order. Raises LabError that lists everything wrong with it."""
    found: list[WrongProgram] = []
    errors: list[str] = []
    task = 0
    for number, kind, title, body in _sections(text):
        if kind == "##":
            heading = _TASK.fullmatch(f"## {title}")
            task = int(heading[1]) if heading else 0
            if not heading:
                errors.append(f"line {number}: `## {title}` is not `## Task N: title`")
            continue
        try:
            found.append(_program(title, task, body))
        except ValueError as error:
            errors.append(f"line {number}: {title}: {error}")
    names = [program.name for program in found]
    errors += [f"{name} stands there twice" for name in sorted(set(names)) if names.count(name) > 1]
    if errors:
        raise LabError(f"{WHERE}: " + "; ".join(errors))
    return found


def _sections(text: str) -> Iterator[tuple[int, str, str, list[str]]]:
    """(line number, "##" or "###", title, the lines up to the next heading); headings in blocks are text."""
    current: tuple[int, str, str, list[str]] | None = None
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        heading = None if fenced else re.fullmatch(r"(###?) (.+)", line)
        fenced ^= line.startswith("```")
        if heading:
            if current:
                yield current
            current = (number, heading[1], heading[2].strip(), [])
        elif current:
            current[3].append(line)
    if current:
        yield current


def _program(title: str, task: int, body: list[str]) -> WrongProgram:
    """One program from the lines under its heading. Raises ValueError."""
    story: list[str] = []
    caught: tuple[str, ...] = ()
    changes: list[Change] = []
    lines = iter(body)
    for line in lines:
        if line.startswith("```"):
            if line != "```diff":
                raise ValueError(f"a block is a ```diff, not {line}")
            changes.append(_change(lines))
        elif match := _CAUGHT_BY.fullmatch(line.strip()):
            caught = tuple(re.findall(r"test_\w+", match[1]))
        else:
            story.append(line)
    told = "\n".join(story).strip()
    wrong = [what for what, there in (("no story", told), ("no block", changes)) if not there]
    wrong += [] if caught else ["no line `Caught by `test_…`.`"]
    wrong += [] if task else ["it stands under no `## Task N`"]
    if wrong:
        raise ValueError(", ".join(wrong))
    return WrongProgram(title, task, told, caught, tuple(changes))


def _change(lines: Iterator[str]) -> Change:
    shown: list[str] = []
    for line in lines:
        if line == "```":
            break
        if line and line[0] not in " -+":
            raise ValueError(f"a line of a block begins with a space, - or +: {line!r}")
        shown.append(line)
    else:
        raise ValueError("a block is not closed")
    old = tuple(line[1:] for line in shown if line[:1] != "+")
    new = tuple(line[1:] for line in shown if line[:1] != "-")
    if old == new:
        raise ValueError("a block changes nothing")
    if not any(line.strip() for line in old):
        raise ValueError("a block says not where: write an unchanged line beside the new ones")
    return Change(old, new, "\n".join(shown))


def program_text(source: str, wrong: WrongProgram) -> str:
    """The wrong program whole: the solution with the lines that differ. Raises LabError."""
    lines = source.splitlines()
    marked = regions.find(source)
    places = sorted(((_place(lines, marked, change, wrong), change) for change in wrong.changes), key=_start)
    for (start, change), (following, _) in pairwise(places):
        if start + len(change.old) > following:
            raise LabError(f"{WHERE}: {wrong.title}: two of its blocks overlap")
    for start, change in reversed(places):
        lines[start : start + len(change.old)] = change.new
    return "\n".join(lines) + "\n"


def _start(place: tuple[int, Change]) -> int:
    return place[0]


def _place(lines: list[str], marked: list[Region], change: Change, wrong: WrongProgram) -> int:
    """The line of the source where the old lines begin: they must stand there once."""
    size = len(change.old)
    found = [at for at in range(len(lines) - size + 1) if tuple(lines[at : at + size]) == change.old]
    first = next(line for line in change.old if line.strip()).strip()
    if len(found) != 1:
        times = "nowhere" if not found else f"{len(found)} times"
        raise LabError(
            f"{WHERE}: {wrong.title}: a block (`{first}` …) is found {times} in solution.py: "
            "its unchanged and removed lines must stand there once"
        )
    removed = {found[0] + at for at in change.removed}
    inside = {line for region in marked for line in range(region.start + 1, region.end)}
    if not removed <= inside:
        raise LabError(
            f"{WHERE}: {wrong.title}: a block (`{first}` …) changes lines outside the marked regions"
        )
    return found[0]
