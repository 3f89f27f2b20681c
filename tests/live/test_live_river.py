"""The board of the river: what flowed is what was asked for, and memory is flat until it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netlab.live.boards import river

from .running import experiment_of


def memory(feed: Any) -> float:
    """The highest that the server held above its start, in MiB."""
    return max((point[1] for point in feed.lists.get("course", [])), default=0.0)


async def test_the_whole_film_flows_at_flat_memory() -> None:
    async with experiment_of(river.BOARD, size=0.25, speed=1000) as running:
        feed = await running.ended()
    assert 250_000_000 <= feed.values["counts"]["received"] < 250_100_000
    assert memory(feed) < 20
    assert feed.values["said"] == "0.25 GB have flowed."


@pytest.mark.soak
async def test_a_stalled_reader_fills_the_kernel_and_an_unplugged_one_ends_the_producer() -> None:
    async with experiment_of(river.BOARD, size=5, speed=100) as running:
        await running.until(lambda feed: feed.values.get("counts", {}).get("received", 0) > 10_000_000)
        running.run.press("stall")
        await running.until(lambda feed: feed.values["counts"]["stalled"])
        stood = await running.until(lambda feed: feed.values["counts"]["received"])
        await running.until(lambda feed: feed.lists["course"][-1][2] > 0.05)
        assert running.feed.values["counts"]["received"] - stood < 1_000_000
        running.run.press("stall")
        running.run.press("unplug")
        closed = await running.until(lambda feed: feed.values.get("unplugged"))
        assert closed["ms"] < 20_000  # by the reset, not by the deadline of a client that stalls (30 s)


@pytest.mark.soak
@pytest.mark.parametrize("way", ["first", "forget"])
async def test_memory_grows_when_the_server_does_not_wait(way: str) -> None:
    async with experiment_of(river.BOARD, size=5, speed=100) as running:
        await running.until(lambda feed: feed.values.get("counts", {}).get("received", 0) > 1_000_000)
        assert memory(running.feed) < 20
        running.run.press(way)
        await running.until(lambda feed: memory(feed) > 100)
    assert running.feed.values["said"].endswith(" GB have flowed."), "a stop tells how much it was"


@pytest.mark.soak
@pytest.mark.asyncio(loop_scope="session")
async def test_the_buttons_of_the_river_reach_the_reader(opened: Callable[..., Any]) -> None:
    async with opened("river") as board:
        await board.start(size=5, speed=100)
        await board.press("stall")
        await board.tab.get_by_text("the reader stands still", exact=True).wait_for()
        assert await board.axe() == []
        await board.tab.locator("#stop").click()
        await board.ended("stopped")
