"""How lab 10 weighs: a live server as the learner's `climb` wants it, the ladder of many servers, the hold.

The servers run each in a process of its own (servers.py); the code under measure counts their descriptors,
reads their memory, climbs and draws the line. Not here: what follows from the figures (measure.py).
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import clients
import psutil
import servers

from labs.runner.evidence import Run
from netlab.probes import fit, hooks, kernel, launch
from netlab.probes.clients import Herd, Stopped
from netlab.probes.errors import ProbeError
from netlab.probes.process import children
from netlab.tls.context import client_context

KIB, MIB = 1024, 1024 * 1024
PLAIN, TLS = "plain", "TLS"
PATIENCE = 5.0  # seconds for a server to notice that its clients have left; then it has lost descriptors
PAUSE = 0.04  # seconds between two readings: long enough for a server to accept, close and collect


@dataclass(frozen=True, slots=True)
class Plan:
    """How far to climb, what to hold, and for how long a hold may grow (seconds)."""

    peers: tuple[str, ...]
    own: dict[str, int]  # the last step of netlab's ladders
    others: dict[str, int]  # … and of everyone else's
    hold: dict[str, int]
    seconds: dict[str, float]
    requests: int  # of the active client
    room: int = 1 << 30  # no ladder may have more steps than this

    @classmethod
    def of(cls, quick: bool, files: int) -> Plan:
        """The whole, or with QUICK=1 the short form, for a process that may open so many files more."""
        room = (files - 100) // 2  # two ladders are climbed at a time
        if quick:
            return cls(
                peers=("netlab", "asyncio"),
                own={PLAIN: 2000, TLS: 200},
                others={PLAIN: 400, TLS: 100},
                hold={PLAIN: 2000, TLS: 600},
                seconds={PLAIN: 1.5, TLS: 1.5},
                requests=100,
                room=room,
            )
        return cls(
            peers=tuple(servers.PEERS),
            own={PLAIN: 2000, TLS: 300},
            others={PLAIN: 600, TLS: 150},
            hold={PLAIN: 10_000, TLS: 10_000},
            seconds={PLAIN: 15.0, TLS: 12.0},
            requests=300,
            room=room,
        )

    def steps(self, name: str, way: str) -> tuple[int, ...]:
        """The ladder of one server: five steps, from the half of it to the top.

        Imports leave some hundred KiB of freed memory behind. The first connections live in it, and seem to
        cost nothing: the line begins when it is used up.
        """
        top = min(self.room, (self.own if name == "netlab" else self.others)[way])
        return tuple(top * number // 8 for number in range(4, 9))


class Crowd(Protocol):
    """The clients of a server: `Herd` in this process, `Clients` in others."""

    def grow(self, count: int) -> None:
        """Open connections until `count` stand."""

    def close(self) -> None:
        """Close them all."""


class Live:
    """A running server and its clients, as `climb` and `steady` want them."""

    def __init__(self, code: Any, server: launch.Server, crowd: Crowd) -> None:
        self.code, self.server, self.crowd = code, server, crowd
        self.family = (server.pid, *children(server.pid))  # those that answer have started all their workers
        self.count = 0
        self.buffers: dict[int, int] = {}  # bytes that the kernel holds for so many connections

    def open(self, count: int) -> None:
        """Open connections, then let the server collect its garbage, if it can be asked."""
        self.crowd.grow(count)
        self.count = count
        for pid in self.family:
            hooks.ask(pid, hooks.Hook.COLLECT)

    def close(self) -> None:
        """Close them all, and wait until the kernel knows of none that the server has not closed as well."""
        self.crowd.close()
        self.count = 0
        ends = time.monotonic() + PATIENCE
        while self._standing() and time.monotonic() < ends:
            time.sleep(PAUSE)

    def _standing(self) -> bool:
        try:
            found = kernel.port_memory(self.server.target.port)
        except ProbeError:
            return False
        return any(socket.state != "TIME_WAIT" for socket in found.connections)

    def pause(self) -> None:
        """Wait."""
        time.sleep(PAUSE)

    def read(self) -> Any:
        """Read the server, and its workers if it has some, with the code under measure."""
        with contextlib.suppress(ProbeError):  # then its column says that it is not shown
            self.buffers[self.count] = kernel.port_memory(self.server.target.port).total
        memories = [self.code.read_memory(rollup(pid)) for pid in self.family]
        return self.code.Reading(
            sum(self.code.count_descriptors(pid) for pid in self.family),
            self.code.Memory(*(sum(column) for column in zip(*memories, strict=True))),
        )


def rollup(pid: int) -> str:
    """The text that the kernel writes of a process's memory."""
    return Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")


# --- the ladder ---------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Weight:
    """One server weighed, or the reason why it was not. Bytes; slopes are of the code under measure."""

    name: str
    way: str
    version: str = ""
    missing: str = ""
    climb: Any = None
    written: Any = None
    uss: Any = None
    rss: Any = None
    descriptors: Any = None
    buffers: Any = None  # what the kernel holds in the sockets' buffers; None where it is not shown
    differs: bool = False  # from what netlab's own line says of the same points

    @property
    def label(self) -> str:
        """ "netlab TLS"."""
        return f"{self.name} {self.way}"


def started(run: Run, name: str, way: str, scratch: str) -> launch.Server:
    """A server about to be started: a context manager."""
    command = [sys.executable, str(run.folder / "servers.py"), name, "--port", "{port}", "--scratch", scratch]
    if way == PLAIN:
        return launch.Server(command, "http://127.0.0.1:{port}/")
    command += ["--tls", str(run.certs / "chain.pem"), str(run.certs / "leaf.key")]
    context = client_context(run.certs / "root.pem")
    return launch.Server(command, "https://localhost:{port}/", tls=context)


def weigh_all(run: Run, plan: Plan, scratch: str) -> list[Weight]:
    """Climb the ladder of every server there is: all are started first, then two climb at a time.

    What a server has written does not change because a neighbour is busy; only the time would.
    """
    weights = [Weight(name, way) for name in plan.peers for way in (PLAIN, TLS)]
    for weight in weights:
        weight.missing = servers.PEERS[weight.name].missing
    there = [weight for weight in weights if not weight.missing]
    run.say(f"starting {len(there)} servers")
    # The threads that start servers must outlive them: see `end_with_parent` in servers.py.
    with ThreadPoolExecutor(2) as pool, contextlib.ExitStack() as stack:
        starting = [pool.submit(_start, run, weight, scratch, stack) for weight in there]
        running = [(weight, job.result()) for weight, job in zip(there, starting, strict=True)]
        climbing = {
            pool.submit(_weigh, run, plan, weight, server): weight for weight, server in running if server
        }
        for number, job in enumerate(as_completed(climbing), 1):
            job.result()
            run.say(f"{number} of {len(climbing)} servers weighed: {climbing[job].label}")
    return weights


def _start(run: Run, weight: Weight, scratch: str, stack: contextlib.ExitStack) -> launch.Server | None:
    try:
        weight.version = servers.PEERS[weight.name].version
        return stack.enter_context(started(run, weight.name, weight.way, scratch))
    except ProbeError as failure:
        return _failed(weight, failure)


def _failed(weight: Weight, failure: Exception) -> None:
    """A peer that fails is left out, and said so; without netlab there is nothing to show."""
    if weight.name == "netlab":
        raise failure
    weight.missing = f"{type(failure).__name__}: {failure}"


def _weigh(run: Run, plan: Plan, weight: Weight, server: launch.Server) -> None:
    steps = plan.steps(weight.name, weight.way)
    code = run.code
    try:
        with Herd(server.target) as herd:
            live = Live(code, server, herd)
            climb = code.climb(live, steps, steps[0] // 4)
    except (ProbeError, code.Unreadable, code.Unsteady) as failure:
        _failed(weight, failure)
        return
    weight.climb = climb
    weight.written, weight.uss, weight.rss, weight.descriptors = (
        code.slope(climb.points(figure)) for figure in ("written", "uss", "rss", "descriptors")
    )
    if all(step in live.buffers for step in steps):
        weight.buffers = code.slope([(step, live.buffers[step]) for step in steps])
    reference = fit.line(climb.points("written"))
    weight.differs = abs(reference.slope - weight.written.value) > 1.0


# --- the hold -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Held:
    """Connections that stood at once. Memory in bytes above the server without any, times in seconds."""

    way: str
    wanted: int
    points: list[tuple[int, int]] = field(default_factory=list)  # (connections, written above the start)
    slab: list[tuple[int, int]] = field(
        default_factory=list
    )  # the same for the kernel's objects, machine-wide
    stopped: str = ""
    dropped: bool = False  # by the server
    start: Any = None
    top: Any = None
    end: Any = None
    buffers: int | None = None
    alone: Sequence[float] = ()  # one active client, and no other client
    among: Sequence[float] = ()  # the same client, with all the idle ones there
    busy: float = 0.0  # share of one processor that the idle connections took

    @property
    def count(self) -> int:
        """How many stood."""
        return self.points[-1][0]

    @property
    def rise(self) -> int:
        """Written memory above the empty server, with all of them."""
        return self.points[-1][1]


def hold(run: Run, plan: Plan, way: str, wanted: int, scratch: str) -> Held:
    """Open idle connections to netlab in ten rungs, for as long as the plan allows; try it out on top."""
    held = Held(way, wanted)
    with started(run, "netlab", way, scratch) as server:
        root = run.certs / "root.pem"
        with clients.Clients(server.target.url, root) as crowd:
            live = Live(run.code, server, crowd)
            live.open(50)
            live.close()
            held.start = run.code.steady(live)
            held.alone = _active(server, plan.requests)
            held.slab.append((0, _slab()))
            _grow(run, live, held, plan.seconds[way])
            held.top = run.code.steady(live)
            held.buffers = live.buffers.get(live.count)
            held.busy = _busy(server.pid, 0.5)
            held.among = _active(server, plan.requests)
            live.close()
            held.end = run.code.steady(live)
    return held


def _grow(run: Run, live: Live, held: Held, seconds: float) -> None:
    ends = time.monotonic() + seconds
    for step in _rungs(held.wanted):
        try:
            live.open(step)
        except Stopped as limit:
            held.stopped, held.dropped = str(limit), isinstance(limit, clients.Dropped)
            break
        written = run.code.steady(live).memory.written - held.start.memory.written
        held.points.append((step, written))
        held.slab.append((step, _slab()))
        run.say(f"{step} idle {held.way} connections stand")
        if time.monotonic() > ends and step < held.wanted:
            held.stopped = f"{step} were open after {seconds:g} s, for which this measurement waits"
            break
    if not held.points:
        raise ProbeError(f"netlab held no {held.way} connections: {held.stopped}")


def _rungs(wanted: int) -> Iterator[int]:
    yield from (wanted * number // 10 for number in range(1, 11) if wanted * number // 10)


def _active(server: launch.Server, requests: int) -> list[float]:
    """Seconds of each of so many requests, one after the other on one connection."""
    taken = []
    with server.target.connect(10.0) as connection:
        server.target.exchange(connection)
        for _ in range(requests):
            start = time.perf_counter()
            server.target.exchange(connection)
            taken.append(time.perf_counter() - start)
    return taken


def _busy(pid: int, seconds: float) -> float:
    process = psutil.Process(pid)
    before, start = process.cpu_times(), time.perf_counter()
    time.sleep(seconds)
    after, passed = process.cpu_times(), time.perf_counter() - start
    return max(0.0, (after.user + after.system - before.user - before.system) / passed)


def _slab() -> int:
    """Bytes of the kernel's small objects, those of everyone on this machine."""
    return int(getattr(psutil.virtual_memory(), "slab", 0))


def middle(taken: Sequence[float]) -> float:
    """The median, in microseconds."""
    return statistics.median(taken) * 1e6
