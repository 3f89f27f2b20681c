"""Which workers still answer. Pure: it is told the time, and asks no clock."""

from __future__ import annotations

from typing import Generic, TypeVar

# Seconds by which a wait may last longer than planned: beyond, the supervisor itself was stopped.
SUSPENDED = 1.0

W = TypeVar("W")


class Beats(Generic[W]):
    """When each worker was last heard. timeout: seconds of silence after which one is late; None: never."""

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self._last: dict[W, float] = {}

    def heard(self, worker: W, now: float) -> None:
        """It has said something."""
        self._last[worker] = now

    def forget(self, worker: W) -> None:
        """It has ended, or is being ended. No error when it was not watched."""
        self._last.pop(worker, None)

    def waited(self, too_long: float, now: float) -> None:
        """A wait lasted so many seconds longer than planned.

        Where the whole group was stopped (Ctrl-Z, a debugger, a suspended machine), no worker could speak:
        each gets its full time anew.
        """
        if too_long > SUSPENDED:
            self._last = dict.fromkeys(self._last, now)

    def late(self, now: float) -> list[W]:
        """Those that have been silent for too long."""
        if self.timeout is None:
            return []
        return [worker for worker, last in self._last.items() if now - last >= self.timeout]

    def next_due(self) -> float | None:
        """When the next one may be late."""
        if self.timeout is None or not self._last:
            return None
        return min(self._last.values()) + self.timeout
