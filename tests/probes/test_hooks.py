"""The two favours: asked for only where they are offered, and they do what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from netlab.probes import hooks, process
from netlab.probes.launch import Server

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="real-time signals are Linux's")
URL = "http://127.0.0.1:{port}/"


def test_a_process_that_offers_nothing_is_left_alone() -> None:
    """Such a signal would end it."""
    program = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert not hooks.offered(other.pid)
        assert not hooks.ask(other.pid, hooks.Hook.COLLECT)
        other.communicate()
    assert other.returncode == 0


def test_nothing_is_offered_unless_the_probe_started_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(hooks.ENVIRONMENT, raising=False)
    assert hooks.offer() is False
    assert not hooks.offered(os.getpid())


def test_a_server_that_offers_them_is_found_and_survives_them(synthetic: Callable[..., list[str]]) -> None:
    with Server(synthetic(), URL) as server:
        assert hooks.offered(server.pid)
        assert all(hooks.ask(server.pid, hook) for hook in hooks.Hook)
        assert process.glance(server.pid).threads == 1


def test_a_process_that_is_gone_offers_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert not hooks.offered(ended.pid)
