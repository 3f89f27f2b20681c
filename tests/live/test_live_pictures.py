"""A board's last picture shows the end itself: its figures are those of the moment at which it was stopped.

The boards take no picture here but the first and the last: their ticks are an hour long.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

import pytest

from netlab.live.boards import pool, river, siege, wire
from netlab.live.pictures import pictured
from tests.kit.waiting import until

from .running import experiment_of

HOUR = 3600.0


class Work:
    """Work whose state a picture shows: a test moves it on, and cleaning up spoils it."""

    def __init__(self) -> None:
        self.state = "begun"
        self.pictures: list[str] = []
        self.end = asyncio.Event()

    def show(self) -> None:
        self.pictures.append(self.state)

    async def run(self) -> str:
        try:
            await self.end.wait()
            if self.state == "broken":
                raise OSError("broken")
            return self.state
        finally:
            self.state = "cleaned up" if self.state == "under way" else self.state


@contextlib.asynccontextmanager
async def shown(work: Work) -> Any:
    """Its pictures, an hour apart; the first is taken."""
    task = asyncio.create_task(pictured(work.show, HOUR, work.run()))
    await until(lambda: work.pictures == ["begun"])
    yield task
    await asyncio.wait([task])


async def test_work_that_ends_is_shown_once_more_and_its_result_returned() -> None:
    work = Work()
    async with shown(work) as task:
        work.state = "done"
        work.end.set()
    assert task.result() == "done" and work.pictures == ["begun", "done"]


async def test_work_that_is_stopped_is_shown_as_it_stood_before_it_cleans_up() -> None:
    work = Work()
    async with shown(work) as task:
        work.state = "under way"
        task.cancel()
    assert task.cancelled() and work.state == "cleaned up"
    assert work.pictures == ["begun", "under way"]


async def test_work_that_fails_is_shown_and_its_error_raised() -> None:
    work = Work()
    async with shown(work) as task:
        work.state = "broken"
        work.end.set()
    assert str(task.exception()) == "broken" and work.pictures == ["begun", "broken"]


async def test_a_picture_that_fails_ends_the_work() -> None:
    work = Work()
    work.state = "under way"

    def show() -> None:
        raise OSError("no picture")

    with pytest.raises(OSError, match="no picture"):
        await pictured(show, 0.001, work.run())
    assert work.state in ("under way", "cleaned up")
    assert not [each for each in asyncio.all_tasks() if "Work.run" in repr(each)]


async def test_pictures_are_taken_again_and_again_until_the_work_ends() -> None:
    work = Work()
    task = asyncio.create_task(pictured(work.show, 0.001, work.run()))
    await until(lambda: len(work.pictures) >= 3)
    work.end.set()
    assert await task == "begun"


# -- the boards, stopped between two ticks


def made(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """The objects of this class that the board makes, in a list that grows."""
    found: list[Any] = []
    kind = getattr(module, name)

    def make(*given: Any, **named: Any) -> Any:
        found.append(kind(*given, **named))
        return found[-1]

    monkeypatch.setattr(module, name, make)
    return found


async def test_the_pools_last_figures_agree_with_its_lanes_and_its_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "TICK", HOUR)
    servers = made(monkeypatch, pool, "Server")
    values = {"limit": 3, "load": 100, "service": 30, "distance": 0}
    async with experiment_of(pool.BOARD, **values) as running:
        await running.until(lambda feed: servers and servers[0].accepted == 3 and servers[0].requests >= 20)
    feed = running.feed
    seen, figures = feed.values["counts"], feed.values["figures"]
    assert len(feed.lists["course"]) == 2, "the first picture, and the last"
    lanes = {number: state for _, number, state, _ in feed.lists["steps"]}
    states = Counter(lanes.values())
    assert (seen["opened"], seen["accepted"], seen["open"]) == (len(lanes), servers[0].accepted, 3)
    assert states["closed"] == 0, "that the board closes them is no step of the pool"
    assert (seen["idle"], seen["in_use"]) == (states["idle"], states["in use"])
    assert figures["Connections accepted by the server"] == "3"
    assert figures["In use, idle, connecting"] == f"{seen['in_use']}, {seen['idle']}, {seen['connecting']}"
    assert seen["answered"] >= 20 - 3


async def test_the_rivers_last_figures_count_what_has_flowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(river, "TICK", HOUR)
    flows = made(monkeypatch, river, "RiverFlow")
    async with experiment_of(river.BOARD, size=5, speed=100) as running:
        await running.until(lambda feed: flows and flows[0].received > 20_000_000)
    shown, flowed = running.feed.values["counts"]["received"], flows[0].received
    assert len(running.feed.lists["course"]) == 2
    assert flowed - river.READ <= shown <= flowed, "one read may end after the picture"
    assert running.feed.values["figures"]["Flowed"] == f"{shown / 1e9:.2f} GB of 5"


async def test_the_wires_last_figures_count_every_request_that_was_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "PERIOD", HOUR)
    monkeypatch.setattr(wire, "FIGURES", HOUR)
    async with experiment_of(wire.BOARD, clients=2, requests=3, pause=0) as running:
        clients = await running.until(lambda feed: feed.values.get("clients"))
        assert "lane/1" not in running.feed.values, "there was no picture yet"
    assert clients == {"connected": 2, "answered": 6, "failed": 0}
    feed = running.feed.values
    assert (feed["figures"]["opened"], feed["figures"]["requests"]) == (2, 6)
    assert feed["figures"]["fds"] and {"lane/1", "lane/2"} <= set(feed)
    assert feed["said"].startswith("2 connections so far, ")


@pytest.mark.soak
async def test_the_sieges_last_figures_count_every_honest_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siege, "TICK", HOUR)
    sieges = made(monkeypatch, siege, "Siege")
    async with experiment_of(siege.BOARD, peer="asyncio", rate=8) as running:
        await running.until(
            lambda feed: sieges and all(one.tally.total.answered >= 8 for one in sieges[0].every)
        )
        least = {one.name: one.tally.total.answered for one in sieges[0].every}
    counts = running.feed.values["counts"]
    for name, answered in least.items():
        assert counts[name]["total"][0] >= answered, name
