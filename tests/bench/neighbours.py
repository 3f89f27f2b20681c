"""Was the machine ours? What other programs and the hypervisor took of the measured cores during each visit.

Source: /proc/stat, proc(5): ticks of each core by kind. Pure but for `read`; without /proc it says nothing.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Result, Sample

# Per cent of one core, medians over the visits of a scenario. Above it a comparison would say nothing.
OTHERS, STOLEN = 15.0, 5.0

_STAT = Path("/proc/stat")
_TICK = 1 / (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of the measured cores since boot: spent in processes, and taken by the hypervisor."""

    busy: float
    stolen: float


def read(cores: Sequence[int]) -> Reading | None:
    """A reading now, of these cores (none: of all). None where the system does not tell."""
    try:
        return parse(_STAT.read_text("ascii"), cores)
    except OSError:
        return None


def parse(text: str, cores: Sequence[int], tick: float = _TICK) -> Reading | None:
    """Read the lines `cpuN user nice system idle iowait irq softirq steal …`."""
    wanted = {f"cpu{core}" for core in cores} or {"cpu"}
    busy = stolen = 0
    found = False
    for line in text.splitlines():
        name, *ticks = line.split()
        if name in wanted and len(ticks) >= 8:
            found = True
            busy += int(ticks[0]) + int(ticks[1]) + int(ticks[2])
            stolen += int(ticks[7])
    return Reading(busy * tick, stolen * tick) if found else None


def share(before: Reading | None, after: Reading | None, ours: float, seconds: float) -> Sample:
    """Per cent of a core that went to other programs ("others") and to other machines ("stolen").

    ours: CPU seconds of the server, the load generator and the bench itself. Empty without readings.
    """
    if before is None or after is None or seconds <= 0:
        return {}
    others = max(0.0, after.busy - before.busy - ours)
    return {"others": 100 * others / seconds, "stolen": 100 * (after.stolen - before.stolen) / seconds}


def verdict(result: Result) -> str | None:
    """Why nothing can be concluded from a scenario, or None when the machine was quiet enough."""
    told = (
        ("others", OTHERS, "other programs took"),
        ("stolen", STOLEN, "the hypervisor took"),
    )
    for name, most, actor in told:
        values = [sample[name] for row in result.rows for sample in row.samples if name in sample]
        if values and (middle := statistics.median(values)) > most:
            return f"{actor} {middle:.0f} % of a core during the rounds, more than {most:.0f} %"
    return None
