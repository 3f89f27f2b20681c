"""The wait queue of the pool: first come, first served, across all hosts.

The waiter that has waited longest goes first, unless its host is at limit_per_host: then it is parked, and
comes back to its old turn when a place of that host becomes free. So no waiter overtakes another that could
have gone. A release costs the logarithm of the queue's length: a queue that is searched from its front at
every release costs its square.

Pure: no event loop, no clock.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Queued(Protocol):
    """A waiter. number and left belong to the queue."""

    origin: Hashable
    number: int
    left: bool


W = TypeVar("W", bound=Queued)

# With fewer cancelled waiters than this in the heap, rebuilding it is not worth the time.
_FEW = 16


class WaitQueue(Generic[W]):
    """Waiters in their order."""

    def __init__(self) -> None:
        self.length = 0
        self._next = 0
        # Candidates, a heap by number. A cancelled waiter stays until it comes to the front.
        self._front: list[tuple[int, W]] = []
        self._cancelled = 0
        # Waiters whose host was full when they came to the front, by host, in their order.
        self._parked: dict[Hashable, OrderedDict[int, W]] = {}

    def append(self, waiter: W) -> None:
        """Add a waiter at the end."""
        waiter.number, waiter.left = self._next, False
        self._next += 1
        self.length += 1
        heapq.heappush(self._front, (waiter.number, waiter))

    def remove(self, waiter: W) -> None:
        """Remove a waiter that was served or cancelled. No error when it has left already."""
        if waiter.left:
            return
        waiter.left = True
        self.length -= 1
        parked = self._parked.get(waiter.origin)
        if parked is not None and parked.pop(waiter.number, None) is not None:
            if not parked:
                del self._parked[waiter.origin]
            return
        self._cancelled += 1
        if self._cancelled > _FEW and self._cancelled * 2 > len(self._front):
            self._front = [entry for entry in self._front if not entry[1].left]
            heapq.heapify(self._front)
            self._cancelled = 0
        # It was a candidate for a place of its host, and leaves that place to the next one.
        self.unpark(waiter.origin)

    def first(self, full: Callable[[Hashable], bool]) -> W | None:
        """The waiter that has waited longest among those whose host is not full."""
        while self._front:
            number, waiter = self._front[0]
            if waiter.left:
                self._cancelled -= 1
            elif full(waiter.origin):
                self._parked.setdefault(waiter.origin, OrderedDict())[number] = waiter
            else:
                return waiter
            heapq.heappop(self._front)
        return None

    def unpark(self, origin: Hashable) -> None:
        """A place of this host may be free: its longest-parked waiter is a candidate again."""
        parked = self._parked.get(origin)
        if parked is not None:
            heapq.heappush(self._front, parked.popitem(last=False))
            if not parked:
                del self._parked[origin]
