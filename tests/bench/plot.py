"""The picture of a run: a panel for each scenario, SVG or PNG by the file's name. Needs matplotlib.

A panel has a bar for each server, whiskers from the lowest round to the highest; or, where a scenario has
several cases, a line for each server.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labs.runner.plots import BLUE, COLOURS, GREY
from tests.bench.contenders import OURS
from tests.bench.figures import Result, Spread
from tests.bench.machine import NotShown

_COLUMNS = 3


def draw(results: Sequence[Result], path: Path) -> bool:
    """Write the picture; return whether there was anything to draw.

    Raises NotShown without matplotlib, OSError when the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise NotShown("needs matplotlib (pip install matplotlib; `make bench` does)") from None
    shown = [result for result in results if any(row.values(result.columns[0].name) for row in result.rows)]
    if not shown:
        return False
    across = min(_COLUMNS, len(shown))
    down = math.ceil(len(shown) / across)
    figure = Figure(figsize=(4.6 * across, 2.7 * down), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)  # no pyplot: it keeps global state and may look for a display
    panels = figure.subplots(down, across, squeeze=False).flat
    for result, axes in zip(shown, panels, strict=False):
        (_lines if len(result.cases) > 1 else _bars)(result, axes)
        axes.set_title(result.title, loc="left", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in list(figure.axes)[len(shown) :]:
        axes.set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    return True


def _bars(result: Result, axes: Any) -> None:
    column = result.columns[0]
    found = [(row.server, spread) for row in result.rows if (spread := Spread.of(row.values(column.name)))]
    names = [name for name, _ in found]
    middles = [spread.median for _, spread in found]
    below = [spread.median - spread.low for _, spread in found]
    above = [spread.high - spread.median for _, spread in found]
    colours = [BLUE if name == OURS else GREY for name in names]
    axes.barh(names, middles, xerr=[below, above], color=colours, ecolor="black", capsize=2, height=0.7)
    axes.invert_yaxis()
    axes.set_xlabel(f"{column.heading} ({'more' if column.better > 0 else 'less'} is better)", fontsize=8)


def _lines(result: Result, axes: Any) -> None:
    """CPU time by case: it shows a growth even where the load generator is full."""
    column = next(column for column in result.columns if column.better < 0)
    servers = list(dict.fromkeys(row.server for row in result.rows))
    for server, colour in zip(servers, COLOURS, strict=False):
        rows = [(case, result.of(server, case)) for case in result.cases]
        points = [(case, row.median(column.name)) for case, row in rows if row is not None]
        shown = [(case, middle) for case, middle in points if middle is not None]
        if shown:
            axes.plot(*zip(*shown, strict=True), marker="o", markersize=3, color=colour, label=server)
    axes.set_yscale("log")  # one slow server must not flatten the others, and a growth keeps its slope
    axes.set_ylabel(f"{column.heading} (less is better)", fontsize=8)
    axes.legend(frameon=False, fontsize=7)
