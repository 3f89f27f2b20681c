"""The goals at full size: 5 GB down, 5 GB up, and ten thousand connections five times over."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from netlab.probes import clients
from netlab.probes.clients import Herd, Target

from . import flow
from .conftest import APP, Start
from .test_flat import FLAT, downloaded

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

MIB = flow.MIB
SIZE = 5 * 1000**3 // MIB + 1  # MiB: 5 GB

# Above the empty server, for 10,000 idle connections.
MOST = {"plain": 12 * MIB, "tls": 160 * MIB}


@pytest.mark.parametrize("readers", [1, 3])
def test_5_gb_leave_the_server_flat(serving: Start, trusting: ssl.SSLContext | None, readers: int) -> None:
    server = serving()
    each = SIZE // readers

    def client() -> None:
        assert flow.drain(server.port, f"/stream?mib={each}", trusting) > each * MIB

    course = flow.watched(server.child.pid, *[client] * readers)
    assert course.rise <= FLAT
    # On TLS a piece of 1 MiB is copied for each reader while it is encrypted.
    assert course.peak <= FLAT + (readers if trusting else 0)


def test_5_gb_of_new_pieces_leave_the_server_flat(serving: Start, trusting: ssl.SSLContext | None) -> None:
    server = serving(APP)
    course = flow.watched(
        server.child.pid, lambda: flow.drain(server.port, f"/fresh?mib={SIZE}&size={64 * flow.KIB}", trusting)
    )
    assert course.peak <= FLAT


def test_an_upload_of_5_gb_leaves_the_server_flat(serving: Start, trusting: ssl.SSLContext | None) -> None:
    server = serving(APP)
    course = flow.watched(server.child.pid, lambda: flow.pour(server.port, "/count", SIZE * MIB, trusting))
    assert course.peak <= FLAT


@pytest.mark.parametrize("way", ["plain"], indirect=True)
def test_an_echo_of_as_much_as_it_takes_leaves_the_server_flat(serving: Start) -> None:
    server, most = serving(), 1024 * MIB  # its limit for the content of a request
    course = flow.watched(server.child.pid, lambda: flow.pour_and_drain(server.port, "/echo", most))
    assert course.peak <= FLAT


def test_our_client_stays_flat_for_5_gb(serving: Start, way: str, certificates: Path) -> None:
    server = serving()
    url = f"{server.url.replace('127.0.0.1', 'localhost')}/stream?mib={SIZE}"
    found = downloaded(url, way, certificates)
    assert found["received"] == SIZE * MIB
    assert found["peak"] <= FLAT


def test_ten_thousand_idle_connections_come_and_go_five_times_over(
    serving: Start, trusting: ssl.SSLContext | None, way: str
) -> None:
    """As many as the limit of open files allows. Later rounds find the memory that the first one took."""
    server = serving()
    count = min(10_000, clients.raise_descriptor_limit())
    target = Target.parse(f"{server.url.replace('127.0.0.1', 'localhost')}/", trusting)
    empty, descriptors = flow.weight(server.child.pid), _descriptors(server.child.pid)
    held = []
    for _ in range(5):
        with Herd(target, per_source=5000) as herd:
            herd.grow(count)
            held.append(flow.weight(server.child.pid) - empty)
            assert _descriptors(server.child.pid) == descriptors + count
        while _descriptors(server.child.pid) > descriptors:
            time.sleep(0.05)
    assert max(held) <= MOST[way] * count / 10_000, held
    assert max(held) - held[0] <= MIB, held


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
