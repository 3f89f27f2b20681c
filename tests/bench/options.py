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


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure, on whom, how long, and where to write."""

    scenarios: tuple[str, ...]
    servers: tuple[str, ...]
    pace: Pace
    calibrate: bool
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
    add("--rounds", type=_positive, metavar="N", help="visit each server so often")
    add("--seconds", type=_positive, metavar="S", help="load it for so long each time")
    add("--only", metavar="A,B", help=f"servers, of {','.join(CONTENDERS)}")
    add("--calibrate", action="store_true", help="look for each peer's fastest set-up again")
    add("--json", type=Path, metavar="FILE", default=FOLDER / "bench.json", help="every sample (%(default)s)")
    add("--markdown", type=Path, metavar="FILE", default=FOLDER / "bench.md", help="tables (%(default)s)")
    add("--plot", type=Path, metavar="FILE", default=FOLDER / "bench.svg", help=".svg or .png (%(default)s)")
    given = parser.parse_args(words)

    default = [name for name in CONTENDERS if not (given.quick and name in _SLOW)]
    servers = default if given.only is None else [name.strip() for name in given.only.split(",")]
    scenarios = given.scenarios or [key for key, scenario in SCENARIOS.items() if scenario.usual]
    mistakes = [_unknown("server", name, CONTENDERS) for name in servers if name not in CONTENDERS]
    mistakes += [_unknown("scenario", name, SCENARIOS) for name in scenarios if name not in SCENARIOS]
    if given.plot.suffix not in (".svg", ".png"):
        mistakes.append(f"--plot {given.plot}: name it .svg or .png")
    if mistakes:
        parser.error("; ".join(mistakes))
    return Options(
        tuple(key for key in SCENARIOS if key in scenarios),
        tuple(name for name in CONTENDERS if name in servers),
        Pace(given.quick, given.rounds, given.seconds),
        given.calibrate, given.json, given.markdown, given.plot,
    )  # fmt: skip


def _entry(key: str) -> str:
    scenario = SCENARIOS[key]
    return f"  {key:<12}{' ' if scenario.usual else '*'} {scenario.title}"


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 3600):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 3600")
    return int(text)


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> str:
    return f"no {kind} is called {name!r}: there are {', '.join(known)}"
