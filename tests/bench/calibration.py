"""The calibration run: each server is measured on what a user could install, and takes the fastest.

It is the same for all: netlab, its peers, the cores in C and the bare loops choose their Python. Peers that
can run on uvloop choose the event loop too. Each candidate is visited twice for one second with the same GET.
The lower CPU time a request counts, which a busy neighbour hardly moves. The search goes in steps, so that it
stays short: uvloop's versions and asyncio on this Python, the other parser, other Pythons. The choice is kept
in build/bench/calibration-VERSION.json until a version, a Python or the processor changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import netlab
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

    def words(self, name: str) -> str:
        """ "uvicorn 0.54.0 on Python 3.13.0, uvloop 0.22.1, httptools" """
        version = netlab.__version__ if name == netlab.__name__ else setups.installed(name)
        called = f"{name} {version}" if version else name
        return f"{called} on {label(name, self.chosen[name])}"

    def lines(self, names: Sequence[str] | None = None) -> list[str]:
        """What is said of the choice: one line a server (of `names`), then what was not tried."""
        said = []
        for name, setup in self.chosen.items():
            if names is not None and name not in names:
                continue
            figures = self.figures[name]
            best = label(name, setup)
            others = ", ".join(f"{label} {value:.1f}" for label, value in figures.items() if label != best)
            tried = f" ({others})" if others else ""
            said.append(f"{name} runs on {best}: {figures[best]:.1f} µs of CPU a GET{tried}")
        return [*said, *self.lacks]


# The peers whose parser can be chosen, and the parsers.
PARSERS: dict[str, tuple[str, ...]] = {"uvicorn": ("httptools", "h11")}

# The peers whose event loop can be chosen. Of all others only the Python is chosen.
LOOPS = ("uvicorn", "granian", "aiohttp", "hypercorn")


def label(name: str, setup: Setup) -> str:
    """What a server runs on, as far as it could be chosen: "Python 3.13.0, uvloop 0.22.1, httptools"."""
    return setup.label(name in PARSERS, name in LOOPS)


class Search:
    """Looks for the fastest set-up of one peer, step by step."""

    def __init__(self, name: str, measure: Measure, lacks: list[str]) -> None:
        self._name, self._measure, self._lacks = name, measure, lacks
        self.figures: dict[Setup, float] = {}

    def run(self, pythons: Sequence[tuple[str, str]]) -> Setup:
        """The fastest. Raises NotShown when not one candidate runs."""
        here = setups.usual()
        versions = dict.fromkeys((here.uvloop, *UVLOOPS, ASYNCIO))
        if self._name not in LOOPS:
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


def calibrate(
    names: Sequence[str],
    measure: Measure,
    pythons: Sequence[tuple[str, str]],
    known: Calibration | None = None,
) -> Calibration:
    """Measure every candidate of each server. known: what is not to be measured again."""
    found = known or Calibration()
    for name in names:
        if name in found.chosen:
            continue
        search = Search(name, measure, found.lacks)
        try:
            found.chosen[name] = search.run(pythons)
        except NotShown as lack:
            if (line := f"{name}: {lack}") not in found.lacks:
                found.lacks.append(line)
            continue
        found.figures[name] = {label(name, setup): seconds * 1e6 for setup, seconds in search.figures.items()}
    return found


# The cache.


# What of a machine decides which set-up is the fastest on it.
_DECISIVE = ("processor", "system", "Python", "TLS")


def key(facts: Sequence[tuple[str, str]], pythons: Sequence[tuple[str, str]]) -> dict[str, object]:
    """What a calibration is good for: versions, Pythons, the machine."""
    versions = {name: setups.installed(name) for name in setups.PACKAGES}
    return {
        "versions": versions, "facts": [list(fact) for fact in facts if fact[0] in _DECISIVE],
        "pythons": [list(python) for python in pythons], "uvloops": list(UVLOOPS),
    }  # fmt: skip


def load(path: Path, wanted: dict[str, object]) -> Calibration:
    """What was kept for the same key, of the servers whose programs are still there. Empty if nothing was."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["key"] != wanted:
            return Calibration()
        chosen = {name: Setup(**fields) for name, fields in kept["chosen"].items()}
        there = {name: setup for name, setup in chosen.items() if _is_there(setup)}
        return Calibration(there, {name: kept["figures"][name] for name in there}, list(kept["lacks"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Calibration()


def _is_there(setup: Setup) -> bool:
    return Path(setup.program).exists() and (not setup.overlay or Path(setup.overlay).is_dir())


def save(path: Path, wanted: dict[str, object], found: Calibration) -> None:
    """Keep it for the next run."""
    chosen = {name: asdict(setup) for name, setup in found.chosen.items()}
    kept = {"key": wanted, "chosen": chosen, "figures": found.figures, "lacks": found.lacks}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
