"""The pytest plugin behind every lab: the learner's module as a fixture, tasks in order, short reports.

    pytest labs/03_preflight [--exercise PATH] [--seed N] [--patience SECONDS] [--only-test NAME]

Without --exercise the lab's own solution.py is checked. A failure is told in the learner's terms
(labs.runner.checking.failure), without a traceback through pytest. A test that runs on for ever is stopped
where it stands.
"""

from __future__ import annotations

import ast
import functools
import sys
import textwrap
from collections.abc import Generator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from labs.runner import loader
from labs.runner.checking import alarm, failure
from labs.runner.checking.capstone_parts import Parts
from labs.runner.checking.comparison import WrongBytes
from labs.runner.checks import Steps, steps
from labs.runner.errors import LabError

__all__ = ["Steps", "steps"]  # the fixture `steps` reaches pytest through this module

_LONGEST = 200  # characters of a value that are shown
_LONGEST_CLAIM = 80  # characters of an expression: a longer one says less than the check's own words
_COMPARED = pytest.StashKey[tuple[str, str] | None]()  # what the failing assert compared: (left, right)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which code is checked, and how."""
    group = parser.getgroup("labs")
    group.addoption("--exercise", type=Path, help="the learner's file (default: the lab's solution.py)")
    group.addoption("--seed", type=int, default=1, help="the seed of the randomised tests")
    group.addoption(
        "--patience", type=float, default=alarm.PATIENCE, help="seconds until a test is taken to be endless"
    )
    group.addoption("--part", action="append", default=[], metavar="SLUG=PATH", help="a part of the capstone")
    group.addoption(
        "--only-test", action="append", default=[], metavar="NAME", help="check by this test alone"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker, also where no project file registers it."""
    config.addinivalue_line(
        "markers", "task(number, rule): the task that a test checks, and the rule it rests on"
    )


@pytest.fixture(scope="session")
def _exercises() -> dict[Path, ModuleType]:
    return {}


@pytest.fixture
def exercise(request: pytest.FixtureRequest, _exercises: dict[Path, ModuleType]) -> ModuleType:
    """The module under check: the learner's, or the lab's reference."""
    path: Path = request.config.getoption("--exercise") or request.path.parent / "solution.py"
    if path not in _exercises:
        _exercises[path] = loader.load(path.resolve())
    return _exercises[path]


@pytest.fixture
def parts(request: pytest.FixtureRequest) -> Parts:
    """What the earlier labs built, by slug: the material of the capstone."""
    return Parts(request.path.parent.parent, request.config.getoption("--part"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What a randomised test seeds its generator with."""
    return int(request.config.getoption("--seed"))


@functools.cache
def _holds_a_lab(folder: Path) -> bool:
    return (folder / "test_lab.py").is_file()


def _is_lab(item: pytest.Item) -> bool:
    return _holds_a_lab(item.path.parent)


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """A lab's tests import what lies beside them; in one process the names must differ from lab to lab."""
    folder = module_path.parent
    if _holds_a_lab(folder) and str(folder) not in sys.path:
        sys.path.append(str(folder))


def task_of(item: pytest.Item) -> tuple[int, str]:
    """A test's task number and the rule it rests on; (0, "") for a test without the marker."""
    marker = item.get_closest_marker("task")
    if marker is None or not marker.args:
        return 0, ""
    return int(marker.args[0]), str(marker.kwargs.get("rule", marker.args[1] if len(marker.args) > 1 else ""))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tasks in their order: the first failure is the first thing to mend."""
    items.sort(key=lambda item: task_of(item)[0] if _is_lab(item) else 0)
    tests: list[str] = config.getoption("--only-test")
    if tests:
        chosen = [item for item in items if not _is_lab(item) or failure.base(item.name) in tests]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Stop an endless test by an alarm that shows the line it was on."""
    if not _is_lab(item):
        return (yield)
    item.config.stash[_COMPARED] = None
    with alarm.limit(item.config.getoption("--patience"), _file_of(item)):
        return (yield)


def _file_of(item: pytest.Item) -> Path:
    chosen: Path | None = item.config.getoption("--exercise")
    return (chosen or item.path.parent / "solution.py").resolve()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Replace pytest's traceback by the learner's report."""
    if not _is_lab(item):
        return (yield)
    # pytest's own traceback would be thrown away below, and costs more than most tests.
    item.repr_failure = lambda *_, **__: ""  # type: ignore[method-assign]
    report = yield
    number, rule = task_of(item)
    report.lab = {
        "test": item.name,
        "task": number,
        "rule": rule,
        "phase": call.when,
        "outcome": report.outcome,
    }
    if call.excinfo is not None and report.failed:
        told = failure.Failure.of(
            call.excinfo.value,
            test=item.name,
            task=number,
            rule=rule,
            steps=tuple(getattr(item, "funcargs", {}).get("steps", ())),
            printed=report.capstdout,
            exercise=_file_of(item),
            reference=item.path.parent / "solution.py",
            values=[*_given(item), *_found(item, call.excinfo)],
        )
        report.lab["failure"] = told.to_json()
        report.longrepr = told.text()
        report.sections = []
    return report


def _given(item: pytest.Item) -> list[tuple[str, str]]:
    """The values of a parametrised check that its name does not show."""
    call = getattr(item, "callspec", None)
    shown = [(name, _short(value)) for name, value in call.params.items()] if call else []
    return [("given", ", ".join(f"{name}={value}" for name, value in shown))] if shown else []


def _found(item: pytest.Item, raised: pytest.ExceptionInfo[BaseException]) -> list[tuple[str, str]]:
    """What was expected and what came: of a comparison, of a claim, of a line that could not go on."""
    return _compared(item, raised.value) or _claimed(raised) or _unfit(item, raised)


def _compared(item: pytest.Item, error: BaseException) -> list[tuple[str, str]]:
    """What the failing `assert left == right` compared, the learner's value first."""
    left_right = item.config.stash.get(_COMPARED, None)
    if left_right is None or " object at 0x" in "".join(left_right):
        return []  # an object that has no text of its own says nothing
    if not isinstance(error, AssertionError) or isinstance(error, WrongBytes):
        return []
    return [("expected", left_right[1]), ("yours", left_right[0])]


def _claimed(raised: pytest.ExceptionInfo[BaseException]) -> list[tuple[str, str]]:
    """What a failing `assert gate.listening(0)` or `assert not …` asked of the learner's object."""
    entry = raised.traceback[-1]
    if not raised.errisinstance(AssertionError):
        return []
    return claim(str(entry.statement), entry.frame.f_locals)


def _unfit(item: pytest.Item, raised: pytest.ExceptionInfo[BaseException]) -> list[tuple[str, str]]:
    """The check's line that a value of the learner's does not fit, and the value where it is known."""
    error, last = raised.value, raised.traceback[-1]
    if isinstance(error, AssertionError) or Path(last.path) == _file_of(item):
        return []  # the learner's own line is shown already
    lines = [entry for entry in raised.traceback if Path(entry.path).parent == item.path.parent]
    line = " ".join(str(lines[-1].statement).split()) if lines else ""
    if line.startswith("pytest.fail("):
        return []  # the check has said it in a sentence
    told = [("check", f"`{line}`")] if line else []
    if isinstance(error, AttributeError) and error.name is not None and last in lines:
        told = [("expected", f"a value with `.{error.name}`"), ("yours", _short(error.obj)), *told]
    return told


def claim(statement: str, names: Mapping[str, object]) -> list[tuple[str, str]]:
    """Both sides of an assert of one call or attribute, if its object is one of these local names.

    What a helper of the check asserts of itself (`assert self.open`) is not the learner's to understand.
    """
    try:
        [node] = ast.parse(textwrap.dedent(statement)).body
    except (SyntaxError, ValueError):
        return []
    asked = node.test if isinstance(node, ast.Assert) else None
    wanted = not (isinstance(asked, ast.UnaryOp) and isinstance(asked.op, ast.Not))
    if isinstance(asked, ast.UnaryOp):
        asked = asked.operand
    root = asked
    while isinstance(root, ast.Call | ast.Attribute):
        root = root.func if isinstance(root, ast.Call) else root.value
    if root is asked or not isinstance(root, ast.Name) or root.id not in names or root.id == "self":
        return []
    text = ast.unparse(asked) if asked else ""
    sides = [f"{text} is {'true' if truth else 'false'}" for truth in (wanted, not wanted)]
    return list(zip(("expected", "yours"), sides, strict=True)) if len(text) <= _LONGEST_CLAIM else []


_OPERATORS = {"==": "", "is": "", "in": "one of ", "!=": "not ", "is not": "not ", "not in": "none of "}


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: Any, right: Any) -> list[str]:
    """Keep both sides of the comparison that fails: they are shown beside the check's own words."""
    if op == "==" and isinstance(left, dict) and isinstance(right, dict):
        left, right = _differing(left, right), _differing(right, left)
    config.stash[_COMPARED] = (_short(left), _OPERATORS.get(op, f"{op} ") + _short(right))
    return [""]  # pytest's own comparison is never shown


def _differing(one: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    """What one mapping holds and the other does not: of a long one, the part that matters."""
    return {key: value for key, value in one.items() if key not in other or other[key] != value}


def _short(value: object) -> str:
    """A value in one line of a bounded length."""
    plain = f"{{{', '.join(sorted(map(repr, value)))}}}" if isinstance(value, set) and value else repr(value)
    text = failure.without_runs(plain)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def pytest_sessionstart(session: pytest.Session) -> None:
    """A file that does not even import is one clear line, not one error per test."""
    path: Path | None = session.config.getoption("--exercise")
    if path is None:
        return
    try:
        with alarm.limit(session.config.getoption("--patience"), path.resolve()):
            loader.load(path.resolve())
    except (LabError, alarm.TookTooLong) as error:
        pytest.exit(str(error), returncode=2)
