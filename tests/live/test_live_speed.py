"""The board of the speed test: connections as the server counts them, times beside the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netlab.live.boards import speed

from .running import experiment_of


async def test_the_server_counts_one_connection_and_twenty() -> None:
    async with experiment_of(speed.BOARD, distance=5, scheme="http") as running:
        feed = await running.ended()
    counts = feed.values["counts"]
    assert (counts["kept"]["connections"], counts["new"]["connections"]) == (1, 20)
    assert counts["kept"]["seconds"] > 21 * 0.005 and counts["new"]["seconds"] > 40 * 0.005
    rows = feed.lists["rows"]
    assert [row["reused"] for row in rows if row["way"] == "kept"] == [False] + [True] * 19
    assert not any(row["reused"] for row in rows if row["way"] == "new")
    for row in rows:
        ends = [moment for span in row["spans"] for moment in span[:2]]
        assert ends == sorted(ends)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_draws_two_waterfalls_and_the_models_line(opened: Callable[..., Any]) -> None:
    async with opened("speed") as board:
        await board.start(distance=5, scheme="https")
        await board.ended()
        figures = await board.figures()
        assert figures["One session: connections"] == "1" and figures["A session each: connections"] == "20"
        assert figures["One session: round trips"] == "22" and figures["A session each: round trips"] == "60"
        assert await board.tab.locator(".lane").count() == 40
        assert await board.tab.locator("path.line").count() == 4
        assert await board.axe() == []
