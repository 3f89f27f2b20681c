"""What a board shows, and the pages that look at it. Memory is bounded, however slow a page is.

Of a key that is shown, the newest value counts: a page that has not taken the last one misses it. Of a list,
the last KEPT items are kept, for a page that opens late. No socket here: a page takes what is due when the
kernel has taken what came before (see `site`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

KEYS = 1000
"""Keys that are kept; the one that has not been shown for longest is forgotten."""

KEPT = 600
"""Items of each list that are kept."""

Message = dict[str, Any]


class Feed:
    """The state of one board's experiment, and its pages."""

    def __init__(self) -> None:
        self.pages: set[Page] = set()
        self.values: dict[str, Any] = {}
        """The newest value of each key, the longest unchanged first."""
        self.lists: dict[str, deque[Any]] = {}

    def show(self, key: str, value: Any) -> None:
        """Set the value of a key. value: what JSON can hold; it must not be changed afterwards."""
        self.values.pop(key, None)
        self.values[key] = value
        if len(self.values) > KEYS:
            oldest = next(iter(self.values))
            del self.values[oldest]
            for page in self.pages:
                page.forget(oldest)
        for page in self.pages:
            page.show(key)

    def add(self, key: str, item: Any) -> None:
        """Append an item to a list."""
        self.lists.setdefault(key, deque(maxlen=KEPT)).append(item)
        for page in self.pages:
            page.add(key, item)

    def clear(self) -> None:
        """Forget everything: a new experiment begins."""
        self.values.clear()
        self.lists.clear()
        for page in self.pages:
            page.start_over()


class Page:
    """One page's view of a feed: what it has not been sent yet."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._changed: dict[str, None] = {}
        self._items: dict[str, deque[Any]] = {}
        self._whole = True  # the next message holds all that the feed has
        self._wake = asyncio.Event()
        self._wake.set()

    def show(self, key: str) -> None:
        """A key has another value."""
        self._changed[key] = None
        self._wake.set()

    def forget(self, key: str) -> None:
        """A key is gone."""
        self._changed.pop(key, None)

    def add(self, key: str, item: Any) -> None:
        """A list has another item; of those that were not taken, the last KEPT are sent."""
        self._items.setdefault(key, deque(maxlen=KEPT)).append(item)
        self._wake.set()

    def start_over(self) -> None:
        """The feed is empty again."""
        self._changed.clear()
        self._items.clear()
        self._whole = True
        self._wake.set()

    async def due(self, seconds: float) -> bool:
        """Wait until there is something to take, at most so long. Is there?"""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def take(self) -> Message:
        """What the page has not been sent yet: "show" by key, "add" by key; "whole" if it is all there is."""
        feed, whole = self._feed, self._whole
        keys = list(feed.values) if whole else list(self._changed)
        lists = feed.lists if whole else self._items
        message: Message = {
            "show": {key: feed.values[key] for key in keys},
            "add": {key: list(items) for key, items in lists.items()},
        }
        if whole:
            message["whole"] = True
        self._changed.clear()
        self._items = {}
        self._whole = False
        self._wake.clear()
        return message
