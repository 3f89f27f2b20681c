"""README's table "Measured" and netlab/BENCH.md, made from the last run: `python -m tests.bench.readme`.

`make bench ARGS=--readme` measures what they need, `make bench-table` is this command. README's table stands
between two markers and has fewer columns. BENCH.md also has the goals, which of them are not reached, and
what each server ran on. When a scenario is missing, was too busy or is unsteady, nothing is written and the
exit status is 2: no ratio of such a run is ever printed. `make bench ARGS="--readme --keep"` then measures
those scenarios anew.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contenders import BARE, CONTENDERS, EPOLL, OURS
from tests.bench.figures import Column, Result, lack, ratio
from tests.bench.options import FOLDER
from tests.bench.record import Run, Unreadable, read
from tests.bench.runner import taking_part
from tests.bench.scenarios import SCENARIOS

README = Path(__file__).parent.parent.parent / "README.md"
PAGE = README.parent / "netlab" / "BENCH.md"
_HEADING = """# netlab beside other servers

`make bench ARGS=--readme` measures this page, and `make bench-table` writes it with README's table."""
_FLOOR = (
    "The bare loops are no servers: Python's sockets alone, a constant answer. What remains is the cost of "
    "the kernel, OpenSSL and Python's `ssl` module, which no Python server avoids. [FAST.md](FAST.md) has "
    "every trick, what a request costs, and why some goals are out of reach."
)
BEGIN, END = "<!-- bench table: begin (`make bench-table` writes it) -->", "<!-- bench table: end -->"
_NONE = "–"
_WIDTH = 130

PEERS = ("uvicorn", "granian", "aiohttp")
"""The servers of Python that a user would deploy. A goal against them is one against the fastest."""

# The columns of the table: a heading, and the servers that stand under it.
_COLUMNS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in (*PEERS, "fastwsgi", "bjoern", "socketify", "nginx")},
    "bare loop": (BARE, EPOLL),
}

# README shows these columns alone; BENCH.md shows all, and the goals.
_GLANCE = (*PEERS, "fastwsgi", "nginx")

# Without these a table would be incomplete; the others depend on what can be built on a machine.
_NEEDED = (OURS, *PEERS, "fastwsgi", BARE, EPOLL)


class Refused(Exception):
    """The run makes no table: why not."""


@dataclass(frozen=True, slots=True)
class Goal:
    """How many times better netlab is to do than the fastest of some servers, by CPU time or by `figure`."""

    least: float
    than: tuple[str, ...] = PEERS
    figure: str = ""

    @property
    def words(self) -> str:
        """ "≥ 2.0", and of what if it is not the peers."""
        name = "" if self.than == PEERS else f" {self.than[0].replace('epoll ', '')}"
        return f"≥ {self.least:g}{name}" + (" in requests/s" if self.figure == "rate" else "")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table. most: the memory that an idle connection may cost netlab, in KiB."""

    key: str
    title: str
    goals: tuple[Goal, ...] = ()
    most: float | None = None


_UVICORN, _AIOHTTP = ("uvicorn",), ("aiohttp",)

LINES = (
    Line("get", "GET, persistent connections", (Goal(2.0), Goal(0.85, (EPOLL,)))),
    Line("heads", "the same, nine field lines, no two heads alike", (Goal(1.5), Goal(0.85, ("fastwsgi",)))),
    Line("tls", "GET, persistent TLS 1.3 connections", (Goal(2.0),)),
    Line("echo1k", "POST of 1 KiB, echoed", (Goal(1.5),)),
    Line("close", "one request per connection", (Goal(1.3),)),
    Line("route", "a JSON route with a query and two path segments", (Goal(1.5),)),
    Line(
        "handshake",
        "one request per TLS 1.3 connection, full handshake",
        (Goal(1.0, _UVICORN), Goal(1.0, _AIOHTTP)),
    ),
    Line("stream", "a long stream, pieces of 1 MiB", (Goal(1.0),)),
    Line("stream-tls", "a long stream over TLS 1.3", (Goal(1.0),)),
    Line("idle", "memory of an idle connection", most=0.7),
    Line("idle-tls", "memory of an idle TLS 1.3 connection", most=15.3),
    Line("asgi", "a raw ASGI app", (Goal(1.3, _UVICORN), Goal(1.15, _UVICORN, "rate"))),
    Line("asgi-tls", "the same over TLS 1.3", (Goal(1.3, _UVICORN),)),
    Line("starlette", "a Starlette route", (Goal(1.2, _UVICORN),)),
    Line("fastapi", "a FastAPI route with a dependency", (Goal(1.1, _UVICORN),)),
    Line("json", "Starlette, POST of 1 KiB of JSON", (Goal(1.2, _UVICORN),)),
    Line("asgi-stream", "Starlette's StreamingResponse, pieces of 1 MiB", (Goal(1.0, _UVICORN),)),
)


def main() -> int:
    """The command. Returns the exit status: 0, or 2 when the run makes no table."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "bench.json"
    try:
        run = read(path)
        text, page = inserted(README.read_text("utf-8"), glance(run)), f"{_HEADING}\n\n{block(run)}\n"
    except (Refused, Unreadable) as failure:
        print(f"bench: README is left as it is: {failure}", file=sys.stderr)
        return 2
    README.write_text(text, "utf-8")
    PAGE.write_text(page, "utf-8")
    print(f"written: {README.name}, {PAGE.name}")
    return 0


def inserted(text: str, made: str) -> str:
    """A README with its table replaced. Raises Refused when a marker is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise Refused(f"it lacks the line {END if begin else BEGIN}")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def glance(run: Run) -> str:
    """What README shows: a narrow table, and which rows are short of their goals. Raises Refused."""
    found = [_concluded(run, line) for line in LINES]
    short = [
        f"{line.title} ({', '.join(each)})"
        for line, result in zip(LINES, found, strict=True)
        if (each := [miss.brief for miss in _missed(line, result)])
    ]
    more = f"Short of the goal: {'; '.join(short)}." if short else "Every row reaches its goal."
    more += f" {_FURTHER}"
    return "\n\n".join([_wrapped(_introduction(run, found)), _table(found, _GLANCE), _wrapped(more)])


def block(run: Run) -> str:
    """What BENCH.md has under its heading. Raises Refused."""
    found = [_concluded(run, line) for line in LINES]
    misses = [
        f"- {line.title}: {miss.words}."
        for line, result in zip(LINES, found, strict=True)
        for miss in _missed(line, result)
    ]
    short = ["Rows that are short of their goal:", "", *misses] if misses else ["Every row reaches its goal."]
    table = _table(found, tuple(_COLUMNS), ("goal", "reached"))
    introduction = f"{_introduction(run, found)} {_ON_GOALS}"
    parts = [_wrapped(introduction), table, "\n".join(short), *_besides(run, found)]
    return "\n\n".join([*parts, _wrapped(_FLOOR)])


def _table(found: Sequence[Result], names: Sequence[str], goals: Sequence[str] = ()) -> str:
    """Rows with the servers that stand under these headings, and two cells about the goal if it is headed."""
    head = ["", f"{OURS}: CPU time", *names, *goals]
    rows = []
    for line, result in zip(LINES, found, strict=True):
        cells = [_times(result, _COLUMNS[name]) for name in names]
        reached = "**no**" if _missed(line, result) else "yes"
        rows.append([line.title, _own(result), *cells, *((_goals(line), reached) if goals else ())])
    return "\n".join([_row(head), _row([":--", *["--:"] * (len(head) - 1)]), *map(_row, rows)])


# Whether the run may be shown.


def _concluded(run: Run, line: Line) -> Result:
    """The result of a row. Raises Refused unless it is whole, quiet and steady."""
    if run.pace.quick:
        raise Refused("the run was a quick one: run `make bench ARGS=--readme`")
    result = run.of(line.key)
    again = 'run `make bench ARGS="--readme --keep"`'
    if result is None:
        raise Refused(f"the scenario {line.key} was not measured: {again}")
    scenario = SCENARIOS[line.key]
    part = [each.name for each in taking_part(scenario, list(CONTENDERS.values()))]
    shown = [name for servers in _COLUMNS.values() for name in servers]
    there = {row.server for row in result.rows}
    servers = [name for name in (OURS, *shown) if name in part and (name in _NEEDED or name in there)]
    reason = lack(result, servers, scenario.rounds[0]) or _undecided(line, result)
    if reason is not None:
        raise Refused(f"scenario {line.key}: {reason}: {again}")
    return result


def _undecided(line: Line, result: Result) -> str | None:
    """Why a goal of this row can be neither reached nor missed."""
    for goal in line.goals:
        times = [_ratio(result, name, goal.figure) for name in goal.than]
        if all(each is None for each in times):
            return f"no figure of {', '.join(goal.than)}"
    if line.most is not None and _own_median(result) is None:
        return f"no figure of {OURS}"
    return None


# Cells.


def _column(result: Result, figure: str) -> Column:
    return next((each for each in result.columns if each.name == figure), result.cheapness)


def _ratio(result: Result, server: str, figure: str = "") -> float | None:
    """As it is printed: two digits behind the point. None where the server has no figures here."""
    ours, theirs = result.of(OURS, ""), result.of(server, "")
    times = ratio(ours, theirs, _column(result, figure)) if ours and theirs else None
    return round(times.median, 2) if times is not None and times.is_steady else None


def _times(result: Result, servers: Sequence[str]) -> str:
    found = [times for name in servers if (times := _ratio(result, name)) is not None]
    return f"{found[0]:.2f}" if found else _NONE


def _own_median(result: Result) -> float | None:
    row = result.of(OURS, "")
    return row.median(result.cheapness.name) if row is not None else None


def _own(result: Result) -> str:
    """netlab's own figure with its unit: "8.7 µs", "0.62 KiB"."""
    median, column = _own_median(result), result.cheapness
    unit = column.heading.removeprefix("CPU ").partition("/")[0].rpartition(" ")[2]
    return _NONE if median is None else f"{column.show(median)} {unit}"


def _goals(line: Line) -> str:
    if line.most is not None:
        return f"≤ {line.most:g} KiB"
    return ", ".join(goal.words for goal in line.goals)


@dataclass(frozen=True, slots=True)
class Miss:
    """What is short of its goal: in words, and in brief."""

    words: str
    brief: str


def _missed(line: Line, result: Result) -> list[Miss]:
    """What is short of its goal."""
    missed = []
    for goal in line.goals:
        times = {name: _ratio(result, name, goal.figure) for name in goal.than}
        found = {name: each for name, each in times.items() if each is not None}
        fastest = min(found, key=found.__getitem__)
        if found[fastest] < goal.least:
            what = "in requests a second " if goal.figure == "rate" else ""
            ratio = f"{found[fastest]:.2f}"
            than = "" if goal.than == PEERS else f" × {fastest}"
            brief = f"{what}{ratio} of {goal.least:g}{than}"
            missed.append(Miss(f"{what}{ratio} × {fastest}, the goal is {goal.least:g}", brief))
    median = _own_median(result)
    if line.most is not None and median is not None and round(median, 2) > line.most:
        missed.append(
            Miss(f"{median:.2f} KiB, the goal is {line.most:g}", f"{median:.2f} of {line.most:g} KiB")
        )
    return missed


# Words.


def _introduction(run: Run, found: Sequence[Result]) -> str:
    dates = sorted({result.measured[:10] for result in found if result.measured})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else run.facts.get("measured", "")
    facts = [run.facts[name] for name in ("processor", "system", "TLS") if name in run.facts]
    rounds = {run.rounds_of(line.key) for line in LINES if line.most is None}
    return (
        f"Measured {when} on {', '.join(facts)}. A figure is the other server's CPU time (or memory) divided "
        f"by netlab's, the median of {min(rounds)} paired rounds. Above 1, netlab is cheaper. {_NONE}: not "
        f"measured there."
    )


_ON_GOALS = f"A goal without a name is one against the fastest of {', '.join(PEERS)}."

_FURTHER = "[BENCH.md](netlab/BENCH.md) has goals and set-ups, [FAST.md](netlab/FAST.md) the reasons."

# The rows whose requests a second are told.
_RATES = {"get": "plain GETs", "heads": "with heads that differ", "tls": "over TLS", "asgi": "of an ASGI app"}


def _besides(run: Run, found: Sequence[Result]) -> list[str]:
    """Requests a second, what each server ran on, and what is not shown."""
    rates = []
    for result in found:
        row = result.of(OURS, "")
        rate = row.median("rate") if row is not None else None
        if result.key in _RATES and rate is not None:
            rates.append(f"{round(rate, -3):,.0f} {_RATES[result.key]}")
    parts = [f"netlab's requests a second on one core: {', '.join(rates)}."] if rates else []
    if run.chosen:
        ran = "; ".join(run.chosen.values())
        parts.append(f"Each server runs on the fastest set-up that the calibration has found: {ran}.")
    lost = dict.fromkeys(
        f"{row.server} has no figures in the row “{line.title}”: {row.trouble}."
        for line, result in zip(LINES, found, strict=True)
        for row in result.rows
        if row.trouble is not None
    )
    shown = [line for line in run.lines if "not shown" in line]
    return [_wrapped(text) for text in (*parts, *lost, *shown)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(main())
