"""A learner's desk: their files, their record, their terminal, and the commands around one lab.

hint, solution, reset, status. Checking and measuring are in labs.runner.drive.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labs.runner import progress, regions, terminal, wrong
from labs.runner.generate import stub_of
from labs.runner.mistakes import Mistake
from labs.runner.registry import Entry, Lab
from labs.runner.verify import hint
from labs.runner.workspace import Workspace, shown

LEVELS = (1, 2, 3)
_STYLES = {
    progress.State.DONE: terminal.GOOD,
    progress.State.RECHECK: terminal.WARN,
    progress.State.STARTED: terminal.PLAIN,
    progress.State.NEW: terminal.DIM,
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command of a learner needs."""

    work: Workspace
    record: progress.Record
    out: terminal.Terminal

    @classmethod
    def at(cls, root: Path, out: terminal.Terminal) -> Desk:
        """The desk whose work is kept under `root`."""
        return cls(Workspace(root), progress.Record(root / "progress.jsonl"), out)

    def standing(self, lab: Lab) -> progress.Standing:
        """Where the lab stands, by the record and by the files as they are now."""
        file = progress.fingerprint(self.work.exercise(lab))
        check, stub = progress.fingerprint(lab.check), progress.fingerprint_of(stub_of(lab.folder).encode())
        return progress.standing(self.record.events(lab), file, check, stub)


def open_hint(desk: Desk, lab: Lab, task: int | None) -> int:
    """Show the next hint of a task (by default the one to do next) and record that it was opened."""
    now = desk.standing(lab)
    task = now.task if task is None else task
    numbers = [known.number for known in lab.tasks]
    if task not in numbers:
        raise Mistake(f"lab {lab.name} has no task {task}: choose one of {', '.join(map(str, numbers))}")
    level = min(now.hints.get(task, 0) + 1, LEVELS[-1])
    text = hint((lab.folder / "hints" / f"{level}.md").read_text("utf-8"), task)
    desk.record.add(lab, "hint", task=task, level=level)
    desk.out.say(f"lab {lab.name}, task {task}: {lab.tasks[task - 1].title}", terminal.STRONG)
    desk.out.say(f"hint {level} of {LEVELS[-1]}\n", terminal.DIM)
    desk.out.markdown(text)
    after = f"`make hint-{lab.number:02d} TASK={task}` opens the next one"
    if level == LEVELS[-1]:
        after = f"this is the last one; `make solution-{lab.number:02d}` shows the reference"
    desk.out.say(f"\n{after}", terminal.DIM)
    return 0


def show_solution(desk: Desk, lab: Lab, anyway: bool) -> int:
    """Show the reference: freely once the lab is done, else only to someone who insists."""
    again = f"make solution-{lab.number:02d} ANYWAY=1"
    if desk.standing(lab).state is not progress.State.DONE and not anyway:
        if not terminal.asking():
            raise Mistake(f"lab {lab.name} is not done yet; `{again}` shows its solution all the same")
        if _ask("This lab is not done yet. Show the solution all the same? [y/N] ").lower() not in (
            "y",
            "yes",
        ):
            desk.out.say("Left closed.")
            return 0
    desk.record.add(lab, "solution")
    source = lab.solution.read_text("utf-8")
    marked = regions.find(source, shown(lab.solution))
    for task, title in regions.titles(marked).items():
        desk.out.say(f"\ntask {task}: {title}", terminal.STRONG)
        parts = [textwrap.dedent("\n".join(region.body)) for region in marked if region.task == task]
        desk.out.code("\n\n# …\n\n".join(parts))
    desk.out.say(f"\nThe whole of it: {shown(lab.solution)}", terminal.DIM)
    desk.out.say(f"What others got wrong: `make wrong-{lab.number:02d}`", terminal.DIM)
    return 0


def show_wrong(desk: Desk, lab: Lab, task: int | None, anyway: bool) -> int:
    """Show the wrong programs of the tasks that pass (or of one task): story, test, lines that differ."""
    now = desk.standing(lab)
    numbers = {known.number for known in lab.tasks}
    passed = {number for number in numbers if now.state is progress.State.DONE or number < now.task}
    wanted = numbers if task is None else numbers & {task}
    if not wanted:
        raise Mistake(
            f"lab {lab.name} has no task {task}: choose one of {', '.join(map(str, sorted(numbers)))}"
        )
    shown_tasks = wanted if anyway else wanted & passed
    if not shown_tasks:
        raise Mistake(
            f"lab {lab.name}: they are shown once the task passes, for they give its answer away; "
            f"`make wrong-{lab.number:02d} ANYWAY=1` shows them all the same"
        )
    programs = [
        program for program in wrong.read(lab.wrong.read_text("utf-8")) if program.task in shown_tasks
    ]
    for number in sorted(shown_tasks):
        desk.out.say(f"\ntask {number}: {lab.tasks[number - 1].title}", terminal.STRONG)
        for program in (program for program in programs if program.task == number):
            _tell_wrong(desk, program)
    left = len(lab.tasks) - len(shown_tasks)
    if left and task is None:
        desk.out.say(
            f"\n{terminal.count(left, 'task')} to go: its wrong programs are shown then.", terminal.DIM
        )
    return 0


def _tell_wrong(desk: Desk, program: wrong.WrongProgram) -> None:
    desk.out.say(f"\n  {program.title}", terminal.STRONG)
    desk.out.say(textwrap.indent(textwrap.fill(program.story, 76), "  "))
    styles = {"-": terminal.GOOD, "+": terminal.BAD}
    for change in program.changes:
        desk.out.say()
        for line in change.shown.splitlines():
            desk.out.say(f"    {line}", styles.get(line[:1], terminal.DIM))
    desk.out.say(f"  caught by {', '.join(program.caught_by)}", terminal.DIM)


def _ask(question: str) -> str:
    """What the learner answers; nothing on Ctrl-D."""
    try:
        return input(question).strip()
    except EOFError:
        print()
        return ""


def ask_prediction(desk: Desk, lab: Lab) -> None:
    """Ask once, before anything is measured; Enter skips. Never asked when nobody is there."""
    if desk.standing(lab).prediction is not None or not terminal.asking():
        return
    desk.out.say("Before you measure, predict:", terminal.STRONG)
    desk.out.say(f"  {lab.prediction.question}")
    said = _ask(f"  {lab.prediction.unit} (Enter skips): ")
    # Asked once and kept for ever: what cannot be held against the figure is not taken.
    while said and lab.prediction.unit and as_number(said, lab.prediction.unit) is None:
        desk.out.say("  a number, please (Enter skips)", terminal.WARN)
        said = _ask(f"  {lab.prediction.unit} (Enter skips): ")
    desk.record.add(lab, "prediction", said=said)
    desk.out.say()


def as_number(said: str, unit: str) -> float | None:
    """The figure in "3", "9 letters" or "10,000"; None for other words and for what no measurement gives."""
    try:
        number = float(said.lower().removesuffix(unit.lower()).replace(",", "").replace("_", "").strip())
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None


def reset(desk: Desk, lab: Lab) -> int:
    """Put the learner's folder into the trash, and say how to bring it back."""
    there, command = desk.work.reset(lab)
    desk.record.add(lab, "reset", to=str(there))
    desk.out.say(f"Put away: {shown(there)}")
    desk.out.say(f"This brings it back: {command}")
    desk.out.say(f"`make lab-{lab.number:02d}` starts anew.", terminal.DIM)
    return 0


def status(desk: Desk, entries: Sequence[Entry]) -> int:
    """Every lab and where it stands."""
    rows, styles = [], []
    done = 0
    for entry in entries:
        if not isinstance(entry, Lab):
            rows.append((f"{entry.number:02d}", entry.title, "to come", "", ""))
            styles.append(terminal.DIM)
            continue
        now = desk.standing(entry)
        done += now.state is progress.State.DONE
        rows.append(
            (f"{entry.number:02d}", entry.title, _state(now, entry), f"{entry.minutes} min", _help(now))
        )
        styles.append(_STYLES[now.state])
    desk.out.table(("lab", "title", "state", "time", "help used"), rows, styles)
    written = sum(isinstance(entry, Lab) for entry in entries)
    desk.out.say(f"{done} of {written} done, {len(entries) - written} to come. `make lab-NN` works on one.")
    return 0


def _state(now: progress.Standing, lab: Lab) -> str:
    if now.state is progress.State.STARTED:
        return f"task {now.task} of {len(lab.tasks)}" + (f" ({now.reason})" if now.reason else "")
    return f"{now.state.value}: {now.reason}" if now.reason else str(now.state.value)


def _help(now: progress.Standing) -> str:
    hints = sum(now.hints.values())
    used = [terminal.count(hints, "hint")] if hints else []
    return ", ".join(used + (["solution"] if now.solution_opened else []))
