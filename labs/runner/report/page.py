"""The report page: one HTML file that holds everything, fetches nothing and runs no script.

First the table that answers the article, claim by claim; then the machine; then each lab's evidence with its
plots. Pure: values in, text out, except for the stylesheet beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from labs.runner.evidence import Measurement, Table, Verdict
from labs.runner.registry import Entry, Lab
from labs.runner.report.measuring import Evidence, Outcome

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


def verdict_of(evidence: Evidence) -> tuple[str, str]:
    """The verdict and what completes it: ("true only if", "the connection is new"), ("failed", "")."""
    if evidence.measurement is not None:
        word = evidence.measurement.verdict.value
        return word, evidence.measurement.judged.removeprefix(word).strip()
    return ("not shown on this machine" if evidence.outcome is Outcome.NOT_SHOWN else "failed"), ""


def measured_of(evidence: Evidence) -> str:
    """The evidence in one line, or why there is none."""
    return evidence.measurement.headline if evidence.measurement else evidence.reason


def _verdict(evidence: Evidence) -> str:
    verdict, condition = verdict_of(evidence)
    strong = f'<span class="verdict {_kind(evidence)}">{_mark(evidence)} {escape(verdict)}</span>'
    return f"{strong} {escape(condition)}".strip()


def _verdicts(lines: Sequence[Line]) -> str:
    rows = []
    for entry, evidence in lines:
        if evidence is not None:
            link = f'<a href="#{escape(entry.slug)}">{escape(entry.name)}</a>'
            cells = (escape(entry.claim), _verdict(evidence), escape(measured_of(evidence)), link)
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "<tr><th>The claim</th><th>Verdict</th><th>Measured here</th><th>Lab</th></tr>"
    table = f'<table class="verdicts"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
    coming = [
        f"{escape(entry.name)} (“{escape(entry.claim)}”)" for entry, evidence in lines if evidence is None
    ]
    later = f'<p class="quiet">To come: {"; ".join(coming)}.</p>' if coming else ""
    return f'<div class="scroll">{table}</div>{later}'


def _kind(evidence: Evidence) -> str:
    return evidence.measurement.verdict.name if evidence.measurement else evidence.outcome.name


def _mark(evidence: Evidence) -> str:
    if evidence.outcome is Outcome.NOT_SHOWN:
        return "–"
    return _MARKS[evidence.measurement.verdict] if evidence.measurement else "!"


def _section(evidence: Evidence, prediction: str) -> str:
    lab = evidence.lab
    parts = [
        f'<section id="{escape(lab.slug)}"><h2>{lab.number:02d} · {escape(lab.title)}</h2>',
        f"<blockquote>{escape(lab.claim)}</blockquote>",
        f"<p>{_verdict(evidence)}</p><p>{escape(measured_of(evidence))}</p>",
    ]
    if evidence.measurement is not None:
        parts += _evidence(lab, evidence.measurement, prediction)
    parts.append(f'<p class="quiet">Measured in {evidence.seconds:.1f} s.</p></section>')
    return "\n".join(parts)


def _evidence(lab: Lab, measurement: Measurement, prediction: str) -> Iterable[str]:
    if prediction and lab.prediction.figure in measurement.figures:
        figure = measurement.figures[lab.prediction.figure]
        yield (
            f'<p class="quiet">{escape(lab.prediction.question)} You said {escape(prediction)};'
            f" it was {escape(number(figure))} {escape(lab.prediction.unit)}.</p>"
        )
    for plot in measurement.plots:
        yield f"<figure><figcaption>{escape(plot.title)}</figcaption>\n{plot.svg}\n</figure>"
    for drawing in measurement.drawings:
        yield f'<h3>{escape(drawing.title)}</h3><div class="scroll"><pre>{escape(drawing.text)}</pre></div>'
    for table in measurement.tables:
        yield _table(table)
    if measurement.notes:
        yield "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in measurement.notes) + "</ul>"
    figures = Table("", ("figure", "value"), list(measurement.figures.items()))
    yield f"<details><summary>All figures</summary>{_table(figures)}</details>"


def _table(table: Table) -> str:
    title = f"<h3>{escape(table.title)}</h3>" if table.title else ""
    aligned = [
        ' class="number"' if all(_numeric(row[at]) for row in table.rows) else "" for at in _columns(table)
    ]
    head = "".join(f"<th{a}>{escape(str(table.columns[at]))}</th>" for at, a in enumerate(aligned))
    rows = "".join(
        "<tr>"
        + "".join(f"<td{aligned[at]}>{escape(number(row[at]))}</td>" for at in _columns(table))
        + "</tr>"
        for row in table.rows
    )
    return (
        f'{title}<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _columns(table: Table) -> range:
    return range(len(table.columns))


def _numeric(value: Any) -> bool:
    """A number, or text that begins like one ("41.3 ms", "0.68 %"), or nothing."""
    return (
        not isinstance(value, bool)
        and re.match(r"[-+−]?[\d.,]+( ?[%a-zA-Zµ/]{1,5})?$|^–?$", number(value)) is not None
    )


def number(value: Any) -> str:
    """A figure as a person reads it: 12,345 · 3.142 · 0.00012 · text as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
