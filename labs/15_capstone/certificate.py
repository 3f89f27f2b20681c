"""The certificate as one self-contained page: no network, no script; for a phone, the dark and paper, too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from labs.runner.evidence import Measurement, Plot, Table
from labs.runner.files import write_whole

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
:root { --page: #fff; --ink: #1c2733; --accent: #14532d; }
@media (prefers-color-scheme: dark) { :root { --page: #11161c; --ink: #e3e8ee; --accent: #86efac; } }
html { background: var(--page); color: var(--ink); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
header { border: 2px solid var(--accent); border-radius: .6rem; padding: 1rem 1.4rem; text-align: center; }
h1 { color: var(--accent); font-size: 1.6rem; margin: .2rem 0; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
td:last-child { overflow-wrap: anywhere; }
th { background: var(--soft); }
figure { margin: 0; } svg { height: auto; max-width: 100%; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { border-bottom: 2px solid var(--line); display: block; padding: .4rem 0; }
  td { border: 0; display: block; padding: .1rem 0; }
  td[data-column]::before { content: attr(data-column) ": "; font-weight: 600; }
}
@media print { tr { break-inside: avoid; } }
"""


Words = Mapping[str, Sequence[str]]


def write_certificate(path: Path, result: Measurement, whose: str, words: Words) -> None:
    """Write the page, whole or not at all. words: the sentences that explain a table, by its title."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page(result, whose, words))


def page(result: Measurement, whose: str, words: Words) -> str:
    """The page as text."""
    told = {sentence for sentences in words.values() for sentence in sentences}
    body = [
        f"<header><p>netlab, lab 15</p><h1>{escape(whose)}</h1>",
        f"<p>{_sentence(result.headline)}</p></header>",
        *(line for table in result.tables for line in _table(table, words.get(table.title, ()))),
        *(f"<h2>{escape(plot.title)}</h2><figure>{_named(plot)}</figure>" for plot in result.plots),
        "<h2>Notes</h2><ul>",
        *(f"<li>{_sentence(note)}</li>" for note in result.notes if note not in told),
        "</ul>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(whose)}: what it withstands</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def _sentence(note: str) -> str:
    """A note as a sentence of the page, as HTML: what stands between backquotes is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(f"{note[:1].upper()}{note[1:]}."))


def _named(plot: Plot) -> str:
    """The picture with its title as its name, for a reader of the page who does not see it."""
    return plot.svg.replace("<svg", f'<svg aria-label="{escape(plot.title)}"', 1)


def _table(table: Table, words: Sequence[str]) -> Iterator[str]:
    yield f"<h2>{escape(table.title)}</h2>"
    yield from (f"<p>{_sentence(sentence)}</p>" for sentence in words)
    if not table.rows:
        yield "<p>None.</p>"
        return
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    name = escape(table.title)
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{name}">'
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        text = "".join(f'<td data-column="{escape(name)}">{escape(str(cell))}</td>' for name, cell in cells)
        yield f"<tr>{text}</tr>"
    yield "</tbody></table></div>"
