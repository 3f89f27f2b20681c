"""A minimum data rate for request bodies: is the client slow, or has it stopped? RFC 9110 §15.5.9.

Here time and bytes are counted. `body` reads the bytes; `connection` decides what becomes of a client that is
too slow. `sendtimer` is the counterpart for responses.
"""

from __future__ import annotations

from typing import Protocol

from netlab.net.sweep import NEVER


class Clock(Protocol):
    """The clock of the server's deadlines: its Sweep."""

    def deadline(self, seconds: float) -> float:
        """The moment `seconds` from now."""


class BodyTimer:
    """How fast a body comes while a handler waits for it.

    A deadline that each byte renews is none: one byte now and then would hold a connection forever. So each
    window of time must bring at least `least` bytes. A window consists of waiting time alone: while the
    handler is busy with something else, the client loses no time. Bytes beyond the least buy no time.

    least: bytes. window: seconds. end: the moment after which no further window begins.
    """

    __slots__ = ("_end", "_least", "_left", "_window", "deadline", "received")

    def __init__(self, least: int, window: float, end: float = NEVER) -> None:
        self._least = least
        self._window = self._left = window
        self._end = end
        self.received = 0
        """Bytes since the window began. Added by the code that takes them from the parser."""
        self.deadline = NEVER
        """When the wait that is under way is too long; NEVER while none is."""

    def start(self, clock: Clock) -> None:
        """A wait for bytes begins."""
        if self.received >= self._least:
            self.received = 0
            self._left = self._window
        self.deadline = min(clock.deadline(self._left), self._end)

    def stop(self, clock: Clock) -> None:
        """The wait is over; what is left of its window is kept for the next."""
        self._left = self.deadline - clock.deadline(0)
        self.deadline = NEVER
