"""The calibration run: each server is measured on what a user could install, and takes the fastest.

One second of the same GET each, judged by CPU time a request, which a busy neighbour hardly moves. It goes in
steps, so that it stays short: uvloop's versions and asyncio on this Python, the other parser, other Pythons.
The choice is kept in build/bench/calibration.json until a version, the Python or the processor changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.bench import setups
from tests.bench.machine import NotShown
from tests.bench.setups import ASYNCIO, UVLOOPS, Setup

Measure = Callable[[str, Setup], float]
"""CPU seconds a request of a peer, by name, on a set-up. Raises NotShown when it does not run there."""


@dataclass(slots=True)
class Calibration:
    """What was chosen for each peer, what each candidate needed (CPU µs a GET), what was not tried."""

    chosen: dict[str, Setup] = field(default_factory=dict)
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    lacks: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What the table says of the choice: one line a peer, then what was not tried."""
        said = []
        for name, setup in self.chosen.items():
            figures = self.figures[name]
            best = setup.label(name in PARSERS)
            others = ", ".join(f"{label} {value:.1f}" for label, value in figures.items() if label != best)
            tried = f" ({others})" if others else ""
            said.append(f"{name} runs on {best}: {figures[best]:.1f} µs of CPU a GET{tried}")
        return [*said, *self.lacks]


# The peers whose parser can be chosen, and the parsers.
PARSERS: dict[str, tuple[str, ...]] = {"uvicorn": ("httptools", "h11")}
PEERS = ("uvicorn", "granian", "aiohttp", "hypercorn")

# What runs on asyncio, whatever is installed: of netlab only the Python is chosen.
ASYNCIO_ONLY = ("netlab",)


class Search:
    """Looks for the fastest set-up of one peer, step by step."""

    def __init__(self, name: str, measure: Measure, lacks: list[str]) -> None:
        self._name, self._measure, self._lacks = name, measure, lacks
        self.figures: dict[Setup, float] = {}

    def run(self, pythons: Sequence[tuple[str, str]]) -> Setup:
        """The fastest. Raises NotShown when not one candidate runs."""
        here = setups.usual()
        versions = dict.fromkeys((here.uvloop, *UVLOOPS, ASYNCIO))
        if self._name in ASYNCIO_ONLY:
            versions = {ASYNCIO: None}
        self._try_all(lambda v=version: setups.with_uvloop(here, v) for version in versions)
        best = self._best()
        for parser in PARSERS.get(self._name, ())[1:]:
            other = Setup(best.uvloop, parser, best.python, best.program, best.overlay)
            self._try_all([lambda other=other: other])
        best = self._best()
        self._try_all(lambda p=python: _on(p, best) for python in pythons)
        return self._best()

    def _try_all(self, candidates: Iterator[Callable[[], Setup]] | Sequence[Callable[[], Setup]]) -> None:
        for make in candidates:
            try:
                setup = make()
                self.figures[setup] = self._measure(self._name, setup)
            except NotShown as lack:
                line = f"a candidate was not tried: {lack}"
                if line not in self._lacks:
                    self._lacks.append(line)

    def _best(self) -> Setup:
        if not self.figures:
            raise NotShown("no set-up of it runs here")
        return min(self.figures, key=self.figures.__getitem__)


def _on(python: tuple[str, str], best: Setup) -> Setup:
    """The best set-up so far, on another Python."""
    there = setups.with_uvloop(setups.environment_of(*python), best.uvloop)
    return Setup(there.uvloop, best.parser, there.python, there.program, there.overlay)


def calibrate(names: Sequence[str], measure: Measure, pythons: Sequence[tuple[str, str]]) -> Calibration:
    """Measure every candidate of each peer."""
    found = Calibration()
    for name in names:
        search = Search(name, measure, found.lacks)
        try:
            found.chosen[name] = search.run(pythons)
        except NotShown as lack:
            found.lacks.append(f"{name}: {lack}")
            continue
        found.figures[name] = {
            setup.label(name in PARSERS): seconds * 1e6 for setup, seconds in search.figures.items()
        }
    return found


# The cache.


def key(
    names: Sequence[str], facts: Sequence[tuple[str, str]], pythons: Sequence[tuple[str, str]]
) -> dict[str, object]:
    """What a calibration is good for: peers, their versions, Pythons, the machine."""
    versions = {name: setups.installed(name) for name in setups.PACKAGES}
    return {
        "peers": list(names), "versions": versions, "facts": [list(fact) for fact in facts],
        "pythons": [list(python) for python in pythons], "uvloops": list(UVLOOPS),
    }  # fmt: skip


def load(path: Path, wanted: dict[str, object]) -> Calibration | None:
    """The calibration that was kept for the same key, if its programs are still there."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["key"] != wanted:
            return None
        chosen = {name: Setup(**fields) for name, fields in kept["chosen"].items()}
        found = Calibration(chosen, kept["figures"], kept["lacks"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    there = all(
        Path(each.program).exists() and (not each.overlay or Path(each.overlay).is_dir())
        for each in chosen.values()
    )
    return found if there else None


def save(path: Path, wanted: dict[str, object], found: Calibration) -> None:
    """Keep it for the next run."""
    chosen = {name: asdict(setup) for name, setup in found.chosen.items()}
    kept = {"key": wanted, "chosen": chosen, "figures": found.figures, "lacks": found.lacks}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
