"""One lab's session: open the file, predict, check task by task, stop at the first failure; then measure.

Nothing here judges a learner by the speed of a machine.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from labs.runner import children, registry, terminal
from labs.runner.authoring.stub import stub_of
from labs.runner.checking.capstone_parts import CAPSTONE
from labs.runner.checking.failure import UNWRITTEN
from labs.runner.checking.suite import Result
from labs.runner.errors import LabError
from labs.runner.learner import progress
from labs.runner.learner.commands import ask_prediction
from labs.runner.learner.learner import Learner
from labs.runner.learner.measured import measured, tell_done, tell_solved
from labs.runner.learner.telling import TaskPrinter, command_again, tell_failure, tell_next
from labs.runner.learner.workspace import shown
from labs.runner.registry import ROOT, Entry, Lab
from labs.runner.report.measuring import Outcome

_SILENCE = 60.0  # seconds; a test's own alarm rings after 20
_SLOW = 2.0  # seconds after which a check that still runs is named
_POLL = 0.3  # seconds between two looks at the file


def next_lab(learner: Learner, entries: Sequence[Entry]) -> Lab | None:
    """The lab to go on with: one under way, one to check again, one not begun, one with further tasks."""
    labs = [entry for entry in entries if isinstance(entry, Lab)]
    states = [(learner.standing(lab).state, lab) for lab in labs]
    solved = [lab for state, lab in states if state is progress.State.STARTED and learner.solved(lab)]
    for wanted in (progress.State.STARTED, progress.State.RECHECK, progress.State.NEW):
        for state, lab in states:
            if state is wanted and lab not in solved:
                return lab
    return solved[0] if solved else None


def run_next(learner: Learner, entries: Sequence[Entry], *, everything: bool = False) -> int:
    """`make next`: go on with the next lab. 0 also when every lab is done."""
    lab = next_lab(learner, entries)
    if lab is None:
        learner.out.say("Every lab is done. `make labs` shows every verdict.", terminal.GOOD)
        return 0
    return run_lab(learner, lab, everything=everything)


def run_lab(learner: Learner, lab: Lab, *, everything: bool = False) -> int:
    """`make lab-NN`: open, predict, check, measure. 0 when the lab is done, 1 when a task is still open.

    A lab with further tasks is measured twice: when it is solved, and when it is done.
    """
    path, made = learner.work.open(lab)
    begun = path.read_bytes() != stub_of(lab.folder).encode()
    _introduce(learner, lab, path, made=made, begun=begun)
    ask_prediction(learner, lab)
    if not begun:
        # Nothing is written yet: there is nothing to check.
        tell_next(learner, lab, path, 1)
        return 1
    was_solved = learner.solved_before(lab)
    done = check(learner, lab, path)
    if not done and (was_solved or not learner.solved(lab)):
        return 1
    return _measure_own(learner, lab, done=done, everything=everything)


def _measure_own(learner: Learner, lab: Lab, *, done: bool, everything: bool) -> int:
    """Measure the learner's code and tell what it showed. 0 when the lab is done and the measurement is."""
    passing = "All tasks pass. " if done else ""
    learner.out.say(f"{passing}Now your code is measured.\n", terminal.GOOD)
    evidence = measured(learner, lab, mine=True, everything=everything)
    if evidence.outcome is Outcome.FAILED:
        return 1
    following = next_lab(learner, registry.entries(lab.folder.parent))
    if done:
        tell_done(learner, evidence, following)
    else:
        tell_solved(learner, evidence, following)
    return int(not done)


def _introduce(learner: Learner, lab: Lab, path: Path, *, made: bool, begun: bool) -> None:
    """Which lab this is; article, claim and README are named until the learner has begun to write."""
    out = learner.out
    out.say(f"Lab {lab.number:02d} · {lab.title} ({lab.extent})", terminal.STRONG)
    if begun:
        out.verbatim(f"file     {shown(path)}\n")
        return
    article = f"“{registry.ARTICLE}”, {registry.ARTICLE_URL}"
    out.facts([("article", article), ("claim", lab.claim)], terminal.DIM)
    out.verbatim(f"read     {shown(lab.folder / 'README.md')}")
    out.verbatim(f"file     {shown(path)}{' (made for you)' if made else ''}\n")


def check(learner: Learner, lab: Lab, path: Path) -> bool:
    """Run the checks in the order of the tasks up to the first failure, tell it, record it."""
    file, seed = progress.fingerprint(path), int(time.time())
    options = [f"--seed={seed}", *(f"--part={part}" for part in _own_parts(learner, lab))]
    result = _run_checks(learner, lab, path, options)
    if result.broken:
        raise LabError(result.broken.replace(str(path), shown(path)))
    failed = result.failures[0].task if result.failures else None
    passed = [task.number for task in lab.tasks if failed is None or task.number < failed]
    hashes = {"file": file, "check": progress.fingerprint(*lab.checks)}
    if result.failures:
        failure = result.failures[0]
        newly_solved = failure.task > lab.solved_by and not learner.solved_before(lab)
        if failure.kind != UNWRITTEN:
            tell_failure(learner, lab, failure, command_again(lab, path, failure, options))
        elif not newly_solved:
            tell_next(learner, lab, path, failure.task, failure)
        if newly_solved:
            learner.out.say(f"The lab is solved: tasks 1 to {lab.solved_by} pass.", terminal.GOOD)
    # Recorded last: on a full disk the learner still reads what the check found.
    learner.record.add(lab, "checks", done=result.passed, passed=passed, failed=failed, seed=seed, **hashes)
    return result.passed


def _run_checks(learner: Learner, lab: Lab, path: Path, options: Sequence[str]) -> Result:
    result, printer = Result(), TaskPrinter(lab, learner.out)
    arguments = [str(lab.folder), str(path), "--first-only", *options]
    with children.spawn("labs.runner.checking.suite", arguments, where=ROOT) as child:
        try:
            for event in child.events(_SILENCE, (_SLOW, printer.still_checking)):
                result.take(event)
                printer.started = event.get("started", printer.started)
                if "outcome" in event:
                    printer.tell(result.outcomes[-1])
        except TimeoutError:
            child.kill()
            result.broken = f"the check did not come back for {_SILENCE:g} s and was stopped"
        printer.close()
        return result.close(child.finish(), child.printed())


def _own_parts(learner: Learner, lab: Lab) -> list[str]:
    """For the capstone: the learner's own file of every lab that is done. Any other lab takes no parts."""
    if lab.slug != CAPSTONE:
        return []
    others = registry.written(lab.folder.parent)
    done = [other for other in others if learner.standing(other).state is progress.State.DONE]
    return [f"{other.slug}={learner.work.exercise(other)}" for other in done if other.slug != CAPSTONE]


def watch(learner: Learner, lab: Lab) -> int:
    """Check again whenever the file is saved, until Ctrl-C. A task that passes brings the next one up."""
    path, _ = learner.work.open(lab)
    seen: object = None
    try:
        while True:
            now = [_look(file) for file in (path, *lab.checks)]
            if now != seen:
                seen = now
                _check_once(learner, lab, path)
            time.sleep(_POLL)
    except KeyboardInterrupt:
        learner.out.say("\nNo longer watching.")
        return 0


def _look(path: Path) -> tuple[int, int]:
    """What changes when a file is saved; a file that is just being replaced counts as another."""
    try:
        seen = path.stat()
    except OSError:
        return (0, 0)
    return (seen.st_mtime_ns, seen.st_size)


def _check_once(learner: Learner, lab: Lab, path: Path) -> None:
    out = learner.out
    if out.fancy:
        print("\033[2J\033[H", end="")
    out.verbatim(f"Lab {lab.number:02d} · {lab.title}: {shown(path)}", terminal.STRONG)
    out.say(f"checking … ({time.strftime('%H:%M:%S')})\n", terminal.DIM)
    try:
        was_solved = learner.solved_before(lab)
        if check(learner, lab, path):
            out.say(f"\nAll tasks pass: `make lab-{lab.number:02d}` measures your code.", terminal.GOOD)
        elif not was_solved and learner.solved(lab):
            out.say(f"\n`make lab-{lab.number:02d}` measures your code.", terminal.GOOD)
    except LabError as error:
        out.verbatim(f"labs: {error}", terminal.BAD)
    out.say("\nWatching; save the file to check again, Ctrl-C ends.", terminal.DIM)
