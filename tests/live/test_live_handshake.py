"""The board of the handshake: what the page says is what the server counted and what TLS defines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_full_handshake_unfolds_into_annotated_bytes(opened: Callable[..., Any]) -> None:
    async with opened("handshake") as board:
        await board.start(way="full", distance=40)
        await board.ended()
        figures = await board.figures()
        assert board.lane.feed.values["server"] == {"accepted": 1, "requests": 1}
        assert figures["Version"] == "TLS 1.3" and figures["Resumed"] == "no"
        records = list(board.lane.feed.lists["records"])
        assert figures["Records"] == str(len(records))
        assert figures["Bytes"] == str(sum(record["size"] for record in records))
        assert await board.tab.locator(".rung").count() == len(records)
        await board.tab.locator(".rung summary").first.click()
        await board.tab.locator(".f[aria-label^='random']").first.click()
        assert "random" in await board.tab.locator(".rung[open] .meaning").last.inner_text()
