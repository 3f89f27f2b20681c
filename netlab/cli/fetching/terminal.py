"""What `fetch` tells on standard error: lines that never share one with the content, and a progress bar."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

# Seconds before a progress bar appears, and between two drawings of it.
_PATIENCE, _STEP = 0.5, 0.1
_WIDTH = 30


class Terminal:
    """Standard error. Knows whether content stands in the middle of a line of the same terminal."""

    def __init__(self) -> None:
        self._shared = _same_file(1, 2)
        self._mid_line = False
        self._bar = False

    @property
    def is_tty(self) -> bool:
        """Does a person look at standard error? Then a progress bar is drawn."""
        return sys.stderr.isatty()

    def tell(self, text: str) -> None:
        """Print a line, or several."""
        self.erase_bar()
        if self._mid_line:
            print(file=sys.stderr)
            self._mid_line = False
        print(text, file=sys.stderr)

    def content_written(self, piece: bytes) -> None:
        """Content went to standard output."""
        if self._shared and piece:
            self._mid_line = not piece.endswith(b"\n")

    def draw_bar(self, text: str) -> None:
        """Draw the progress bar over the one before."""
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()
        self._bar = True

    def erase_bar(self) -> None:
        """Take the progress bar away."""
        if self._bar:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._bar = False


class Progress:
    """How far a transfer is. size: bytes in all, None if unknown; done: bytes that were there before."""

    def __init__(
        self,
        terminal: Terminal,
        size: int | None,
        done: int = 0,
        shown: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal, self._size, self._done, self._clock = terminal, size, done, clock
        self._shown = shown
        self._start = self._drawn = clock()
        self._came = 0

    def add(self, size: int) -> None:
        """So many bytes more have come."""
        self._came += size
        now = self._clock()
        if self._shown and now - self._start >= _PATIENCE and now - self._drawn >= _STEP:
            self._drawn = now
            self._terminal.draw_bar(self.line(now))

    def line(self, now: float) -> str:
        """The bar: how much, how fast, how long it still takes."""
        rate = self._came / max(now - self._start, 1e-9)
        total = self._done + self._came
        if not self._size:
            return f"{_bytes(total)}, {_bytes(rate)}/s"
        share = min(total / self._size, 1.0)
        filled = int(share * _WIDTH)
        bar = "#" * filled + "-" * (_WIDTH - filled)
        left = f"{_duration((self._size - total) / rate)} left" if rate else "stalled"
        return f"[{bar}] {share:4.0%}  {_bytes(total)} of {_bytes(self._size)}, {_bytes(rate)}/s, {left}"


def _same_file(first: int, second: int) -> bool:
    try:
        return os.path.sameopenfile(first, second)
    except OSError:
        return False


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
