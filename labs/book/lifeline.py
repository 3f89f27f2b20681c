"""The picture of a connection's life: each state a box, each move an arc. SVG text from the executed table.

The table is netlab.server.states.TRANSITIONS, which the server looks up for each move. What is drawn here is
therefore what runs.
"""

from __future__ import annotations

from html import escape

from netlab.server.states import BEGINNINGS, TRANSITIONS, State

_BOX, _HIGH, _STEP, _LEFT, _WIDE = 130, 36, 78, 250, 640
_DOWN, _UP = "#1f7fbf", "#d55e00"


def html() -> str:
    """The picture, and below it each move with its reason as a table."""
    rows = "".join(
        f"<tr><td>{start}</td><td>{end}</td><td>{escape(reason)}</td></tr>" for start, end, reason in _moves()
    )
    head = "<tr><th>from</th><th>to</th><th>when</th></tr>"
    table = f'<table class="docutils"><thead>{head}</thead><tbody>{rows}</tbody></table>'
    return f'<div class="life">{_svg()}</div><div class="table-wrapper">{table}</div>'


def _moves() -> list[tuple[str, str, str]]:
    """(from, to, reason) of every move, the beginnings first."""
    begun = [("(accept)", state.value, reason) for state, reason in BEGINNINGS.items()]
    return begun + [
        (start.value, end.value, reason)
        for start, ends in TRANSITIONS.items()
        for end, reason in ends.items()
    ]


def _svg() -> str:
    """Boxes in the order of the states; arcs to later states on the right, to earlier ones on the left."""
    place = {state: 12 + number * _STEP for number, state in enumerate(State)}
    height = 24 + (len(place) - 1) * _STEP + _HIGH
    arcs = [_arc(place[start], place[end]) for start, ends in TRANSITIONS.items() for end in ends]
    boxes = [
        f'<rect x="{_LEFT}" y="{y}" width="{_BOX}" height="{_HIGH}" rx="6" fill="none"'
        ' stroke="currentColor"/>'
        f'<text x="{_LEFT + _BOX // 2}" y="{y + 23}" text-anchor="middle">{state.value}</text>'
        for state, y in place.items()
    ]
    name = "The states of a connection; the table below names each move"
    return (
        f'<svg role="img" aria-label="{name}" viewBox="0 0 {_WIDE} {height}" fill="currentColor"'
        f' font-family="system-ui, sans-serif" font-size="15">{"".join(arcs + boxes)}</svg>'
    )


def _arc(start: int, end: int) -> str:
    """One move: a curve that is wider the further it goes, with a head at its end."""
    down = end > start
    side, sign = (_LEFT + _BOX, 1) if down else (_LEFT, -1)
    wide = side + sign * (20 + abs(end - start) // 2)
    top, tip = start + _HIGH // 2 + 6, end + _HIGH // 2 - 6
    colour = _DOWN if down else _UP
    return (
        f'<path d="M{side} {top} C{wide} {top} {wide} {tip} {side + 8 * sign} {tip}" fill="none"'
        f' stroke="{colour}" stroke-width="1.6"/>'
        f'<path d="M{side} {tip} l{9 * sign} -5 v10 z" fill="{colour}"/>'
    )
