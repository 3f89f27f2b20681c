"""All deadlines in one timer.

A timer for each connection costs a handle in the loop's heap and is cancelled and made anew for every
request. Here a connection writes down a number (its deadline), and a sweep over all of them, a few times a
second, finds those whose moment has passed: a request pays one assignment, and a sweep over 10,000
connections takes about a millisecond.

Time is what the clock says at the last sweep. A deadline is never early: it allows for that coarseness. While
a handler's long work holds up the loop, no time passes: what clients send then lies in the kernel unread, and
no client is late for a wait that was ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

NEVER = float("inf")

# The deadline of what is to be looked at in each sweep, since no event tells how it gets on.
ALWAYS = -NEVER


class Perishable(Protocol):
    """What can be late."""

    deadline: float

    def expire(self) -> None:
        """The deadline has passed. Sets another one, or leaves the sweep."""


class Sweep:
    """Members with deadlines, looked at every `interval` seconds while there are any.

    clock: seconds, monotonic; tests give their own and call `sweep` by hand. each: called when the clock is
    read. members: the set that holds them, where the caller needs that set, too; add and discard keep it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        interval: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
        each: Callable[[], None] | None = None,
        members: set[Any] | None = None,
    ) -> None:
        self._loop = loop
        self._interval = interval
        self._clock = clock
        self._each = each
        self._timer: asyncio.TimerHandle | None = None
        self.stood_still = 0.0
        """Seconds that do not count."""
        self.members: set[Perishable] = set() if members is None else members
        self.now = clock()
        """Seconds, at the last sweep, without those in which the loop stood still."""

    def deadline(self, seconds: float) -> float:
        """The deadline `seconds` from now: never early, at most two intervals late."""
        if self._timer is None:
            self._refresh()
        return self.now + seconds + self._interval

    def add(self, member: Perishable) -> None:
        """Watch a member's deadline."""
        self.members.add(member)
        self.start()

    def start(self) -> None:
        """Start the timer, if it rests: the caller is about to add members to its set."""
        if self._timer is None:
            self._refresh()
            self._timer = self._loop.call_later(self._interval, self._tick)

    def discard(self, member: Perishable) -> None:
        """Stop watching; no error when it was not watched."""
        self.members.discard(member)

    def sweep(self) -> None:
        """Look at every deadline once."""
        self._refresh()
        now = self.now
        for member in [member for member in self.members if member.deadline <= now]:
            member.expire()

    def _refresh(self) -> None:
        """Read the clock. After a rest without members the time of the last sweep is long past."""
        self.now = self._clock() - self.stood_still
        if self._each is not None:
            self._each()

    def close(self) -> None:
        """Stop the timer. Members stay, unwatched."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        behind = self._clock() - self.stood_still - self.now - 4 * self._interval
        if behind > 0:
            self.stood_still += behind
        self.sweep()
        if self.members and self._timer is None:
            self._timer = self._loop.call_later(self._interval, self._tick)
