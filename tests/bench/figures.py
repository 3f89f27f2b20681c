"""What comes out of a measurement, and the arithmetic on it: medians, spreads, ratios. Pure functions.

A sample is one visit to one server: figures by name. A row is all samples of one server (and one case of a
scenario, if it has several). A ratio is always written so that above 1 the first server does better, whether
the figure is one of which more is better (requests per second) or less (CPU time, memory).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Sample = dict[str, float]

# Ratios of paired rounds whose middle half spreads wider than this factor conclude nothing.
UNSTEADY = 1.25


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a table: its name in a sample, its heading, its digits behind the point.

    short: how the columns of ratios call it.
    better: +1 when more is better, -1 when less is, 0 when it is there to be read and not to be compared.
    """

    name: str
    heading: str
    short: str = ""
    digits: int = 0
    better: int = 0

    def show(self, value: float) -> str:
        """The value as text, thousands parted."""
        return f"{value:,.{self.digits}f}"


@dataclass(slots=True)
class Row:
    """One server in one case of a scenario: a sample for each round, or what disqualified it."""

    server: str
    case: str
    is_peer: bool
    samples: list[Sample] = field(default_factory=list)
    trouble: str | None = None

    def values(self, name: str) -> list[float]:
        """One figure over the rounds; empty when it is not shown or the row is disqualified."""
        if self.trouble is not None or any(name not in sample for sample in self.samples):
            return []
        return [sample[name] for sample in self.samples]

    def median(self, name: str) -> float | None:
        """The middle of the rounds, or None."""
        values = self.values(name)
        return statistics.median(values) if values else None


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of several values, with the lowest and the highest of them.

    is_steady: whether the middle half of the values lies within UNSTEADY of each other.
    """

    median: float
    low: float
    high: float
    is_steady: bool = field(default=True, compare=False)

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """None when there are no values."""
        if not values:
            return None
        first, _, third = statistics.quantiles(values, method="inclusive") if len(values) > 1 else [1, 1, 1]
        return cls(statistics.median(values), min(values), max(values), third <= first * UNSTEADY)


def ratio(ours: Row, theirs: Row, column: Column) -> Spread | None:
    """How many times better `ours` does than `theirs`, round by round; None where either is not shown.

    Only rounds that both have are compared: a ratio is of two visits that followed each other closely.
    """
    pairs = zip(ours.values(column.name), theirs.values(column.name), strict=False)
    if column.better > 0:
        return Spread.of([mine / other for mine, other in pairs if other > 0])
    return Spread.of([other / mine for mine, other in pairs if mine > 0])


def growth(first: Row, row: Row, column: Column) -> Spread | None:
    """What a figure of one server becomes from the first case to another: 1 is no change."""
    pairs = zip(first.values(column.name), row.values(column.name), strict=False)
    return Spread.of([after / before for before, after in pairs if before > 0])


@dataclass(slots=True)
class Result:
    """All that a scenario found. The first of `columns` decides; `notes` say what to bear in mind.

    busy: why nothing can be concluded, or None. measured: when. Both are set by the runner after the last
    round.
    """

    key: str
    title: str
    how: str
    columns: tuple[Column, ...]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    busy: str | None = None
    measured: str = ""

    @property
    def cheapness(self) -> Column:
        """The first column of which less is better: CPU time or memory. No full generator limits it."""
        return next(column for column in self.columns if column.better < 0)

    @property
    def cases(self) -> list[str]:
        """The cases in their order; one empty name when there is but one."""
        return list(dict.fromkeys(row.case for row in self.rows))

    def of(self, server: str, case: str) -> Row | None:
        """The row of a server in a case."""
        return next((row for row in self.rows if (row.server, row.case) == (server, case)), None)

    def best_peer(self, ours: str, case: str) -> Row | None:
        """The best other server that people deploy for Python, by the column that decides."""
        column = self.columns[0]
        peers = [
            (median * column.better, row)
            for row in self.rows
            if row.case == case and row.is_peer and row.server != ours
            if (median := row.median(column.name)) is not None
        ]
        return max(peers, key=lambda pair: pair[0])[1] if peers else None


def lack(result: Result, servers: Sequence[str], count: int, ours: str = "netlab") -> str | None:
    """Why a result concludes nothing about these servers, or None: busy, incomplete or unsteady.

    count: the rounds that each server must have. A disqualified server has no figures, which is a conclusion,
    unless it is `ours`.
    """
    if result.busy:
        return f"the machine was busy: {result.busy}"
    for name in servers:
        rows = [row for row in result.rows if row.server == name]
        if not rows:
            return f"{name} is missing"
        for row in rows:
            if row.trouble is not None and name == ours:
                return f"{name} was disqualified: {row.trouble}"
            if row.trouble is None and len(row.samples) < count:
                return f"{name} has {len(row.samples)} of {count} rounds"
            mine = result.of(ours, row.case)
            times = ratio(mine, row, result.cheapness) if mine is not None else None
            if times is not None and not times.is_steady:
                return f"the rounds of {name} differ too much"
    return None


def rounds(count: int, servers: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The order of visits: (round, server) as A B C A B C …, so that a drifting machine treats all alike."""
    for number in range(1, count + 1):
        for server in servers:
            yield number, server
