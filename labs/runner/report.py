"""The report page: one HTML file that holds everything, fetches nothing and runs no script.

First the table that answers the article, claim by claim; then the machine; then each lab's evidence with its
plots. Pure: values in, text out, except for the stylesheet beside this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from labs.runner.evidence import Measurement, Table, Verdict
from labs.runner.measuring import Evidence, Outcome
from labs.runner.registry import Entry, Lab

_STYLE = Path(__file__).with_name("page.css")
_MARKS = {Verdict.TRUE: "✓", Verdict.TRUE_ONLY_IF: "≈", Verdict.FALSE: "✗", Verdict.NOT_SHOWN: "–"}

Line = tuple[Entry, Evidence | None]  # a lab of the curriculum, and its evidence unless it is to come


def page(
    lines: Sequence[Line], facts: Iterable[tuple[str, str]], predictions: dict[str, str] | None = None
) -> str:
    """The whole page. `predictions` maps a lab's id to what its learner said beforehand."""
    shown = [evidence for _, evidence in lines if evidence is not None]
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>netlab: the verdicts</title>\n<style>\n{_STYLE.read_text('utf-8')}</style></head><body>",
        "<h1>What a reader of the article should have been told</h1>",
        '<p class="lead">Every claim, put to the test on this machine. The figures are of the run described'
        " below; <code>make labs</code> measures them anew.</p>",
        _verdicts(lines),
        "<section><h2>The machine</h2><dl>",
        *(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts),
        "</dl></section>",
        *(_section(evidence, (predictions or {}).get(evidence.lab.id, "")) for evidence in shown),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def verdict_row(entry: Entry, evidence: Evidence | None) -> tuple[str, str, str]:
    """One line of the verdict table in words: (claim, verdict, what was measured)."""
    if evidence is None:
        return entry.claim, "to come", ""
    if evidence.measurement is None:
        where = " on this machine" if evidence.outcome is Outcome.NOT_SHOWN else ""
        return entry.claim, f"{evidence.outcome.value}{where}", evidence.reason
    return entry.claim, evidence.measurement.judged, evidence.measurement.headline


def _verdicts(lines: Sequence[Line]) -> str:
    rows = []
    for entry, evidence in lines:
        claim, verdict, measured = (escape(text) for text in verdict_row(entry, evidence))
        name = escape(entry.name)
        link = (
            f'<a href="#{escape(entry.slug)}">{name}</a>'
            if evidence
            else f'<span class="quiet">{name}</span>'
        )
        rows.append(
            f'<tr><td>{claim}</td><td class="verdict {_kind(evidence)}">{_mark(evidence)} {verdict}</td>'
            f"<td>{measured}</td><td>{link}</td></tr>"
        )
    head = "<tr><th>The claim</th><th>Verdict</th><th>Measured here</th><th>Lab</th></tr>"
    table = f'<table class="verdicts"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _kind(evidence: Evidence | None) -> str:
    if evidence is None:
        return "NOT_SHOWN"
    return evidence.measurement.verdict.name if evidence.measurement else evidence.outcome.name


def _mark(evidence: Evidence | None) -> str:
    if evidence is None or evidence.outcome is Outcome.NOT_SHOWN:
        return "–"
    return _MARKS[evidence.measurement.verdict] if evidence.measurement else "!"


def _section(evidence: Evidence, prediction: str) -> str:
    lab = evidence.lab
    _, verdict, measured = verdict_row(lab, evidence)
    parts = [
        f'<section id="{escape(lab.slug)}"><h2>{lab.number:02d} · {escape(lab.title)}</h2>',
        f"<blockquote>{escape(lab.claim)}</blockquote>",
        f'<p><span class="verdict {_kind(evidence)}">{_mark(evidence)} {escape(verdict)}.</span>'
        f" {escape(measured)}</p>",
    ]
    if evidence.measurement is not None:
        parts += _evidence(lab, evidence.measurement, prediction)
    parts.append(f'<p class="quiet">Measured in {evidence.seconds:.1f} s.</p></section>')
    return "\n".join(parts)


def _evidence(lab: Lab, measurement: Measurement, prediction: str) -> Iterable[str]:
    if prediction:
        figure = measurement.figures[lab.prediction.figure]
        yield (
            f'<p class="quiet">{escape(lab.prediction.question)} You said {escape(prediction)};'
            f" it was {escape(number(figure))} {escape(lab.prediction.unit)}.</p>"
        )
    for plot in measurement.plots:
        yield f"<figure><figcaption>{escape(plot.title)}</figcaption>\n{plot.svg}\n</figure>"
    for table in measurement.tables:
        yield _table(table)
    if measurement.notes:
        yield "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in measurement.notes) + "</ul>"
    figures = Table("", ("figure", "value"), list(measurement.figures.items()))
    yield f"<details><summary>All figures</summary>{_table(figures)}</details>"


def _table(table: Table) -> str:
    title = f"<h3>{escape(table.title)}</h3>" if table.title else ""
    head = "".join(f"<th>{escape(str(column))}</th>" for column in table.columns)
    rows = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in table.rows)
    return (
        f'{title}<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _cell(value: Any) -> str:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return f"<td{' class=number' if numeric else ''}>{escape(number(value))}</td>"


def number(value: Any) -> str:
    """A figure as a person reads it: 12,345 · 3.142 · 0.00012 · text as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
