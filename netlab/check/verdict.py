"""What the judge says: a verdict for each case, and how many passed of what MUST and of what SHOULD hold.

Values alone. How a verdict is found stands in `judge` and in the checks (`limits`, `cors`, `security`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

# RFC 2119: MUST and MUST NOT are one requirement, SHOULD and SHOULD NOT another. The rest are choices.
LEVELS = {
    "MUST": "must",
    "MUST NOT": "must",
    "SHOULD": "should",
    "SHOULD NOT": "should",
    "MAY": "may",
    "policy": "may",
}


class Result(Enum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """The outcome of one case.

    name: `group/case`. level: "MUST", "SHOULD", … as the RFC says it, or "policy". expected and got: one line
    each. sent: the bytes on the wire. why: what the outcome rests on, or why the case was skipped.
    attack: what an attacker gains from a server that fails it, "" where nothing is known.
    """

    name: str
    group: str
    title: str
    rule: str
    section: str
    level: str
    outcome: Result
    expected: str
    got: str
    sent: bytes = b""
    why: str = ""
    attack: str = ""

    @property
    def requirement(self) -> str:
        """ "must", "should" or "may"."""
        return LEVELS[self.level]

    @property
    def breaks_a_must(self) -> bool:
        """Does the server violate the protocol here?"""
        return self.outcome is Result.FAILED and self.requirement == "must"


def summary(verdicts: Iterable[CaseVerdict]) -> dict[str, dict[str, int]]:
    """For must, should and may: how many passed, failed and were skipped."""
    counted = Counter((verdict.requirement, verdict.outcome.value) for verdict in verdicts)
    return {
        requirement: {outcome.value: counted[requirement, outcome.value] for outcome in Result}
        for requirement in ("must", "should", "may")
    }
