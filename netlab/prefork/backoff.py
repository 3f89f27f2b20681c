"""When a worker that has ended starts again. Pure: it is told the time, and asks no clock."""

from __future__ import annotations


class Backoff:
    """How long a worker that has ended has to wait for its next start.

    A worker that ends once is replaced at once. One that ends again and again soon after its start waits
    twice as long each time, so that a crash loop does not use up the machine. One that has never served is
    given up.

    first: seconds before the second restart in a row; it doubles from there. most: never more than this.
    healthy: a worker that has lived so many seconds has a clean record. attempts: starts that may fail before
    one has ever served.
    """

    def __init__(
        self, first: float = 0.25, most: float = 30.0, healthy: float = 10.0, attempts: int = 3
    ) -> None:
        self.first = first
        self.most = most
        self.healthy = healthy
        self.attempts = attempts
        self._failures = 0  # in a row
        self._started = 0.0
        self.has_served = False

    def started(self, now: float) -> None:
        """It starts at this moment: seconds on any clock that does not go back."""
        self._started = now

    def served(self) -> None:
        """It listens. What fails from now on has worked before: it is never given up."""
        self.has_served = True

    def ended(self, now: float) -> float | None:
        """It has ended. Seconds until the next start; None to give it up."""
        if self.has_served and now - self._started >= self.healthy:
            self._failures = 0
        self._failures += 1
        if not self.has_served and self._failures >= self.attempts:
            return None
        if self._failures == 1:
            return 0.0
        # The exponent is bounded too: 2.0 to the power of 1100 is no float.
        return min(self.most, self.first * 2.0 ** min(self._failures - 2, 64))
