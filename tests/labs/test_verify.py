"""labs-verify finds each kind of dishonesty, and says which file to mend."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labs.runner.authoring import readmes, verify
from labs.runner.checking.forkserver import ForkServer, run_all
from labs.runner.registry import Lab
from tests.labs import toy

Findings = Callable[[Lab], list[str]]


@pytest.fixture(autouse=True)
def targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy speaks of the project's own make targets; those are tested elsewhere."""
    monkeypatch.setattr(readmes, "_known_targets", lambda root: r"^(lab-\S+|status)$")


@pytest.fixture
def findings(fork_server: ForkServer) -> Findings:
    """What labs-verify finds wrong with a lab."""

    def found(lab: Lab) -> list[str]:
        with tempfile.TemporaryDirectory() as scratch:
            exam = verify.prepare(lab, Path(scratch))
            for name, result in run_all(exam.jobs(), server=fork_server):
                exam.results[name] = result
            return verify.judge(exam)

    return found


Build = Callable[..., Lab]


def test_the_toy_is_honest(lab: Lab, findings: Findings) -> None:
    assert findings(lab) == []


VACUOUS = """

@pytest.mark.task(2, rule="none")
def test_nothing_at_all(exercise):
    assert exercise.add is not None
"""


def test_a_vacuous_test_is_found_by_the_stub_and_by_the_wrong_programs(
    build: Build, findings: Findings
) -> None:
    found = findings(build(test_lab_py=toy.FILES["test_lab.py"] + VACUOUS))
    vacuous = "stub of task 2: test_nothing_at_all passes although its task is not written: it tests nothing"
    assert vacuous in found
    assert any(line.startswith("test_nothing_at_all is failed by no wrong program") for line in found)


@pytest.mark.soak
def test_a_test_that_no_wrong_program_fails_is_found(build: Build, findings: Findings) -> None:
    weak = """

@pytest.mark.task(2, rule="arithmetic")
def test_a_sum_is_a_number(exercise):
    assert isinstance(exercise.add(1, 2), int), "a sum is a number"
"""
    found = findings(build(test_lab_py=toy.FILES["test_lab.py"] + weak))
    assert found == [
        "test_a_sum_is_a_number is failed by no wrong program: write the one that it guards against"
    ]


def test_a_wrong_program_that_nothing_catches_is_found(build: Build, findings: Findings) -> None:
    right = toy.FILES["wrong.md"].replace(
        '+    return b"hey " + name.encode()', '+    return b"hello " + name.encode() + b""'
    )
    found = findings(build(wrong_md=right))
    assert "wrong program rude is not caught by test_a_greeting_is_polite" in found


@pytest.mark.soak
def test_a_wrong_program_that_another_test_catches_is_found(build: Build, findings: Findings) -> None:
    named = toy.FILES["wrong.md"].replace("test_a_greeting_is_polite", "test_sums_are_right")
    found = findings(build(wrong_md=named))
    assert found == [
        "wrong program rude is not caught by test_sums_are_right (but by test_a_greeting_is_polite)"
    ]


@pytest.mark.soak
def test_a_wrong_program_that_names_no_real_test_is_found(build: Build, findings: Findings) -> None:
    named = toy.FILES["wrong.md"].replace("Caught by `test_a", "Caught by `test_imagined`, `test_a")
    assert findings(build(wrong_md=named)) == ["wrong program rude names test_imagined, which is no test"]


@pytest.mark.soak
def test_a_wrong_program_that_hangs_counts_as_caught(
    build: Build, monkeypatch: pytest.MonkeyPatch, findings: Findings
) -> None:
    monkeypatch.setattr(verify, "_PATIENCE", 0.5)
    hangs = toy.FILES["wrong.md"].replace("return a - b", "while True: pass")
    assert findings(build(wrong_md=hangs)) == []


@pytest.mark.soak
def test_a_wrong_program_that_is_not_python_is_found(build: Build, findings: Findings) -> None:
    broken = toy.FILES["wrong.md"].replace("+    return a - b", "+    return a -")
    assert any(
        line.startswith("wrong program subtracts: ") and "not Python yet" in line
        for line in findings(build(wrong_md=broken))
    )


@pytest.mark.soak
def test_a_solution_without_regions_is_found(build: Build, findings: Findings) -> None:
    bare = toy.FILES["solution.py"].replace("# >>> task", "# task").replace("# <<< task", "# end of task")
    assert any("no region is marked" in line for line in findings(build(solution_py=bare)))


@pytest.mark.soak
def test_a_solution_that_fails_for_one_seed_is_found(build: Build, findings: Findings) -> None:
    fussy = toy.FILES["solution.py"].replace("return a + b", f"return a + b if a != {verify.SEEDS[1]} else 0")
    found = findings(build(solution_py=fussy))
    assert [line for line in found if line.startswith("solution")] == [
        f"solution, seed {verify.SEEDS[1]}: test_sums_are_right fails: "
        f"{verify.SEEDS[1]} + 1 is {verify.SEEDS[1] + 1} (arithmetic)"
    ]


def test_a_stub_that_fails_for_another_reason_is_found(build: Build, findings: Findings) -> None:
    hides = '''"""A toy."""


def _word() -> bytes:
    # >>> task 1: greet
    return b"hello "
    # <<< task 1


def greet(name: str) -> bytes:
    try:
        return _word() + name.encode()
    except NotImplementedError:
        return b""


def add(a: int, b: int) -> int:
    # >>> task 2: add
    return a + b
    # <<< task 2
'''
    mutant = toy.FILES["wrong.md"].replace('b"hey " + name.encode()', 'b"hey "')
    found = findings(build(solution_py=hides, wrong_md=mutant))
    assert any(
        line.startswith("stub of task 1: test_a_greeting_is_polite fails, but not by NotImplementedError")
        for line in found
    )


def test_a_test_may_lean_on_another_task_whose_stub_says_its_own_name(
    build: Build, findings: Findings
) -> None:
    tests = toy.FILES["test_lab.py"].replace(
        "    assert exercise.add(seed",
        "    assert exercise.greet('x'), 'greets'\n    assert exercise.add(seed",
    )
    assert findings(build(test_lab_py=tests)) == [], (
        "leaning on an unwritten task is allowed: it says its own name"
    )


@pytest.mark.soak
def test_titles_that_differ_from_lab_toml_are_found(build: Build, findings: Findings) -> None:
    found = findings(build(lab_toml=toy.FILES["lab.toml"].replace('title = "add"', 'title = "sum"')))
    assert "task 2 is 'add' in solution.py, 'sum' in lab.toml" in found


@pytest.mark.soak
def test_a_test_without_its_marker_is_found(build: Build, findings: Findings) -> None:
    bare = toy.FILES["test_lab.py"].replace('@pytest.mark.task(2, rule="arithmetic")\n', "")
    found = findings(build(test_lab_py=bare))
    assert 'test_sums_are_right needs @pytest.mark.task(N, rule="…") with N one of [1, 2]' in found
    assert "task 2 has no test" in found


def test_a_missing_hint_is_found(build: Build, findings: Findings) -> None:
    found = findings(build(hints__2_md="## Task 1\n\nx\n\n## Task 2\n\n"))
    assert found == ["hints/2.md says nothing under `## Task 2`"]


@pytest.mark.soak
@pytest.mark.parametrize("part", ["lab_toml", "README_md", "hints__2_md"])
def test_a_command_that_a_fresh_clone_cannot_run_is_found(
    build: Build, part: str, findings: Findings
) -> None:
    name = part.replace("__", "/").replace("_toml", ".toml").replace("_md", ".md")
    command = "python -m labs status"
    text = toy.FILES[name]
    changed = text.replace("make status", command) if part == "lab_toml" else f"{text}\n    {command}\n"
    assert findings(build(**{part: changed})) == [
        f"{name} says bare `python -m labs`, which a fresh clone cannot run: write `.venv/bin/python -m labs`"
    ]


@pytest.mark.soak
def test_a_control_character_in_a_command_is_found(build: Build, findings: Findings) -> None:
    command = r"make status | grep 'a\r\n'"
    (line,) = findings(build(lab_toml=toy.FILES["lab.toml"].replace("make status", command)))
    assert line.startswith("lab.toml: the `reproduce` of task 1 holds the control character '\\r': write")
    escaped = toy.FILES["lab.toml"].replace("make status", command.replace("\\", "\\\\"))
    assert findings(build(lab_toml=escaped)) == []


def test_broken_markers_are_told_once_and_nothing_is_run(lab: Lab, findings: Findings) -> None:
    lab.solution.write_text(lab.solution.read_text().replace("# <<< task 2", ""))
    found = findings(lab)
    assert any("task 2 is never closed" in line for line in found)


def test_the_capstone_must_catch_the_other_labs_wrong_programs(
    build: Build, tmp_path: Path, fork_server: ForkServer
) -> None:
    import dataclasses

    other = build()
    folder = tmp_path / "labs" / "15_capstone"
    folder.mkdir()
    (folder / "solution.py").write_text("def whole(parts):\n    return parts['toy'].greet('x')\n")
    (folder / "test_lab.py").write_text(
        "import pytest\n\n\n@pytest.mark.task(1, rule='all')\ndef test_whole(exercise, parts):\n"
        "    assert exercise.whole(parts) == b'hello x'\n"
    )
    capstone = dataclasses.replace(other, number=15, slug="capstone", id="capstone", folder=folder)
    with tempfile.TemporaryDirectory() as scratch:
        exam = verify.prepare(other, Path(scratch))
        list(exam.jobs())
        results = dict(run_all(exam.capstone_jobs(capstone), server=fork_server))
    whole = verify.Examination(capstone, tmp_path, results=results)
    assert list(verify._capstone(whole)) == [
        "capstone with toy's wrong program subtracts: no test of the capstone catches it"
    ]
