"""The board of the border guard: script, API and Chromium's own verdict agree with the explanation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOKEN = "Content-Type: application/json\nAuthorization: Bearer abc"

CASES = {
    "read by our page": ({}, "", ["GET"], True),
    "a stranger's read": ({"page": "stranger"}, "MissingAllowOriginHeader", ["GET"], False),
    "a sandboxed page's read": ({"page": "sandboxed"}, "MissingAllowOriginHeader", ["GET"], False),
    "a token that is not listed": (
        {"method": "PUT", "headers": TOKEN}, "PreflightMissingAllowOriginHeader", ["OPTIONS"], False,
    ),
    "a method that is not listed": (
        {"method": "DELETE"}, "PreflightMissingAllowOriginHeader", ["OPTIONS"], False,
    ),
    "allowed after a preflight": (
        {"method": "PUT", "headers": TOKEN, "request_headers": "content-type authorization"},
        "", ["OPTIONS", "PUT"], True,
    ),
    "a form post without cors": (
        {"page": "stranger", "method": "POST", "mode": "no-cors"}, "", ["POST"], False,
    ),
}  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES)
async def test_the_browser_decides_as_the_page_explains(
    case: str, opened: Callable[..., Any], driver: Any
) -> None:
    values, error, methods, readable = CASES[case]
    async with opened("cors") as board:
        witness = await driver.Witness.of(board.tab)
        await board.start(**values)
        await board.ended()
        feed = board.lane.feed.values
        assert [seen["method"] for seen in feed["heard"]] == methods
        assert feed["told"]["readable"] == readable
        shown = await board.tab.locator(".cards .big").all_inner_texts()
        assert shown[0].startswith("reads: 200") == readable
        url = feed["send"]["url"]
        if values.get("page") is None:  # DevTools tell of a frame of another origin in a session of its own
            assert (await witness.verdict(url)).error == error
        assert feed["told"]["error"] == error


async def test_the_first_change_that_helps_goes_into_the_form_and_helps(opened: Callable[..., Any]) -> None:
    async with opened("cors") as board:
        await board.start(method="DELETE")
        await board.ended()
        assert not board.lane.feed.values["told"]["readable"]
        await board.tab.locator(".apply").click()
        assert "DELETE" in await board.tab.locator("[name=methods]").input_value()
        await board.start()
        await board.tab.locator(".big.good").first.wait_for()
        await board.ended()
        assert board.lane.feed.values["told"]["readable"]


@pytest.mark.soak
async def test_a_policy_that_cannot_be_is_refused_with_every_mistake(opened: Callable[..., Any]) -> None:
    async with opened("cors") as board:
        await board.start(origins="https://a.example/path *.b", methods="G<T")
        sentence = await board.ended("failed")
        assert sentence.startswith("3 mistakes in the CORS policy")
