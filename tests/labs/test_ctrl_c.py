"""Ctrl-C as a person types it, at any moment of a command: no traceback, and the exit status as usual."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labs.runner.registry import ROOT
from tests.labs.terminal import CTRL_C, at_a_terminal

START = ROOT / "labs/runner/start.py"
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
NOISE = ("Traceback", "KeyboardInterrupt", "never awaited")


def started(module: str) -> list[str]:
    """The words with which make starts a module."""
    return ["/bin/sh", "-c", f"trap '' INT; {sys.executable} {START} {module}"]


def modules() -> set[str]:
    """The modules that make starts by start.py."""
    return set(re.findall(r"\$\(START\) ([\w.]+)", MAKEFILE))


def test_make_starts_no_python_that_ctrl_c_meets_before_its_first_line() -> None:
    assert modules() >= {"netlab", "pytest", "tests.bench", "tests.interop", "sphinx", "tests.fuzz"}
    recipes = [line for line in MAKEFILE.splitlines() if line.startswith(("\t", "LABS", "START"))]
    bare = [line for line in recipes if re.search(r"\$\(PY(THON)?\)", line) and "trap '' INT;" not in line]
    assert bare == [], "begin the command with $(START) or $(LABS)"


def test_ctrl_c_while_a_module_loads_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "slow_to_load.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(600)\n")
    start = f"cd {tmp_path}; trap '' INT; {sys.executable} {START} slow_to_load"
    status, seen = at_a_terminal(["/bin/sh", "-c", start], CTRL_C, after=b"loading")
    assert status == 130, seen
    assert not any(noise in seen for noise in NOISE), seen


def test_the_status_of_a_module_goes_through() -> None:
    for words, status in (["netlab", "--version"], 0), (["netlab", "no-such-command"], 2):
        done = subprocess.run(
            [sys.executable, str(START), *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stderr


@pytest.mark.parametrize("command", ["start.py", "python -m"])
def test_a_server_in_the_background_of_a_shell_drains_on_sigint(command: str) -> None:
    """A shell starts a background command with SIGINT ignored."""
    python = f"{sys.executable} {START}" if command == "start.py" else f"{sys.executable} -m"
    shell = ["/bin/sh", "-c", f"trap '' INT; exec {python} netlab serve"]
    with subprocess.Popen(
        shell, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("netlab serving http://")
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0


@pytest.mark.soak
@pytest.mark.parametrize("module", sorted(modules() - {"ruff", "mypy"}))
def test_ctrl_c_at_once_shows_no_traceback(module: str) -> None:
    words = {
        "netlab": "netlab serve",
        "pytest": "pytest --collect-only -q",
        "sphinx": "sphinx -q labs/book /dev/null/x",
    }
    _, seen = at_a_terminal(started(words.get(module, module)), CTRL_C)
    assert not any(noise in seen for noise in NOISE), seen
