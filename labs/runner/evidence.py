"""Evidence: what a measurement is given, what it must return, and the verdict that follows.

`measure(run: Run) -> Measurement` in labs/NN_slug/measure.py is the only thing that produces these. The
verdict is computed from the figures of this machine; a measurement that could not be made raises NotShown
and is never a pass.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

Figure = float | int | str


class NotShown(Exception):
    """This machine cannot show it. The text says what it needs: "needs tshark (apt-get install tshark)"."""


class Verdict(enum.Enum):
    """What the figures say of the claim."""

    TRUE = "true"
    TRUE_ONLY_IF = "true only if"
    FALSE = "false"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values under named columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def __post_init__(self) -> None:
        """Raises ValueError for a row that does not fit its columns."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.title!r}: {len(self.columns)} columns, but a row of {len(row)}: {row!r}"
                )


@dataclass(frozen=True, slots=True)
class Drawing:
    """Lines of text that stand as they are, in the terminal and on the page (see labs.runner.ladders)."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One inline SVG picture (see labs.runner.plots)."""

    title: str
    svg: str

    def __post_init__(self) -> None:
        """Raises ValueError when the picture is no inline SVG."""
        if not self.svg.lstrip().startswith("<svg"):
            raise ValueError(f"plot {self.title!r}: its svg must begin with <svg (use labs.runner.plots)")


@dataclass(frozen=True, slots=True)
class Measurement:
    """The outcome of one lab's measurement.

    `figures` are the named numbers (the prediction is compared with one of them), `headline` the evidence in
    one line, `condition` what completes "true only if …". Raises ValueError that lists every error.
    """

    figures: Mapping[str, Figure]
    verdict: Verdict
    headline: str
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    notes: Sequence[str] = ()
    condition: str = ""
    drawings: Sequence[Drawing] = ()

    def __post_init__(self) -> None:
        errors = []
        if not self.headline.strip() or "\n" in self.headline:
            errors.append("the headline must be one line")
        if (self.verdict is Verdict.TRUE_ONLY_IF) != bool(self.condition):
            errors.append("a condition goes with the verdict TRUE_ONLY_IF, and only with it")
        errors += [
            f"figure {name!r} is {type(value).__name__}, not a number or text"
            for name, value in self.figures.items()
            if not isinstance(value, int | float | str)
        ]
        if errors:
            raise ValueError("; ".join(errors))

    @property
    def judged(self) -> str:
        """The verdict in words: "true only if the connection is new"."""
        if not self.condition:
            return self.verdict.value
        return f"{self.verdict.value} {self.condition.removeprefix('true only if').strip()}"

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dumps; cells of tables that JSON does not know become text."""
        tables = [
            {"title": t.title, "columns": list(t.columns), "rows": _plain_rows(t.rows)} for t in self.tables
        ]
        return {
            "figures": dict(self.figures),
            "verdict": self.verdict.name,
            "headline": self.headline,
            "tables": tables,
            "plots": [dataclasses.asdict(plot) for plot in self.plots],
            "notes": list(self.notes),
            "condition": self.condition,
            "drawings": [dataclasses.asdict(drawing) for drawing in self.drawings],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measurement:
        """The inverse of to_json."""
        return cls(
            figures=data["figures"],
            verdict=Verdict[data["verdict"]],
            headline=data["headline"],
            tables=[Table(**table) for table in data["tables"]],
            plots=[Plot(**plot) for plot in data["plots"]],
            notes=data["notes"],
            condition=data["condition"],
            drawings=[Drawing(**drawing) for drawing in data["drawings"]],
        )


def _plain_rows(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [
        [cell if isinstance(cell, int | float | str | None) else str(cell) for cell in row] for row in rows
    ]


def _silent(text: str) -> None:
    """A measurement without a display."""


def is_quick() -> bool:
    """Whether the short form is asked for (QUICK=1)."""
    return os.environ.get("QUICK", "") not in ("", "0")


@dataclass(frozen=True, slots=True)
class Run:
    """What a measurement is given.

    `code` is the module under measure (the reference, or the learner's), `quick` asks for the short form
    (QUICK=1), `seed` makes it repeatable, `say(text)` shows one line of progress, `folder` is the lab's own,
    `mine` tells that the code is the learner's.
    """

    code: ModuleType
    folder: Path
    quick: bool = field(default_factory=is_quick)
    seed: int = 1
    say: Callable[[str], None] = _silent
    mine: bool = False

    @property
    def owner(self) -> str:
        """Whose code is measured, for titles: "your parser", "the reference's parser"."""
        return "your" if self.mine else "the reference's"

    @property
    def certs(self) -> Path:
        """The folder with root.pem, chain.pem and leaf.key for localhost; minted on first use."""
        from netlab.tls import authority

        folder = Path(__file__).resolve().parents[2] / "certs"
        authority.ensure(folder)
        return folder
