"""The HTML of the site: the index, and the page of a board with its form. Behaviour is in static/."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from netlab.live.board import Board, Choice, Control, Number, Switch, Text


def index(boards: Sequence[Board]) -> str:
    """The list of all boards."""
    cards = "".join(
        f'<li><a href="{escape(board.name)}"><b>{escape(board.title)}</b>'
        f"<span>{escape(board.look_for)}</span></a></li>"
        for board in boards
    )
    return _document(
        "netlab live",
        "",
        "<h1>See the wire live</h1>"
        "<p class=lead>Each board runs an experiment on this machine: real sockets, real processes, "
        "bounded in number and time.</p>"
        f"<ul class=boards>{cards}</ul>",
    )


def board(shown: Board, boards: Sequence[Board]) -> str:
    """The page of one board: what to look for, its form, its stage."""
    others = "".join(
        f'<li><a href="{escape(each.name)}"{_current(each is shown)}>{escape(each.title)}</a></li>'
        for each in boards
    )
    lab = f"<p class=lab>The lab: <code>make lab-{escape(shown.lab[:2])}</code></p>" if shown.lab else ""
    actions = "".join(
        f'<button type=button data-press="{escape(each.name)}" disabled>{escape(each.label)}</button>'
        for each in shown.actions
        if not each.by_page
    )
    body = (
        f"<nav aria-label=Boards><ul><li><a href=./>All boards</a></li>{others}</ul></nav>"
        f"<h1>{escape(shown.title)}</h1><p class=lead>{escape(shown.look_for)}</p>"
        f'<form id=controls aria-label=Controls data-board="{escape(shown.name)}">'
        f"{''.join(map(_control, shown.controls))}"
        f"<p class=buttons><button type=submit class=start>{escape(shown.start)}</button>"
        f"<button type=button id=stop disabled>Stop</button>{actions}</p></form>"
        "<p id=status role=status></p><p id=said role=status></p>"
        f'<section id=stage aria-label="Results"></section>{lab}'
    )
    scripts = (
        f'<script type=module src="static/page.js"></script>'
        f'<link rel=modulepreload href="static/{escape(shown.name)}.js">'
    )
    return _document(f"{shown.title} · netlab live", scripts, body)


def _current(is_current: bool) -> str:
    return " aria-current=page" if is_current else ""


def _document(title: str, scripts: str, body: str) -> str:
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel=icon href="data:,">'
        f"<link rel=stylesheet href=static/live.css>{scripts}</head>"
        f"<body><main>{body}</main></body></html>"
    )


# -- the form


def _control(control: Control) -> str:
    """A form element with its label."""
    name, label = escape(control.name), escape(control.label)
    if isinstance(control, Switch):
        checked = " checked" if control.default else ""
        return f'<p class=check><label><input type=checkbox name="{name}"{checked}> {label}</label></p>'
    return f'<p><label for="c-{name}">{label}</label>{_element(control, name)}</p>'


def _element(control: Number | Choice | Text, name: str) -> str:
    if isinstance(control, Number):
        return (
            f'<span class=slider><input type=range id="c-{name}" name="{name}" min={control.low:g} '
            f"max={control.high:g} step={control.step:g} value={control.default:g} "
            f'data-unit="{escape(control.unit)}"><output for="c-{name}">{control.default:g} '
            f"{escape(control.unit)}</output></span>"
        )
    if isinstance(control, Choice):
        labels = control.labels or control.options
        options = "".join(
            f'<option value="{escape(word)}"{" selected" if word == control.default else ""}>{escape(shown)}'
            "</option>"
            for word, shown in zip(control.options, labels, strict=True)
        )
        return f'<select id="c-{name}" name="{name}">{options}</select>'
    text, longest = escape(control.default), control.longest
    if control.rows > 1:
        return (
            f'<textarea id="c-{name}" name="{name}" rows={control.rows} maxlength={longest}>{text}</textarea>'
        )
    return f'<input type=text id="c-{name}" name="{name}" maxlength={longest} value="{text}">'
