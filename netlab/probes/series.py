"""A server over time: readings taken one after the other, as a table, as CSV, as JSON, as a plot in the
terminal.

No thread: the caller says when to read (`sample`), or waits while it is read (`watch`, `watch_async`).
"""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from netlab.probes.errors import ProbeError
from netlab.probes.reading import FIGURES, Reading, look

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII = " .:-=+*#@"  # for a terminal that cannot show blocks


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading, `at` seconds after the first."""

    at: float
    reading: Reading


class Series:
    """The readings of one server. `ended` is the reason why no more can be taken, or None."""

    def __init__(
        self, pid: int, port: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Follow a process and its children and, given a port, the kernel's memory for its sockets."""
        self.pid = pid
        self.port = port
        self.samples: list[Sample] = []
        self.ended: str | None = None
        self._clock = clock
        self._start = 0.0

    def sample(self) -> Sample:
        """Read once, now. Raises ProbeError when the process is not there (any more)."""
        reading = look(self.pid, self.port)
        now = self._clock()
        if not self.samples:
            self._start = now
        self.samples.append(Sample(now - self._start, reading))
        return self.samples[-1]

    def watch(
        self, seconds: float, every: float = 0.25, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Read every so many seconds for so long, or until the process ends; it must be there at first."""
        self.sample()
        while (pause := self._pause(seconds, every)) is not None:
            sleep(pause)
            if not self._sample_if_there():
                return

    async def watch_async(self, seconds: float, every: float = 0.25) -> None:
        """The same without blocking the event loop between readings. Cancel it to end early: samples stay."""
        self.sample()
        while (pause := self._pause(seconds, every)) is not None:
            await asyncio.sleep(pause)
            if not self._sample_if_there():
                return

    def _pause(self, seconds: float, every: float) -> float | None:
        """Seconds until the next reading, or None when time is up. Counted from the start: no drift."""
        passed = self._clock() - self._start
        due = (passed // every + 1) * every
        return due - passed if due <= seconds + 1e-9 else None

    def _sample_if_there(self) -> bool:
        try:
            self.sample()
            return True
        except ProbeError as gone:
            self.ended = str(gone)
            return False

    def column(self, figure: str) -> list[int | None]:
        """One of FIGURES over time; None where it was not shown."""
        return [sample.reading.value(figure) for sample in self.samples]

    def rise(self, figure: str) -> int | None:
        """Last reading less the first; None unless both are shown."""
        column = self.column(figure)
        if not column or column[0] is None or column[-1] is None:
            return None
        return column[-1] - column[0]

    def peak(self, figure: str) -> int | None:
        """Highest reading less the first; None unless the first is shown."""
        column = self.column(figure)
        if not column or column[0] is None:
            return None
        return max(value for value in column if value is not None) - column[0]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: columns of equal length, memory in bytes, `at` in seconds."""
        columns: dict[str, Any] = {figure: self.column(figure) for figure in FIGURES}
        return {"pid": self.pid, "port": self.port, "at": [s.at for s in self.samples], **columns}

    def as_csv(self) -> str:
        """A line of names, then a line for each reading; empty where not shown."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("at", *FIGURES))
        for sample in self.samples:
            writer.writerow((f"{sample.at:.3f}", *(sample.reading.value(figure) for figure in FIGURES)))
        return text.getvalue()


# Drawing: pure functions of the values.


def sparkline(values: Sequence[float | None], width: int = 60, levels: str = BLOCKS) -> str:
    """Draw values in one line: the lowest as the lowest block, the highest as a full one, None as a space."""
    return plot(values, width, 1, levels)[0]


def plot(values: Sequence[float | None], width: int = 60, height: int = 8, levels: str = BLOCKS) -> list[str]:
    """Draw values as columns, in `height` lines from the top; all lines are as wide as the plot.

    More values than columns: each column shows the highest of its values, so that no peak is lost. Values
    that do not differ are drawn at the bottom.
    """
    columns = _columns(values, width)
    shown = [value for value in columns if value is not None]
    if not shown:
        return [" " * len(columns)] * height
    low, high = min(shown), max(shown)
    steps = len(levels) - 1
    most = height * steps
    # 1 is the lowest: a value at the bottom must differ from none at all.
    filled = [
        0 if value is None else 1 + round((value - low) / (high - low or 1) * (most - 1)) for value in columns
    ]
    return [
        "".join(levels[max(0, min(steps, count - row * steps))] for count in filled)
        for row in reversed(range(height))
    ]


def _columns(values: Sequence[float | None], width: int) -> list[float | None]:
    if len(values) <= width:
        return list(values)
    columns: list[float | None] = []
    for column in range(width):
        part = values[column * len(values) // width : (column + 1) * len(values) // width]
        columns.append(max((value for value in part if value is not None), default=None))
    return columns
