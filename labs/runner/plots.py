"""Pictures for the report: `svg(draw)` makes inline SVG of a matplotlib drawing, `sequence(…)` draws packets.

House style: text in the page's own colour (so it reads in a dark and a light page), colours that a
colour-blind reader can tell apart and that stand out 3:1 on white and on near-black, and a line style
besides each colour. matplotlib is loaded when the first plot is drawn, not before.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from typing import Any

from labs.runner.report.sequence import LEFT, RIGHT, Arrow, sequence

__all__ = [
    "AMBER", "BEHIND_A_BAR", "BLUE", "COLOURS", "GREEN", "GREY", "LEFT", "PURPLE", "RED", "RIGHT", "Arrow",
    "sequence", "svg",
]  # fmt: skip

BLUE, RED, GREEN, PURPLE, AMBER, GREY = "#1f7fbf", "#d55e00", "#00936b", "#c2649a", "#bf7a00", "#808080"
COLOURS = (BLUE, RED, GREEN, PURPLE, AMBER, GREY)
_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)))

# Options of axes.annotate: the text begins 4 points behind the end of its bar. Spaces in front of the text
# would not do, because SVG drops them.
BEHIND_A_BAR: dict[str, Any] = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}

# Stand-ins that no drawing uses; in the SVG they become the colour of the page's text.
_INK, _FAINT = "#010203", "#040506"

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "netlab",  # the same drawing gives the same picture
    "svg.fonttype": "none",  # text stays text: it can be searched and takes the page's font
    "font.family": "sans-serif",
    "font.size": 10.0,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _FAINT,
    "grid.alpha": 0.18,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.0,
    "legend.frameon": False,
    "legend.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "figure.constrained_layout.use": True,
    "savefig.transparent": True,
}


def svg(draw: Callable[[Any], None], *, width: float = 7.0, height: float = 3.6) -> str:
    """Draw on fresh axes (`draw(axes)`) and return one inline <svg>. `width` and `height` are inches.

    Needs matplotlib (the extra "labs"); ImportError says so otherwise.
    """
    import matplotlib
    from cycler import cycler
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    styles = list(_STYLES[: len(COLOURS)])
    cycle = cycler(color=COLOURS) + cycler(linestyle=styles)
    # No pyplot: it keeps global state and may look for a display.
    house: Any = {**_STYLE, "axes.prop_cycle": cycle}
    with matplotlib.rc_context(house):
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(written.getvalue())


def _inline(document: str) -> str:
    """A whole SVG file made fit to stand inside a page, next to others like it."""
    picture = document[document.index("<svg") :]
    # A <style> would reach every picture of the page; its one rule is inherited from the root instead.
    picture = re.sub(r"\s*<(metadata|style)\b.*?</\1>", "", picture, flags=re.DOTALL)
    picture = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", picture, count=1)
    picture = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", picture, count=1)
    picture = picture.replace(_INK, "currentColor").replace(_FAINT, "currentColor")
    # Several pictures share one page: an id of one must not be found by another.
    mark = "p" + hashlib.sha256(picture.encode()).hexdigest()[:8] + "-"
    picture = re.sub(r'\bid="([^"]+)"', rf'id="{mark}\1"', picture)
    picture = re.sub(r"url\(#([^)]+)\)", rf"url(#{mark}\1)", picture)
    picture = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{mark}\2"', picture)
    return picture.replace("<svg", '<svg class="plot" role="img" stroke-linejoin="round"', 1).strip()
