"""Results as words: tables for the terminal, and the same in Markdown. `readme` makes README's own table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.contenders import OURS
from tests.bench.figures import Column, Result, Row, Spread, growth, ratio
from tests.bench.runner import generator_bound

_NONE = "–"

READING = (
    "Each figure is the median of the rounds. “netlab ×”: how many times better netlab does in that figure, "
    "above 1 in netlab's favour, taken within each round: median (lowest–highest). CPU is the time of all "
    "processes of the server; “user” and “system” are its parts, in user and kernel mode. “server %” and "
    "“load %”: how full the two cores are. The bare loops are no servers: Python's sockets and ssl alone, a "
    "constant answer, the floor for a server in Python. "
    "Where the machine was too busy, or the rounds differ too much, no ratio is given."
)


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, a line on how it was measured, columns, rows, and what to bear in mind."""

    title: str
    how: str
    head: list[str]
    rows: list[list[str]]
    notes: list[str]

    def text(self) -> str:
        """Aligned for a terminal."""
        lines = [self.title, f"  {self.how}"] if self.how else [self.title]
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        for cells in (self.head, ["-" * width for width in widths], *self.rows) if self.rows else ():
            first, *rest = (
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
            )
            lines.append(("  " + "  ".join([first, *rest])).rstrip())
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)]) + "\n"

    def markdown(self) -> str:
        """A section of a README."""
        lines = [
            f"### {self.title}",
            "",
            *([self.how[0].upper() + self.how[1:] + ".", ""] if self.how else []),
        ]
        if self.rows:
            lines += [_line(self.head), _line([":--", *["--:"] * (len(self.head) - 1)])]
            lines += [*map(_line, self.rows), ""]
        return "\n".join([*lines, *(f"- {note}" for note in self.notes), *([""] if self.notes else [])])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def ours(result: Result) -> str:
    """Whom the others are compared with: netlab, or the first if netlab takes no part."""
    names = [row.server for row in result.rows]
    return OURS if OURS in names or not names else names[0]


def table(result: Result) -> Table:
    """One scenario: a line for each server, or for each server and case."""
    many = len([case for case in result.cases if case]) > 1
    base, first_case = ours(result), next((case for case in result.cases if case), "")
    compared = [column for column in result.columns if column.better]
    head = ["server", *(["case"] if many else [])]
    for column in result.columns:
        head += [column.heading, *(["lowest–highest"] if column is result.columns[0] else [])]
    head += [f"{base} × {column.short}" for column in compared]
    rows, unsteady = [], dict[str, None]()
    for row in result.rows:
        if row.trouble is not None:
            continue
        mine = result.of(base, row.case)
        cells = [row.server, *([row.case] if many else [])]
        for column in result.columns:
            cells += _figure(row, column, decides=column is result.columns[0])
        other = row.server != base and mine is not None
        for column in compared:
            times = compare(result, mine, row, column) if other and mine else None
            if times is not None and not times.is_steady:
                unsteady[f"{row.server}{row.case and ' '}{row.case}: {column.short}"] = None
            cells.append(_times(times) if other else "")
        if many:
            start = result.of(row.server, first_case)
            cells.append(_times(growth(start, row, result.cheapness)) if start and start is not row else "")
        rows.append(cells)
    if many:
        head.append(f"{result.cheapness.short} against {first_case}")
    notes = [*_shouts(result), *result.notes]
    if unsteady:
        notes.append(f"!! UNSTEADY: the rounds differ too much for a ratio: {', '.join(unsteady)}")
    return Table(result.title, result.how, head, rows, notes)


def compare(result: Result, mine: Row, other: Row, column: Column) -> Spread | None:
    """The ratio, or None where the machine was too busy to conclude anything."""
    return None if result.busy else ratio(mine, other, column)


def _shouts(result: Result) -> list[str]:
    """Who has no figures, and why: never to be overlooked."""
    troubles = dict.fromkeys((row.server, row.trouble) for row in result.rows if row.trouble is not None)
    busy = [f"!! BUSY: {result.busy}: no ratio is given"] if result.busy else []
    return busy + [f"!! DISQUALIFIED {server}: {trouble}" for server, trouble in troubles]


def _figure(row: Row, column: Column, decides: bool) -> list[str]:
    """The median, and of the column that decides also the lowest and the highest."""
    spread = Spread.of(row.values(column.name))
    if spread is None:
        return [_NONE, *([_NONE] if decides else [])]
    floor = "≥ " if column.name == "rate" and generator_bound(row) else ""
    bounds = [f"{column.show(spread.low)}–{column.show(spread.high)}"] if decides else []
    return [floor + column.show(spread.median), *bounds]


def _times(spread: Spread | None) -> str:
    if spread is None or not spread.is_steady:
        return _NONE
    digits = 1 if spread.median >= 20 else 2
    shown = [f"{value:.{digits}f}" for value in (spread.median, spread.low, spread.high)]
    return shown[0] if shown[1] == shown[2] else f"{shown[0]} ({shown[1]}–{shown[2]})"


def summary(results: Sequence[Result]) -> Table:
    """One line for each scenario: netlab beside the best Python peer and beside nginx."""
    head = ["scenario", "figure", OURS, "best Python peer", "netlab ×", "nginx", "netlab ×"]
    rows = []
    for result in results:
        case = result.cases[-1] if result.cases else ""
        mine, column = result.of(OURS, case), result.columns[0]
        if mine is None or mine.median(column.name) is None:
            continue
        title = f"{result.title}, {case}" if case else result.title
        cells = [title, column.heading, _figure(mine, column, decides=False)[0]]
        for other in (result.best_peer(OURS, case), result.of("nginx", case)):
            if other is None:
                cells += [_NONE, _NONE]
            else:
                name = "" if other.server == "nginx" else f"{other.server} "
                figure = _figure(other, column, decides=False)[0]
                cells += [name + figure, _times(compare(result, mine, other, column))]
        rows.append(cells)
    return Table("In short", "", head, rows, [])


def markdown(results: Sequence[Result], facts: Sequence[tuple[str, str]], lines: Sequence[str]) -> str:
    """The whole report for a README: facts, summary, tables. `lines` say what is not shown."""
    short = summary(results)
    parts = [
        "\n".join(f"- {name}: {text}" for name, text in facts) + "\n",
        short.markdown() if short.rows else "",
        *(table(result).markdown() for result in results),
        READING + "\n" if results else "",
        "\n".join(f"- {line}" for line in lines),
    ]
    return "\n".join(part for part in parts if part).rstrip() + "\n"
