"""The plots of lab 11."""

from __future__ import annotations

import statistics
from typing import Any

from labs.runner import plots


def draw_waits(axes: Any, waited: Any, model: dict[int, float], real_size: int) -> None:
    """Points on the Erlang-C curve."""
    sizes = list(waited.simulated)
    axes.plot(sizes, [model[s] * 1000 for s in sizes], color=plots.GREY, label="Erlang C")
    rounds = [[seconds * 1000 for seconds in waited.simulated[s]] for s in sizes]
    axes.vlines(sizes, [min(r) for r in rounds], [max(r) for r in rounds], color=plots.BLUE, linewidth=1)
    points = [statistics.fmean(r) for r in rounds]
    axes.plot(sizes, points, "o", color=plots.BLUE, linestyle="none", label="simulated pool (range)")
    axes.plot(
        [real_size], [waited.real * 1000], "s", color=plots.RED, linestyle="none", label="real, over loopback"
    )
    axes.set_yscale("log")
    axes.set_xlabel("pool size (limit)")
    axes.set_ylabel("mean wait, ms")
    axes.legend()


def draw_reuse(
    axes: Any, reuse: dict[tuple[str, float], float], expected: dict[tuple[str, float], float]
) -> None:
    """Points on the lines of the formula, a series for each server's timeout."""
    names = list(dict.fromkeys(name for name, _ in reuse))
    for name, colour, marker in zip(names, (plots.BLUE, plots.RED), "os", strict=True):
        timeouts = [timeout for other, timeout in reuse if other == name]
        axes.plot(timeouts, [expected[name, t] * 100 for t in timeouts], color=colour, linewidth=1)
        points = [reuse[name, t] * 100 for t in timeouts]
        axes.plot(timeouts, points, marker, color=colour, linestyle="none", label=name)
    axes.set_xlabel("the client's keepalive_timeout, s; lines: the formula")
    axes.set_ylabel("requests on a reused connection, %")
    axes.set_ylim(0, 105)
    axes.legend()


def draw_open(axes: Any, opened: dict[str, list[tuple[int, int]]]) -> None:
    """Open connections over time."""
    for (name, points), colour, style in zip(
        opened.items(), (plots.BLUE, plots.RED), ("-", "--"), strict=True
    ):
        seconds, counts = zip(*points, strict=True)
        axes.step(seconds, counts, where="post", color=colour, linestyle=style, label=name)
    axes.set_xlabel("seconds after the burst, one request a second")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("open connections")
    axes.set_ylim(0)
    axes.legend()
