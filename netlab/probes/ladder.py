"""What one connection costs a server: a slope over a ladder of connections, with its confidence interval.

Dividing the memory of a server by its connections charges each of them with a part of the interpreter. Here
the server starts in a process of its own; some connections come and go (warm-up); then N grows step by step,
every rung is read once two readings agree, and the cost is the slope of the line through the rungs. Fresh
processes repeat it: what differs between them is in the interval. In the end all connections close, and what
does not come back is shown as a waterfall: closed, garbage collected, free memory given back (where the
server offers the hooks).

Here: the plan, the climb, the result. Elsewhere: `clients` opens, `launch` starts, `reading` reads, `fit`
computes.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from netlab.probes import fit, hooks
from netlab.probes.clients import Herd, Stopped, Target, raise_descriptor_limit
from netlab.probes.errors import ProbeError
from netlab.probes.launch import Server, wait_for
from netlab.probes.process import children, family
from netlab.probes.reading import FIGURES, Reading, look, settle

Say = Callable[[str], None]

# What a process may keep although it is unused. The memory of the warm-up's connections is free again and yet
# with the process, so that the first connections would seem to cost nothing: the line of these figures begins
# at the first step, by when that memory is in use again. Measured with a server that holds 16 KiB for each
# connection: with the rung of 0 connections in the line, its slope comes out a tenth too small.
_RETAINED = frozenset({"written", "uss", "rss"})
_WARMUP = 50  # enough for caches to fill, few enough for any ladder worth the name


@dataclass(frozen=True, slots=True)
class Plan:
    """How to climb. Raises ValueError that names every mistake at once.

    steps: numbers of connections, rising; 0 is put before them, as the start to which all must come back.
    runs: how often the ladder is climbed, each time in a fresh process if the probe starts the server.
    warmup: connections opened and closed before the first rung; no more than the first step (by default 50,
        or as many as the first step).
    request: send one GET on each connection and read the response (an idle persistent connection).
    patience: seconds to wait for a server to answer and for readings to agree.
    """

    steps: tuple[int, ...] = (200, 400, 600, 800, 1000)
    runs: int = 3
    warmup: int | None = None
    request: bool = True
    patience: float = 15.0

    def __post_init__(self) -> None:
        steps = tuple(step for step in self.steps if step != 0)
        object.__setattr__(self, "steps", steps)
        mistakes = []
        if len(steps) < 3 or list(steps) != sorted(set(steps)) or steps[0] < 0:
            mistakes.append(f"steps {self.steps}: give three or more rising numbers, such as 100,200,300")
        if self.runs < 1:
            mistakes.append(f"runs {self.runs}: at least 1")
        if self.warmup is not None and self.warmup < 0:
            mistakes.append(f"warmup {self.warmup}: 0 or more connections")
        elif self.warmup is not None and steps and self.warmup > steps[0]:
            # The memory of the warm-up stays with the process: what fits into it would seem to cost nothing.
            mistakes.append(f"warmup {self.warmup}: no more than the first step, {steps[0]}")
        if not 0 < self.patience < 3600:
            mistakes.append(f"patience {self.patience}: seconds, above 0 and below an hour")
        if mistakes:
            raise ValueError("; ".join(mistakes))

    @property
    def warming(self) -> int:
        """How many connections warm the server up."""
        return min(_WARMUP, self.steps[0]) if self.warmup is None else self.warmup


Rung = tuple[int, Reading]
Stage = tuple[str, Reading]


@dataclass(frozen=True, slots=True)
class Run:
    """One climb: rungs of (connections, reading), and the waterfall of (stage of coming down, reading)."""

    rungs: tuple[Rung, ...]
    waterfall: tuple[Stage, ...]
    stopped: str | None = None

    @property
    def returned(self) -> bool | None:
        """Whether the descriptors are back at the start once all is closed; None if they are not shown."""
        start, end = self.rungs[0][1].value("fds"), self.waterfall[-1][1].value("fds")
        return None if start is None or end is None else start == end


@dataclass(frozen=True, slots=True)
class Ladder:
    """All climbs of one server, and the cost per connection that they give."""

    url: str
    plan: Plan
    runs: tuple[Run, ...]
    fresh: bool
    notes: tuple[str, ...] = ()
    fits: Mapping[str, fit.Fit | None] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "fits", MappingProxyType({figure: _fit(self.runs, figure) for figure in FIGURES})
        )

    @property
    def returned(self) -> bool | None:
        """Whether the descriptors came back to the start in every run; None if they are not shown."""
        ends = [run.returned for run in self.runs]
        return None if None in ends else all(ends)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON. Bytes, and counts of descriptors."""
        return {
            "url": self.url,
            "fresh_process_per_run": self.fresh,
            "returned_to_start": self.returned,
            "notes": list(self.notes),
            "slopes": {
                figure: None
                if one is None
                else {"slope": one.slope, "half_width": one.half_width, "by_run": list(one.slopes)}
                for figure, one in self.fits.items()
            },
            "runs": [
                {
                    "stopped": run.stopped,
                    "rungs": [{"connections": n, **_plain(reading)} for n, reading in run.rungs],
                    "waterfall": [{"stage": stage, **_plain(reading)} for stage, reading in run.waterfall],
                }
                for run in self.runs
            ],
        }


def _plain(reading: Reading) -> dict[str, Any]:
    return {**{figure: reading.value(figure) for figure in FIGURES}, "steady": reading.steady}


def _fit(runs: Sequence[Run], figure: str) -> fit.Fit | None:
    series: list[list[fit.Point]] = []
    for run in runs:
        rungs = run.rungs[1:] if figure in _RETAINED else run.rungs
        points = [(n, value) for n, reading in rungs if (value := reading.value(figure)) is not None]
        if len(points) < len(rungs):
            return None  # hidden from us, if only at times
        series.append([(float(n), float(value)) for n, value in points])
    return fit.parallel(series)


# The two ways to measure.


def measure_command(
    url: str,
    command: Sequence[str],
    plan: Plan | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    say: Say | None = None,
) -> Ladder:
    """Start `command` anew for every run and climb. "{port}" in URL and command becomes a free port.

    Raises ProbeError when the server does not start or answer, or when a limit leaves fewer than three steps.
    """
    plan, say = plan or Plan(), say or _quiet
    notes: list[str] = []
    plan = _within_our_limit(plan, notes)
    runs = []
    for number in range(1, plan.runs + 1):
        say(f"run {number} of {plan.runs}: starting the server")
        with Server(command, url, tls=tls, request=plan.request, patience=plan.patience) as server:
            runs.append(climb(server.target, server.pid, plan, say))
            target = server.target
    return _ladder(target.url, plan, runs, fresh=True, notes=notes)


def measure_process(
    url: str,
    pid: int,
    plan: Plan | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    say: Say | None = None,
) -> Ladder:
    """Climb `plan.runs` times on a server that runs already. Raises ProbeError as `measure_command` does."""
    plan, say = plan or Plan(), say or _quiet
    target = Target.parse(url, tls)
    notes: list[str] = []
    plan = _within_our_limit(plan, notes)
    family(pid)  # first of all: is there such a process?
    wait_for(target, plan.patience, request=plan.request)
    runs = []
    for number in range(1, plan.runs + 1):
        say(f"run {number} of {plan.runs}")
        runs.append(climb(target, pid, plan, say))
    if plan.runs > 1:
        notes.append("all runs are of the same process: later runs find memory that earlier ones left")
    return _ladder(url, plan, runs, fresh=False, notes=notes)


def _quiet(_: str) -> None:
    pass


def _within_our_limit(plan: Plan, notes: list[str]) -> Plan:
    """Cut the ladder to what we may open ourselves, and say so."""
    allowed = raise_descriptor_limit()
    if plan.steps[-1] <= allowed:
        return plan
    steps = (*(step for step in plan.steps if step < allowed), allowed)
    notes.append(
        f"cut from {plan.steps[-1]} to {allowed} connections: the probe may open no more files "
        "(the hard limit, ulimit -Hn)"
    )
    if len(steps) < 3:
        raise ProbeError(f"only {allowed} connections may be opened (ulimit -Hn): too few for a ladder")
    return Plan(steps, plan.runs, plan.warmup, plan.request, plan.patience)


def _ladder(url: str, plan: Plan, runs: Sequence[Run], *, fresh: bool, notes: list[str]) -> Ladder:
    notes += dict.fromkeys(run.stopped for run in runs if run.stopped)
    if any(not reading.steady for run in runs for _, reading in run.rungs):
        notes.append(f"some readings did not settle within {plan.patience:g} s (marked ~)")
    if all(run.rungs[-1][1].kernel is None for run in runs):
        notes.append("kernel memory not shown: needs Linux's sock_diag, or ss (apt-get install iproute2)")
    ladder = Ladder(url, plan, tuple(runs), fresh, tuple(notes))
    descriptors = ladder.fits["fds"]
    if descriptors is not None and descriptors.slope == 0:
        pid = runs[0].rungs[0][1].server.pid
        raise ProbeError(
            f"process {pid} opened no descriptor for the connections: it is not the server of {url} "
            "(`ss -tlnp` shows who is)"
        )
    return ladder


# One climb.


def climb(target: Target, pid: int, plan: Plan, say: Say = _quiet) -> Run:
    """Climb the ladder once and come down. Raises ProbeError when fewer than three steps were reached."""
    stopped = None
    rungs: list[Rung] = []

    def read() -> Reading:
        reading = settle(lambda: look(pid, target.port), plan.patience)
        # Only now: what the server has not noticed to be closed is no garbage yet.
        if _ask(pid, hooks.Hook.COLLECT):
            reading = settle(lambda: look(pid, target.port), plan.patience)
        return reading

    with Herd(target, request=plan.request, timeout=plan.patience) as herd:
        try:
            herd.grow(plan.warming)
            herd.close()
            if _ask(pid, hooks.Hook.TRIM):
                # Free memory that the process has kept since its start would hold the first connections for
                # nothing: on steps of 200 to 1,000 netlab's slope came out a third too small.
                settle(lambda: look(pid, target.port), plan.patience)
            rungs.append((0, read()))
            for step in plan.steps:
                herd.grow(step)
                reading = read()
                _insist(herd, reading, plan)
                rungs.append((step, reading))
                say(f"{step} connections")
        except Stopped as limit:
            stopped = f"stopped at {len(herd)} connections: {limit}"
        if len(rungs) < 4:
            raise ProbeError(f"{target.url}: fewer than three steps were reached; {stopped}")
    return Run(tuple(rungs), tuple(_come_down(pid, target.port, plan, rungs)), stopped)


def _insist(herd: Herd, reading: Reading, plan: Plan) -> None:
    """Refuse a rung that does not hold as many connections as it claims."""
    lost = herd.lost()
    if lost:
        raise Stopped(
            f"the server closed {lost} of {len(herd)} idle connections (is its keep-alive timeout too short?)"
        )
    if reading.waiting:
        raise Stopped(
            f"the server left {reading.waiting} connections unaccepted for {plan.patience:g} s "
            "(its own limit of open files?)"
        )


def _come_down(pid: int, port: int, plan: Plan, rungs: Sequence[Rung]) -> Iterator[Stage]:
    """Yield what the server holds with all connections open, then closed, then after each hook it offers."""
    yield f"{rungs[-1][0]} open", rungs[-1][1]
    start = rungs[0][1].value("fds")
    end = time.monotonic() + plan.patience
    # A server may linger on a connection before it closes its own end (RFC 9112 §9.6).
    while look(pid, port).value("fds") != start and time.monotonic() < end:
        time.sleep(0.05)
    yield "closed", settle(lambda: look(pid, port), plan.patience)
    for hook, stage in ((hooks.Hook.COLLECT, "garbage collected"), (hooks.Hook.TRIM, "free memory trimmed")):
        if _ask(pid, hook):
            yield stage, settle(lambda: look(pid, port), plan.patience)


def _ask(pid: int, hook: hooks.Hook) -> bool:
    """Ask a server and its children for a favour; return whether any of them offers it."""
    asked = [hooks.ask(each, hook) for each in (pid, *children(pid))]
    return any(asked)
