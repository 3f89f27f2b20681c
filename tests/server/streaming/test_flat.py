"""Memory stays flat, whatever the size: downloads, uploads, echoes, and our own client.

Fresh processes, their memory followed over time. The same with 5 GB: test_soak.py.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from . import flow
from .conftest import APP, Start

pytestmark = pytest.mark.linux("/proc/PID/smaps_rollup")

MIB = flow.MIB
SIZE = 256  # MiB
FLAT = 2  # MiB
SMALL = 128 * flow.KIB  # bytes of a piece: several in flight are still far below FLAT


@pytest.mark.parametrize("clients", [1, 3])
def test_a_stream_of_any_size_leaves_the_server_flat(
    serving: Start, trusting: ssl.SSLContext | None, clients: int
) -> None:
    server = serving(APP)
    each = SIZE // clients
    target = f"/fresh?mib={each}&size={SMALL}"

    def client() -> None:
        received = flow.drain(server.port, target, trusting)
        assert each * MIB < received < each * MIB + 1024 + 16 * (each * MIB // SMALL), "not the whole stream"

    course = flow.watched(server.child.pid, *[client] * clients)
    assert course.peak <= FLAT


def test_a_large_piece_is_in_memory_a_few_times_and_not_for_long(
    serving: Start, trusting: ssl.SSLContext | None
) -> None:
    """One in flight, one being made, and on TLS perhaps a copy. Of them only what malloc keeps for next time.

    That is up to twice the largest piece that was ever freed (glibc's M_TRIM_THRESHOLD, mallopt(3)), and now
    and then a piece of each client, below something that stays. Further rounds must not add to it.
    """
    server = serving(APP)
    clients, piece = 3, 2
    client = lambda: flow.drain(server.port, f"/fresh?mib=48&size={piece * MIB}", trusting)  # noqa: E731
    first = flow.watched(server.child.pid, *[client] * clients)
    assert piece < first.peak <= 3 * piece * clients + FLAT / 2
    further = [flow.watched(server.child.pid, *[client] * clients).rise for _ in range(2)]
    assert first.rise + sum(further) <= FLAT + clients * piece


def test_an_upload_of_any_size_leaves_the_server_flat(
    serving: Start, trusting: ssl.SSLContext | None
) -> None:
    server = serving(APP)

    def client() -> None:
        answer = flow.pour(server.port, "/count", SIZE * MIB, trusting)
        assert answer.endswith(b"\r\n\r\n%d" % (SIZE * MIB))

    assert flow.watched(server.child.pid, client).peak <= FLAT


@pytest.mark.parametrize("way", ["plain"], indirect=True)
def test_an_echo_of_any_size_leaves_the_server_flat(serving: Start) -> None:
    server = serving()

    def client() -> None:
        assert flow.pour_and_drain(server.port, "/echo", SIZE * MIB) > SIZE * MIB

    assert flow.watched(server.child.pid, client).peak <= FLAT


def downloaded(url: str, way: str, certificates: Path) -> dict[str, Any]:
    """What tests/server/streaming/download.py found in a fresh process."""
    root = [str(certificates / "root.pem")] if way == "tls" else []
    command = [sys.executable, "-m", "tests.server.streaming.download", url, *root]
    run = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_our_client_stays_flat_while_it_downloads(serving: Start, way: str, certificates: Path) -> None:
    server = serving()
    url = f"{server.url.replace('127.0.0.1', 'localhost')}/stream?mib={SIZE}"
    found = downloaded(url, way, certificates)
    assert found["received"] == SIZE * MIB
    assert found["peak"] <= FLAT
