"""The command line of `python -m tests.bench`: every mistake is one clear line, and exit status 2."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tests.bench.contenders import CONTENDERS
from tests.bench.scenarios import SCENARIOS, Pace

# Where a run leaves its files unless it is told otherwise; `make clean` removes it.
FOLDER = Path("build/bench")

# What a quick run leaves out: those that no whole run has found to be the fastest of their kind.
_SLOW = ("aiohttp", "hypercorn")

# What README's table leaves out: scenarios without a row in it, and a server that is the slowest of its kind.
_NOT_IN_README = {"echo1m", "connections", "connections-tls", "fields", "resumed", "hypercorn"}


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure, on whom, how long, and where to write.

    named: the scenarios that the user has named. keep: what the last run's file has concluded is kept; of the
    others all are measured, and those that are named.
    """

    named: tuple[str, ...]
    scenarios: tuple[str, ...]
    servers: tuple[str, ...]
    pace: Pace
    calibrate: bool
    keep: bool
    json: Path
    markdown: Path
    plot: Path


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"bench: {message} (see `python -m tests.bench --help`)", file=sys.stderr)
        raise SystemExit(2)


def parse(words: Sequence[str]) -> Options:
    """Read the command line. Raises SystemExit."""
    parser = _Parser(
        prog="python -m tests.bench",
        description="netlab beside the servers that people deploy, on one core, in one run.",
        epilog="Scenarios:\n" + "\n".join(map(_entry, SCENARIOS)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("scenarios", nargs="*", metavar="SCENARIO", help="which to run (default: all but those marked *)")
    add("--quick", action="store_true", help="short rounds, fewer of them, the fastest peers (--only: any)")
    add("--readme", action="store_true", help="what README's table needs, in rounds of one second")
    add("--keep", action="store_true", help="keep what the last run has concluded, measure the rest of it")
    add("--rounds", type=_positive, metavar="N", help="visit each server so often")
    add("--seconds", type=_positive, metavar="S", help="load it for so long each time")
    add("--only", metavar="A,B", help=f"servers, of {','.join(CONTENDERS)}")
    add("--calibrate", action="store_true", help="look for each peer's fastest set-up again")
    add("--json", type=Path, metavar="FILE", default=FOLDER / "bench.json", help="every sample (%(default)s)")
    add("--markdown", type=Path, metavar="FILE", default=FOLDER / "bench.md", help="tables (%(default)s)")
    add("--plot", type=Path, metavar="FILE", default=FOLDER / "bench.svg", help=".svg or .png (%(default)s)")
    given = parser.parse_args(words)

    servers, scenarios = _default(given.quick, given.readme)
    servers = servers if given.only is None else [name.strip() for name in given.only.split(",")]
    scenarios = given.scenarios or scenarios
    mistakes = [_unknown("server", name, CONTENDERS) for name in servers if name not in CONTENDERS]
    mistakes += [_unknown("scenario", name, SCENARIOS) for name in scenarios if name not in SCENARIOS]
    if given.quick and given.readme:
        mistakes.append("--quick and --readme: README's table needs whole rounds, give one of the two")
    if given.plot.suffix not in (".svg", ".png"):
        mistakes.append(f"--plot {given.plot}: name it .svg or .png")
    if mistakes:
        parser.error("; ".join(mistakes))
    return Options(
        tuple(given.scenarios),
        tuple(key for key in SCENARIOS if key in scenarios),
        tuple(name for name in CONTENDERS if name in servers),
        Pace(given.quick, given.rounds, given.seconds or (1 if given.readme else None)),
        given.calibrate, given.keep, given.json, given.markdown, given.plot,
    )  # fmt: skip


def _default(quick: bool, readme: bool) -> tuple[list[str], list[str]]:
    """Servers and scenarios, where the user names none."""
    omitted = {*(_SLOW if quick else ()), *(_NOT_IN_README if readme else ())}
    servers = [name for name in CONTENDERS if name not in omitted]
    return servers, [key for key, each in SCENARIOS.items() if each.usual and key not in omitted]


def _entry(key: str) -> str:
    scenario = SCENARIOS[key]
    return f"  {key:<12}{' ' if scenario.usual else '*'} {scenario.title}"


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 3600):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 3600")
    return int(text)


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> str:
    return f"no {kind} is called {name!r}: there are {', '.join(known)}"
