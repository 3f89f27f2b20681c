"""Ladder diagrams: two lifelines and the messages between them, in time. Pure text in, SVG text out.

Rows are evenly spaced, since packets of one handshake are microseconds apart and the next wait is
milliseconds; the time of each is written beside its arrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

RIGHT, LEFT = "right", "left"

_ROW, _HEAD, _FOOT = 46, 44, 18
_WIDTH, _GUTTER, _PHASES = 760, 96, 120
_BLUE, _RED = "#1f7fbf", "#d55e00"


@dataclass(frozen=True, slots=True)
class Arrow:
    """One message. `towards` is RIGHT or LEFT, `time` seconds since the first (None: not shown).

    `label` stands above the line, `detail` in small type below it; consecutive arrows of one `phase` are
    bracketed. `lost` ends the arrow halfway, with a cross.
    """

    towards: str
    label: str
    time: float | None = None
    detail: str = ""
    phase: str = ""
    lost: bool = False

    def __post_init__(self) -> None:
        if self.towards not in (RIGHT, LEFT):
            raise ValueError(f"an arrow points {RIGHT!r} or {LEFT!r}, not {self.towards!r}")


def sequence(left: str, right: str, arrows: Sequence[Arrow], title: str = "") -> str:
    """The ladder diagram as one inline <svg>: both names, and the messages between them."""
    bracketed = any(arrow.phase for arrow in arrows)
    first, last = _GUTTER, _WIDTH - (_PHASES if bracketed else 24)
    height = _HEAD + _ROW * len(arrows) + _FOOT
    parts = [
        f'<svg class="plot" role="img" viewBox="0 0 {_WIDTH} {height}" xmlns="http://www.w3.org/2000/svg"'
        ' font-family="system-ui, sans-serif" font-size="13" fill="currentColor">',
        f"<title>{escape(title or f'{left} and {right}')}</title>",
    ]
    for x, name in ((first, left), (last, right)):
        parts.append(f'<text x="{x}" y="20" text-anchor="middle" font-weight="600">{escape(name)}</text>')
        line = f'<line x1="{x}" y1="30" x2="{x}" y2="{height - 6}" stroke="currentColor"'
        parts.append(line + ' stroke-opacity="0.45" stroke-width="1.5"/>')
    for row, arrow in enumerate(arrows):
        parts += _arrow(arrow, first, last, _HEAD + _ROW * row + 24)
    parts += _brackets(arrows, last)
    return "\n".join([*parts, "</svg>"])


def _arrow(arrow: Arrow, first: int, last: int, y: int) -> list[str]:
    colour = _BLUE if arrow.towards == RIGHT else _RED
    start, end, step = (first, last, -1) if arrow.towards == RIGHT else (last, first, 1)
    middle = (first + last) // 2
    tip = middle if arrow.lost else end + 2 * step
    parts = [
        f'<line x1="{start}" y1="{y}" x2="{tip}" y2="{y}" stroke="{colour}" stroke-width="1.8"'
        + (' stroke-dasharray="5 3"/>' if arrow.lost else "/>"),
        f'<text x="{(start + tip) // 2}" y="{y - 6}" text-anchor="middle">{escape(arrow.label)}</text>',
    ]
    if arrow.lost:
        parts.append(
            f'<text x="{tip}" y="{y + 5}" text-anchor="middle" fill="{colour}" font-size="17">✕</text>'
        )
    else:
        parts.append(f'<path d="M{tip} {y} l{9 * step} -5 v10 z" fill="{colour}"/>')
    if arrow.time is not None:
        parts.append(
            f'<text x="{_GUTTER - 12}" y="{y + 4}" text-anchor="end" font-size="11">'
            f"{clock(arrow.time)}</text>"
        )
    if arrow.detail:
        small = f'<text x="{middle}" y="{y + 14}" text-anchor="middle" font-size="11" fill-opacity="0.75">'
        parts.append(f"{small}{escape(arrow.detail)}</text>")
    return parts


def _brackets(arrows: Sequence[Arrow], last: int) -> list[str]:
    parts = []
    start = 0
    for row in range(1, len(arrows) + 1):
        if row < len(arrows) and arrows[row].phase == arrows[start].phase:
            continue
        if phase := arrows[start].phase:
            top, bottom = _HEAD + _ROW * start + 8, _HEAD + _ROW * (row - 1) + 36
            x = last + 14
            parts.append(
                f'<path d="M{x - 5} {top} h5 V{bottom} h-5" fill="none"'
                ' stroke="currentColor" stroke-opacity="0.5"/>'
            )
            parts.append(
                f'<text x="{x + 7}" y="{(top + bottom) // 2 + 4}" font-size="11">{escape(phase)}</text>'
            )
        start = row
    return parts


def clock(seconds: float) -> str:
    """A time as a person reads it: "0", "84 µs", "3.21 ms", "1.50 s"."""
    if seconds == 0:
        return "0"
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if abs(seconds) >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
