"""The four kinds of load: requests, TLS handshakes, a long stream, idle connections. One visit, one sample.

A load looks at a server's answers first (`check`), then visits it once in each round (`visit`), and gives a
sample for each of its cases. CPU time is what all processes of the server used in user and kernel mode.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Protocol

import psutil

from netlab.probes.clients import Herd, Target
from netlab.probes.ladder import Plan, measure_command
from netlab.probes.process import children
from tests.bench import checks, generators, neighbours
from tests.bench.contenders import Contender, Start
from tests.bench.figures import Column, Sample
from tests.bench.generators import Counted, Disqualified, Pattern
from tests.bench.machine import Place

# Per cent of a core. From FULL on it has no more to give: the rest are the seams of a run. If neither core
# comes above HALF_HEARTED, something else had a part of them.
FULL, HALF_HEARTED = 95.0, 80.0

_BUSY = (Column("server", "server %"), Column("generator", "load %"))


def _rate(unit: str) -> Column:
    return Column("rate", unit, unit, better=1)


def _cpu(unit: str, digits: int = 1) -> tuple[Column, ...]:
    """The sum, which is compared, and its two parts."""
    return (
        Column("cpu", f"CPU {unit}", "CPU", digits, better=-1),
        Column("user", "user", digits=digits),
        Column("system", "system", digits=digits),
    )


@dataclass(slots=True)
class Site:
    """One server at its address. `pid` is 0 where the load starts the server itself."""

    contender: Contender
    start: Start
    pid: int = 0

    @property
    def place(self) -> Place:
        """Cores, folder, certificates."""
        return self.start.place

    @property
    def tls(self) -> bool:
        """Whether it speaks TLS."""
        return self.start.tls

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.start.port

    @property
    def url(self) -> str:
        """By name, as the certificate has it."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    @property
    def address(self) -> str:
        """By number, which needs no look-up."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        """What starts the server, on its core."""
        return self.place.cores.for_server(self.contender.command(self.start))

    def spent(self) -> Spent:
        """What the server's processes have used so far."""
        times = [psutil.Process(pid).cpu_times() for pid in (self.pid, *children(self.pid))]
        return Spent(float(sum(each.user for each in times)), float(sum(each.system for each in times)))


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds in user and in kernel mode."""

    user: float
    system: float

    def __sub__(self, earlier: Spent) -> Spent:
        return Spent(self.user - earlier.user, self.system - earlier.system)


class Watch:
    """What a visit costs, from now on: the server's CPU time, and what others took of the cores meanwhile."""

    def __init__(self, site: Site) -> None:
        cores = site.place.cores
        self._cores, self._site = (*cores.server, *cores.generator[:1]), site
        self._begin, self._before = time.monotonic(), neighbours.read(self._cores)
        self._own, self._spent = time.process_time(), site.spent()

    def sample(self, counted: Counted, unit: float) -> Sample:
        """The visit as figures; `unit` turns CPU seconds per piece of work into the column's unit."""
        spent = self._site.spent() - self._spent
        seconds = time.monotonic() - self._begin
        ours = spent.user + spent.system + counted.busy + time.process_time() - self._own
        after = neighbours.read(self._cores)
        return sample(spent, counted, unit) | neighbours.share(self._before, after, ours, seconds)


class Load(Protocol):
    """What a scenario does to a server."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What it finds; the first decides."""

    @property
    def seconds(self) -> float:
        """About how long one visit takes."""

    @property
    def running(self) -> bool:
        """Whether the server must be running when it is visited."""

    def check(self, site: Site) -> str | None:
        """Raise Wrong unless the answers are right; return a remark that belongs beside the figures."""

    def visit(self, site: Site) -> Generator[tuple[str, Sample], None, None]:
        """Yield (case, sample) for each case. Raises Disqualified."""


def sample(spent: Spent, counted: Counted, unit: float) -> Sample:
    """A visit as figures; `unit` is what turns CPU seconds per piece of work into the column's unit."""
    cpu = spent.user + spent.system
    found = {
        "rate": counted.done / counted.seconds,
        "cpu": cpu / counted.done * unit,
        "user": spent.user / counted.done * unit,
        "system": spent.system / counted.done * unit,
        "server": 100 * cpu / counted.seconds,
    }
    if counted.busy:
        found["generator"] = 100 * counted.busy / counted.seconds
    if counted.p50 is not None and counted.p99 is not None:
        found |= {"p50": counted.p50 * 1e3, "p99": counted.p99 * 1e3}
    return found


_REQUESTS = (
    _rate("requests/s"),
    *_cpu("µs/request"),
    Column("p50", "p50 ms", digits=2),
    Column("p99", "p99 ms", digits=2),
    *_BUSY,
)


@dataclass(frozen=True, slots=True)
class Requests:
    """wrk for so many seconds: one pattern, or several as cases one after the other."""

    patterns: dict[str, Pattern]
    duration: int
    looks: Callable[[Place, str], None]
    remark: Callable[[Place, str], None] | None = None
    idle: tuple[int, ...] = ()
    columns: tuple[Column, ...] = field(default=_REQUESTS, init=False)
    running: bool = field(default=True, init=False)

    @property
    def seconds(self) -> float:
        """The runs, and what it takes to open the idle connections."""
        return self.duration * len(self.patterns) * max(1, len(self.idle)) + max(self.idle, default=0) / 2500

    def check(self, site: Site) -> str | None:
        """One request or two by hand; what `remark` finds is said, but disqualifies no server."""
        self.looks(site.place, site.url)
        if self.remark is not None:
            try:
                self.remark(site.place, site.url)
            except checks.Wrong as remark:
                return str(remark)
        return None

    def visit(self, site: Site) -> Generator[tuple[str, Sample], None, None]:
        """Each pattern; and with each number of idle connections, if any are asked for."""
        for name, pattern in self.patterns.items():
            if not self.idle:
                yield name, self._load(site, pattern)
                continue
            with Herd(Target.parse(site.url + "/", site.place.client), timeout=30.0) as herd:
                for count in self.idle:
                    herd.grow(count)
                    yield f"{count:,} idle", self._load(site, pattern)
                    if herd.lost():
                        raise Disqualified(f"{herd.lost()} of {count} idle connections were closed")

    def _load(self, site: Site, pattern: Pattern) -> Sample:
        watch = Watch(site)
        return watch.sample(generators.wrk(site.place, site.address, pattern, self.duration), 1e6)


_LEAD = 0.3  # seconds until all clients are under way


@dataclass(frozen=True, slots=True)
class Handshakes:
    """One TLS connection after another, never resumed.

    CPU time decides: a handshake costs the client more than the server, so that with a core for each it
    is the load generator that is full.
    """

    duration: int
    columns: tuple[Column, ...] = field(
        default=(
            *_cpu("µs/connection"),
            _rate("connections/s"),
            *_BUSY,
        ),
        init=False,
    )
    running: bool = field(default=True, init=False)

    @property
    def seconds(self) -> float:
        """The run and its lead."""
        return self.duration + _LEAD

    def check(self, site: Site) -> str | None:
        """One such connection by hand."""
        checks.tls_one_shot(site.place, site.url)
        return None

    def visit(self, site: Site) -> Generator[tuple[str, Sample], None, None]:
        """Clients that are well under way, counted for so long."""
        with generators.Handshakers(site.place, site.port) as clients:
            clients.run(_LEAD)
            watch = Watch(site)
            found = watch.sample(clients.run(self.duration), 1e6)
        yield "", found


@dataclass(frozen=True, slots=True)
class Stream:
    """One long answer to curl: chunked in pieces of 1 MiB, or, from nginx, a file."""

    mib: int
    columns: tuple[Column, ...] = field(
        default=(
            _rate("MiB/s"),
            *_cpu("ms/GiB", digits=0),
            *_BUSY,
        ),
        init=False,
    )
    running: bool = field(default=True, init=False)

    @property
    def seconds(self) -> float:
        """At an ordinary server's pace."""
        return self.mib / 700

    def check(self, site: Site) -> str | None:
        """A short one, counted; of nginx the whole file."""
        chunked = site.contender.runs_python
        mib = 4 if chunked else self.mib
        if not chunked:
            with open(site.place.folder / "stream", "wb") as file:
                file.truncate(self.mib << 20)
        checks.stream(site.place, site.url, f"/stream?mib={mib}", mib << 20, chunked=chunked)
        return None if chunked else "sends a file"

    def visit(self, site: Site) -> Generator[tuple[str, Sample], None, None]:
        """The whole of it."""
        watch = Watch(site)
        counted = generators.curl(site.place, site.url, f"/stream?mib={self.mib}", self.mib << 20)
        yield "", watch.sample(counted, 1024 * 1e3)


@dataclass(frozen=True, slots=True)
class Idle:
    """What an idle persistent connection costs: a slope, by netlab's probe, in a fresh process each time."""

    steps: tuple[int, ...]
    columns: tuple[Column, ...] = field(
        default=(
            # Steadier than USS, in which pages of program files come and go (see netlab.probes.process).
            Column("written", "written KiB", "written", digits=2, better=-1),
            Column("uss", "USS KiB", "USS", digits=2, better=-1),
            Column("fds", "fds", digits=3),
        ),
        init=False,
    )
    running: bool = field(default=False, init=False)

    @property
    def seconds(self) -> float:
        """Opening, waiting for readings to agree, closing."""
        return 3.0 + self.steps[-1] / 1000

    def check(self, site: Site) -> str | None:
        """Nothing: the probe itself insists on an answer and on connections that stay."""

    def visit(self, site: Site) -> Generator[tuple[str, Sample], None, None]:
        """One climb of the ladder."""
        plan = Plan(self.steps, runs=1)
        ladder = measure_command(site.url + "/", site.command, plan, tls=site.place.client)
        unit = {"fds": 1.0}
        yield (
            "",
            {
                column.name: fit.slope / unit.get(column.name, 1024.0)
                for column in self.columns
                if (fit := ladder.fits[column.name]) is not None
            },
        )
