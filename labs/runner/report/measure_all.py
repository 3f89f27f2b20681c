"""`make labs`: every written lab measured with its reference, the verdict on each claim, the report page."""

from __future__ import annotations

import functools
import json
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from labs.runner import terminal
from labs.runner.errors import LabError
from labs.runner.evidence import is_quick
from labs.runner.files import write_whole
from labs.runner.learner.progress import Record
from labs.runner.registry import Entry, Lab
from labs.runner.report import against, cards, environment, page
from labs.runner.report.measuring import Evidence, Outcome, measure
from labs.runner.report.verdicts import Line, measured_of, told_of, verdict_of

_STYLES = {Outcome.SHOWN: terminal.PLAIN, Outcome.NOT_SHOWN: terminal.WARN, Outcome.FAILED: terminal.BAD}
_MARKS = {Outcome.SHOWN: "•", Outcome.NOT_SHOWN: "–", Outcome.FAILED: "✗"}


def measure_all(
    entries: Sequence[Entry],
    folder: Path,
    record: Record,
    out: terminal.Terminal,
    compared_with: Path | None = None,
) -> int:
    """Measure one lab after another: two at once would disturb each other. 1 when a measurement failed.

    `compared_with`: a kept run (index.json) whose figures are shown beside these. LabError: it is none.
    """
    earlier = against.read(compared_with) if compared_with else None
    labs = [entry for entry in entries if isinstance(entry, Lab)]
    found: dict[int, Evidence] = {}
    with out.progress(len(labs)) as bar:
        for lab in labs:
            bar.note(lab.name)
            found[lab.number] = measure(lab, lab.solution, functools.partial(_note, bar, lab))
            bar.advance()
            _tell(found[lab.number], folder, out)
    lines: list[Line] = [(entry, found.get(entry.number)) for entry in entries]
    out.say()
    _table(lines, out)
    if is_quick():
        out.say("QUICK=1: shortened; each lab's page shows what was measured.", terminal.DIM)
    predictions = {lab.id: said for lab in labs if (said := _prediction(record, lab))}
    if earlier is not None:
        _compare(found.values(), earlier, out)
    wanted = folder / "index.html"
    path = write(lines, wanted, predictions, earlier)
    if path != wanted:
        out.verbatim(f"{wanted} is of a full run and stays as it is.")
    out.verbatim(f"\nThe report, with every plot: {path}")
    return int(any(evidence.outcome is Outcome.FAILED for evidence in found.values()))


def _note(bar: terminal.Progress, lab: Lab, text: str) -> None:
    bar.note(f"{lab.name}: {text}")


def _tell(evidence: Evidence, folder: Path, out: terminal.Terminal) -> None:
    """One line as soon as a lab is through; a failure's full story goes to a file."""
    told = f"{evidence.lab.name:<18} {verdict_of(evidence)[0]}"
    if evidence.measurement is None:
        told += f": {evidence.reason}"
    out.say(f"{_MARKS[evidence.outcome]}  {told}  ({evidence.seconds:.1f} s)", _STYLES[evidence.outcome])
    if evidence.outcome is Outcome.FAILED and evidence.log:
        log = folder / f"{evidence.lab.number:02d}_{evidence.lab.slug}.log"
        write_whole(log, evidence.log + "\n")
        out.verbatim(f"   its traceback: {log}")


def _table(lines: Sequence[Line], out: terminal.Terminal) -> None:
    measured = [(entry, evidence) for entry, evidence in lines if evidence is not None]
    rows = [(lab.claim, told_of(evidence), measured_of(evidence), lab.name) for lab, evidence in measured]
    styles = [_STYLES[evidence.outcome] for _, evidence in measured]
    out.table(("claim", "verdict", "measured here", "lab"), rows, styles)
    coming = [entry.name for entry, evidence in lines if evidence is None]
    if coming:
        out.say(textwrap.fill(f"To come: {', '.join(coming)}.", 110, break_on_hyphens=False), terminal.DIM)


def _prediction(record: Record, lab: Lab) -> str:
    said = [event.get("said", "") for event in record.events(lab) if event.get("event") == "prediction"]
    return str(said[-1]) if said else ""


def write(
    lines: Sequence[Line], path: Path, predictions: dict[str, str], earlier: against.Earlier | None = None
) -> Path:
    """Write the page, and beside it the same figures for programs (index.json); returns the page's path.

    A run that QUICK=1 shortened never takes the place of a full one: its name then ends in -quick.
    """
    facts, quick = environment.facts(), is_quick()
    if quick and _is_full(path.with_suffix(".json")):
        path = path.with_stem(f"{path.stem}-quick")
    write_whole(path, page.page(lines, facts, predictions, quick=quick, earlier=earlier))
    results = [_result(evidence) for _, evidence in lines if evidence is not None]
    document = {"machine": dict(facts), "quick": quick, "labs": results}
    write_whole(path.with_suffix(".json"), json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return path


def _is_full(kept: Path) -> bool:
    """Whether the file keeps a run that was not shortened. What cannot be read is not worth keeping."""
    try:
        return not against.read(kept).quick
    except LabError:
        return False


def _compare(measured: Iterable[Evidence], earlier: against.Earlier, out: terminal.Terminal) -> None:
    """The one number of each lab's card, beside the earlier run's."""
    rows = []
    for evidence in measured:
        then = earlier.figures.get(evidence.lab.id)
        if evidence.measurement is not None and then:
            now, counts = cards.number_of(evidence.lab, evidence.measurement.figures)
            rows.append((evidence.lab.name, counts, now, cards.number_of(evidence.lab, then)[0]))
    out.say(f"\nCompared with the run of {earlier.told}:")
    out.table(("lab", "what is counted", "this run", "earlier"), rows)


def _result(evidence: Evidence) -> dict[str, object]:
    return {
        "lab": evidence.lab.id,
        "claim": evidence.lab.claim,
        "outcome": evidence.outcome.value,
        "verdict": told_of(evidence),
        "measured": measured_of(evidence),
        "figures": dict(evidence.measurement.figures) if evidence.measurement else {},
    }
