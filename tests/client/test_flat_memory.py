"""1 GiB down, and 1 GiB up and back: the client's memory does not grow with what passes through it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netlab.probes.launch import Server

ROOT = Path(__file__).parent.parent.parent
MIB = 1 << 20


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["down", "up"])
def test_a_gibibyte_passes_at_flat_memory(way: str) -> None:
    command = [sys.executable, "-m", "netlab", "serve", "--port", "{port}"]
    with Server(command, "http://127.0.0.1:{port}/") as server:
        done = subprocess.run(
            [sys.executable, "-m", "tests.client.flat", way, server.target.url.rstrip("/"), "1024"],
            cwd=ROOT, capture_output=True, text=True, timeout=280,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    samples = [int(line) for line in done.stdout.splitlines()]
    assert len(samples) == 32
    # The first quarter is warm-up: buffers reach their size.
    warm = samples[8:]
    # A sample also holds what is under way at that moment. That varies; the least of eight does not.
    growth = min(warm[-8:]) - min(warm[:8])
    assert growth < 1 * MIB, f"USS grows by {growth / MIB:.2f} MiB over 512 MiB of content"
    assert max(warm) - min(warm) < 4 * MIB, [round(sample / MIB, 1) for sample in samples]
