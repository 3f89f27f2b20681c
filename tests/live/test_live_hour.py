"""A page that is left open does not grow: as many events as an hour brings, from a source of the test's own.

The page is the site's own; its EventSource is the test's. Live heap and DOM nodes are read after a garbage
collection, once in the middle and once at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.live.test_live_pages import site_page

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOUR = 36_000
"""Messages: ten a second, as the boards send them, for an hour."""

SCRIPT = (Path(__file__).parent / "hour.js").read_text("utf-8")

BOARDS = ("wire", "cors", "handshake", "pool", "speed", "idle", "river", "siege")


async def held(session: Any) -> dict[str, float]:
    """Bytes of JavaScript that are alive, DOM nodes (detached ones too), and listeners."""
    for _ in range(3):
        await session.send("HeapProfiler.collectGarbage")
    heap = await session.send("Runtime.getHeapUsage")
    nodes = await session.send("Memory.getDOMCounters")
    return {"heap": heap["usedSize"], "nodes": nodes["nodes"], "listeners": nodes["jsEventListeners"]}


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("board", BOARDS)
async def test_a_page_that_is_open_for_an_hour_does_not_grow(board: str, chromium: Any, site_of: Any) -> None:
    async with site_page(chromium, site_of, board, init=SCRIPT) as tab:
        session = await tab.context.new_cdp_session(tab)
        readings = []
        for part in range(2):
            await tab.evaluate("window.hour", [board, part * HOUR // 2, (part + 1) * HOUR // 2])
            readings.append(await held(session))
    half, whole = readings
    assert whole["nodes"] < half["nodes"] * 1.1 + 50, readings
    assert whole["listeners"] < half["listeners"] * 1.1 + 20, readings
    assert whole["heap"] < half["heap"] * 1.1 + 300_000, readings
    assert whole["nodes"] < 12_000, readings
