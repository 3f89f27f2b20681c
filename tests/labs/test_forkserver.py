"""Many runs at a time, each forked by one process without threads; nothing of them outlives the caller."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from labs.runner import children
from labs.runner.checking import suite
from labs.runner.checking.forkserver import ForkServer, run_all
from labs.runner.registry import ROOT, Lab

SLEEPS = "import os, time\nopen({sign!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"


def sleeper(lab: Lab, tmp_path: Path) -> tuple[suite.Job, Path]:
    """A run that never ends by itself, and the file in which it writes its process id."""
    path, sign = tmp_path / "sleeps.py", tmp_path / "sign"
    path.write_text(SLEEPS.format(sign=str(sign)))
    return suite.Job(lab.folder, path, patience=600.0), sign


def pid_in(sign: Path) -> int:
    """The process id, once it is written."""
    for _ in range(3000):
        if sign.exists() and sign.read_text():
            break
        time.sleep(0.01)
    return int(sign.read_text())


def gone(pid: int) -> bool:
    """Whether the process has ended, now or soon."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_a_process_with_threads_is_never_forked() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="has threads"):
            children.fork(lambda emit: emit({}))
    finally:
        stop.set()
        thread.join()


def test_only_programs_without_threads_fork() -> None:
    """The fork server, and lab 15's program of its own that counts what the whole shows of wrong programs."""
    forks = {
        path.name
        for path in (ROOT / "labs").rglob("*.py")
        if re.search(r"\b(?:os|pty|children)\.fork\(|get_context", path.read_text("utf-8"))
    }
    assert forks == {"children.py", "forkserver.py", "whole_with_wrong.py"}


def test_each_run_gets_its_own_result(lab: Lab, tmp_path: Path, fork_server: ForkServer) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(lab.solution.read_text().replace("a + b", "a - b"))
    jobs = [(str(n), suite.Job(lab.folder, wrong if n % 2 else lab.solution, seed=n)) for n in range(6)]
    results = dict(run_all(jobs, server=fork_server))
    assert {key: result.passed for key, result in results.items()} == {str(n): n % 2 == 0 for n in range(6)}


def test_a_caller_that_stops_early_leaves_no_run_behind(
    lab: Lab, tmp_path: Path, fork_server: ForkServer
) -> None:
    job, sign = sleeper(lab, tmp_path)
    running = run_all([("sleeps", job), ("ends", suite.Job(lab.folder, lab.solution))], server=fork_server)
    assert next(running)[0] == "ends"
    pid = pid_in(sign)
    running.close()
    assert gone(pid)
    ((_, result),) = run_all([("again", suite.Job(lab.folder, lab.solution))], server=fork_server)
    assert result.passed, "the server must go on after a call that was given up"


def test_a_caller_that_is_killed_leaves_no_run_behind(lab: Lab, tmp_path: Path) -> None:
    job, sign = sleeper(lab, tmp_path)
    script = (
        "from labs.runner.checking import suite\nfrom labs.runner.checking.forkserver import run_all\n"
        f"list(run_all([('x', suite.Job.from_json({job.to_json()!r}))]))"
    )
    caller = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    pid = pid_in(sign)
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    assert gone(pid)
