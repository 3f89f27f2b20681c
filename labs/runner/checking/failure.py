"""A failing check, told to the learner: what went wrong, the steps so far, the bytes with a caret, the rule.

Takes exceptions, gives text. The commands to reproduce it and to ask for a hint are added by
labs.runner.learner.session, which knows the lab.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.runner.checking import alarm
from labs.runner.checking.absent import absent
from labs.runner.checking.comparison import WrongBytes

WRONG, UNWRITTEN, RAISED, ENDLESS, ABSENT = "wrong", "unwritten", "raised", "endless", "absent"
_NUMBERED = re.compile(r"[a-z_]+\d+(-[a-z_]+\d+)*")
_PRINTED = 12  # lines of the learner's own output worth repeating


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed test. `kind` is one of WRONG, UNWRITTEN, RAISED, ENDLESS and ABSENT."""

    kind: str
    test: str
    task: int
    rule: str
    message: str
    steps: tuple[str, ...] = ()
    place: str = ""
    printed: str = ""
    values: tuple[tuple[str, str], ...] = ()
    """What the check was given, what was expected and what came: (name, value) pairs."""

    @classmethod
    def of(
        cls,
        error: BaseException,
        *,
        test: str,
        task: int,
        rule: str,
        steps: tuple[str, ...],
        printed: str,
        exercise: Path,
        reference: Path,
        values: Sequence[tuple[str, str]] = (),
    ) -> Failure:
        """Read an exception that a test raised. `exercise` is the file checked, `reference` the lab's own."""
        kind, message = _kind(error), str(error)
        if kind == UNWRITTEN:
            message = unwritten(error) or message
        elif kind == RAISED and (line := absent(error, reference, exercise)):
            kind, message, steps = ABSENT, line, ()
        elif kind == RAISED:
            message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        elif kind == WRONG and not isinstance(error, WrongBytes):
            # pytest's rewriting appends the operands: "…message\nassert 1 == 2".
            message = re.split(r"(?:^|\n)assert(?:\s|$)", message)[0]
        place = "" if kind == ENDLESS else last_line(error, exercise)
        said = message.strip()
        beside = () if kind in (UNWRITTEN, ABSENT) else tuple(pair for pair in values if pair[1] not in said)
        return cls(kind, test, task, rule, said, steps, place, printed, beside)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Failure:
        """The inverse of to_json."""
        pairs = tuple((name, value) for name, value in data["values"])
        return cls(**(data | {"steps": tuple(data["steps"]), "values": pairs}))

    @property
    def sentence(self) -> str:
        """The test's name as the sentence that it is."""
        return sentence(self.test)

    def text(self) -> str:
        """The whole report, without colour."""
        parts = [f"task {self.task}: {self.sentence}", textwrap.indent(self.message, "  ")]
        parts += [f"  {name:<9} {value}" for name, value in self.values]
        if self.place:
            parts.append(f"  at {self.place}")
        if self.steps:
            parts += ["steps so far:", *(f"  {n}. {step}" for n, step in enumerate(self.steps, 1))]
        if self.printed.strip():
            parts += ["your code printed:", textwrap.indent(last_lines(self.printed), "  ")]
        if self.rule:
            parts.append(f"rule: {self.rule}")
        return "\n".join(parts)


def base(test: str) -> str:
    """A test's name without its parameters."""
    return test.split("[")[0]


def sentence(test: str) -> str:
    """ "test_a_chunk_is_whole[17]" as a person says it: "a chunk is whole (17)"."""
    name, _, case = test.partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    # pytest numbers the cases that it cannot name; the values themselves are shown instead.
    case = case.removesuffix("]")
    return words if not case or _NUMBERED.fullmatch(case) else f"{words} ({case})"


def _kind(error: BaseException) -> str:
    if unwritten(error) is not None:
        return UNWRITTEN
    if isinstance(error, alarm.TookTooLong):
        return ENDLESS
    # pytest.fail() raises an outcome that is no AssertionError.
    return WRONG if isinstance(error, AssertionError) or type(error).__name__ == "Failed" else RAISED


def unwritten(error: BaseException) -> str | None:
    """What the stub's NotImplementedError says, also inside a group or behind another error; else None."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, NotImplementedError) and str(current).startswith("task "):
            return str(current)
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
        waiting += [current.__cause__, current.__context__]
    return None


def last_line(error: BaseException, exercise: Path) -> str:
    """The deepest line of the learner's file on the way of the error: "exercise.py:31: `return head`"."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(exercise)]
    if not frames:
        return ""
    return f"{exercise.name}:{frames[-1].lineno}: `{frames[-1].line}`"


def last_lines(text: str, count: int = _PRINTED) -> str:
    """The end of a learner's own output."""
    lines = text.rstrip().splitlines()
    kept = lines[-count:]
    return "\n".join(([f"… {len(lines) - count} lines before"] if len(lines) > count else []) + kept)
