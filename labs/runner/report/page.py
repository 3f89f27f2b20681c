"""The report page: one HTML file that holds everything, fetches nothing and runs no script.

First a card for each claim of the article; then the machine; then each lab's evidence, folded. Pure: values
in, text out, except for the stylesheet beside this file. Not here: cards (cards.py) and tables (tables.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from labs.runner.evidence import Measurement, Plot, Table
from labs.runner.registry import ARTICLE, ARTICLE_URL, Lab
from labs.runner.report.against import Earlier, beside
from labs.runner.report.cards import card_html, see_live
from labs.runner.report.measuring import Evidence
from labs.runner.report.tables import number, plain, table_html
from labs.runner.report.verdicts import Line, kind_of, mark_of, measured_of, told_of, verdict_of

_STYLE = Path(__file__).with_name("page.css")

_INTRODUCTION = (
    f'Each claim of the article <a href="{ARTICLE_URL}">{escape(ARTICLE)}</a> was put to the test on this'
    " machine. The cards say what came of it; the labs below hold the evidence. <code>make labs</code>"
    " measures everything anew, and <code>make live</code> shows the experiments on boards in your browser."
)


def page(
    lines: Sequence[Line],
    facts: Iterable[tuple[str, str]],
    predictions: dict[str, str] | None = None,
    *,
    quick: bool = False,
    earlier: Earlier | None = None,
) -> str:
    """The whole page.

    `predictions` maps a lab's id to what its learner said beforehand. `quick` says that the run was
    shortened. `earlier` is the run to compare with.
    """
    shown = [evidence for _, evidence in lines if evidence is not None]
    before = earlier.figures if earlier else {}
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>netlab: the verdicts</title>\n<style>\n{_STYLE.read_text('utf-8')}</style></head><body>",
        _contents(shown),
        "<main>",
        '<section id="verdicts"><h1>What a reader of the article should have been told</h1>',
        f'<p class="lead">{_INTRODUCTION}</p>',
        '<p class="note">QUICK=1: this run was shortened.</p>' if quick else "",
        f'<p class="note">Compared with the run of {escape(earlier.told)}.</p>' if earlier else "",
        "<h2>The verdicts</h2>",
        '<div class="cards">',
        *(card_html(evidence, before.get(evidence.lab.id)) for evidence in shown),
        f"</div>{_to_come(lines)}</section>",
        '<section id="machine"><h2>The machine</h2><dl>',
        *(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts),
        "</dl></section>",
        '<section id="labs"><h2>The evidence, lab by lab</h2>',
        *(_lab(evidence, (predictions or {}).get(evidence.lab.id, ""), earlier, shown) for evidence in shown),
        "</section></main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _contents(shown: Sequence[Evidence]) -> str:
    """The list of what is on the page; page.css keeps it in sight."""
    links = [("verdicts", "Verdicts", ""), ("machine", "Machine", "")]
    links += [(e.lab.slug, f"{e.lab.number:02d}", e.lab.title) for e in shown]
    items = "".join(
        f'<li><a href="#{escape(place)}">{escape(short)}<span> {escape(long)}</span></a></li>'
        for place, short, long in links
    )
    return f'<nav aria-label="Contents"><ul>{items}</ul></nav>'


def _to_come(lines: Sequence[Line]) -> str:
    coming = [
        f"{escape(entry.name)} ({escape(entry.claim)})" for entry, evidence in lines if evidence is None
    ]
    return f'<p class="quiet">To come: {"; ".join(coming)}.</p>' if coming else ""


def _verdict(evidence: Evidence) -> str:
    verdict, condition = verdict_of(evidence)
    strong = f'<span class="verdict {kind_of(evidence)}">{mark_of(evidence)} {escape(verdict)}</span>'
    return f"{strong} {escape(condition)}".strip()


def _lab(evidence: Evidence, prediction: str, earlier: Earlier | None, shown: Sequence[Evidence]) -> str:
    """One lab, folded; the only lab of a page is open. A link to its id opens it, since the id is inside."""
    lab = evidence.lab
    said, condition = verdict_of(evidence)
    verdict = f"{mark_of(evidence)} {escape(said)}{' …' if condition else ''}"
    word = f'<span class="verdict {kind_of(evidence)}">{verdict}</span>'
    parts = [
        f'<details class="lab"{" open" if len(shown) == 1 else ""}>',
        f"<summary><h3>{lab.number:02d} · {escape(lab.title)} {word}</h3></summary>",
        f'<div id="{escape(lab.slug)}"><blockquote>{escape(lab.claim)}</blockquote>',
        f"<p>{_verdict(evidence)}</p><p>{escape(measured_of(evidence))}</p>",
    ]
    if live := see_live(lab):
        parts.append(f'<p class="quiet">{live}</p>')
    if evidence.measurement is not None:
        parts += _evidence(lab, evidence.measurement, prediction)
        parts += _compared(evidence, evidence.measurement, earlier)
    parts.append(f'<p class="quiet">Measured in {evidence.seconds:.1f} s.</p></div></details>')
    return "\n".join(parts)


def _compared(evidence: Evidence, measurement: Measurement, earlier: Earlier | None) -> Iterable[str]:
    """The verdict and the figures that differ from the earlier run's."""
    then = earlier.figures.get(evidence.lab.id) if earlier else None
    if earlier is None or then is None:
        return
    verdict = earlier.verdicts[evidence.lab.id]
    if verdict != told_of(evidence):
        yield f"<p>The earlier run's verdict: {escape(verdict)}</p>"
    table = beside(measurement.figures, then)
    yield table_html(table) if table.rows else "<p>Each figure is as in the earlier run.</p>"


def _named(plot: Plot) -> str:
    """The picture with its title as the name that a screen reader tells; a <title> of its own says more."""
    if "<title>" in plot.svg:
        return plot.svg
    return plot.svg.replace("<svg", f'<svg aria-label="{escape(plot.title)}"', 1)


def _evidence(lab: Lab, measurement: Measurement, prediction: str) -> Iterable[str]:
    if prediction and lab.prediction.figure in measurement.figures:
        figure = measurement.figures[lab.prediction.figure]
        yield (
            f'<p class="quiet">{escape(lab.prediction.question)} You said {escape(prediction)};'
            f" it was {escape(number(figure))} {escape(lab.prediction.unit)}.</p>"
        )
    for plot in measurement.plots:
        yield f"<figure><figcaption>{escape(plot.title)}</figcaption>\n{_named(plot)}\n</figure>"
    for drawing in measurement.drawings:
        title = escape(drawing.title)
        box = f'<div class="scroll" role="group" aria-label="{title}" tabindex="0">'
        yield f"<h4>{title}</h4>{box}<pre>{escape(drawing.text)}</pre></div>"
    for table in measurement.tables:
        yield table_html(table)
    if measurement.notes:
        yield "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in measurement.notes) + "</ul>"
    figures = Table("All figures", ("figure", "value"), list(measurement.figures.items()))
    yield f"<details><summary>All figures</summary>{plain(figures)}</details>"
