"""`make labs`: every written lab measured with its reference, the verdict on each claim, the report page."""

from __future__ import annotations

import functools
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

from labs.runner import terminal
from labs.runner.evidence import is_quick
from labs.runner.files import write_whole
from labs.runner.learner.progress import Record
from labs.runner.registry import Entry, Lab
from labs.runner.report import environment, page
from labs.runner.report.measuring import Evidence, Outcome, measure

_STYLES = {Outcome.SHOWN: terminal.PLAIN, Outcome.NOT_SHOWN: terminal.WARN, Outcome.FAILED: terminal.BAD}
_MARKS = {Outcome.SHOWN: "•", Outcome.NOT_SHOWN: "–", Outcome.FAILED: "✗"}


def measure_all(entries: Sequence[Entry], folder: Path, record: Record, out: terminal.Terminal) -> int:
    """Measure one lab after another: two at once would disturb each other. 1 when a measurement failed."""
    labs = [entry for entry in entries if isinstance(entry, Lab)]
    found: dict[int, Evidence] = {}
    with out.progress(len(labs)) as bar:
        for lab in labs:
            bar.note(lab.name)
            found[lab.number] = measure(lab, lab.solution, functools.partial(_note, bar, lab))
            bar.advance()
            _tell(found[lab.number], folder, out)
    lines: list[page.Line] = [(entry, found.get(entry.number)) for entry in entries]
    out.say()
    _table(lines, out)
    if is_quick():
        out.say("QUICK=1: shortened; each lab's page shows what was measured.", terminal.DIM)
    predictions = {lab.id: said for lab in labs if (said := _prediction(record, lab))}
    path = write(lines, folder / "index.html", predictions)
    out.verbatim(f"\nThe report, with every plot: {path}")
    return int(any(evidence.outcome is Outcome.FAILED for evidence in found.values()))


def _note(bar: terminal.Progress, lab: Lab, text: str) -> None:
    bar.note(f"{lab.name}: {text}")


def _tell(evidence: Evidence, folder: Path, out: terminal.Terminal) -> None:
    """One line as soon as a lab is through; a failure's full story goes to a file."""
    told = f"{evidence.lab.name:<18} {page.verdict_of(evidence)[0]}"
    if evidence.measurement is None:
        told += f": {evidence.reason}"
    out.say(f"{_MARKS[evidence.outcome]}  {told}  ({evidence.seconds:.1f} s)", _STYLES[evidence.outcome])
    if evidence.outcome is Outcome.FAILED and evidence.log:
        log = folder / f"{evidence.lab.number:02d}_{evidence.lab.slug}.log"
        write_whole(log, evidence.log + "\n")
        out.verbatim(f"   its traceback: {log}")


def _table(lines: Sequence[page.Line], out: terminal.Terminal) -> None:
    measured = [(entry, evidence) for entry, evidence in lines if evidence is not None]
    rows = [
        (lab.claim, " ".join(page.verdict_of(evidence)).strip(), page.measured_of(evidence), lab.name)
        for lab, evidence in measured
    ]
    styles = [_STYLES[evidence.outcome] for _, evidence in measured]
    out.table(("claim", "verdict", "measured here", "lab"), rows, styles)
    coming = [entry.name for entry, evidence in lines if evidence is None]
    if coming:
        out.say(textwrap.fill(f"To come: {', '.join(coming)}.", 110, break_on_hyphens=False), terminal.DIM)


def _prediction(record: Record, lab: Lab) -> str:
    said = [event.get("said", "") for event in record.events(lab) if event.get("event") == "prediction"]
    return str(said[-1]) if said else ""


def write(lines: Sequence[page.Line], path: Path, predictions: dict[str, str]) -> Path:
    """Write the page, and beside it the same figures for programs (results.json)."""
    facts = environment.facts()
    write_whole(path, page.page(lines, facts, predictions))
    results = [_result(evidence) for _, evidence in lines if evidence is not None]
    document = {"machine": dict(facts), "labs": results}
    write_whole(path.with_suffix(".json"), json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return path


def _result(evidence: Evidence) -> dict[str, object]:
    return {
        "lab": evidence.lab.id,
        "claim": evidence.lab.claim,
        "outcome": evidence.outcome.value,
        "verdict": " ".join(page.verdict_of(evidence)).strip(),
        "measured": page.measured_of(evidence),
        "figures": dict(evidence.measurement.figures) if evidence.measurement else {},
    }
