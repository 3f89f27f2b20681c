"""`make labs-verify`: the labs proved honest.

A stub fails for its own reason and no other; a solution passes, whatever the seed; every wrong program is
caught by the test that it names; no test is one that nothing can fail; learners' bytes survive; READMEs keep
their word.
"""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labs.runner.authoring import readmes, regions, wrong
from labs.runner.authoring.hints import hint
from labs.runner.authoring.stub import stub_of
from labs.runner.authoring.wrong import WrongProgram
from labs.runner.checking import failure, suite
from labs.runner.checking.capstone_parts import CAPSTONE, shown_by_the_whole
from labs.runner.checking.failure import base
from labs.runner.errors import LabError
from labs.runner.learner.workspace import Workspace
from labs.runner.registry import Lab

SEEDS = (1, 20_260_101, 4_294_967_291)
# The capstone's tests of the whole server: what is wrong in a part fails one of them.
WHOLE_SERVER = frozenset(
    {
        "test_the_assembled_server_holds_its_conversations",
        "test_the_assembled_server_passes_the_wire_cases_of_must",
    }
)
_PATIENCE = 4.0  # seconds: a wrong program that hangs is caught; the reference takes a fraction of this


@dataclass(slots=True)
class Examination:
    """One lab under examination: its variants to run, and what was found wrong."""

    lab: Lab
    scratch: Path
    runnable: bool = True
    errors: list[str] = field(default_factory=list)
    wrong: list[wrong.WrongProgram] = field(default_factory=list)
    results: dict[str, suite.Result] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many jobs there are."""
        return len(SEEDS) + 1 + len(self.lab.tasks) + len(self.wrong) if self.runnable else 0

    def jobs(self) -> Iterator[tuple[str, suite.Job]]:
        """Every variant of the solution that has to be run, by name; none when its markers are broken.

        Take them one by one: a wrong program meets the tests that it names and those that none has failed
        yet, so each later one has less to run.
        """
        if not self.runnable:
            return
        source = self.lab.solution.read_text("utf-8")
        for seed in SEEDS:
            yield f"solution, seed {seed}", suite.Job(self.lab.folder, self.lab.solution, seed)
        yield "stub", self._job("stub", regions.stub(source))
        for task in self.lab.tasks:
            yield (
                f"stub of task {task.number}",
                self._job(f"stub_{task.number}", regions.stub(source, {task.number})),
            )
        for program in self.wrong:
            made = wrong.program_text(source, program)
            job = self._job(f"wrong_{program.name}", made, _PATIENCE)
            tests = frozenset({*program.caught_by, *self.unkilled}) if self.tests else frozenset()
            yield f"wrong program {program.name}", dataclasses.replace(job, tests=tests)

    @property
    def tests(self) -> set[str]:
        """Every test by name; empty until the solution has run."""
        first = self.results.get(f"solution, seed {SEEDS[0]}", suite.Result())
        return {base(test) for test, _ in first.tests}

    @property
    def unkilled(self) -> set[str]:
        """The tests that no wrong program has failed so far."""
        runs = [result for name, result in self.results.items() if name.startswith("wrong program ")]
        return self.tests - {base(failed.test) for result in runs for failed in result.failures}

    def for_capstone(self, capstone: Lab) -> list[WrongProgram]:
        """The wrong programs of this lab that the capstone must catch."""
        listed = shown_by_the_whole(capstone.folder)
        return [p for p in self.wrong if listed is None or p.name in listed.get(self.lab.slug, [])]

    def capstone_jobs(self, capstone: Lab) -> Iterator[tuple[str, suite.Job]]:
        """The capstone, built with each wrong program that it must catch in the place of this lab's part."""
        tests = WHOLE_SERVER if shown_by_the_whole(capstone.folder) is not None else frozenset[str]()
        for program in self.for_capstone(capstone):
            part = f"{self.lab.slug}={self.scratch / f'{self.lab.slug}_wrong_{program.name}.py'}"
            job = suite.Job(capstone.folder, capstone.solution, first_only=True, parts=(part,), tests=tests)
            yield f"{CAPSTONE} with {self.lab.slug}'s wrong program {program.name}", job

    def _job(self, name: str, source: str, patience: float = 20.0) -> suite.Job:
        path = self.scratch / f"{self.lab.slug}_{name}.py"
        path.write_text(source, "utf-8")
        return suite.Job(self.lab.folder, path, patience=patience)


def prepare(lab: Lab, scratch: Path) -> Examination:
    """What can be judged without running the lab's tests."""
    found = Examination(lab, scratch)
    for check in _CHECKS:
        try:
            found.errors += check(lab)
        except LabError as error:
            found.errors.append(str(error))
    try:
        regions.find(lab.solution.read_text("utf-8"))
    except LabError:
        found.runnable = False
        return found
    try:
        programs = wrong.read(lab.wrong.read_text("utf-8"))
    except LabError as error:
        found.errors.append(str(error))
        return found
    for program in programs:
        try:
            wrong.program_text(lab.solution.read_text("utf-8"), program)
            found.wrong.append(program)
        except LabError as error:
            found.errors.append(str(error))
    return found


def _stub_can_be_made(lab: Lab) -> Iterator[str]:
    stub_of(lab.folder)
    yield from ()


def _tasks_agree(lab: Lab) -> Iterator[str]:
    marked = regions.titles(regions.find(lab.solution.read_text("utf-8"), "solution.py"))
    listed = {task.number: task.title for task in lab.tasks}
    for number in sorted(marked.keys() | listed.keys()):
        here, there = marked.get(number), listed.get(number)
        if here != there:
            yield f"task {number} is {here!r} in solution.py, {there!r} in lab.toml"


def _hints_are_whole(lab: Lab) -> Iterator[str]:
    for level in (1, 2, 3):
        text = (lab.folder / "hints" / f"{level}.md").read_text("utf-8")
        for task in lab.tasks:
            if not hint(text, task.number):
                yield f"hints/{level}.md says nothing under `## Task {task.number}`"


def _readme_keeps_its_word(lab: Lab) -> Iterator[str]:
    texts = {"README.md": (lab.folder / "README.md").read_text("utf-8")}
    if lab.explanation.is_file():
        texts["explain.md"] = lab.explanation.read_text("utf-8")
    texts |= {f"hints/{n}.md": (lab.folder / "hints" / f"{n}.md").read_text("utf-8") for n in (1, 2, 3)}
    texts["lab.toml"] = "\n".join(f"`{task.reproduce}`" for task in lab.tasks if task.reproduce)
    for name, text in texts.items():
        yield from (f"{name} {error}" for error in [*readmes.errors(text), *readmes.bare(text)])


def _reproduces(lab: Lab) -> Iterator[str]:
    r"""In a basic TOML string "\r\n" is a CR and an LF: what the learner then copies is another command."""
    for task in lab.tasks:
        control = next((char for char in task.reproduce if unicodedata.category(char) == "Cc"), None)
        if control is not None:
            yield (
                f"lab.toml: the `reproduce` of task {task.number} holds the control character {control!r}: "
                "write \\\\ for a backslash, or put the command into '…'"
            )


def _work_survives(lab: Lab) -> Iterator[str]:
    """Open, edit, open again after an update, reset, bring back: the bytes are the learner's throughout."""
    mine = b"# mine \xc3\xa9\r\n\x00 not even Python"
    with tempfile.TemporaryDirectory() as scratch:
        work = Workspace(Path(scratch))
        path, made = work.open(lab)
        if not made or path.read_text("utf-8") != stub_of(lab.folder):
            yield "a fresh start is not the stub"
        path.write_bytes(mine)
        if work.open(lab) != (path, False) or path.read_bytes() != mine:
            yield "opening the lab again changed the learner's bytes"
        put_away, command = work.reset(lab)
        if (put_away / path.name).read_bytes() != mine or path.exists():
            yield "a reset did not put the learner's bytes into the trash"
        back = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        if back.returncode or path.read_bytes() != mine:
            yield f"the command of a reset does not bring the work back: {shlex.quote(command)}"


# What can be judged without running anything of the lab's own.
_CHECKS = (
    _stub_can_be_made,
    _tasks_agree,
    _hints_are_whole,
    _readme_keeps_its_word,
    _reproduces,
    _work_survives,
)


def judge(found: Examination) -> list[str]:
    """Every error of the lab, once all its variants have run."""
    if not found.runnable:
        return found.errors
    return [
        *found.errors,
        *_solutions(found),
        *_markers(found),
        *_stubs(found),
        *_wrong_programs(found),
        *_capstone(found),
    ]


def _solutions(found: Examination) -> Iterator[str]:
    for name, result in found.results.items():
        if not name.startswith("solution"):
            continue
        if result.broken:
            yield f"{name}: {result.broken}"
        yield from (f"{name}: {failed.test} fails: {_first_line(failed)}" for failed in result.failures)


def _markers(found: Examination) -> Iterator[str]:
    """Every test belongs to a task and cites a rule; every task has a test."""
    result = found.results[f"solution, seed {SEEDS[0]}"]
    numbers = {task.number for task in found.lab.tasks}
    for outcome in _once_each(result):
        if outcome.task not in numbers or not outcome.rule:
            yield f'{outcome.test} needs @pytest.mark.task(N, rule="…") with N one of {sorted(numbers)}'
    untested = numbers - {outcome.task for outcome in result.outcomes}
    if not result.broken:
        yield from (f"task {number} has no test" for number in sorted(untested))


def _once_each(result: suite.Result) -> list[suite.Outcome]:
    return list({base(outcome.test): outcome for outcome in result.outcomes}.values())


def _stubs(found: Examination) -> Iterator[str]:
    titles = {task.number: regions.todo(task.number, task.title) for task in found.lab.tasks}
    yield from _one_stub("stub", found.results["stub"], set(titles.values()))
    for number, todo in titles.items():
        name = f"stub of task {number}"
        result = found.results[name]
        yield from _one_stub(name, result, {todo})
        passing = [o.test for o in result.outcomes if o.task == number and o.failure is None]
        yield from (
            f"{name}: {test} passes although its task is not written: it tests nothing" for test in passing
        )
    passing = [o.test for o in found.results["stub"].outcomes if o.failure is None]
    yield from (f"stub: {test} passes although nothing is written: it tests nothing" for test in passing)


def _one_stub(name: str, result: suite.Result, allowed: set[str]) -> Iterator[str]:
    if result.broken:
        yield f"{name}: {result.broken}"
    for failed in result.failures:
        if failed.kind != failure.UNWRITTEN:
            yield f"{name}: {failed.test} fails, but not by NotImplementedError: {_first_line(failed)}"
        elif failed.message not in allowed:
            yield f"{name}: {failed.test} says {failed.message!r}, not {' or '.join(sorted(allowed))!r}"


def _wrong_programs(found: Examination) -> Iterator[str]:
    for program in found.wrong:
        name = f"wrong program {program.name}"
        result = found.results[name]
        if result.broken:
            yield f"{name}: {result.broken}"
            continue
        caught = {base(failed.test) for failed in result.failures}
        for named in program.caught_by:
            if named not in found.tests:
                yield f"{name} names {named}, which is no test"
            elif named not in caught:
                by = f" (but by {', '.join(sorted(caught))})" if caught else ""
                yield f"{name} is not caught by {named}{by}"
    yield from (
        f"{test} is failed by no wrong program: write the one that it guards against"
        for test in sorted(found.unkilled)
    )


def _capstone(found: Examination) -> Iterator[str]:
    """Whatever is wrong in a part must show in the whole."""
    for name, result in found.results.items():
        if name.startswith(f"{CAPSTONE} with ") and result.passed:
            yield f"{name}: no test of the capstone catches it"


def _first_line(failed: failure.Failure) -> str:
    return failed.message.splitlines()[0] if failed.message else "without a message"
