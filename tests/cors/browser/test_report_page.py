"""The verdict page in a real Chromium: light, dark, on a phone and on paper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from labs.runner import plots, registry
from labs.runner.evidence import Drawing, Measurement, Plot, Table, Verdict
from labs.runner.report import cards
from labs.runner.report.against import Earlier
from labs.runner.report.measuring import Evidence, Outcome
from labs.runner.report.page import page as page_of
from tests.kit.pages import assert_valid, violations

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 900}},
    "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}},
    "printed": {"viewport": {"width": 718, "height": 1000}},  # A4 less its margins
}


def evidence(lab: registry.Lab) -> Evidence:
    """Every kind of content, with a long table and words that are hard to break."""
    found = Measurement(
        {name: 7.0 for card in cards.CARDS for name in _named(card)} | {lab.prediction.figure: 3.0},
        Verdict.TRUE_ONLY_IF,
        "one of " + "a_rather_long_name_of_a_figure_" * 3,
        [
            Table(
                "Long", ("", "name", "ms"), [(n, "netlab_tls_idle_connections", f"{n} ms") for n in range(30)]
            ),
            Table("Short", ("name", "ms"), [("a", 1)]),
        ],
        # Equal drawings have equal ids; two are enough to see that they keep apart.
        [Plot("Curve", plots.svg(lambda axes: axes.plot([1, lab.number])))] if lab.number < 3 else [],
        ["A note."],
        "the name is short",
        [Drawing("A ladder", "client" + " " * 100 + "server\n" + "-" * 120)],
    )
    return Evidence(lab, Outcome.SHOWN, found, seconds=1.0)


class Spy(dict[str, float]):
    """Figures that answer 7 to every name, and keep the names."""

    def __missing__(self, key: str) -> float:
        self[key] = 7.0
        return 7.0


def _named(card: cards.Card) -> set[str]:
    """The figures that a card's texts and picture read."""
    spy = Spy()
    for text in (card.value, card.counts, card.says):
        text.format_map(spy)
    for bar in (card.bars.first, card.bars.second):
        bar.value(spy)
    return set(spy)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All written labs, compared with an earlier run, as a file."""
    labs = registry.written()
    figures = {lab.id: {lab.prediction.figure: 2.0} for lab in labs}
    earlier = Earlier({"measured": "then"}, True, figures, dict.fromkeys(figures, "false"))
    path = tmp_path_factory.mktemp("report") / "index.html"
    lines = [(lab, evidence(lab)) for lab in labs]
    path.write_text(page_of(lines, [("processor", "x" * 90)], {}, quick=True, earlier=earlier), "utf-8")
    return path


@asynccontextmanager
async def opened(chromium: Any, path: Path, view: str) -> AsyncIterator[Any]:
    """The page in a window; anything that is fetched fails the test."""
    context = await chromium.new_context(**VIEWS[view])
    try:
        tab = await context.new_page()
        fetched: list[str] = []
        tab.on("request", lambda request: fetched.append(request.url))
        await tab.goto(path.as_uri())
        if view == "printed":
            await tab.emulate_media(media="print")
        yield tab
        assert fetched == [path.as_uri()]
    finally:
        await context.close()


async def test_each_claim_has_a_card_with_a_number_and_a_picture(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "light") as tab:
        assert await tab.locator(".card").count() == len(registry.written())
        assert await tab.locator(".card .one b").count() == len(registry.written())
        assert await tab.locator(".card svg.bars").count() == len(cards.CARDS)


async def test_a_link_of_a_card_opens_the_folded_lab(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "light") as tab:
        assert await tab.locator("details.lab[open]").count() == 0
        await tab.locator(".card .more a").nth(2).click()
        assert await tab.locator("details.lab[open]").count() == 1
        assert await tab.locator("details.lab[open] blockquote").is_visible()


async def test_the_contents_stay_in_sight(chromium: Any, page: Path) -> None:
    for view in ("light", "phone"):
        async with opened(chromium, page, view) as tab:
            await tab.evaluate("scrollTo(0, document.body.scrollHeight)")
            assert 0 <= await tab.evaluate("document.querySelector('nav').getBoundingClientRect().top") <= 20


async def test_print_shows_what_is_folded_and_no_contents(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "printed") as tab:
        hidden = await tab.evaluate(
            "[...document.querySelectorAll('details *')].filter(each => !each.closest('svg')"
            " && !each.checkVisibility({contentVisibilityAuto: true})).length"
        )
        assert hidden == 0
        assert not await tab.locator("nav").is_visible()
        assert await tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_a_phone_gets_cards_instead_of_tables(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "phone") as tab:
        await tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert not await tab.locator("thead").first.is_visible()
        assert await tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        wide = (
            "[...document.querySelectorAll('.scroll:has(table)')].filter(e => e.scrollWidth > e.clientWidth)"
        )
        assert await tab.evaluate(f"{wide}.length") == 0


@pytest.mark.soak
@pytest.mark.parametrize("view", VIEWS)
async def test_axe_finds_nothing(chromium: Any, page: Path, view: str) -> None:
    async with opened(chromium, page, view) as tab:
        await tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert await violations(tab) == []


@pytest.mark.soak
async def test_a_validator_finds_no_error(page: Path) -> None:
    """The Nu checker; its CSS part does not know color-scheme and ::details-content yet."""
    assert_valid(page, "details-content")
