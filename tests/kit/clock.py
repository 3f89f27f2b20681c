"""Time that passes only when a test says so. A test never sleeps to hope."""

from __future__ import annotations


class Clock:
    """Seconds that stand still until a test turns them: `clock.now += 30`, or `clock.sleep(30)`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time, as `time.monotonic` gives it."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.now += seconds
