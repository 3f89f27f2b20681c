"""Every board's page in Chromium: its buttons by keyboard, what axe finds, its width, and its memory."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
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
    "pool": {"limit": 3},
    "speed": {"distance": 0},
    "idle": {"clients": 100, "scheme": "http"},
    "river": {"size": 0.5, "speed": 100},
    "siege": {"seconds": 5, "hostile": 20},
}
"""Controls of an experiment that shows something soon; boards that are not here are left as they stand."""


@pytest.mark.soak
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", FILLED)
async def test_axe_finds_nothing_and_the_page_fits(name: str, view: str, opened: Callable[..., Any]) -> None:
    async with opened(name, view) as board:
        assert await board.axe() == []
        await board.start(**FILLED[name])
        await board.tab.locator(".lane, .rung, .big, circle.dot").first.wait_for()
        await asyncio.sleep(1)
        for picked in (".lane[role=button]", ".rung summary"):
            if await board.tab.locator(picked).count():
                await board.tab.locator(picked).first.click()
        assert await board.axe() == []
        assert await board.too_wide() <= 0


@contextlib.asynccontextmanager
async def site_page(
    chromium: Any, site_of: Callable[..., Any], board: str, init: str = "", **options: Any
) -> AsyncIterator[Any]:
    """A board's page in a window of its own, with a script that runs before the page's. "": the index."""
    async with site_of() as (_, address, _):
        context = await chromium.new_context(**options)
        try:
            if init:
                await context.add_init_script(init)
            tab = await context.new_page()
            await tab.goto(address + board)
            yield tab
        finally:
            await context.close()


FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  const back = at.querySelector?.(".back");
  return {
    tag: at.tagName, name: at.name || at.id || at.textContent.trim().slice(0, 30),
    label: at.ariaLabel || at.labels?.[0]?.textContent.trim() || at.textContent.trim(),
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
      || back !== null && back !== undefined && getComputedStyle(back).stroke !== "none",
    top: box.top + scrollY, left: box.left,
  };
}"""


@pytest.mark.soak
@pytest.mark.parametrize("name", FILLED)
async def test_tab_reaches_every_control_in_the_order_of_the_page_with_a_visible_focus(
    name: str, opened: Callable[..., Any]
) -> None:
    """While the experiment runs, so that its buttons are on; the order is that of the form's elements."""
    async with opened(name) as board:
        await board.start(**FILLED[name])
        wanted = await board.tab.eval_on_selector_all(
            "main a[href], main button:enabled, main input, main select, main textarea, main summary, "
            "main [tabindex='0']",
            "all => all.length",
        )
        await board.tab.evaluate("document.activeElement.blur()")
        await board.tab.evaluate("getSelection().removeAllRanges()")
        await board.tab.locator("h1").evaluate(
            "each => { each.ownerDocument.body.tabIndex = -1; document.body.focus(); }"
        )
        stops: list[dict[str, Any]] = []
        for _ in range(min(wanted, 60)):
            await board.tab.keyboard.press("Tab")
            stop = await board.tab.evaluate(FOCUSED)
            if stop["tag"] == "BODY":
                break
            stops.append(stop)
        assert all(stop["seen"] for stop in stops), [stop for stop in stops if not stop["seen"]]
        assert all(stop["label"] for stop in stops), [stop for stop in stops if not stop["label"]]
        named = [stop["name"] for stop in stops]
        controls = [each.name for each in board.lane.board.controls]
        assert [each for each in named if each in controls] == controls
        tops = [stop["top"] for stop in stops if stop["tag"] not in ("g", "A")]
        assert all(later > earlier - 60 for earlier, later in itertools.pairwise(tops)), stops


@pytest.mark.soak
@pytest.mark.parametrize("name", FILLED)
async def test_the_first_paint_needs_few_small_files(
    name: str, chromium: Any, site_of: Callable[..., Any]
) -> None:
    """Requests and bytes decide, not the clock of a busy machine; nothing comes from another place."""
    async with site_page(chromium, site_of, name) as tab:
        await tab.locator("#status:not(:empty)").wait_for()
        entries = await tab.evaluate(
            "performance.getEntriesByType('resource').map(each => [each.name, each.decodedBodySize])"
        )
        files = [each for each in entries if "/static/" in each[0]]
        origin = await tab.evaluate("location.origin")
        assert all(each[0].startswith(origin) for each in entries)
        assert 0 < len(files) <= 9 and sum(each[1] for each in files) < 60_000, files


@pytest.mark.soak
async def test_the_status_is_told_politely_and_charts_have_names(opened: Callable[..., Any]) -> None:
    async with opened("river") as board:
        for place in ("#status", "#said"):
            assert await board.tab.locator(place).get_attribute("role") == "status"
        await board.start(size=0.5, speed=100)
        await board.tab.locator("svg.chart[aria-label*='MiB']").first.wait_for()
        told = await board.tab.locator("svg.chart").evaluate_all("all => all.map(each => each.ariaLabel)")
        assert all(": " in each for each in told)
        await board.tab.locator("#said:not(:empty)").wait_for()


@pytest.mark.soak
async def test_ticks_are_1_2_or_5_steps_of_a_power_of_ten(opened: Callable[..., Any]) -> None:
    script = """async each => (await import("./static/chart.js")).ticks(...each).map(([, text]) => text)"""
    expected = {
        (0.941, 8.941): "2 4 6 8",
        (0.05, 0.5): "0.1 0.2 0.3 0.4 0.5",
        (3550, 3610): "3,560 3,580 3,600",
        (20, 10_000): "2,000 4,000 6,000 8,000 10,000",
        (7, 7): "7",
    }
    above = {(0, 37.2): "0 10 20 30 40", (0, 1013): "0 500 1,000 1,500", (0, 0.3): "0 0.1 0.2 0.3"}
    async with opened("river") as board:
        for span, texts in expected.items():
            assert await board.tab.evaluate(script, [*span]) == texts.split()
        for span, texts in above.items():
            assert await board.tab.evaluate(script, [*span, {"above": True}]) == texts.split()
        assert await board.tab.evaluate(script, [0, 1, {"whole": True, "above": True}]) == ["0", "1"]


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
        await board.tab.locator(".figures dd", has_text=f"{number:,}").wait_for()
        assert await board.tab.locator(".lane").count() == 40
        assert await board.tab.evaluate("document.querySelectorAll('*').length") < 600


async def test_an_order_that_fails_leaves_the_running_experiment_its_buttons(
    opened: Callable[..., Any],
) -> None:
    async with opened("river") as board:
        await board.start(size=5, speed=50)
        await board.tab.evaluate(
            "() => { window.before = fetch; window.fetch = () => Promise.reject(new Error()); }"
        )
        await board.tab.locator("#controls .start").click()
        await board.tab.locator("#status", has_text="The site does not answer").wait_for()
        buttons = board.tab.locator("#stop, [data-press]")
        assert await buttons.evaluate_all("all => all.filter(each => each.disabled).length") == 0
        await board.tab.evaluate("() => { window.fetch = window.before; }")
        await board.tab.locator("#stop").click()
        await board.tab.locator("#status[data-state=stopped]").wait_for()


@pytest.mark.soak
async def test_a_page_that_is_refused_its_events_says_so_and_gets_them_when_there_is_room(
    monkeypatch: pytest.MonkeyPatch, opened: Callable[..., Any]
) -> None:
    monkeypatch.setattr("netlab.live.site.PAGES", 1)
    async with opened("river") as board:
        second = await board.tab.context.new_page()
        await second.goto(board.tab.url)
        await second.locator("#status", has_text="The site refuses this page its events").wait_for()
        await board.tab.goto("about:blank")
        await second.locator("#status[data-state=ready]").wait_for()


@pytest.mark.soak
async def test_a_page_whose_connection_is_cut_shows_the_experiment_again(
    chromium: Any, site_of: Callable[..., Any]
) -> None:
    async with (
        site_of() as (site, address, server),
        opened_board(chromium, site, address, "river", failing=("ERR_",)) as board,
    ):
        await board.start(size=5, speed=50)
        for connection in list(server.connections):
            connection.abort()
        await board.tab.locator("#status", has_text="The connection to the site is lost").wait_for()
        await board.tab.locator("#status[data-state=running]").wait_for()
        await board.tab.locator("#stop").click()
        await board.ended("stopped")
