"""The board of the pool: its books hold, its lanes are the session's connections, and no POST runs twice."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netlab.live.boards import pool
from netlab.live.children import child
from netlab.live.feed import Feed
from tests.kit.waiting import until

from .running import experiment_of

ROOT = Path(__file__).parents[2]


def counts(feed: Any) -> dict[str, int]:
    """The newest counts."""
    found: dict[str, int] = feed.values.get("counts", {})
    return found


async def test_the_pool_keeps_its_limit_and_its_books_under_load() -> None:
    values = {"limit": 3, "load": 100, "service": 60, "distance": 0}
    async with experiment_of(pool.BOARD, **values) as running:
        await running.until(lambda feed: counts(feed).get("answered", 0) >= 30)
        course = list(running.feed.lists["course"])
        assert all(in_use + idle + connecting <= 3 for _, _, in_use, idle, connecting in course)
        assert max(point[1] for point in course) > 0  # 100 × 0.06 s need 6 places: requests wait
        seen = counts(running.feed)
        assert seen["open"] == seen["idle"] + seen["in_use"] + seen["connecting"]
        numbers = {number for _, number, _, _ in running.feed.lists["steps"]}
        assert len(numbers) == seen["opened"] == seen["accepted"] == 3


def closed(feed: Feed, reason: str) -> int:
    """How many connections were closed for this reason."""
    return sum(state == "closed" and why == reason for _, _, state, why in feed.lists.get("steps", ()))


async def test_stale_connections_are_counted_and_no_post_runs_twice() -> None:
    values = {"limit": 30, "load": 40, "service": 5, "server_idle": 0.25, "distance": 40}
    async with experiment_of(pool.BOARD, **values) as running:
        await running.until(lambda feed: closed(feed, "the server closed it while it was idle") > 2)
        await running.until(lambda feed: counts(feed).get("accepted", 0) > 2)
        assert counts(running.feed)["posts_twice"] == 0


def test_the_sentence_counts_every_stale_connection() -> None:
    told = {"in_use": 1, "open": 8, "waiting": 2, "stale": 1, "retried": 64, "lost": 73, "posts_twice": 0}
    assert pool.sentence(told) == (
        "1 of 8 connections are in use, 2 requests wait; "
        "stale connections so far: 138, POSTs that ran twice: 0."
    )


def test_erlangs_formula_gives_the_known_share() -> None:
    assert pool.erlang_c(1, 0.5) == pytest.approx(0.5)  # one server: the load itself
    assert pool.erlang_c(10, 8) == pytest.approx(0.409, abs=0.001)  # from a printed table of Erlang C
    assert pool.erlang_c(3, 3) == 1.0


async def test_make_serve_11_tells_the_address_of_the_pools_board() -> None:
    script = str(ROOT / "labs" / "11_pool" / "serve.py")
    async with child([sys.executable, script, "--no-browser"]) as process:
        first = await asyncio.wait_for(process.line(), 20)
        assert re.fullmatch(r"netlab live https://127\.0\.0\.1:\d+/[\w-]+/pool", first), first


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_draws_a_lane_for_each_connection(opened: Callable[..., Any]) -> None:
    async with opened("pool") as board:
        await board.start(limit=4, load=60, service=80)
        await board.tab.locator(".lane").nth(3).wait_for()
        # A lane begins with the client's first step: the server accepts it later.
        await until(lambda: counts(board.lane.feed).get("accepted") == 4)
        await board.tab.locator("#stop").click()
        await board.ended("stopped")
        seen = counts(board.lane.feed)
        figures = await board.figures()
        assert figures["Connections accepted by the server"] == str(seen["accepted"]) == "4"
        assert figures["POSTs that the server ran twice"] == "0"
        assert await board.tab.locator(".lane").count() == 4
        assert await board.axe() == []


@pytest.mark.asyncio(loop_scope="session")
async def test_a_slider_that_moves_starts_the_load_anew(opened: Callable[..., Any]) -> None:
    async with opened("pool", view="phone") as board:
        await board.start(limit=2, load=50)
        await board.tab.locator(".lane").nth(1).wait_for()
        first = board.lane.run
        await board.fill(limit=1)
        await board.tab.locator(".lane").nth(1).wait_for(state="detached")
        assert board.lane.run is not first and board.lane.run.values["limit"] == 1
        assert await board.too_wide() <= 0
