"""A feed's memory is bounded: newest values count, lists keep their last items, a slow page misses steps."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from netlab.live import site
from netlab.live.feed import KEPT, KEYS, Feed, Page
from tests.kit.clock import Clock


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


# -- how often a page hears


@contextlib.asynccontextmanager
async def stream_of(feed: Feed, clock: Clock) -> AsyncIterator[AsyncIterator[bytes]]:
    """The messages to a page whose client stays; seconds pass only while the site sleeps."""

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)

    request: Any = SimpleNamespace(disconnected=asyncio.get_running_loop().create_future())
    stream: Any = site.messages(request, page_of(feed), sleep)
    async with contextlib.aclosing(stream):
        assert await anext(stream) == b"retry: 1000\n\n"
        yield stream


def told(message: bytes) -> Any:
    """What a message says."""
    return json.loads(message.removeprefix(b"data: "))


async def test_a_page_gets_60_messages_a_second_at_most_however_many_events_come() -> None:
    """Events come without end: 100 after each message. The clock is the test's."""
    feed, clock = Feed(), Clock(0.0)
    sent: list[Any] = []
    async with stream_of(feed, clock) as stream:
        for burst in range(121):
            for number in range(burst * 100, burst * 100 + 100):
                feed.show("n", number)
                feed.add("points", number)
            sent.append(told(await anext(stream)))
    assert clock.now == pytest.approx(120 / 60)
    assert [each["show"]["n"] for each in sent] == list(range(99, 12_100, 100))
    assert [point for each in sent for point in each["add"]["points"]] == list(range(12_100))


async def test_half_a_surrogate_pair_does_not_end_the_stream() -> None:
    feed = Feed()
    feed.show("said", "a\ud800b")
    async with stream_of(feed, Clock(0.0)) as stream:
        assert told(await anext(stream))["show"] == {"said": "a?b"}


async def test_a_burst_of_10_000_events_leaves_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "HEARTBEAT", 0.001)
    feed = Feed()
    async with stream_of(feed, Clock()) as stream:
        for number in range(10_000):
            feed.show("figures", number)
            feed.add("points", number)
        burst = told(await anext(stream))
        assert burst["show"] == {"figures": 9999}
        assert burst["add"]["points"] == list(range(10_000 - KEPT, 10_000))
        assert await anext(stream) == b": still here\n\n"
