"""Ladders in plain text: client left, server right, time going down, an arrow for each step.

A ladder is 60 columns wide, so that it stands whole in a narrow terminal. `sequence` draws the same as SVG.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 60
_MARGIN = 11  # the time, and two spaces
_INNER = WIDTH - _MARGIN - 2  # between the two lines of life

_UNITS = ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "µs"))


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow. time: seconds since the first; label: on the arrow; note: below it, wrapped."""

    time: float
    to_server: bool
    label: str
    note: str = ""


def ladder(steps: Sequence[Step], client: str = "client", server: str = "server") -> str:
    """Draw the steps. client, server: what stands above the two lines of life."""
    longest = max((step.time for step in steps), default=0.0)
    factor, unit = next((factor, unit) for least, factor, unit in _UNITS if longest >= least)
    gap = max(1, _INNER + 2 - len(client) - len(server))
    lines = [f"{'time, ' + unit:>{_MARGIN - 2}}  {client}{' ' * gap}{server}"]
    for step in steps:
        lines.append(f"{step.time * factor:>{_MARGIN - 2}.3f}  {_arrow(step)}")
        lines += [f"{'':{_MARGIN}}|{line:^{_INNER}}|" for line in _notes(step)]
    return "\n".join(lines)


def _arrow(step: Step) -> str:
    label = f" {textwrap.shorten(step.label, _INNER - 6, placeholder=' …')} " if step.label else ""
    if step.to_server:
        return f"|{label:-^{_INNER - 1}}>|"
    return f"|<{label:-^{_INNER - 1}}|"


def _notes(step: Step) -> list[str]:
    return textwrap.wrap(step.note, _INNER - 2)
