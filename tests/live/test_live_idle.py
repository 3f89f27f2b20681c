"""The board of the idle clients: each client is one descriptor, and asyncio's TLS costs more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netlab.live.boards import idle

from .running import experiment_of


@pytest.mark.soak
async def test_each_client_is_one_descriptor_and_the_planner_uses_the_slope() -> None:
    async with experiment_of(idle.BOARD, clients=200) as running:
        feed = await running.ended()
    counts = feed.values["counts"]
    assert counts["netlab"]["clients"] == counts["asyncio"]["clients"] == 200
    points: dict[str, list[list[Any]]] = {}
    for name, *point in feed.lists["points"]:
        points.setdefault(name, []).append(point)
    for name in ("netlab", "asyncio"):
        (first, files, *_), (last, more, *_) = points[name][0], points[name][-1]
        assert more - files == last - first
    grown = {name: some[-1][2] - some[0][2] for name, some in points.items()}
    assert grown["asyncio"] > 3 * grown["netlab"]
    assert feed.values["limits"]["netlab"] == "none below 200 clients"
    assert ["netlab", "One client"] in [row[:2] for row in feed.values["plan"]]


@pytest.mark.soak
@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_draws_a_curve_for_each_server(opened: Callable[..., Any]) -> None:
    async with opened("idle", view="phone") as board:
        await board.start(clients=100, scheme="http")
        await board.ended(seconds=60)
        assert await board.tab.locator("path.line").count() == 3 * len(board.lane.feed.values["counts"])
        assert await board.axe() == []
        assert await board.too_wide() <= 0
