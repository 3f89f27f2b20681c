"""`netlab live` as a command: its first line, its answer, its end, and a user's mistakes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import netlab
from netlab.cli.live import _open
from netlab.tls.context import client_context
from tests.kit.waiting import wait_until

COMMAND = [sys.executable, "-m", "netlab", "live", "--no-browser"]


async def test_the_first_line_is_an_address_that_answers(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as site:
        try:
            assert site.stdout is not None
            first, second, third = (site.stdout.readline() for _ in range(3))
            address = re.fullmatch(r"netlab live (https://127\.0\.0\.1:\d+/[\w-]{22}/)\n", first)
            assert address, first
            assert second.startswith("open this address in a browser")
            root = third.split()[4]
            async with netlab.Session(tls=client_context(root)) as session, session.get(address[1]) as answer:
                assert answer.status == 200 and "See the wire live" in await answer.text()
            site.send_signal(signal.SIGINT)
            assert site.wait(20) in (0, 130)
            assert site.stderr is not None and "Traceback" not in site.stderr.read()
        finally:
            site.kill()


def test_a_port_that_cannot_be_is_one_line_and_status_2() -> None:
    done = subprocess.run([*COMMAND, "--port", "70000"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert done.stderr == "netlab: --port 70000: give 0 (a free port) to 65535\n"


def test_a_command_that_is_no_program_is_one_line_and_status_2() -> None:
    done = subprocess.run(
        [*COMMAND, "--", "no-such-server", "--port", "1"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert done.stderr == (
        "netlab: -- no-such-server: there is no such program: give its path, or add its folder to PATH\n"
    )


def test_no_browser_is_opened_where_there_is_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not _open("https://127.0.0.1/")


def test_the_browser_that_the_environment_names_is_given_the_address(tmp_path: Path) -> None:
    """A path of its own, without a display; the site says no more that the address must be opened by hand."""
    opened, script = tmp_path / "opened", tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\n')
    script.chmod(0o755)
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "BROWSER": str(script)}
    environment.pop("DISPLAY", None)
    with subprocess.Popen(COMMAND[:-1], stdout=subprocess.PIPE, text=True, env=environment) as site:
        try:
            assert site.stdout is not None
            first, second = site.stdout.readline(), site.stdout.readline()
            assert second.startswith("the browser must trust"), second
            wait_until(opened.exists, "the browser was started")
            assert opened.read_text().strip() == first.removeprefix("netlab live ").strip()
        finally:
            site.terminate()
