"""The commands with a person before them: watching, Ctrl-C, the question that is asked once."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from labs.runner.registry import ROOT, Lab
from tests.labs import toy
from tests.labs.program import Program
from tests.labs.terminal import CTRL_C, at_a_terminal

Build = Callable[..., Lab]

SOAK = pytest.mark.soak


@pytest.fixture
def labs(lab: Lab, tmp_path: Path) -> Program:
    """The commands, on the honest toy."""
    return Program(tmp_path)


def test_watch_checks_again_when_the_file_is_saved_and_ends_with_ctrl_c(labs: Program) -> None:
    running = subprocess.Popen(
        labs.words("watch", "1"), cwd=ROOT, env=labs.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    with running.stdout as out:
        first = _until(out, "Watching;")
        assert "checking …" in first and "○ task 1 of 2" in first
        labs.exercise.write_text(toy.FILES["solution.py"])
        assert "All tasks pass: `make lab-01` measures your code." in _until(out, "Watching;")
        labs.exercise.write_text("def greet(:\n")
        assert "labs: " in _until(out, "Watching;")
        running.send_signal(signal.SIGINT)
        assert "No longer watching." in _until(out, "No longer")
    assert running.wait(30) == 0
    assert "prediction" not in labs.events() and "measurement" not in labs.events()


def _until(out: Iterable[str], sign: str) -> str:
    """What is printed up to the line that holds the sign."""
    seen = ""
    for line in out:
        seen += line
        if sign in line:
            break
    return seen


def _interrupted(program: Program, *words: str, after: str) -> subprocess.CompletedProcess[str]:
    """Run a command and send it SIGINT once a file, and something in it, shows how far it is."""
    running = subprocess.Popen(
        program.words(*words), cwd=ROOT, env=program.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    sign = program.folder / after
    for _ in range(600):
        if (sign.exists() and sign.read_text()) or running.poll() is not None:
            break
        select.select([], [], [], 0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    return subprocess.CompletedProcess([], running.returncode, out, err)


@pytest.mark.parametrize("command", [["all"], ["measure", "1"]])
def test_ctrl_c_during_a_measurement_is_clean(build: Build, tmp_path: Path, command: list[str]) -> None:
    sign = tmp_path / "begun"
    write = f"open({str(sign)!r}, 'w').write(str(os.getpid()))"
    build(measure_py=f"import os, time\ndef measure(run):\n    {write}\n    time.sleep(600)\n")
    done = _interrupted(Program(tmp_path), *command, after="begun")
    assert done.returncode == 130
    assert "Traceback" not in done.stdout + done.stderr and done.stderr.strip() == "labs: stopped"
    assert not Path(f"/proc/{sign.read_text()}").exists(), "the measuring process must be gone too"


def test_ctrl_c_during_a_check_is_clean(labs: Program) -> None:
    sign = labs.folder / "begun"
    labs.solve(f"import os, time\nopen({str(sign)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    done = _interrupted(labs, "lab", "1", after="begun")
    assert done.returncode == 130 and "Traceback" not in done.stdout + done.stderr
    assert not Path(f"/proc/{sign.read_text()}").exists()


def _asked(program: Program, *words: str, answer: bytes) -> tuple[int, str]:
    """Run a command; once it asks for the prediction, type an answer."""
    environment = program.environment | {"TERM": "xterm", "COLUMNS": "120"}
    return at_a_terminal(program.words(*words), answer, after=b"Enter skips", env=environment)


@pytest.mark.parametrize(
    ("answer", "said", "words"),
    [
        pytest.param(b"3\n", "3", "You predicted 3; it was 9 letters: 3 times the prediction.", marks=SOAK),
        pytest.param(b"9 letters\n", "9 letters", "You predicted 9 letters, and so it was.", marks=SOAK),
        (b"about 7000\n-3\nnan\n9.5\n", "9.5", "You predicted 9.5; it was 9 letters: close."),
        (b"many\n\n", "", "a number, please (Enter skips)"),
        pytest.param(b"\n", "", "", marks=SOAK),
        pytest.param(b"\x04", "", "", marks=SOAK),
    ],
    ids=["number", "exact", "at last a number", "a word, then enter", "enter", "ctrl-d"],
)
def test_at_a_terminal_the_prediction_is_asked_once(
    labs: Program, answer: bytes, said: str, words: str
) -> None:
    labs.solve()
    status, seen = _asked(labs, "lab", "1", answer=answer)
    assert status == 0, seen
    assert "How many letters are in a greeting?" in seen
    assert words in seen and ("You predicted" in seen) == bool(said)
    wrong = [line for line in answer.decode().splitlines() if line in ("about 7000", "-3", "nan", "many")]
    assert seen.count("a number, please") == len(wrong)
    event = json.loads(labs.record.read_text().splitlines()[0])
    assert (event["event"], event["said"]) == ("prediction", said)
    assert "Enter skips" not in _asked(labs, "lab", "1", answer=b"")[1]


def test_at_a_terminal_ctrl_c_at_the_question_is_clean(labs: Program) -> None:
    status, seen = _asked(labs, "lab", "1", answer=CTRL_C)
    assert status == 130 or status == -signal.SIGINT
    assert "Traceback" not in seen


# `make` starts the commands with SIGINT ignored: Ctrl-C before Python's first line shows no traceback then.
STARTED_BY_MAKE = """
import runpy, signal
import labs.runner.cli

signal.signal(signal.SIGINT, signal.SIG_IGN)
labs.runner.cli.main = lambda: int(signal.getsignal(signal.SIGINT) is not signal.default_int_handler)
runpy.run_module("labs", run_name="__main__")
"""


def test_a_command_that_make_starts_with_ctrl_c_ignored_listens_to_it() -> None:
    assert subprocess.run([sys.executable, "-c", STARTED_BY_MAKE], cwd=ROOT, check=False).returncode == 0
