"""A delay line: octets go in, and come out after a delay, at no more than a given rate.

This is the pure half of `netlab.relay`: the caller gives every time, and no clock is read.
"""

from __future__ import annotations

import enum
import math
from collections import deque

# A throttled line delivers in steps of this many seconds: smooth enough to look like a slow link.
_SMOOTHNESS = 0.01

# Sums of floats differ by less than this (seconds): two times so close count as equal.
ROUNDING = 1e-9

_PORTION = 256 << 10


class Ending(enum.Enum):
    """How one direction ends."""

    FIN = "FIN"
    RST = "RST"


class DelayLine:
    """Octets on their way: they leave `delay` seconds later, in order, at most `rate` of them a second.

    As on a real line, octets follow each other closely: a delay costs time, not throughput. The ending
    leaves last, behind the octets. Each method takes the time as an argument.
    """

    def __init__(self, delay: float = 0.0, rate: float = math.inf) -> None:
        self.delay, self.rate = delay, rate
        self.held = 0  # octets inside
        self.ending: tuple[float, Ending] | None = None  # when it leaves
        self._free = -math.inf  # when the throttle has passed everything so far: nothing overtakes
        self._pieces: deque[tuple[float, bytes]] = deque()  # when its first octet passes the throttle
        self._taken = 0  # octets of the first piece that have left

    def enter(self, now: float, data: bytes) -> None:
        """Take octets. After an ending nothing enters."""
        if self.ending is None and data:
            start = max(now, self._free)
            self._free = start + len(data) / self.rate
            self._pieces.append((start, data))
            self.held += len(data)

    def end(self, now: float, ending: Ending) -> None:
        """Take the ending, which leaves last. A second ending changes nothing."""
        if self.ending is None:
            self.ending = max(now, self._free) + self.delay, ending

    def due(self) -> float | None:
        """When something leaves next, an ending too; None when nothing is inside."""
        if not self._pieces:
            return None if self.ending is None else self.ending[0]
        start, data = self._pieces[0]
        portion = min(len(data) - self._taken, max(1.0, self.rate * _SMOOTHNESS))
        return start + (self._taken + portion) / self.rate + self.delay

    def take(self, now: float, most: int = _PORTION) -> bytes:
        """What has arrived by now, up to most octets."""
        arrived: list[bytes] = []
        while self._pieces and most > 0:
            start, data = self._pieces[0]
            part = data[self._taken : min(self._through(start, len(data), now), self._taken + most)]
            if not part:
                break
            arrived.append(part)
            most -= len(part)
            self.held -= len(part)
            self._taken += len(part)
            if self._taken < len(data):
                break
            self._pieces.popleft()
            self._taken = 0
        return b"".join(arrived)

    def _through(self, start: float, size: int, now: float) -> int:
        """How many octets of a piece have arrived by now."""
        travelled = now - self.delay - start + 2 * ROUNDING
        if travelled < 0:
            return 0
        return size if self.rate == math.inf else min(size, int(travelled * self.rate))
