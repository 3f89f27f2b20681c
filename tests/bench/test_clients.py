"""The bench of clients: its arithmetic, and one short run of each client."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from netlab.probes.launch import Server
from tests.bench.clients import __main__ as clients
from tests.bench.clients import worker

ROOT = Path(__file__).parent.parent.parent


def visit(rate: float, microseconds: float) -> clients.Visit:
    return clients.Visit(done=1000, seconds=1000 / rate, cpu=microseconds / 1000)


def test_a_ratio_is_taken_round_by_round_and_above_1_ours_is_better() -> None:
    ours = [visit(200, 50), visit(100, 100), visit(300, 50)]
    theirs = [visit(100, 100), visit(100, 100), visit(100, 150)]
    both = clients.ratios(ours, theirs)
    assert both["rate"].median == pytest.approx(2) and both["rate"].high == pytest.approx(3)
    assert both["cpu"].median == pytest.approx(2) and both["cpu"].low == pytest.approx(1)


def test_a_goal_that_is_missed_is_named() -> None:
    one = [visit(100, 100)]
    found = {(kind, client): one for kind in clients.KINDS for client in ("netlab", "aiohttp", "httpx")}
    _, missed = clients.table("netlab", found)
    assert "netlab, one after the other: rate is 1.00 × aiohttp's; the goal is 1.2 ×" in missed
    assert len(missed) == len(clients.GOALS)


@pytest.mark.parametrize("client", worker.CLIENTS)
def test_each_client_does_both_kinds_of_work(client: str) -> None:
    command = [sys.executable, "-m", "netlab", "serve", "--port", "{port}"]
    with Server(command, "http://127.0.0.1:{port}/") as server:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.clients.worker", client, server.target.url],
            cwd=ROOT, input="sequential 3\nat once 1\n", capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert not done.stderr
    assert [json.loads(line)["done"] for line in done.stdout.splitlines()] == [3, 100]
