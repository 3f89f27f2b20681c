"""How often the browser asks: preflights counted on the server against Access-Control-Max-Age.

Source: Fetch, "CORS-preflight cache". An answer is kept for one page's origin, one URL, and one credentials
mode; the methods and headers that it listed are what it covers.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from netlab.cors import PageRequest, Policy, Routes

from .world import Stage, World, is_preflight

pytestmark = pytest.mark.asyncio(loop_scope="session")

AGES = {"/0": 0, "/5": 5, "/600": 600, "/default": None}
REQUESTS: tuple[dict[str, Any], ...] = (
    {"method": "PUT"},
    {"method": "DELETE"},
    {"method": "GET", "headers": (("X-One", "1"),)},
    {"method": "POST", "headers": (("Content-Type", "application/json"),)},
)


def policies(w: World) -> Routes:
    """One path for each Max-Age."""
    settings: dict[str, Any] = {
        "origins": [w.app, w.other],
        "methods": ["PUT", "DELETE"],
        "request_headers": ["X-One", "Content-Type"],
        "credentials": True,
    }
    return Routes({path: Policy(**settings, max_age=age) for path, age in AGES.items()})


def preflights(w: World, target: str) -> int:
    return sum(map(is_preflight, w.seen[target]))


@pytest.mark.parametrize("credentials", ["omit", "include"])
async def test_preflights_against_max_age_per_method_and_credentials_mode(
    stage: Stage, credentials: str
) -> None:
    """Three times the same request. What takes longer than the answer's life may be asked for again."""
    async with stage(cors=policies) as w:
        for number, settings in enumerate(REQUESTS):
            for path, age in AGES.items():
                request = PageRequest(
                    page=w.app, url=w.url(f"{path}/{number}"), credentials=credentials, **settings
                )
                began = time.monotonic()
                for _ in range(3):
                    assert (await w.send(request))["readable"]
                within = time.monotonic() - began < (5 if age is None else age)
                asked = preflights(w, request.path)
                assert len(w.seen[request.path]) - asked == 3, "each request reaches the handler"
                if age == 0:
                    assert asked == 3, f"Max-Age 0, {settings}: nothing is kept"
                elif within:
                    assert asked == 1, f"Max-Age {age}, {settings}: kept while it is good"


async def test_an_answer_covers_what_it_lists_for_one_page_url_and_credentials_mode(stage: Stage) -> None:
    """Listing everything saves preflights; an echo of the one method asked for would not."""
    async with stage(cors=policies) as w:

        async def asked(target: str = "/600/a", page: str = w.app, **settings: Any) -> int:
            """The preflights that this one request takes."""
            before = preflights(w, target)
            settings = {"credentials": "omit", **settings}
            assert (await w.send(PageRequest(page=page, url=w.url(target), **settings)))["readable"]
            return preflights(w, target) - before

        put, delete, *headers = REQUESTS
        assert await asked(**put) == 1
        assert await asked(**put) == 0
        assert await asked(**delete) == 0, "the answer listed DELETE as well"
        assert [await asked(**request) for request in headers] == [0, 0], "and these headers"
        assert await asked(**put, target="/600/b") == 1, "another URL"
        assert await asked(**put, target="/600/a?x") == 1, "another query is another URL"
        assert await asked(**put, page=w.other) == 1, "another page's origin"
        assert await asked(**{**put, "credentials": "include"}) == 1, "another credentials mode"
        assert await asked(**{**put, "credentials": "include"}) == 0
        # same-origin is, for another origin, as good as omit: no credentials are sent.
        assert await asked(**{**put, "credentials": "same-origin"}) == 0


async def test_a_second_page_of_the_same_origin_need_not_ask_again(stage: Stage) -> None:
    async with stage(cors=policies) as w:
        request = PageRequest(page=w.app, url=w.url("/600/x"), method="PUT", credentials="omit")
        await w.send(request)
        opened, _ = w.pages.pop(w.app)
        await opened.close()
        await w.send(request)
        assert preflights(w, "/600/x") == 1


async def _expires(stage: Stage, seconds: int) -> tuple[int, int]:
    """Preflights of two requests at once after each other, and of a third when the answer's life is over."""

    def policy(w: World) -> Policy:
        return Policy(origins=[w.app], methods=["PUT"], max_age=seconds)

    async with stage(cors=policy) as w:
        request = PageRequest(page=w.app, url=w.url("/x"), method="PUT")
        await w.send(request)
        await w.send(request)
        first = preflights(w, "/x")
        await asyncio.sleep(seconds + 0.5)
        await w.send(request)
        return first, preflights(w, "/x") - first


async def test_an_answer_ends_with_its_max_age(stage: Stage) -> None:
    _, afterwards = await _expires(stage, 1)
    assert afterwards == 1


@pytest.mark.soak
async def test_an_answer_ends_after_five_seconds(stage: Stage) -> None:
    first, afterwards = await _expires(stage, 5)
    assert (first, afterwards) == (1, 1)
