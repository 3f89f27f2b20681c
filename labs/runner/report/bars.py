"""A lab's two bars, from the figures of a run: as SVG on the verdict page, as blocks in the terminal.

Here: how long a bar is, and how it is drawn. Not here: which figures a lab shows (cards.py), README's picture
(picture.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from labs.runner.evidence import Drawing
from labs.runner.report.picture import Panel

_WIDTH, _RAIL = 260, 180  # pixels: of the picture, of a full bar
_CELLS = 24  # characters of a full bar: label, bar and value fit into 80 columns
_BLOCK, _EIGHTHS = "█", "▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class Length:
    """One bar: what it counts, its value as text, its length as a share of the full bar (0 to 1)."""

    label: str
    told: str
    share: float


def lengths(panel: Panel, figures: Mapping[str, float | int | str]) -> tuple[Length, ...]:
    """The panel's two bars; none when this run lacks one of their figures."""
    bars = (panel.first, panel.second)
    try:
        values = [bar.value(figures) for bar in bars]  # type: ignore[arg-type]
    except (KeyError, ValueError):
        return ()
    full = panel.full or max(values) or 1.0
    return tuple(
        Length(bar.label, bar.text.format(value), min(1.0, max(0.0, value / full)))
        for bar, value in zip(bars, values, strict=True)
    )


def svg(two: Sequence[Length]) -> str:
    """Both bars as inline SVG; the text says the same without the colours. "" without bars."""
    if not two:
        return ""
    name = "; ".join(f"{bar.label}: {bar.told}" for bar in two)
    rows = "".join(
        f'<text y="{top + 12}">{escape(bar.label)}</text>'
        f'<rect class="rail" y="{top + 18}" width="{_RAIL}" height="10" rx="2"/>'
        # A value of nothing keeps a hairline, so that the bar is seen.
        f'<rect class="{kind}" y="{top + 18}" width="{max(1.0, _RAIL * bar.share):.1f}" height="10" rx="2"/>'
        f'<text x="{_RAIL + 8}" y="{top + 28}">{escape(bar.told)}</text>'
        for bar, kind, top in zip(two, ("first", "second"), (0, 36), strict=True)
    )
    return f'<svg class="bars" role="img" viewBox="0 0 {_WIDTH} 68" aria-label="{escape(name)}">{rows}</svg>'


def drawing(title: str, two: Sequence[Length]) -> Drawing:
    """Both bars as lines of a terminal, their labels in one column."""
    column = max((len(bar.label) for bar in two), default=0)
    return Drawing(
        title, "\n".join(f"  {bar.label:<{column}}  {blocks(bar.share)} {bar.told}" for bar in two)
    )


def blocks(share: float) -> str:
    """A bar of block characters, to an eighth of a character; a value of nothing keeps a hairline."""
    whole, eighths = divmod(round(share * _CELLS * 8), 8)
    return (_BLOCK * whole + (_EIGHTHS[eighths - 1] if eighths else "")) or _EIGHTHS[0]
