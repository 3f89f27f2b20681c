"""The commands as a learner meets them: run as programs, judged by their words and their exit status."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labs.runner import registry
from labs.runner.authoring import regions
from labs.runner.learner import telling
from labs.runner.registry import ROOT, Lab
from tests.labs import toy
from tests.labs.program import Program

Build = Callable[..., Lab]


@pytest.fixture
def labs(lab: Lab, tmp_path: Path) -> Program:
    """The commands, on the honest toy."""
    return Program(tmp_path)


def one_line(done: subprocess.CompletedProcess[str], status: int = 2) -> str:
    """What an error prints: one line on standard error, no traceback."""
    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_a_fresh_lab_makes_the_file_and_says_where_to_begin(labs: Program) -> None:
    for command, made in ((["lab", "1"], " (made for you)"), (["next"], "")):
        done = labs.run(*command)
        assert done.returncode == 1 and done.stderr == ""
        for words in (
            "Lab 01 · A toy (2 tasks, about 5 min)",
            "read     " + str(labs.folder / "labs" / "01_toy" / "README.md"),
            f"file     {labs.exercise}{made}\n",
            "○ task 1 of 2: greet (about 2 min)",
            f"write it  {labs.exercise}:6\n",
            "`make hint-01 TASK=1` (0 of 3 opened)",
        ):
            assert words in done.stdout
        assert "✗" not in done.stdout, "what is not begun has not failed"
    assert not labs.record.exists()


def test_a_task_that_passes_brings_up_the_next(labs: Program) -> None:
    labs.solve(regions.stub(toy.FILES["solution.py"], {2}))
    done = labs.run("next")
    assert "✓ task 1: greet (1 check)\n○ task 2 of 2: add" in done.stdout and "✗" not in done.stdout
    assert f"write it  {labs.exercise}:" in done.stdout
    assert "what others got wrong in task 1: `make wrong-01 TASK=1`" in done.stdout


CASES = """import pytest


@pytest.mark.task(2, rule="arithmetic")
@pytest.mark.parametrize("pair", [(1, 1), (2, 5)])
def test_sums_are_right(exercise, steps, pair):
    for _ in range(9):
        steps.note("added 1")
    assert exercise.add(*pair) == sum(pair), "a sum is a sum"


@pytest.mark.task(1, rule="manners §1")
def test_a_greeting_is_polite(exercise):
    assert exercise.greet("bob").startswith(b"hello")
"""


def test_a_failing_check_shows_what_came_beside_what_was_expected(build: Build, tmp_path: Path) -> None:
    build(test_lab_py=CASES)
    labs = Program(tmp_path)
    labs.solve(toy.FILES["solution.py"].replace("a + b", "a * b"))
    told = labs.run("lab", "1").stdout
    assert "a sum is a sum\n    given     pair=(1, 1)\n    expected  2\n    yours     1\n" in told
    assert "✗ sums are right\n" in told, "the number of a case says nothing"
    assert "    1. added 1\n    … the same 8 more times, up to 9. added 1\n" in told
    labs.solve(toy.FILES["solution.py"].replace('b"hello "', 'b"hullo "'))
    assert "    given     pair=(1, 1)\n" in told
    assert "expected  True\n" not in labs.run("lab", "1").stdout, "what is no comparison has no two sides"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (["a", "b"], ["1. a", "2. b"]),
        (["a", "a"], ["1. a", "2. a"]),
        (
            ["got 1", "got 2", "got 3", "end"],
            ["1. got 1", "… the same 2 more times, up to 3. got 3", "4. end"],
        ),
        (
            ["recv gave 1 octet: b'H'", "recv gave 1 octet: b'\\''", "recv gave 1 octet: b'P'…"],
            ["1. recv gave 1 octet: b'H'", "… the same 2 more times, up to 3. recv gave 1 octet: b'P'…"],
        ),
        (
            ["sent 1 byte: a", "sent 2 bytes: b c", "sent 2 bytes: d"],
            ["1. sent 1 byte: a", "2. sent 2 bytes: b c", "3. sent 2 bytes: d"],
        ),
        (["x", *["a", "b"] * 3], ["1. x", "2. a", "3. b", "… these 2 steps 2 more times, up to 7. b"]),
    ],
)
def test_repeated_steps_are_folded(steps: list[str], told: list[str]) -> None:
    assert list(telling.fold(steps)) == told


def test_a_check_that_runs_for_long_is_named_while_it_runs(labs: Program) -> None:
    labs.solve(
        "import time\n" + toy.FILES["solution.py"].replace("    return b", "    time.sleep(4)\n    return b")
    )
    told = labs.run("lab", "1").stdout
    assert told.count("… still checking “a greeting is polite”; it is stopped after 20 s\n") == 1
    assert "All tasks pass." in told


def test_status_tells_what_is_left(labs: Program) -> None:
    assert "0 of 1 done, 1 to come. `make next` goes on" in labs.run("status").stdout
    labs.solve()
    labs.run("lab", "1")
    assert "1 of 1 done, 1 to come." in labs.run("status").stdout


def test_next_says_when_every_lab_is_done(labs: Program) -> None:
    labs.solve()
    assert "make next         every lab is done" in labs.run("lab", "1").stdout
    done = labs.run("next")
    assert done.returncode == 0 and "Every lab is done." in done.stdout


def test_without_a_terminal_nothing_is_asked(labs: Program) -> None:
    labs.solve()
    for command in (["lab", "1"], ["measure", "1"], ["solution", "1"]):
        done = labs.run(*command)
        assert done.returncode == 0
        assert "Before you measure" not in done.stdout
        assert ("The prediction is skipped" in done.stdout) == (command[0] != "solution")
    assert "prediction" not in labs.events()


def test_a_solved_lab_is_measured_with_the_learners_own_code(labs: Program) -> None:
    labs.solve(toy.FILES["solution.py"].replace("name.encode()", "name.encode().strip()"))
    done = labs.run("lab", "01", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "✓ task 2: add (1 check)",
        "verdict   true",
        "It was 9 letters. (No prediction was made.)",
        "9 letters",
        "Lab 01 is done",
        "note: counted by hand",
    ):
        assert words in done.stdout
    assert labs.events() == ["checks", "measurement"]
    assert json.loads(labs.record.read_text().splitlines()[-1])["code"] == "mine"
    assert (labs.folder / "labs" / "report" / "01_toy.html").exists()
    assert "done" in labs.run("status").stdout


def test_a_wrong_answer_shows_the_caret_the_steps_and_the_rule(labs: Program) -> None:
    labs.solve(toy.FILES["solution.py"].replace("hello", "hallo"))
    done = labs.run("lab", "1")
    assert done.returncode == 1 and done.stderr == ""
    for words in (
        "yours    hallo bob",
        "steps so far\n    1. asked for bob",
        "rule               manners §1",
    ):
        assert words in done.stdout
    assert "Traceback" not in done.stdout and "test_lab.py" not in done.stdout


def test_every_failure_comes_with_a_command_that_runs_its_check_again(tmp_path: Path) -> None:
    """On a real lab, and as a learner would paste it. The task names no command of its own."""
    lab = registry.find(1)
    assert not lab.tasks[1].reproduce
    program = Program(tmp_path, work="my work", labs=registry.LABS)
    program.exercise = program.work / lab.folder.name / "exercise.py"
    source = lab.solution.read_text("utf-8")
    program.solve(regions.stub(source, {2}).replace("raise NotImplementedError", "raise ValueError"))
    told = program.run("lab", "1").stdout
    assert "✗ task 2" in told and "see it done right" not in told
    command = re.search(r"^  reproduce +\.venv/bin/(python .*)$", told, re.MULTILINE)
    assert command is not None, told
    again = subprocess.run(
        ["sh", "-c", command[1].replace("python", shlex.quote(sys.executable), 1)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert again.returncode == 1 and "task 2: send every octet" in again.stdout, again.stdout + again.stderr
    (seed,) = re.findall(r"--seed=(\d+)", command[1])
    assert json.loads(program.record.read_text())["seed"] == int(seed)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["lab", "99"], "there is no lab 99: choose 01 to 02"),
        (["lab", "-1"], "-1"),
        (["lab", "x²"], "there is no lab x²"),
        (["lab"], "which lab?"),
        (["lab", "2"], "lab 02 later is still to come; these can be done: 01"),
        (["hint", "1", "9"], "lab 01 toy has no task 9: choose one of 1, 2"),
        (["hint", "1", "two"], "a task is a number, not 'two'"),
        (["watsh"], "there is no command 'watsh': did you mean watch?"),
        (["juggle"], "there is no command 'juggle': there are all, next"),
        (["reset", "1"], "lab 01 toy has no work to reset"),
        (["measure", "1", "--mine"], "your lab 01 toy does not pass yet: run `make lab-01` first"),
        (["solution", "1"], "lab 01 toy is not done yet; `make solution-01 ANYWAY=1` shows its solution"),
        (["serve", "1"], "lab 01 toy has no server of its own"),
        (["wrong", "2"], "still to come"),
    ],
)
def test_a_mistake_is_one_clear_line_and_status_2(labs: Program, words: list[str], complaint: str) -> None:
    assert complaint in one_line(labs.run(*words))


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def greet(:\n", "exercise.py:1: not Python yet: invalid syntax"),
        ("import nonesuch\n", "exercise.py:1: does not import: ModuleNotFoundError"),
        ("import sys\nsys.exit('bye')\n", "exercise.py:2: does not import: SystemExit: bye"),
    ],
)
def test_a_file_that_does_not_import_is_one_clear_line(labs: Program, source: str, complaint: str) -> None:
    labs.solve(source)
    assert complaint in one_line(labs.run("lab", "1"))


def test_a_work_folder_that_cannot_be_made_is_one_clear_line(labs: Program) -> None:
    labs.environment["LABS_WORK"] = "/dev/null/work"
    assert "/dev/null/work" in one_line(labs.run("lab", "1"))
    assert "/dev/null/work" in one_line(labs.run("hint", "1"))


def test_a_reader_that_leaves_is_no_error(labs: Program) -> None:
    words = " ".join(map(shlex.quote, labs.words("hint", "1")))
    done = subprocess.run(
        ["sh", "-c", f"{words} | true"],
        cwd=ROOT,
        env=labs.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_a_broken_lab_toml_lists_everything_wrong(labs: Program) -> None:
    (labs.folder / "labs" / "01_toy" / "lab.toml").write_text('id = "toy"\nneeds = ["magic"]\n[[tasks]]\n')
    line = one_line(labs.run("status"))
    for words in (
        "no `title`",
        "no `claim`",
        "prediction has no `unit`",
        "task 1 has no title",
        "task 1 has no `why` text",
        "'magic' is none of",
    ):
        assert words in line


def test_hints_open_one_after_another_and_are_remembered(labs: Program) -> None:
    shown = [labs.run("hint", "1", "2").stdout for _ in range(4)]
    for level, text in enumerate(("Think of `+`.", "Look at `a` and `b`.", "`a + b`", "`a + b`")):
        assert text in shown[level]
    assert "hint 3 of 3" in shown[3] and "make solution-01" in shown[3]
    assert "1 of 3 opened" not in labs.run("lab", "1").stdout
    assert labs.events()[:4] == ["hint"] * 4


def test_a_hint_without_a_task_is_for_the_task_to_do(labs: Program) -> None:
    labs.solve(toy.FILES["solution.py"].replace("a + b", "a - b"))
    labs.run("lab", "1")
    assert "task 2: add" in labs.run("hint", "1").stdout


def test_the_solution_opens_when_the_lab_is_done_or_on_demand(labs: Program) -> None:
    assert 'return b"hello " + name.encode()' in labs.run("solution", "1", "--anyway").stdout
    labs.solve()
    labs.run("lab", "1")
    assert "return a + b" in labs.run("solution", "1").stdout
    assert "solution" in labs.run("status").stdout


def test_reset_puts_away_and_its_command_brings_back(labs: Program) -> None:
    labs.solve("# mine\n")
    done = labs.run("reset", "1")
    assert done.returncode == 0 and not labs.exercise.exists()
    command = done.stdout.split("This brings it back: ")[1].splitlines()[0]
    subprocess.run(["sh", "-c", command], cwd=ROOT, check=True)
    assert labs.exercise.read_text() == "# mine\n"


def test_all_writes_the_report_and_lists_what_is_to_come(labs: Program) -> None:
    done = labs.run("all")
    assert done.returncode == 0, done.stderr
    assert "Toys are simple." in done.stdout and "To come: 02 later." in done.stdout
    results = json.loads((labs.folder / "labs" / "report" / "index.json").read_text())
    assert results["labs"][0]["figures"] == {"letters": 9}


def test_all_against_a_kept_run_shows_both_and_refuses_what_is_none(labs: Program) -> None:
    assert labs.run("all").returncode == 0
    report = labs.folder / "labs" / "report"
    kept = report / "kept.json"
    (report / "index.json").rename(kept)
    done = labs.run("all", "--against", str(kept))
    assert done.returncode == 0 and "Compared with the run of " in done.stdout
    refused = labs.run("all", "--against", str(report / "gone.json"))
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1


@pytest.mark.parametrize(("quick", "said"), [("1", True), ("0", False), ("", False)])
def test_a_shortened_run_of_all_says_so_under_its_table(labs: Program, quick: str, said: bool) -> None:
    labs.environment["QUICK"] = quick
    done = labs.run("all")
    assert done.returncode == 0, done.stderr
    assert ("QUICK=1: shortened" in done.stdout.split("Toys are simple.")[1]) is said


def test_a_failing_measurement_does_not_stop_the_others_but_fails_the_run(
    build: Build, tmp_path: Path
) -> None:
    build(measure_py="def measure(run):\n    return 1 / 0\n")
    labs = tmp_path / "labs"
    (labs / "01_toy").rename(labs / "02_later")
    toy.build(labs)
    done = Program(tmp_path).run("all")
    assert done.returncode == 1
    assert "measure.py:2: ZeroDivisionError: division by zero" in done.stdout
    assert "9 letters" in done.stdout, "the other lab must still be measured"
    assert "Traceback" not in done.stdout + done.stderr
    assert "Traceback" in (tmp_path / "labs" / "report" / "02_later.log").read_text()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "from labs.runner import evidence as e\ndef measure(run):\n    raise e.NotShown('needs root')\n",
            "not shown on this machine: needs root",
        ),
        (
            toy.FILES["measure.py"]
            .replace("Verdict.FALSE", "1")
            .replace("Verdict.TRUE if", "Verdict.NOT_SHOWN if"),
            "not shown",
        ),
        ("import os\ndef measure(run):\n    os._exit(0)\n", "failed: the measurement's process ended early"),
        ("def measure(run):\n    return 7\n", "failed: TypeError: measure() returned int, not a Measurement"),
        ("def measure(run):\n    print('x')\n    import sys; sys.exit()\n", "failed: "),
        (
            toy.FILES["measure.py"].replace('"letters": letters', '"words": 1'),
            "did not return (it returned words)",
        ),
        (toy.FILES["measure.py"].replace("def measure", "async def measure"), "true"),
    ],
)
def test_every_end_of_a_measurement_is_told(build: Build, tmp_path: Path, source: str, words: str) -> None:
    build(measure_py=source)
    done = Program(tmp_path).run("all")
    assert words in done.stdout
    assert done.returncode == (1 if "failed" in words or "returned" in words else 0)


def test_what_the_machine_lacks_is_not_shown_and_never_passed(build: Build, tmp_path: Path) -> None:
    build(lab_toml=toy.FILES["lab.toml"].replace("needs = []", 'needs = ["tshark", "browser"]'))
    program = Program(tmp_path)
    program.environment["PATH"] = str(tmp_path)
    done = program.run("all")
    assert done.returncode == 0
    expected = "needs Chromium (apt-get install chromium)"
    assert (
        f"not shown on this machine: needs tshark (apt-get install tshark) and {expected[6:]}" in done.stdout
    )


@pytest.mark.soak
def test_verify_tells_what_is_wrong_and_fails(labs: Program) -> None:
    assert labs.run("verify").returncode == 0
    wrong = labs.folder / "labs" / "01_toy" / "wrong.md"
    right = wrong.read_text("utf-8")
    wrong.write_text(right.replace("return a + b", "return b + a"), "utf-8")
    done = labs.run("verify", "1")
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert "✗  01 toy: 2 tasks, 2 tests, 1 wrong program" in done.stdout
    assert "a block (`return b + a` …) is found nowhere in solution.py" in done.stdout
    wrong.write_text(right, "utf-8")
    done = labs.run("verify")
    assert done.returncode == 0 and "1 lab proved honest" in done.stdout


def test_verify_names_what_an_unfinished_lab_lacks(labs: Program) -> None:
    (labs.folder / "labs" / "01_toy" / "measure.py").unlink()
    done = labs.run("verify", "1")
    assert "01 toy: not whole yet, lacks measure.py" in done.stdout
