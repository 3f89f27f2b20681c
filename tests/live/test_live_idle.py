"""The board of the idle clients: each client is one descriptor, and asyncio's TLS costs more."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from netlab.live.boards import idle
from netlab.live.planner import Machine, Slope, ends_first, rows
from netlab.probes.kernel import port_memory
from netlab.probes.process import children, family

from .running import experiment_of

GIB = 1 << 30


def curves(feed: Any) -> dict[str, list[list[Any]]]:
    """By server: clients, descriptors, USS, kernel memory of each reading."""
    found: dict[str, list[list[Any]]] = {}
    for name, *point in feed.lists["points"]:
        found.setdefault(name, []).append(point)
    return found


def answers(plan: list[list[str]], name: str) -> dict[str, str]:
    return {question: answer for server, question, answer in plan if server == name}


def test_the_plan_follows_from_the_slope_and_the_machine() -> None:
    machine = Machine(memory=10 * GIB, descriptors=20_000, ports=28_232)
    slope = Slope(own=10 * 1024, kernel=6 * 1024, fds=1.0)
    told = answers(rows("netlab", slope, machine), "netlab")
    assert told["One client"] == "10.0 KiB of its own, 6.0 KiB of the kernel, 1.00 descriptors"
    assert told["Fit into this machine by memory"] == "655,360"
    assert told["Fit into one process by descriptors"] == "20,000"
    assert told["A million: memory"] == "15.3 GiB"
    assert told["A million: descriptors"].startswith("1,000,000: 50 processes")
    assert told["A million: ports"].startswith("1 of the server; 36 client addresses")
    assert told["A million: machines like this, by memory"] == "2"
    assert "descriptors of its process end first" in ends_first("netlab", slope, machine)
    assert "at 20,000 clients; memory would last for 655,360" in ends_first("netlab", slope, machine)
    costly = Slope(own=1024 * 1024, kernel=0, fds=1.0)
    assert "memory ends first (10.0 GiB are available), at 10,240" in ends_first("x", costly, machine)


def test_a_server_gets_no_clients_that_this_machines_memory_cannot_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idle, "available", lambda: idle.KEPT_FREE + (100 << 20))
    one = idle.Idle("asyncio", None, None, 0)  # type: ignore[arg-type]
    one.points = [(n, {"fds": n, "uss": n << 20, "kernel": 0}) for n in (20, 120)]
    assert one._memory_ends(200) == ""
    assert one._memory_ends(230).startswith("memory: 612 MiB are left")


@pytest.mark.soak
def idle_server(name: str, *points: tuple[int, int | None]) -> idle.Idle:
    """A server that was measured: (clients, its own memory in bytes)."""
    unused: Any = None
    read = [(count, {"fds": None, "uss": uss, "kernel": None}) for count, uss in points]
    return idle.Idle(name, unused, unused, 0, read)


def test_the_last_sentence_tells_what_a_client_cost_each_server() -> None:
    every = [idle_server("netlab", (20, 0), (30, 10 << 10)), idle_server("nginx", (20, 0))]
    assert idle.told(every) == (
        "One idle client took of its server's own memory: netlab 1.0 KiB. The clients are gone."
    )
    every = [idle_server("netlab", (20, None), (30, None))]
    assert idle.told(every) == "No server's memory could be measured. The clients are gone."


async def test_each_client_is_one_descriptor_and_the_planner_uses_the_slope() -> None:
    async with experiment_of(idle.BOARD, clients=200) as running:
        feed = await running.ended()
    counts = feed.values["counts"]
    assert counts["netlab"]["clients"] == counts["asyncio"]["clients"] == 200
    points = curves(feed)
    for name in ("netlab", "asyncio"):
        (first, files, *_), (last, more, *_) = points[name][0], points[name][-1]
        assert more - files == last - first
    grown = {name: some[-1][2] - some[0][2] for name, some in points.items()}
    assert grown["asyncio"] > 3 * grown["netlab"]
    assert feed.values["limits"]["netlab"] == "none below 200 clients"
    assert ["netlab", "One client"] in [row[:2] for row in feed.values["plan"]]


@contextlib.contextmanager
def soft_limit(files: int) -> Iterator[None]:
    """The soft limit lowered, which children inherit: they must raise it themselves."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def probed(every: list[idle.Idle]) -> dict[str, list[int | None]]:
    """By server: descriptors as /proc lists them, USS as the probe reads it, sockets as the kernel does."""
    found: dict[str, list[int | None]] = {}
    for each in every:
        seen = family(each.server.pid)
        pids = [each.server.pid, *children(each.server.pid)]
        listed = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)
        assert listed == seen.fds, each.name
        found[each.name] = [seen.fds, seen.uss, len(port_memory(each.port).connections)]
    return found


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.linux("/proc/PID/fd")
async def test_ten_thousand_clients_of_each_server_cost_what_the_probes_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over TLS: some 6 GiB. A machine with less memory or fewer descriptors ends earlier, and says so."""
    shown, last = idle._planned, {}

    def planned(run: Any, every: list[idle.Idle], *more: Any) -> None:
        shown(run, every, *more)
        last.update(probed(every))

    monkeypatch.setattr(idle, "_planned", planned)
    with soft_limit(1024):
        async with experiment_of(idle.BOARD, clients=10_000) as running:
            feed = await running.ended(550)
    for name, some in curves(feed).items():
        clients, files, own, held = (list(each) for each in zip(*some, strict=True))
        assert clients[-1] == 10_000 or not feed.values["limits"][name].startswith("none"), name
        fds, uss, sockets = last[name]
        assert sockets == clients[-1] and fds == files[-1], name
        assert uss == pytest.approx(own[-1], rel=0.02), name
        assert statistics.linear_regression(clients, files).slope == pytest.approx(1.0, abs=0.01), name
        cost = [statistics.linear_regression(clients, each).slope / 1024 for each in (own, held)]
        told = answers(feed.values["plan"], name)["One client"]
        assert told.startswith(f"{cost[0]:.1f} KiB of its own, {cost[1]:.1f} KiB of the kernel"), name
        assert (cost[0] > 200) == (name in ("asyncio", "uvicorn")), name


async def test_a_stop_while_the_herds_grow_ends_every_server_and_client() -> None:
    """The keeper of all tests counts the children."""
    async with experiment_of(idle.BOARD, clients=10_000, scheme="http") as running:
        await running.until(lambda feed: feed.lists.get("points"))
        assert not running.task.done()
    newest = {name: point for name, *point in running.feed.lists["points"]}
    counts = running.feed.values["counts"]
    assert {name: list(values.values()) for name, values in counts.items()} == newest


@pytest.mark.soak
@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_draws_a_curve_for_each_server(opened: Callable[..., Any]) -> None:
    async with opened("idle", view="phone") as board:
        await board.start(clients=100, scheme="http")
        await board.ended(seconds=60)
        assert await board.tab.locator("path.line").count() == 3 * len(board.lane.feed.values["counts"])
        assert await board.axe() == []
        assert await board.too_wide() <= 0
