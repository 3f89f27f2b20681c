"""Who is next for a place: first come, first served, across all hosts.

The one who has waited longest goes first, unless its host is at limit_per_host: then it stands aside, and is
looked at again when a place of that host becomes free, in its old turn. So nobody overtakes anybody who could
have gone, and a release costs the logarithm of the line's length, not the length: a queue that is searched
from its front at every release costs its square.

Pure: no event loop, no clock.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """One that stands in line. number and left belong to the line."""

    origin: Hashable
    number: int
    left: bool


W = TypeVar("W", bound=Waiting)

# Below this many that have left, tidying up is not worth its while.
_FEW = 16


class Line(Generic[W]):
    """Waiters in their order."""

    def __init__(self) -> None:
        self.length = 0
        self._next = 0
        # Those who may be looked at, a heap by number. Those who gave up stay until they come to the front.
        self._front: list[tuple[int, W]] = []
        self._gone = 0
        # Those whose host was full when they came to the front, by host, in their order.
        self._aside: dict[Hashable, OrderedDict[int, W]] = {}

    def join(self, waiter: W) -> None:
        """Stand at the end."""
        waiter.number, waiter.left = self._next, False
        self._next += 1
        self.length += 1
        heapq.heappush(self._front, (waiter.number, waiter))

    def leave(self, waiter: W) -> None:
        """Served, or gave up. No error when it has left already."""
        if waiter.left:
            return
        waiter.left = True
        self.length -= 1
        aside = self._aside.get(waiter.origin)
        if aside is not None and aside.pop(waiter.number, None) is not None:
            if not aside:
                del self._aside[waiter.origin]
            return
        self._gone += 1
        if self._gone > _FEW and self._gone * 2 > len(self._front):
            self._front = [entry for entry in self._front if not entry[1].left]
            heapq.heapify(self._front)
            self._gone = 0

    def first(self, full: Callable[[Hashable], bool]) -> W | None:
        """The one who has waited longest among those whose host is not full."""
        while self._front:
            number, waiter = self._front[0]
            if waiter.left:
                self._gone -= 1
            elif full(waiter.origin):
                self._aside.setdefault(waiter.origin, OrderedDict())[number] = waiter
            else:
                return waiter
            heapq.heappop(self._front)
        return None

    def reopened(self, origin: Hashable) -> None:
        """A place of this host has become free: whoever has stood aside longest for it may be looked at."""
        aside = self._aside.get(origin)
        if aside is not None:
            heapq.heappush(self._front, aside.popitem(last=False))
            if not aside:
                del self._aside[origin]
