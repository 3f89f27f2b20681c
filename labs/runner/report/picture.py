"""README's picture: six claims in bars, drawn from the figures that the last `make labs` kept.

`python -m labs picture` writes it. Here: which figures, and how a bar is drawn (SVG text). Not here: the
verdict page (page.py) and where its figures come from (measure_all.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from labs.runner.errors import LabError
from labs.runner.files import write_whole

Figures = Mapping[str, float]

_PANEL_WIDTH, _PANEL_HEIGHT, _GAP, _COLUMNS, _MARGIN = 296, 106, 16, 3, 16
_BAR_WIDTH, _BAR_HEIGHT = 200, 12

# Blue and orange differ for every kind of colour vision; the text says the same without colour.
_STYLE = """
text { font-family: system-ui, sans-serif; font-size: 13px; fill: #1c2733 }
.claim { font-weight: 600 }
.machine { font-size: 11px; fill: #5a6673 }
.paper { fill: #ffffff }
.rail { fill: #e8ecf0 }
.first { fill: #d55e00 }
.second { fill: #1f7fbf }
@media (prefers-color-scheme: dark) {
text { fill: #e3e8ee }
.machine { fill: #9aa7b4 }
.paper { fill: #0d1117 }
.rail { fill: #2a333d }
.first { fill: #f0883e }
.second { fill: #58a6e0 }
}"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. value: its length, from the figures; text: what stands beside it, {0} being the value."""

    label: str
    value: Callable[[Figures], float]
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Two bars under one heading. lab: the stable id of the lab that measured them."""

    lab: str
    # It may name figures of the lab: "at {far_round_trip_ms:.0f} ms".
    title: str
    first: Bar
    second: Bar
    # The length of a full bar; None: the longer of the two.
    full: float | None = None


def _of(name: str) -> Callable[[Figures], float]:
    """The figure of this name."""
    return lambda figures: figures[name]


def _kept_seconds(figures: Figures) -> float:
    return 20 * figures["far_kept_ms_per_request"] / 1000


PANELS = (
    Panel(
        "raw_socket",
        "One fetch: packets on the wire",
        Bar("on a new connection", _of("packets_per_fetch"), "{0:.0f}"),
        Bar("on an open connection", _of("packets_per_fetch_reused"), "{0:.0f}"),
    ),
    Panel(
        "browser",
        "CORS in Chromium: requests",
        Bar("kept from the page", _of("kept_from_the_page"), "{0:.0f}"),
        Bar("of these, run by the server", _of("kept_but_ran"), "{0:.0f}"),
    ),
    Panel(
        "handshake",
        "A TLS 1.3 handshake: bytes on the wire",
        Bar("full", _of("full_bytes"), "{0:,.0f}"),
        Bar("resumed", _of("resumed_bytes"), "{0:,.0f}"),
    ),
    Panel(
        "keep_alive",
        "20 GETs over TLS, at {far_round_trip_ms:.0f} ms",
        Bar(
            "a new connection each",
            lambda figures: _kept_seconds(figures) * figures["far_tls_new_to_kept"],
            "{0:.2f} s",
        ),
        Bar("one session", _kept_seconds, "{0:.2f} s"),
    ),
    Panel(
        "idle_cost",
        "10,000 idle TLS clients: memory",
        Bar("asyncio's own TLS", _of("asyncio_tls_mib_for_10000"), "{0:,.0f} MiB"),
        Bar("netlab", _of("netlab_tls_mib_for_10000"), "{0:,.0f} MiB"),
    ),
    Panel(
        "river",
        "A film, streamed: memory it takes",
        Bar("not waiting for its reader", _of("deaf_server_rise_mib"), "{0:,.0f} MiB"),
        Bar("netlab", _of("one_client_rise_mib"), "{0:.1f} MiB"),
    ),
)


def draw(report: Path, picture: Path) -> Path:
    """Write the picture of the report's figures. Raises LabError when `make labs` has kept none."""
    try:
        document = json.loads(report.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabError(f"{report} is not there: `make labs` measures, and keeps its figures in it") from None
    except ValueError as error:
        raise LabError(f"{report} holds no figures ({error}): run `make labs` again") from None
    write_whole(picture, svg(document))
    return picture


def svg(document: Mapping[str, object]) -> str:
    """The whole picture. document: what `make labs` keeps. A panel whose lab was not measured says so."""
    labs, machine = document["labs"], document["machine"]
    assert isinstance(labs, Sequence) and isinstance(machine, Mapping)
    figures = {lab["lab"]: lab["figures"] for lab in labs}
    rows = -(-len(PANELS) // _COLUMNS)
    width = _COLUMNS * (_PANEL_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    height = rows * (_PANEL_HEIGHT + _GAP) + 12 + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}">',
        "<title>Six claims, measured by make labs</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}" rx="6"/>',
    ]
    for place, panel in enumerate(PANELS):
        x = _MARGIN + place % _COLUMNS * (_PANEL_WIDTH + _GAP)
        y = _MARGIN + place // _COLUMNS * (_PANEL_HEIGHT + _GAP)
        parts.append(f'<g transform="translate({x} {y})">{_panel(panel, figures.get(panel.lab, {}))}</g>')
    where = (
        f"measured by make labs on one machine: {machine.get('processor', '')}, {machine.get('Python', '')}"
    )
    if document.get("quick"):
        where += ", shortened by QUICK=1"
    parts.append(f'<text class="machine" x="{_MARGIN}" y="{height - _MARGIN}">{escape(where)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def title_of(panel: Panel, figures: Figures) -> str:
    """The panel's heading, with the figures that it names; an ellipsis for one that this run lacks."""
    return re.sub(r" \{[^}]*\}", lambda name: _filled(name[0], figures), panel.title)


def _filled(name: str, figures: Figures) -> str:
    try:
        return name.format_map(figures)
    except KeyError:
        return " …"


def _panel(panel: Panel, figures: Figures) -> str:
    heading = f'<text class="claim" y="16">{escape(title_of(panel, figures))}</text>'
    try:
        values = [bar.value(figures) for bar in (panel.first, panel.second)]
    except KeyError:
        return heading + '<text y="40">not shown in this run</text>'
    full = panel.full or max(values) or 1.0
    drawn = zip((panel.first, panel.second), values, ("first", "second"), (32, 76), strict=True)
    return heading + "".join(_bar(bar, value, full, kind, top) for bar, value, kind, top in drawn)


def _bar(bar: Bar, value: float, full: float, kind: str, top: int) -> str:
    """Its label, and below it a rail, the bar on it and the value."""
    length = max(1.0, _BAR_WIDTH * min(1.0, value / full))
    return (
        f'<text y="{top + 6}">{escape(bar.label)}</text>'
        f'<rect class="rail" y="{top + 14}" width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" rx="2"/>'
        f'<rect class="{kind}" y="{top + 14}" width="{length:.1f}" height="{_BAR_HEIGHT}" rx="2"/>'
        f'<text x="{_BAR_WIDTH + 10}" y="{top + 25}">{escape(bar.text.format(value))}</text>'
    )
