"""Run a lab's tests against one file and tell what happened as events; in a child (labs.runner.children).

Many runs at a time are labs.runner.checking.forkserver's.

Events: {"tests": [...]} once collected, one {"outcome": …} per test, {"broken": "one line"} when none could
run; for a learner also {"started": name} before each test. Nothing is printed here.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import dataclasses
import gc
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs.runner import children
from labs.runner.checking.alarm import PATIENCE
from labs.runner.checking.failure import Failure
from labs.runner.registry import ROOT, checks_of

# Only what a lab's tests use is loaded: other plugins cost half a second each time.
_PLUGINS = ("labs.runner.checking.plugin", "pytest_asyncio.plugin")
_UNUSED = ("cacheprovider", "terminal", "unraisableexception", "threadexception", "doctest", "junitxml")


@dataclass(frozen=True, slots=True)
class Job:
    """One run: whose file, which lab's tests, how."""

    folder: Path
    exercise: Path
    seed: int = 1
    patience: float = PATIENCE  # seconds until one test is taken to be endless
    first_only: bool = False  # stop at the first failure
    parts: tuple[str, ...] = ()  # "slug=path": other files for the capstone's parts
    tests: frozenset[str] = frozenset()  # run these alone (names without parameters); empty: all

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        plain = {"folder": str(self.folder), "exercise": str(self.exercise), "tests": sorted(self.tests)}
        return dataclasses.asdict(self) | plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Job:
        """The inverse of to_json."""
        return cls(
            Path(data["folder"]),
            Path(data["exercise"]),
            data["seed"],
            data["patience"],
            data["first_only"],
            tuple(data["parts"]),
            frozenset(data["tests"]),
        )

    def arguments(self) -> list[str]:
        """What pytest is told."""
        given = [str(check) for check in checks_of(self.folder)]
        given += [f"--exercise={self.exercise}", f"--seed={self.seed}"]
        given += [f"--patience={self.patience}", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}"]
        given += ["--import-mode=importlib", "-o", "addopts="]
        # A learner is shown what was compared; rewriting costs 50 ms, which hundreds of runs need not pay.
        given += ["--assert=rewrite", "-x"] if self.first_only else ["--assert=plain"]
        given += [f"--part={part}" for part in self.parts]
        given += [f"--only-test={test}" for test in sorted(self.tests)]
        for plugin in (*_PLUGINS, *(f"no:{unused}" for unused in _UNUSED)):
            given += ["-p", plugin]
        return given


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test's end. `failure` is None for a pass."""

    test: str
    task: int
    rule: str
    failure: Failure | None = None


@dataclass(slots=True)
class Result:
    """All that one run told. `broken` says in one line why no verdict is possible."""

    tests: list[tuple[str, int]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    broken: str = ""

    def take(self, event: children.Event) -> None:
        """Add one event."""
        if "tests" in event:
            self.tests = [(test, task) for test, task in event["tests"]]
        elif "outcome" in event:
            told = event["outcome"]
            failure = Failure.from_json(told["failure"]) if told.get("failure") else None
            self.outcomes.append(Outcome(told["test"], told["task"], told["rule"], failure))
        elif "broken" in event:
            self.broken = event["broken"]

    def close(self, status: int, printed: str) -> Result:
        """Judge the child's end: one that died before its last test said nothing of the rest."""
        if not self.broken and status != 0:
            self.broken = _obituary(status, printed)
        elif not self.broken and not self.tests:
            self.broken = "no test was found"
        return self

    @property
    def failures(self) -> list[Failure]:
        """What went wrong, in the order of the tasks."""
        return [outcome.failure for outcome in self.outcomes if outcome.failure]

    @property
    def passed(self) -> bool:
        """Whether every test ran and passed."""
        return not self.broken and not self.failures and len(self.outcomes) >= len(self.tests) > 0


def _obituary(status: int, printed: str) -> str:
    why = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    lines = printed.splitlines() or ["it said nothing"]
    # After a crash in C, Python prints this line and then the stack, whose last line says nothing.
    fatal = [line for line in lines if line.startswith("Fatal Python error")]
    return f"the check's process ended too early ({why}): {(fatal or lines)[-1]}"


class _Teller:
    """The pytest plugin that turns reports into events."""

    def __init__(self, emit: children.Emit, starts: bool = False) -> None:
        self._emit, self._starts = emit, starts
        self._told: set[str] = set()

    def pytest_runtest_setup(self, item: Any) -> None:
        """One event before each test, for a learner that waits for a slow one."""
        if self._starts:
            self._emit({"started": item.name})

    def pytest_collection_finish(self, session: Any) -> None:
        from labs.runner.checking.plugin import task_of

        self._emit({"tests": [(item.name, task_of(item)[0]) for item in session.items]})

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._emit({"broken": f"{report.nodeid}: {str(report.longrepr).strip().splitlines()[-1]}"})

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """pytest.exit() comes this way too: the exercise does not import."""
        self._emit({"broken": getattr(excinfo.value, "msg", "stopped")})

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One event per test: at its call, or at the set-up or tear-down that failed."""
        told = getattr(report, "lab", None)
        if told is None or report.nodeid in self._told or (report.when != "call" and not report.failed):
            return
        self._told.add(report.nodeid)
        self._emit({"outcome": told})


def execute(job: Job, emit: children.Emit) -> None:
    """Run the tests here, in this process."""
    import pytest

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = True
    status = pytest.main(job.arguments(), plugins=[_Teller(emit, starts=job.first_only)])
    if status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        emit({"broken": f"pytest could not run the tests in {job.folder} ({pytest.ExitCode(status).name})"})


def preload(sources: Iterable[Path] = ()) -> None:
    """Import what every run needs, and what these sources import, once, before forking."""
    modules = ["pytest", *_PLUGINS]
    for source in sources:
        for node in ast.walk(ast.parse(source.read_bytes())):
            if isinstance(node, ast.Import):
                modules += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.append(node.module)
    for module in dict.fromkeys(modules):
        # A lab's own module is found only from its folder; whatever is wrong with it will show in the run.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    gc.freeze()  # what is loaded now is for ever: no child need look through it


def main(argv: Sequence[str] | None = None) -> int:
    """One run, in a child: `python -m labs.runner.checking.suite --events FD FOLDER EXERCISE …`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("folder", type=Path)
    parser.add_argument("exercise", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first-only", action="store_true")
    parser.add_argument("--part", action="append", default=[])
    options = parser.parse_args(argv)
    first_only, parts = options.first_only, tuple(options.part)
    job = Job(options.folder, options.exercise, options.seed, first_only=first_only, parts=parts)
    execute(job, children.emitter(options.events))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a thread that the learner's code left running must not keep us waiting


if __name__ == "__main__":
    sys.exit(main())
