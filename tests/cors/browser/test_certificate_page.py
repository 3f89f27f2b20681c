"""Lab 15's certificate in a real Chromium: light, dark, on a phone and on paper; axe, and a validator."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from labs.runner import loader, plots
from labs.runner.evidence import Measurement, Plot, Table, Verdict
from tests.kit.pages import assert_valid, violations

from .test_report_page import VIEWS, opened

pytestmark = pytest.mark.asyncio(loop_scope="session")
CERTIFICATE = Path(__file__).parents[3] / "labs/15_capstone/certificate.py"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with a wide table, an empty one, pictures, and words about a table."""
    columns = ("server", "MUST kept", "SHOULD kept", "answered under the worst attack", "requests/s")
    result = Measurement(
        {},
        Verdict.TRUE_ONLY_IF,
        "the assembled server keeps 311 of the 326 MUST cases & more",
        [
            Table("The server beside others", columns, [("netlab", "1 of 2", "–", "100 %", "9")]),
            Table("MUST cases that the server breaks", ("case", "rule"), []),
            Table("The parts", ("part", "why"), [("a", "a_rather_long_word_" * 6)]),
        ],
        [Plot("Answered", plots.svg(lambda axes: axes.barh([0, 1], [1, 2]))),
         Plot("Speed", plots.svg(lambda axes: axes.barh([0, 1], [2, 1])))],
        ["`<make>` says it", "what the parts mean"],
        "the moon is full",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("certificate") / "certificate.html"
    loader.load(CERTIFICATE, "capstone_certificate").write_certificate(
        path, result, "Your own server", {"The parts": ["what the parts mean"]}
    )
    return path


@pytest.mark.parametrize("view", VIEWS)
async def test_nothing_is_wider_than_the_window(chromium: Any, page: Path, view: str) -> None:
    async with opened(chromium, page, view) as tab:
        assert await tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("view", VIEWS)
async def test_a_picture_stands_on_the_page_whose_ink_it_takes(chromium: Any, page: Path, view: str) -> None:
    async with opened(chromium, page, view) as tab:
        styles = "getComputedStyle(document.querySelector('svg'))"
        assert await tab.evaluate(f"{styles}.backgroundColor") == "rgba(0, 0, 0, 0)"
        ink = await tab.evaluate(f"{styles}.color")
        paper = await tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert abs(brightness(ink) - brightness(paper)) > 150


def brightness(colour: str) -> float:
    """Of rgb(r, g, b): 0 to 255."""
    return sum(int(part) for part in re.findall("[0-9]+", colour)[:3]) / 3


async def test_the_words_stand_under_their_table_and_only_there(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "light") as tab:
        assert await tab.locator("h2:text('The parts') + p").inner_text() == "What the parts mean."
        assert await tab.locator("li").inner_html() == "<code>&lt;make&gt;</code> says it."


@pytest.mark.soak
@pytest.mark.parametrize("view", VIEWS)
async def test_axe_finds_nothing(chromium: Any, page: Path, view: str) -> None:
    async with opened(chromium, page, view) as tab:
        assert await violations(tab) == []


@pytest.mark.soak
async def test_a_validator_finds_no_error(page: Path) -> None:
    """The Nu checker; its CSS part does not know color-scheme yet."""
    assert_valid(page)
