"""What a person sees meanwhile: one line on a terminal, rewritten; a line for each scenario elsewhere.

On standard error, so that the tables on standard output can be kept.
"""

from __future__ import annotations

import shutil
import sys
import time


class Progress:
    """How far, how long it took, how long it will take about. `total` is in seconds, an estimate."""

    def __init__(self, total: float) -> None:
        self._live = sys.stderr.isatty()
        self._total = max(total, 1.0)
        self._done = 0.0
        self._begin = time.monotonic()

    def scenario(self, title: str) -> None:
        """A scenario begins."""
        if not self._live:
            print(f"[{clock(time.monotonic() - self._begin)}] {title}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """What is under way."""
        if self._live:
            took = time.monotonic() - self._begin
            # What the estimate was wrong about so far, it will be wrong about to the end.
            pace = took / self._done if self._done > 0.05 * self._total else 1.0
            left = max(0.0, (self._total - self._done) * pace)
            line = f"[{clock(took)}, about {clock(left)} left] {text}"
            print(
                f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def advance(self, seconds: float) -> None:
        """Work that was estimated at so many seconds is done, or will not be done."""
        self._done += seconds

    def clear(self) -> None:
        """Leave an empty line, for what is printed next."""
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """ "2:05" """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
