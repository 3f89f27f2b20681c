"""Every board's page in Chromium: its buttons by keyboard, what axe finds, its width, and its memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from netlab.live.board import Board
from netlab.live.liverun import LiveRun
from netlab.live.registry import boards

from .opened import VIEWS, Opened, opened_board

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILLED: dict[str, dict[str, Any]] = {
    "wire": {"clients": 2, "requests": 2, "pause": 0},
    "cors": {"method": "DELETE"},
    "handshake": {"way": "stolen", "distance": 0},
}
"""Controls of an experiment that shows something soon; boards that are not here are left as they stand."""


@pytest.mark.soak
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", FILLED)
async def test_axe_finds_nothing_and_the_page_fits(name: str, view: str, opened: Callable[..., Any]) -> None:
    async with opened(name, view) as board:
        assert await board.axe() == []
        await board.start(**FILLED[name])
        await board.tab.locator(".lane, .rung, .big").first.wait_for()
        await asyncio.sleep(1)
        for picked in (".lane", ".rung summary"):
            if await board.tab.locator(picked).count():
                await board.tab.locator(picked).first.click()
        assert await board.axe() == []
        assert await board.too_wide() <= 0


async def test_the_index_leads_to_every_board(chromium: Any, site_of: Callable[..., Any]) -> None:
    async with site_of() as (site, address, _):
        context = await chromium.new_context()
        try:
            tab = await context.new_page()
            await tab.goto(address)
            for board in boards():
                assert await tab.locator(f".boards a[href='{board.name}']").count() == 1
            assert await Opened(tab, next(iter(site.lanes.values()))).axe() == []
        finally:
            await context.close()


@pytest.mark.soak
async def test_an_experiment_is_started_and_stopped_by_keyboard(opened: Callable[..., Any]) -> None:
    async with opened("handshake") as board:
        await board.tab.locator("#controls [name=way]").focus()
        await board.tab.keyboard.press("ArrowDown")
        await board.tab.keyboard.press("Tab")
        for _ in range(50):
            await board.tab.keyboard.press("ArrowRight")
        assert await board.tab.locator("output").inner_text() == "500 ms"
        await board.tab.keyboard.press("Enter")
        await board.tab.locator("#status[data-state=running]").wait_for()
        await board.tab.locator("#stop").focus()
        await board.tab.keyboard.press("Enter")
        await board.ended("stopped")


@pytest.mark.soak
async def test_two_pages_of_a_board_show_the_same_experiment(opened: Callable[..., Any]) -> None:
    async with opened("handshake") as board:
        other = await board.tab.context.new_page()
        await other.goto(board.tab.url)
        await board.start(way="full", distance=0)
        await board.ended()
        await other.locator("#status[data-state=done]").wait_for()
        shown = await board.tab.locator(".rung").count()
        assert await other.locator(".rung").count() == shown > 0


async def flood(run: LiveRun) -> None:
    """As many events as a loop can make, for many lanes, for two seconds."""
    number = 0
    while run.elapsed < 2:
        for _ in range(200):
            number += 1
            run.show(f"lane/{number}", {"label": f"{number}", "spans": [[0, number, "idle", ""]], "note": ""})
        await asyncio.sleep(0)
    run.show("figures", {"opened": number, "open": 0, "requests": 0, "fds": 1, "uss": 1, "processes": 1})


@pytest.mark.soak
async def test_a_flood_of_events_leaves_the_page_small_and_sound(
    chromium: Any, site_of: Callable[..., Any]
) -> None:
    """Far more events than an hour brings: the page keeps 40 lanes, and shows the last figure."""
    one = Board("wire", "Flood", "Look.", flood)
    async with (
        site_of(one) as (site, address, _),
        opened_board(chromium, site, address, "wire") as board,
    ):
        await board.start()
        await board.ended()
        number = board.lane.feed.values["figures"]["opened"]
        assert number > 2000
        await board.tab.locator(".figures dd", has_text=str(number)).wait_for()
        assert await board.tab.locator(".lane").count() == 40
        assert await board.tab.evaluate("document.querySelectorAll('*').length") < 600
