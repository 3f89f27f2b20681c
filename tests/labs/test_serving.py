"""labs.runner.serving: a measurement's server starts, says its ports, and ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil
import pytest

from labs.runner.serving import serving

OBEYS = "import sys; print(7, 8, flush=True); sys.stdin.read()"
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(7, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    "program", [OBEYS, DEAF], ids=["one that ends with its input", "one that hears nothing"]
)
def test_the_server_is_gone_when_the_block_ends(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labs.runner.serving._PATIENCE", 0.1)
    with serving("-c", program) as server:
        assert psutil.pid_exists(server.pid) and server.port == 7
    assert not psutil.pid_exists(server.pid)


def test_all_ports_of_the_line_are_told() -> None:
    with serving("-c", OBEYS) as server:
        assert server.ports == [7, 8]


def test_a_program_that_ends_at_once_is_named() -> None:
    with (
        pytest.raises(RuntimeError, match=r"^the server `-c raise SystemExit\(3\)` did not start$"),
        serving("-c", "raise SystemExit(3)", errors=subprocess.DEVNULL),
    ):
        pass


def test_it_runs_in_the_project_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with serving("-c", "import labs.runner.serving; print(8)") as server:
        assert server.port == 8
