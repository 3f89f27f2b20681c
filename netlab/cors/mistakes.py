"""What is wrong with a CORS configuration: one record a mistake, all of them raised together.

A policy that is wrong fails when it is built, in front of its author, and not quietly in a visitor's
browser. So each mistake says what was given, why it cannot stand, how to mend it, and the step of
the Fetch standard that it rests on. No rule lives here; the rules are in `origin`, `policy` and `routes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend in a policy."""

    setting: str
    """The name of the setting, such as `origins`."""
    value: str
    """What was given, as Python writes it, cut to a readable length."""
    reason: str
    """Why it cannot stand."""
    repair: str
    """What to write instead."""
    step: str
    """The step of the Fetch standard (or the RFC section) behind the rule."""

    def __str__(self) -> str:
        return f"{self.setting}: {self.value}: {self.reason}; {self.repair} [{self.step}]"


class PolicyError(ValueError):
    """A policy could not be built. `mistakes` holds every reason, in the order of the settings."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        head = "1 mistake in the CORS policy" if count == 1 else f"{count} mistakes in the CORS policy"
        super().__init__("\n  ".join([head + ":", *map(str, self.mistakes)]))


def shown(value: object, limit: int = 80) -> str:
    """`value` on one line of printable ASCII, at most about `limit` characters: fit for a log or an answer.

    What a client sent must never end a line of our log, nor move a terminal's cursor.
    """
    text = ascii(value)
    return text if len(text) <= limit else text[: limit - 4] + "..." + text[-1]
