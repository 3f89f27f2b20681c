"""The book in a real Chromium: light, dark, on a phone and on paper; no chapter longer than six pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.labs.test_book import BOOK, CHAPTERS, PAGES, build

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.soak]

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 900}},
    "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}},
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book, built once."""
    target = tmp_path_factory.mktemp("book")
    done = build(BOOK, target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.parametrize("view", VIEWS)
async def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    chromium: Any, built: Path, view: str
) -> None:
    from axe_playwright_python.async_playwright import Axe  # the long runs alone need it

    context = await chromium.new_context(**VIEWS[view])
    try:
        tab = await context.new_page()
        for name in ("index", "life", "glossary"):
            await tab.goto((built / f"{name}.html").as_uri())
            # What is asked of the article; the theme's own frame around it is not ours to mend.
            found = await Axe().run(tab, context={"include": [["article"]]})
            wrong = [(name, each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]]
            assert wrong == []
            assert await tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    finally:
        await context.close()


async def test_no_chapter_is_longer_than_six_pages_of_paper(chromium: Any, built: Path) -> None:
    context = await chromium.new_context()
    try:
        tab = await context.new_page()
        for name in CHAPTERS:
            await tab.goto((built / f"{name}.html").as_uri())
            printed = await tab.pdf(
                format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "15mm")
            )
            pages = len(re.findall(rb"/Type\s*/Page\b", printed))
            assert 1 <= pages <= PAGES, f"{name}: {pages} pages"
    finally:
        await context.close()
