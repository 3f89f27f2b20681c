"""The words of a verdict: what a measurement said, in one place for the terminal and for the page.

Here: verdict, condition, mark and style of one Evidence. Not here: any markup (page.py, cards.py).
"""

from __future__ import annotations

from labs.runner.evidence import Verdict
from labs.runner.registry import Entry
from labs.runner.report.measuring import Evidence, Outcome

_MARKS = {Verdict.TRUE: "✓", Verdict.TRUE_ONLY_IF: "≈", Verdict.FALSE: "✗", Verdict.NOT_SHOWN: "–"}

Line = tuple[Entry, Evidence | None]  # a lab of the curriculum, and its evidence unless it is to come


def verdict_of(evidence: Evidence) -> tuple[str, str]:
    """The verdict and what completes it: ("true only if", "the connection is new"), ("failed", "")."""
    if evidence.measurement is not None:
        word = evidence.measurement.verdict.value
        return word, evidence.measurement.judged.removeprefix(word).strip()
    return ("not shown on this machine" if evidence.outcome is Outcome.NOT_SHOWN else "failed"), ""


def told_of(evidence: Evidence) -> str:
    """The verdict in one piece: "true only if the connection is new"."""
    return " ".join(verdict_of(evidence)).strip()


def measured_of(evidence: Evidence) -> str:
    """The evidence in one line, or why there is none."""
    return evidence.measurement.headline if evidence.measurement else evidence.reason


def kind_of(evidence: Evidence) -> str:
    """The name of the verdict's style in page.css."""
    return evidence.measurement.verdict.name if evidence.measurement else evidence.outcome.name


def mark_of(evidence: Evidence) -> str:
    """One sign for the verdict; the words beside it say the same."""
    if evidence.outcome is Outcome.NOT_SHOWN:
        return "–"
    return _MARKS[evidence.measurement.verdict] if evidence.measurement else "!"
