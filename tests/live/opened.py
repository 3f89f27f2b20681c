"""A board's page in Chromium, as tests drive it: the form filled, the button clicked, the end awaited.

A script that fails, a request that leaves the machine, or a word on the console fails the test.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from netlab.live.runs import Lane
from netlab.live.site import Site

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}, "reduced_motion": "reduce"},
    "phone, dark": {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"},
}

EXPECTED = {"cors": ("blocked by CORS policy", "net::ERR_FAILED")}
"""What the browser's console may say on a board."""


class Opened:
    """One board on a page. tab: playwright's page. lane: the board on the site, with its feed."""

    def __init__(self, tab: Any, lane: Lane) -> None:
        self.tab, self.lane = tab, lane

    async def fill(self, **values: Any) -> None:
        """Set controls by their names, as a user would."""
        for name, value in values.items():
            control = self.tab.locator(f"#controls [name='{name}']")
            if isinstance(value, bool):
                await control.set_checked(value)
            elif await control.evaluate("each => each.tagName") == "SELECT":
                await control.select_option(value)
            else:
                await control.fill(str(value))

    async def start(self, **values: Any) -> None:
        """Fill the form and click the button that starts; return when the page says that it runs."""
        await self.fill(**values)
        await self.tab.locator("#controls .start").click()
        await self.tab.locator("#status:not([data-state=ready])").wait_for()

    async def press(self, name: str) -> None:
        """Click a button of the running experiment."""
        await self.tab.locator(f"[data-press='{name}']").click()

    async def ended(self, state: str = "done", seconds: float = 30) -> str:
        """Wait until the page says that the experiment is over, in this way; returns the sentence."""
        status = self.tab.locator(
            "#status[data-state=done], #status[data-state=failed], [data-state=stopped]"
        )
        await status.wait_for(timeout=seconds * 1000)
        text: str = await status.inner_text()
        assert await status.get_attribute("data-state") == state, text
        return text

    async def figures(self) -> dict[str, str]:
        """The figures that stand on the page, by their names; of names that stand twice, the last."""
        script = (
            "all => all.map(each => [each.querySelector('dt').innerText, each.querySelector('dd').innerText])"
        )
        return dict(await self.tab.eval_on_selector_all(".figures div", script))

    async def axe(self) -> list[Any]:
        """What axe finds wrong on the page as it is: its rule, and the element."""
        from axe_playwright_python.async_playwright import Axe

        found = await Axe().run(self.tab)
        return [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]]

    async def too_wide(self) -> int:
        """Pixels by which the page is wider than its window, or a table or drawing wider than its frame."""
        script = (
            "all => Math.max(document.documentElement.scrollWidth - innerWidth, "
            "...all.map(each => each.scrollWidth - each.clientWidth))"
        )
        return int(await self.tab.locator(".scroll").evaluate_all(script))


@contextlib.asynccontextmanager
async def opened_board(
    chromium: Any, site: Site, address: str, name: str, view: str = "light", failing: tuple[str, ...] = ()
) -> AsyncIterator[Opened]:
    """Open the board's page. failing: what the console may say, of a test that breaks connections."""
    context = await chromium.new_context(**VIEWS[view])
    wrong: list[str] = []

    def heard(text: str) -> None:
        if not any(word in text for word in (*EXPECTED.get(name, ()), *failing)):
            wrong.append(text)

    try:
        tab = await context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: heard(message.text))
        await tab.goto(address + name)
        await tab.locator("#status:not(:empty)").wait_for()
        yield Opened(tab, site.lanes[name])
        assert not wrong, wrong
    finally:
        await context.close()
