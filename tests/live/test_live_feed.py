"""A feed's memory is bounded: newest values count, lists keep their last items, a slow page misses steps."""

from __future__ import annotations

import json

from netlab.live.feed import KEPT, KEYS, Feed, Page


def page_of(feed: Feed) -> Page:
    page = Page(feed)
    feed.pages.add(page)
    return page


def test_a_page_gets_the_newest_value_of_a_key_once() -> None:
    feed = Feed()
    page = page_of(feed)
    page.take()
    for n in range(1000):
        feed.show("figures", n)
    assert page.take() == {"show": {"figures": 999}, "add": {}}
    assert page.take() == {"show": {}, "add": {}}


def test_a_page_that_opens_late_gets_all_that_is_kept() -> None:
    feed = Feed()
    feed.show("a", 1)
    feed.add("points", [0, 1])
    assert page_of(feed).take() == {"show": {"a": 1}, "add": {"points": [[0, 1]]}, "whole": True}


def test_a_page_that_takes_nothing_for_an_hour_does_not_grow() -> None:
    feed = Feed()
    page = page_of(feed)
    for n in range(50_000):
        feed.add("points", n)
        feed.show(f"lane/{n}", n)
    assert len(feed.values) == KEYS and len(feed.lists["points"]) == KEPT
    message = page.take()
    assert message["add"]["points"] == list(range(50_000 - KEPT, 50_000))
    assert list(message["show"]) == [f"lane/{n}" for n in range(50_000 - KEYS, 50_000)]
    assert len(json.dumps(message)) < 100_000


def test_a_new_experiment_empties_every_page() -> None:
    feed = Feed()
    page = page_of(feed)
    feed.show("old", 1)
    feed.clear()
    feed.show("new", 2)
    assert page.take() == {"show": {"new": 2}, "add": {}, "whole": True}


async def test_a_page_waits_until_something_is_due() -> None:
    feed = Feed()
    page = page_of(feed)
    page.take()
    assert not await page.due(0.001)
    feed.add("points", 1)
    assert await page.due(10)
