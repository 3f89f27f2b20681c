"""`netlab probe` as a person runs it: tables for what is there, one clear line for what is not."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from netlab.__main__ import main
from netlab.probes import ladder, process, reading, series
from netlab.probes.errors import ProbeError
from netlab.probes.launch import Server

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
URL = "http://127.0.0.1:{port}/"
Synthetic = Callable[..., list[str]]
Capture = pytest.CaptureFixture[str]


def is_there(pid: int) -> bool:
    try:
        process.glance(pid)
    except ProbeError:
        return False
    return True


def refusal(capsys: Capture, *arguments: str) -> str:
    """Run the command, which must fail as a user's mistake: exit status 2 and one line. Return the line."""
    assert main(["probe", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("netlab: ") and shown.err.count("\n") == 1
    return shown.err


LISTENS = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""
"""A process that is at rest: the probe reads one until two readings agree, and that of pytest seldom does."""


@pytest.fixture
def at_rest() -> Iterator[tuple[int, int]]:
    """A process that listens and does nothing: its id and its port."""
    command = [sys.executable, "-c", LISTENS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        yield one.pid, int(one.stdout.readline())
        one.communicate()


def test_a_process_as_it_is_now(at_rest: tuple[int, int], capsys: Capture) -> None:
    pid, port = at_rest
    assert main(["probe", str(pid), "--port", str(port)]) == 0
    shown = capsys.readouterr().out
    for name in (
        "file descriptors",
        "threads",
        "RSS",
        "PSS",
        "USS",
        "written",
        "1 LISTEN",
        "kernel memory of port",
    ):
        assert name in shown


def test_a_process_as_json(at_rest: tuple[int, int], capsys: Capture) -> None:
    pid, _ = at_rest
    assert main(["probe", str(pid), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["process"]
    assert found["pid"] == pid
    assert found["rss"] > 1 << 20


def test_a_process_over_time(capsys: Capture, tmp_path: Path) -> None:
    table = tmp_path / "series.csv"
    assert main(["probe", str(os.getpid()), "--watch", "0.1", "--every", "0.05", "--csv", str(table)]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"USS: [0-9.]+ MiB at first, [0-9.]+ MiB at last", shown)
    assert table.read_text().splitlines()[0] == "at,written,uss,rss,fds,kernel"
    assert len(table.read_text().splitlines()) >= 3


def test_a_ladder_of_a_server_that_the_probe_starts(capsys: Capture, synthetic: Synthetic) -> None:
    options = ["--url", URL, "--steps", "30/3", "--runs", "1", "--warmup", "5"]
    assert main(["probe", *options, "--", *synthetic("--kib", 64)]) == 0
    shown = capsys.readouterr().out
    rungs = re.findall(r"^ +(\d+) +\d+\.\d\d MiB.* (\d+) +0 B$", shown, re.MULTILINE)
    assert [int(number) for number, _ in rungs] == [0, 10, 20, 30]
    assert [int(fds) - int(rungs[0][1]) for _, fds in rungs] == [0, 10, 20, 30]
    assert re.search(r"^  written +6\d,\d{3} B +[0-9,]+ B", shown, re.MULTILINE)
    assert re.search(r"^  fds +1\.000 +0\.000 +0\.0 +1\.000$", shown, re.MULTILINE)
    assert "exactly on the line, back to the start after closing" in shown
    assert "free memory trimmed" in shown


def test_a_ladder_of_a_server_that_runs_as_json(capsys: Capture, synthetic: Synthetic) -> None:
    with Server(synthetic(), URL) as server:
        options = ["--url", server.target.url, "--pid", str(server.pid), "--steps", "5,10,15", "--runs", "1"]
        assert main(["probe", *options, "--json", "--idle"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["slopes"]["fds"]["slope"] == 1.0
    assert found["returned_to_start"] is True
    assert [rung["connections"] for rung in found["runs"][0]["rungs"]] == [0, 5, 10, 15]


def test_no_such_process(capsys: Capture) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    for more in ([], ["--watch", "1"]):
        assert f"no process has the id {ended.pid}" in refusal(capsys, str(ended.pid), *more)
    assert f"no process has the id {ended.pid}" in refusal(
        capsys, "--url", "http://127.0.0.1:9/", "--pid", str(ended.pid)
    )


def test_a_command_that_dies_at_once_is_quoted_with_its_last_words(capsys: Capture) -> None:
    program = "import sys; print('starting'); sys.exit('no such application: nowhere')"
    line = refusal(capsys, "--url", URL, "--", sys.executable, "-c", program)
    assert "ended with status 1 before http://127.0.0.1:" in line
    assert line.endswith("answered: no such application: nowhere\n")


def test_a_command_that_does_not_exist(capsys: Capture) -> None:
    line = refusal(capsys, "--url", URL, "--", "/no/such/program")
    assert "cannot start `/no/such/program`: No such file or directory" in line


def test_a_url_that_never_answers_and_nothing_is_left_running(capsys: Capture, tmp_path: Path) -> None:
    """The command has a child, which ends with it."""
    note = tmp_path / "pid"
    program = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"open({str(note)!r}, 'w').write(str(child.pid)); time.sleep(600)"
    )
    line = refusal(capsys, "--url", URL, "--patience", "0.5", "--", sys.executable, "-c", program)
    assert "gave no answer within 0.5 s of starting" in line
    end = time.monotonic() + 20
    # A slow machine may not have come so far as to write it.
    while note.exists() and (pid := note.read_text()) and is_there(int(pid)):
        assert time.monotonic() < end, "the child of the command outlived it"
        time.sleep(0.01)


def test_a_running_url_that_never_answers(capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    line = refusal(capsys, "--url", url, "--pid", str(os.getpid()), "--patience", "0.1")
    assert f"{url} gave no answer within 0.1 s (Connection refused)" in line


def test_a_port_that_is_taken_is_not_measured_in_place_of_the_command(
    capsys: Capture, synthetic: Synthetic
) -> None:
    with Server(synthetic(), URL) as server:
        line = refusal(capsys, "--url", server.target.url, "--", *synthetic())
    assert "something listens there already" in line


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "give one process id"),
        (["4711", "4712"], "give one process id"),
        (["nginx"], "give one process id"),
        (["1", "--watch", "0"], "--watch 0 --every 0.25: both are seconds, above 0"),
        (["1", "--port", "99999999"], "--port 99999999: is no port: give 1 to 65535"),
        (["1", "--port", "0"], "--port 0: is no port: give 1 to 65535"),
        (["1", "--port", "-1"], "--port -1: is no port: give 1 to 65535"),
        (["1", "--port", "http"], "argument --port: 'http' is no number"),
        (["--url", "http://example.com/", "--", "true"], "example.com is no loopback address"),
        (["--url", "http://127.0.0.1/"], "needs either --pid PID (a server that runs) or -- COMMAND"),
        (["--url", "http://127.0.0.1/", "--pid", "1", "--", "true"], "needs either --pid PID"),
        (
            ["--url", URL, "--steps", "9,8,7", "--runs", "0", "--", "true"],
            "rising numbers, such as 100,200,300; runs 0",
        ),
        (["--url", URL, "--steps", "many", "--", "true"], "--steps many: write 100,200,300, or 1000/5"),
        (["--url", URL, "--steps", "5/99999999999", "--", "true"], "--steps 5/99999999999: write"),
        (["--url", URL, "--steps", "1000/0", "--", "true"], "--steps 1000/0: write 100,200,300, or 1000/5"),
        (
            ["--url", URL, "--steps", "30/3", "--warmup", "500", "--", "true"],
            "warmup 500: no more than the first step, 10",
        ),
        (
            ["--url", "https://127.0.0.1/", "--ca", "/no/such.pem", "--", "true"],
            "/no/such.pem: no such certificate file",
        ),
    ],
)
def test_a_mistake_in_the_arguments_is_one_clear_line(
    capsys: Capture, arguments: list[str], reason: str
) -> None:
    assert reason in refusal(capsys, *arguments)


def test_ctrl_c_shows_what_was_seen_and_exits_130(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(3, monkeypatch, series)
    assert main(["probe", str(os.getpid()), "--watch", "600", "--every", "0.01"]) == 130
    assert f"process {os.getpid()}: 2 readings in" in capsys.readouterr().out


def test_ctrl_c_during_a_ladder_leaves_no_server_behind(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, synthetic: Synthetic
) -> None:
    """No child, no descriptor: the fixture that watches over every test looks."""
    interrupt_at(3, monkeypatch, ladder)
    assert main(["probe", "--url", URL, "--steps", "30/3", "--", *synthetic()]) == 130
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "probe: stopped\n")


def interrupt_at(number: int, monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
    """Let Ctrl-C be pressed at this reading of the server."""
    readings = itertools.count(1)

    def look(pid: int, port: int | None = None) -> reading.Reading:
        if next(readings) == number:
            raise KeyboardInterrupt
        return reading.look(pid, port)

    monkeypatch.setattr(module, "look", look)
