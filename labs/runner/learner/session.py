"""One lab, driven: check task by task, stop at the first failure and explain it; then measure and compare.

Nothing here advances by itself, and nothing here judges a learner by the speed of a machine.
"""

from __future__ import annotations

import shlex
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from labs.runner import children, registry, terminal
from labs.runner.checking.capstone_parts import CAPSTONE
from labs.runner.checking.failure import ENDLESS, UNWRITTEN, Failure, base, last_lines, sentence
from labs.runner.checking.suite import Outcome as TestOutcome
from labs.runner.checking.suite import Result
from labs.runner.errors import LabError
from labs.runner.learner import progress
from labs.runner.learner.commands import LEVELS, as_number, ask_prediction
from labs.runner.learner.learner import Learner
from labs.runner.learner.workspace import shown
from labs.runner.registry import ROOT, Lab
from labs.runner.report import page
from labs.runner.report.measure_all import write
from labs.runner.report.measuring import Evidence, Outcome, measure

_SILENCE = 60.0  # seconds; a test's own alarm rings after 20
_STEPS = 20  # how many of the last steps are shown
_POLL = 0.3  # seconds between two looks at the file


def next_lab(learner: Learner, entries: Sequence[registry.Entry]) -> Lab | None:
    """The lab to go on with: one under way, else one to check again, else the first that is not begun."""
    labs = [entry for entry in entries if isinstance(entry, Lab)]
    states = [(learner.standing(lab).state, lab) for lab in labs]
    for wanted in (progress.State.STARTED, progress.State.RECHECK, progress.State.NEW):
        for state, lab in states:
            if state is wanted:
                return lab
    return None


def run_next(learner: Learner, entries: Sequence[registry.Entry]) -> int:
    """`make next`: go on with the next lab. 0 also when every lab is done."""
    lab = next_lab(learner, entries)
    if lab is None:
        learner.out.say("Every lab is done. `make labs` shows every verdict.", terminal.GOOD)
        return 0
    return run_lab(learner, lab)


def run_lab(learner: Learner, lab: Lab) -> int:
    """`make lab-NN`: open, predict, check, measure. 0 when the lab is done, 1 when a check fails."""
    out = learner.out
    out.say(f"Lab {lab.number:02d} · {lab.title}", terminal.STRONG)
    out.say(textwrap.fill(f"“{lab.claim}”", 100), terminal.DIM)
    path, made = learner.work.open(lab)
    out.say(f"{'Made for you' if made else 'Your file'}: {shown(path)}\n")
    ask_prediction(learner, lab)
    if not check(learner, lab, path):
        return 1
    out.say("All tasks pass. Now your code is measured.", terminal.GOOD)
    out.say(f"What others got wrong: `make wrong-{lab.number:02d}`\n", terminal.DIM)
    return measure_lab(learner, lab, mine=True)


def check(learner: Learner, lab: Lab, path: Path) -> bool:
    """Run the checks in the order of the tasks up to the first failure, tell it, record it."""
    result = Result()
    file = progress.fingerprint(path)
    printer = _TaskPrinter(lab, learner.out)
    seed = int(time.time())
    arguments = [str(lab.folder), str(path), "--seed", str(seed), "--first-only"]
    parts = [f"--part={part}" for part in _own_parts(learner, lab)]
    arguments += parts
    with children.spawn("labs.runner.checking.suite", arguments, where=ROOT) as child:
        try:
            for event in child.events(_SILENCE):
                result.take(event)
                if "outcome" in event:
                    printer.tell(result.outcomes[-1])
        except TimeoutError:
            child.kill()
            result.broken = f"the check did not come back for {_SILENCE:g} s and was stopped"
        printer.close()
        result.close(child.finish(), child.printed())
    if result.broken:
        raise LabError(result.broken.replace(str(path), shown(path)))
    failed = result.failures[0].task if result.failures else None
    passed = [task.number for task in lab.tasks if failed is None or task.number < failed]
    hashes = {"file": file, "check": progress.fingerprint(lab.check)}
    learner.record.add(lab, "checks", done=result.passed, passed=passed, failed=failed, seed=seed, **hashes)
    if failed is not None and failed > 1:
        others = f"make wrong-{lab.number:02d} TASK={failed - 1}"
        learner.out.say(f"  what others got wrong in task {failed - 1}: `{others}`", terminal.DIM)
    if result.failures:
        again = _again(lab, path, result.failures[0], [f"--seed={seed}", *parts])
        tell_failure(learner, lab, result.failures[0], path, again)
    return result.passed


def _own_parts(learner: Learner, lab: Lab) -> list[str]:
    """For the capstone: the learner's own file of every lab that is done. Any other lab takes no parts."""
    if lab.slug != CAPSTONE:
        return []
    others = registry.written(lab.folder.parent)
    done = [other for other in others if learner.standing(other).state is progress.State.DONE]
    return [f"{other.slug}={learner.work.exercise(other)}" for other in done if other.slug != CAPSTONE]


class _TaskPrinter:
    """Prints one line for each task that passes; of the task that fails, every check up to the failure."""

    def __init__(self, lab: Lab, out: terminal.Terminal) -> None:
        self._lab, self._out = lab, out
        self._task = 0
        self._passed: list[str] = []

    def tell(self, outcome: TestOutcome) -> None:
        """One check has ended."""
        if outcome.task != self._task:
            self.close()
            self._task = outcome.task
        if outcome.failure is None:
            self._passed.append(outcome.test)
            return
        self._out.say(f"✗ {self._title()}", terminal.STRONG)
        for test, cases in Counter(map(base, self._passed)).items():
            self._out.say(f"    ✓ {sentence(test)}{f' ({cases} cases)' if cases > 1 else ''}", terminal.GOOD)
        self._out.say(f"    ✗ {outcome.failure.sentence}", terminal.BAD)
        self._passed = []

    def close(self) -> None:
        """The task that was under way has passed, if it was not told as failed."""
        if self._passed:
            checks = terminal.count(len(self._passed), "check")
            self._out.say(f"✓ {self._title()} ({checks})", terminal.GOOD)
        self._passed = []

    def _title(self) -> str:
        return f"task {self._task}: {self._lab.tasks[self._task - 1].title}"


def _again(lab: Lab, path: Path, failure: Failure, options: Sequence[str]) -> str:
    """The command that runs this one check again, with the seed that failed."""
    words = [shown(lab.folder), "--exercise", shown(path), *options, "-k", base(failure.test)]
    return f".venv/bin/python -m pytest {shlex.join(words)}"


def tell_failure(learner: Learner, lab: Lab, failure: Failure, path: Path, again: str) -> None:
    """The story of one failure: what, where, the steps before it, the rule, and what to do next.

    `again` is the command that runs the check once more. What a task's `reproduce` asks is answered by a
    server that gets it right: beside it the learner's own answer can be held.
    """
    out = learner.out
    task = lab.tasks[failure.task - 1]
    out.say()
    if failure.kind == UNWRITTEN:
        place = failure.place.split(": `")[0].removeprefix(path.name)
        out.say(f"    not written yet: {shown(path)}{place}", terminal.WARN)
    else:
        message = failure.message or "the check failed and left no message"
        out.say(textwrap.indent(message, "    "), terminal.BAD)
        if failure.place:
            out.say(f"    at {failure.place}")
    if failure.kind == ENDLESS:
        out.say("    Does that loop end when no more bytes come?", terminal.DIM)
    if failure.steps and failure.kind != UNWRITTEN:
        out.say("\n  steps so far", terminal.STRONG)
        if len(failure.steps) > _STEPS:
            out.say(f"    … {len(failure.steps) - _STEPS} before", terminal.DIM)
        for number, step in list(enumerate(failure.steps, 1))[-_STEPS:]:
            out.say(f"    {number}. {step}")
    if failure.printed.strip():
        out.say("\n  your code printed", terminal.STRONG)
        out.say(textwrap.indent(last_lines(failure.printed), "    "))
    opened = learner.standing(lab).hints.get(task.number, 0)
    hints = f"make hint-{lab.number:02d} TASK={task.number}   ({opened} of {len(LEVELS)} opened)"
    out.say()
    told = {
        "rule": failure.rule,
        "reproduce": again,
        "see it done right": task.reproduce,
        "hint": hints,
    }
    for name, text in told.items():
        if text:
            out.say(f"  {name:<19}{text}")


def _page(lab: Lab, evidence: Evidence, said: str) -> str:
    """The lab's own page of the report, for its plots."""
    path = lab.folder.parent / "report" / f"{lab.folder.name}.html"
    return shown(write([(lab, evidence)], path, {lab.id: said}))


def measure_lab(learner: Learner, lab: Lab, *, mine: bool) -> int:
    """Measure with the reference or with the learner's code, and hold it against the prediction."""
    code = lab.solution
    if mine:
        code = learner.work.exercise(lab)
        if learner.standing(lab).state is not progress.State.DONE:
            raise LabError(f"your lab {lab.name} does not pass yet: run `make lab-{lab.number:02d}` first")
    else:
        ask_prediction(learner, lab)
    with learner.out.progress(1) as bar:
        evidence = measure(lab, code, bar.note)
    _tell_evidence(learner, lab, evidence)
    if evidence.outcome is Outcome.FAILED:
        return 1
    if evidence.measurement is not None:
        figures = dict(evidence.measurement.figures)
        said = {"verdict": evidence.measurement.judged, "headline": evidence.measurement.headline}
        learner.record.add(lab, "measurement", code="mine" if mine else "reference", figures=figures, **said)
    if mine:
        tell = f"Lab {lab.number:02d} is done. `make solution-{lab.number:02d}` shows the reference;"
        explained = lab.explanation if lab.explanation.is_file() else lab.folder / "README.md"
        learner.out.say(f"\n{tell} {shown(explained)} explains what you saw.", terminal.GOOD)
    return 0


def _tell_evidence(learner: Learner, lab: Lab, evidence: Evidence) -> None:
    out = learner.out
    verdict = " ".join(page.verdict_of(evidence)).strip()
    out.say(f"claim     {lab.claim}")
    out.say(f"verdict   {verdict}", terminal.BAD if evidence.outcome is Outcome.FAILED else terminal.STRONG)
    out.say(f"evidence  {page.measured_of(evidence)}")
    if evidence.log:
        out.say("\n" + textwrap.indent(last_lines(evidence.log), "    "), terminal.DIM)
    if evidence.measurement is None:
        return
    for drawing in evidence.measurement.drawings:
        out.say(f"\n{drawing.title}", terminal.STRONG)
        out.say(drawing.text)
    for table in evidence.measurement.tables:
        out.say(f"\n{table.title}", terminal.STRONG)
        out.table(table.columns, [[page.number(cell) for cell in row] for row in table.rows])
    for note in evidence.measurement.notes:
        out.say(f"  note: {note}", terminal.DIM)
    said = learner.standing(lab).prediction or ""
    if said and lab.prediction.figure in evidence.measurement.figures:
        figure = evidence.measurement.figures[lab.prediction.figure]
        out.say("\n" + compare(said, figure, lab.prediction.unit))
    out.say(f"\nIts page, with the plots: {_page(lab, evidence, said)}", terminal.DIM)


def compare(said: str, figure: object, unit: str) -> str:
    """The prediction beside the figure: "You predicted 3 packets; it was 7: 2.3 times as many"."""
    shown_figure = f"{page.number(figure)} {unit}".strip()
    sentence = f"You predicted {said}; it was {shown_figure}"
    guess = as_number(said, unit)
    try:
        truth = float(figure)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return sentence + "."
    if guess is None:
        return sentence + "."
    if guess == truth:
        return f"You predicted {said}, and so it was."
    if guess <= 0 or truth <= 0:
        return sentence + "."
    if abs(truth - guess) <= 0.1 * truth:
        return sentence + ": close."
    ratio = truth / guess
    return f"{sentence}: {ratio:.2g} times your figure."


def watch(learner: Learner, lab: Lab) -> int:
    """Check again whenever the file is saved, until Ctrl-C."""
    path, _ = learner.work.open(lab)
    seen: object = None
    try:
        while True:
            now = _look(path), _look(lab.check)
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
    if learner.out.fancy:
        print("\033[2J\033[H", end="")
    learner.out.say(f"Lab {lab.number:02d} · {lab.title}: {shown(path)}\n", terminal.STRONG)
    try:
        if check(learner, lab, path):
            learner.out.say(
                f"\nAll tasks pass: `make lab-{lab.number:02d}` measures your code.", terminal.GOOD
            )
    except LabError as error:
        learner.out.say(f"labs: {error}", terminal.BAD)
    learner.out.say("\nWatching; save the file to check again, Ctrl-C ends.", terminal.DIM)
