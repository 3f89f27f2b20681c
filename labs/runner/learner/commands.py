"""The commands around one lab: hint, solution, wrong programs, reset, status.

Checking and measuring are in labs.runner.learner.session.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from labs.runner import layout, terminal
from labs.runner.authoring import regions, wrong
from labs.runner.authoring.hints import hint
from labs.runner.authoring.stub import stub_of
from labs.runner.errors import LabError
from labs.runner.learner import beside, progress
from labs.runner.learner.learner import Learner
from labs.runner.learner.workspace import shown
from labs.runner.registry import Entry, Lab

LEVELS = (1, 2, 3)
_STYLES = {
    progress.State.DONE: terminal.GOOD,
    progress.State.RECHECK: terminal.WARN,
    progress.State.STARTED: terminal.PLAIN,
    progress.State.NEW: terminal.DIM,
}


def open_hint(learner: Learner, lab: Lab, task: int | None) -> int:
    """Show the next hint of a task (by default the one to do next) and record that it was opened."""
    now = learner.standing(lab)
    task = now.task if task is None else task
    numbers = [known.number for known in lab.tasks]
    if task not in numbers:
        raise LabError(f"lab {lab.name} has no task {task}: choose one of {', '.join(map(str, numbers))}")
    level = min(now.hints.get(task, 0) + 1, LEVELS[-1])
    text = hint((lab.folder / "hints" / f"{level}.md").read_text("utf-8"), task)
    learner.out.say(f"lab {lab.name}, task {task}: {lab.tasks[task - 1].title}", terminal.STRONG)
    learner.out.say(f"hint {level} of {LEVELS[-1]}\n", terminal.DIM)
    learner.out.markdown(text)
    after = f"`make hint-{lab.number:02d} TASK={task}` opens the next one"
    if level == LEVELS[-1]:
        after = f"this is the last one; `make solution-{lab.number:02d}` shows the reference"
    learner.out.say(f"\n{after}", terminal.DIM)
    learner.record.add(lab, "hint", task=task, level=level)
    return 0


def show_solution(learner: Learner, lab: Lab, anyway: bool) -> int:
    """Show the reference: freely once the lab is done, before that only when the learner insists.

    Of a lab that is solved, the tasks that solved it are shown freely, and its further tasks are not.
    """
    again = f"make solution-{lab.number:02d} ANYWAY=1"
    done = learner.standing(lab).state is progress.State.DONE
    solved = learner.solved(lab)
    if not solved and not anyway:
        if not terminal.asking():
            raise LabError(f"lab {lab.name} is not done yet; `{again}` shows its solution all the same")
        if _ask("This lab is not done yet. Show the solution all the same? [y/N] ").lower() not in (
            "y",
            "yes",
        ):
            learner.out.say("Left closed.")
            return 0
    source = lab.solution.read_text("utf-8")
    own = _own_source(learner, lab)
    last = len(lab.tasks) if done or anyway or not solved else lab.solved_by
    for task, title in regions.titles(regions.find(source, shown(lab.solution))).items():
        if task > last:
            learner.out.say(f"\ntask {task}: {title}\nnot done yet; `{again}` shows it", terminal.DIM)
            continue
        learner.out.say(f"\ntask {task}: {title}", terminal.STRONG)
        _tell_task(learner, source, own, task)
        learner.out.say("\nwhy the reference does it this way", terminal.DIM)
        learner.out.markdown(lab.tasks[task - 1].why)
        _tell_titles(learner, lab, task)
    learner.out.verbatim(f"\nThe whole of it: {shown(lab.solution)}", terminal.DIM)
    learner.out.say(f"What others got wrong, line by line: `make wrong-{lab.number:02d}`", terminal.DIM)
    learner.record.add(lab, "solution")
    return 0


def _own_source(learner: Learner, lab: Lab) -> str:
    """What the learner wrote; empty when there is nothing, or nothing but the stub."""
    try:
        text = learner.work.exercise(lab).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if text == stub_of(lab.folder) else text


def _tell_task(learner: Learner, source: str, own: str, task: int) -> None:
    """The functions of one task: the learner's beside the reference, or the reference alone."""
    marked = [region for region in regions.find(source) if region.task == task]
    names = dict.fromkeys(beside.enclosing(source, region) for region in marked)
    yours, theirs = beside.definitions(own), beside.definitions(source)
    if not own or not all(name in yours for name in names):
        bodies = [textwrap.dedent("\n".join(region.body)) for region in marked]
        learner.out.code("\n\n# …\n\n".join(bodies))
        return
    styles = {"=": terminal.DIM, "-": terminal.WARN, "+": terminal.GOOD, "!": terminal.PLAIN}
    width = layout.width_of_tables()
    learner.out.say(f"yours {'beside' if width >= 100 else '(-), then'} the reference", terminal.DIM)
    for name in names:
        for mark, line in beside.beside(yours[name], theirs[name], width):
            learner.out.verbatim(line, styles[mark])
        learner.out.say()


def _tell_titles(learner: Learner, lab: Lab, task: int) -> None:
    """The wrong programs of a task, each by its title."""
    programs = [program for program in wrong.read(lab.wrong.read_text("utf-8")) if program.task == task]
    if programs:
        learner.out.say("\nwhat others got wrong here", terminal.DIM)
    for program in programs:
        learner.out.say(f"  {program.title} (caught by `{program.caught_by[0]}`)")


def show_wrong(learner: Learner, lab: Lab, task: int | None, anyway: bool) -> int:
    """Show the wrong programs of the tasks that pass (or of one task): story, test, lines that differ."""
    now = learner.standing(lab)
    numbers = {known.number for known in lab.tasks}
    passed = {number for number in numbers if now.state is progress.State.DONE or number < now.task}
    wanted = numbers if task is None else numbers & {task}
    if not wanted:
        raise LabError(
            f"lab {lab.name} has no task {task}: choose one of {', '.join(map(str, sorted(numbers)))}"
        )
    shown_tasks = wanted if anyway else wanted & passed
    if not shown_tasks:
        raise LabError(
            f"lab {lab.name}: they are shown once the task passes, for they give its answer away; "
            f"`make wrong-{lab.number:02d} ANYWAY=1` shows them all the same"
        )
    programs = [
        program for program in wrong.read(lab.wrong.read_text("utf-8")) if program.task in shown_tasks
    ]
    for number in sorted(shown_tasks):
        learner.out.say(f"\ntask {number}: {lab.tasks[number - 1].title}", terminal.STRONG)
        for program in (program for program in programs if program.task == number):
            _tell_wrong(learner, program)
    left = len(lab.tasks) - len(shown_tasks)
    if left and task is None:
        learner.out.say(
            f"\n{terminal.count(left, 'task')} to go: its wrong programs are shown then.", terminal.DIM
        )
    return 0


def _tell_wrong(learner: Learner, program: wrong.WrongProgram) -> None:
    learner.out.say(f"\n  {program.title}", terminal.STRONG)
    learner.out.say(textwrap.indent(textwrap.fill(program.story, 76), "  "))
    styles = {"-": terminal.GOOD, "+": terminal.BAD}
    for change in program.changes:
        learner.out.say()
        for line in change.shown.splitlines():
            learner.out.verbatim(f"    {line}", styles.get(line[:1], terminal.DIM))
    learner.out.say(f"  caught by {', '.join(program.caught_by)}", terminal.DIM)


def _ask(question: str) -> str:
    """What the learner answers; nothing on Ctrl-D."""
    try:
        return input(question).strip()
    except EOFError:
        print()
        return ""


def ask_prediction(learner: Learner, lab: Lab) -> None:
    """Ask once, before anything is measured; Enter skips. Never asked when the input is no terminal."""
    if learner.standing(lab).prediction is not None:
        return
    if not terminal.asking():
        learner.out.say("The prediction is skipped: there is no terminal to ask at.\n", terminal.DIM)
        return
    learner.out.say("Before you measure, predict:", terminal.STRONG)
    learner.out.say(f"  {lab.prediction.question}")
    said = _ask(f"  {lab.prediction.unit} (Enter skips): ")
    # Asked once and kept for ever: what cannot be held against the figure is not taken.
    while said and lab.prediction.unit and as_number(said, lab.prediction.unit) is None:
        learner.out.say("  a number, please (Enter skips)", terminal.WARN)
        said = _ask(f"  {lab.prediction.unit} (Enter skips): ")
    learner.record.add(lab, "prediction", said=said)
    learner.out.say()


def as_number(said: str, unit: str) -> float | None:
    """The figure in "3", "9 letters" or "10,000"; None for other words and for what no measurement gives."""
    try:
        number = float(said.lower().removesuffix(unit.lower()).replace(",", "").replace("_", "").strip())
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None


def reset(learner: Learner, lab: Lab) -> int:
    """Put the learner's folder into the trash, and say how to bring it back."""
    there, command = learner.work.reset(lab)
    # Told before it is recorded: a full disk must not keep from the learner where the work is.
    learner.out.verbatim(f"Put away: {shown(there)}")
    learner.out.verbatim(f"This brings it back: {command}")
    learner.out.say(f"`make lab-{lab.number:02d}` starts anew.", terminal.DIM)
    learner.record.add(lab, "reset", to=str(there))
    return 0


def status(learner: Learner, entries: Sequence[Entry]) -> int:
    """Every lab and where it stands."""
    rows, styles = [], []
    done = solved = minutes = 0
    for entry in entries:
        if not isinstance(entry, Lab):
            rows.append((f"{entry.number:02d}", entry.title, "to come", "", ""))
            styles.append(terminal.DIM)
            continue
        now = learner.standing(entry)
        done += now.state is progress.State.DONE
        solved += now.state is not progress.State.DONE and learner.solved(entry)
        minutes += _left(now, entry)
        rows.append(
            (f"{entry.number:02d}", entry.title, _state(now, entry), str(_left(now, entry) or ""), _help(now))
        )
        styles.append(_STYLES[now.state])
    learner.out.table(("lab", "title", "state", "minutes left", "help used"), rows, styles)
    written = sum(isinstance(entry, Lab) for entry in entries)
    coming = f", {len(entries) - written} to come" if written < len(entries) else ""
    left = f", about {terminal.count(round(minutes / 60), 'hour')} left" if minutes >= 30 else ""
    also = f", {solved} more solved" if solved else ""
    learner.out.say(
        f"{done} of {written} done{also}{coming}{left}. `make next` goes on, `make lab-NN` works on one."
    )
    return 0


def _state(now: progress.Standing, lab: Lab) -> str:
    if now.state is progress.State.STARTED:
        further = now.task > lab.solved_by
        where = f"solved; further task {now.task}" if further else f"task {now.task} of {lab.solved_by}"
        return where + (f" ({now.reason})" if now.reason else "")
    return f"{now.state.value}: {now.reason}" if now.reason else str(now.state.value)


def _left(now: progress.Standing, lab: Lab) -> int:
    """About how many minutes the tasks that do not pass yet take."""
    if now.state in (progress.State.DONE, progress.State.RECHECK):
        return 0
    return sum(task.minutes for task in lab.tasks if task.number >= now.task)


def _help(now: progress.Standing) -> str:
    hints = sum(now.hints.values())
    used = [terminal.count(hints, "hint")] if hints else []
    return ", ".join(used + (["solution"] if now.solution_opened else []))
