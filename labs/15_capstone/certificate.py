"""The certificate as one self-contained page: no network, no script; for a phone, the dark and paper, too."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from labs.runner.evidence import Measurement, Table
from labs.runner.files import write_whole

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --accent: #14532d; }
@media (prefers-color-scheme: dark) { :root { --accent: #86efac; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
header { border: 2px solid var(--accent); border-radius: .6rem; padding: 1rem 1.4rem; text-align: center; }
h1 { color: var(--accent); font-size: 1.6rem; margin: .2rem 0; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { background: var(--soft); }
figure { margin: 0; } svg { height: auto; max-width: 100%; background: #fff; border-radius: .4rem; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { border-bottom: 2px solid var(--line); display: block; padding: .4rem 0; }
  td { border: 0; display: block; padding: .1rem 0; }
  td[data-column]::before { content: attr(data-column) ": "; font-weight: 600; }
}
@media print { tr { break-inside: avoid; } }
"""


def write_certificate(path: Path, result: Measurement, whose: str) -> None:
    """Write the page, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page(result, whose))


def page(result: Measurement, whose: str) -> str:
    """The page as text."""
    body = [
        f"<header><p>netlab, lab 15</p><h1>{escape(whose)}</h1>",
        f"<p>{escape(result.headline)}.</p></header>",
        *(line for table in result.tables for line in _table(table)),
        *(f"<h2>{escape(plot.title)}</h2><figure>{plot.svg}</figure>" for plot in result.plots),
        "<h2>Notes</h2><ul>",
        *(f"<li>{escape(note)}</li>" for note in result.notes),
        "</ul>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(whose)}: what it withstands</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def _table(table: Table) -> Iterator[str]:
    yield f"<h2>{escape(table.title)}</h2>"
    if not table.rows:
        yield "<p>None.</p>"
        return
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    yield f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>'
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        text = "".join(f'<td data-column="{escape(name)}">{escape(str(cell))}</td>' for name, cell in cells)
        yield f"<tr>{text}</tr>"
    yield "</tbody></table></div>"
