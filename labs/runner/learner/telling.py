"""What a learner reads of a check: the tasks that pass, the one to write next, or why one fails.

Takes outcomes and failures (labs.runner.checking), prints. Running the checks is the session's.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from labs.runner import terminal
from labs.runner.authoring.regions import todo
from labs.runner.checking.alarm import PATIENCE
from labs.runner.checking.failure import ABSENT, ENDLESS, UNWRITTEN, Failure, base, last_lines, sentence
from labs.runner.checking.suite import Outcome
from labs.runner.learner.commands import LEVELS
from labs.runner.learner.learner import Learner
from labs.runner.learner.workspace import shown
from labs.runner.registry import Lab

_STEPS = 20  # how many of the last steps are shown
_CYCLE = 4  # the longest group of steps that is folded when it repeats
# What may differ between steps that count as the same: bytes that were quoted or listed, and figures.
_DIFFERING = re.compile(
    r"(?:(?<=byte: )|(?<=bytes: )|(?<=octets: )).*"
    r"|'(?:[^'\\]|\\.)*'…?"
    r'|"(?:[^"\\]|\\.)*"…?'
    r"|\d+",
    re.S,
)


class TaskPrinter:
    """Prints one line for each task that passes; of the task that fails, every check up to the failure."""

    def __init__(self, lab: Lab, out: terminal.Terminal) -> None:
        self._lab, self._out = lab, out
        self._task = 0
        self._passed: list[str] = []
        # The name of the check that runs; set by the session when one starts.
        self.started = ""

    def still_checking(self) -> None:
        """The check that runs now is slow: say which, so that the wait is understood."""
        what = f"checking “{sentence(self.started)}”" if self.started else "loading your file"
        self._out.say(f"… still {what}; it is stopped after {PATIENCE:g} s", terminal.DIM)

    def tell(self, outcome: Outcome) -> None:
        """One check has ended."""
        if outcome.task != self._task:
            self.close()
            self._task = outcome.task
        if outcome.failure is None:
            self._passed.append(outcome.test)
            return
        # A task that is not begun is no failure: `tell_next` says where to write it.
        if outcome.failure.kind != UNWRITTEN:
            self._tell_failed(outcome.failure)
        self._passed = []

    def _tell_failed(self, failed: Failure) -> None:
        self._out.say(f"✗ {self._title()}", terminal.STRONG)
        for test, cases in Counter(map(base, self._passed)).items():
            self._out.say(f"    ✓ {sentence(test)}{f' ({cases} cases)' if cases > 1 else ''}", terminal.GOOD)
        self._out.say(f"    ✗ {failed.sentence}", terminal.BAD)

    def close(self) -> None:
        """The task that was under way has passed, if it was not told as failed."""
        if self._passed:
            checks = terminal.count(len(self._passed), "check")
            self._out.say(f"✓ {self._title()} ({checks})", terminal.GOOD)
        self._passed = []

    def _title(self) -> str:
        return f"task {self._task}: {self._lab.tasks[self._task - 1].title}"


def line_of_task(lab: Lab, path: Path, task: int) -> str:
    """ ":62", the line of the learner's file where a task is still to be written; empty when none says so."""
    wanted = todo(task, lab.tasks[task - 1].title)
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    found = (n for n, line in enumerate(lines, 1) if "NotImplementedError" in line and wanted in line)
    return next((f":{n}" for n in found), "")


def tell_next(learner: Learner, lab: Lab, path: Path, task: int, failure: Failure | None = None) -> None:
    """The task to write next: where, about how long, and what to run then."""
    out, number = learner.out, f"{lab.number:02d}"
    chosen = lab.tasks[task - 1]
    which = f"further task {task}" if chosen.further else f"task {task} of {lab.solved_by}"
    out.say(f"○ {which}: {chosen.title} (about {chosen.minutes} min)", terminal.STRONG)
    place = shown(path) + line_of_task(lab, path, task)
    if failure is not None and failure.place.startswith(path.name):
        place = shown(path) + failure.place.split(": `")[0].removeprefix(path.name)
    facts = [("  write it", place)]
    if failure is not None and failure.rule:
        facts.append(("  rule", failure.rule))
    facts += [
        ("  then", f"`make lab-{number}`, or keep `make watch-{number}` running"),
        ("  stuck?", f"`make hint-{number} TASK={task}` {_opened(learner, lab, task)}"),
    ]
    out.facts(facts)
    if chosen.reproduce:
        out.verbatim(f"  example   {chosen.reproduce}")
    if task > 1:
        out.say(
            f"  what others got wrong in task {task - 1}: `make wrong-{number} TASK={task - 1}`", terminal.DIM
        )


def _opened(learner: Learner, lab: Lab, task: int) -> str:
    return f"({learner.standing(lab).hints.get(task, 0)} of {len(LEVELS)} opened)"


def command_again(lab: Lab, path: Path, failure: Failure, options: Sequence[str]) -> str:
    """The command that runs this one check again, with the seed that failed."""
    words = [shown(lab.folder), "--exercise", shown(path), *options, "-k", base(failure.test)]
    return f".venv/bin/python -m pytest {shlex.join(words)}"


def tell_failure(learner: Learner, lab: Lab, failure: Failure, again: str) -> None:
    """The story of one failure: what came and what was expected, the steps before it, the rule, what to do.

    `again` is the command that runs the check once more. What a task's `reproduce` asks is answered by a
    server that gets it right: beside it the learner's own answer can be held.
    """
    out = learner.out
    task = lab.tasks[failure.task - 1]
    out.say()
    message = failure.message or "the check failed and left no message"
    out.verbatim(textwrap.indent(message, "    "), terminal.BAD)
    for name, text in failure.values:
        out.verbatim(f"    {name:<9} {text}")
    if failure.place:
        out.verbatim(f"    at {failure.place}")
    if failure.kind == ENDLESS:
        out.say(
            "    Does each turn of that loop bring its end nearer, also when no more bytes come?",
            terminal.DIM,
        )
    if failure.steps:
        out.say("\n  steps so far", terminal.STRONG)
        _tell_steps(out, failure.steps)
    if failure.printed.strip() and failure.kind != ABSENT:
        out.say("\n  your code printed", terminal.STRONG)
        out.verbatim(textwrap.indent(last_lines(failure.printed), "    "))
    out.say()
    number = f"{lab.number:02d}"
    told = {
        "rule": failure.rule,
        "reproduce": again,
        "see it done right": task.reproduce,
        "hint": f"make hint-{number} TASK={task.number}   {_opened(learner, lab, task.number)}",
        "others' mistakes": f"make wrong-{number} TASK={task.number - 1}" if task.number > 1 else "",
    }
    for name, text in told.items():
        if text:
            out.verbatim(f"  {name:<19}{text}")


def _tell_steps(out: terminal.Terminal, steps: Sequence[str]) -> None:
    folded = list(fold(steps))
    if len(folded) > _STEPS:
        out.say(f"    … {len(folded) - _STEPS} before", terminal.DIM)
    for step in folded[-_STEPS:]:
        out.verbatim(f"    {step}")


def fold(steps: Sequence[str]) -> Iterator[str]:
    """Numbered steps; a group that repeats, figures and bytes aside, is shown once with how often it came."""
    alike = [_DIFFERING.sub("#", step) for step in steps]
    at = 0
    while at < len(steps):
        size, times = _repeated(alike, at)
        for offset in range(size):
            yield f"{at + offset + 1}. {steps[at + offset]}"
        if times > 1:
            end = at + size * times
            what = "the same" if size == 1 else f"these {size} steps"
            yield f"… {what} {times - 1} more times, up to {end}. {steps[end - 1]}"
        at += size * times


def _repeated(alike: Sequence[str], at: int) -> tuple[int, int]:
    """The group of steps at an index that repeats most: (its size, how often); (1, 1) when none does."""
    best = (1, 1)
    for size in range(1, _CYCLE + 1):
        group = alike[at : at + size]
        times = 1
        while len(group) == size and alike[at + size * times : at + size * (times + 1)] == group:
            times += 1
        if times > 2 and size * times > best[0] * best[1]:
            best = (size, times)
    return best
