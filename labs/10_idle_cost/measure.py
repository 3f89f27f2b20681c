"""The evidence of lab 10: what an idle connection costs each server, and ten thousand of them held for real.

The weighing is in weighing.py, the servers in servers.py. Here: what follows from the figures.
"""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from weighing import KIB, MIB, PLAIN, TLS, Held, Plan, Weight, hold, middle, weigh_all

from labs.runner import plots
from labs.runner.evidence import Measurement, NotShown, Plot, Run, Table, Verdict
from netlab.probes import kernel
from netlab.probes.clients import raise_descriptor_limit

CLIENTS = 10_000
GIB = 1024 * MIB

# A small rented server as it comes: the memory that the claim must exhaust, and the soft limit of open files
# that systems hand out unless the administrator raises it.
SMALL_MEMORY, SMALL_FILES = 2 * GIB, 1024

# netlab keeps 64 descriptors free of connections; the rest is for other code in the process.
SPARE = 80


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the kernel holds for one idle connection besides its buffers, in bytes, and where that is from."""

    bytes: float
    source: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine gives a server: files as found and when raised, bytes of memory that are free."""

    files_found: int
    files: int
    memory: int


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was measured."""

    code: Any
    plan: Plan
    machine: Machine
    weights: Sequence[Weight]
    holds: Mapping[str, Held]
    kernel: Kernel

    @property
    def weighed(self) -> list[Weight]:
        """The servers that are there."""
        return [weight for weight in self.weights if not weight.missing]

    def of(self, name: str, way: str) -> Weight | None:
        """One of them."""
        return next((w for w in self.weighed if (w.name, w.way) == (name, way)), None)

    def cost(self, weight: Weight) -> Any:
        """One connection, kernel stacked on top."""
        buffers = weight.buffers.value if weight.buffers else 0.0
        return self.code.Cost(weight.descriptors.value, weight.written, self.kernel.bytes + buffers)

    def forecast(self, weight: Weight, files: int, memory: int, clients: int = CLIENTS) -> Any:
        """What so many clients would do to a server with so much room."""
        start = weight.climb.start
        room = self.code.Room(files - start.descriptors, memory - start.memory.rss)
        return self.code.forecast(self.cost(weight), room, clients)

    def here(self, weight: Weight) -> Any:
        """The forecast for this machine."""
        return self.forecast(weight, self.machine.files, self.machine.memory)

    def small(self, weight: Weight) -> Any:
        """The forecast for a small rented server."""
        return self.forecast(weight, SMALL_FILES, SMALL_MEMORY)


def measure(run: Run) -> Measurement:
    """Weigh, hold, judge."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise NotShown("needs Linux 4.14 or later (/proc/PID/smaps_rollup)")
    found = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    plan = Plan.of(run.quick, raise_descriptor_limit())
    machine = Machine(found, resource.getrlimit(resource.RLIMIT_NOFILE)[0], psutil.virtual_memory().available)
    with tempfile.TemporaryDirectory(prefix="idle-cost-") as scratch:
        weights = weigh_all(run, plan, scratch)
        holds = {way: hold(run, plan, way, wanted(plan, machine, way), scratch) for way in (PLAIN, TLS)}
    findings = Findings(run.code, plan, machine, weights, holds, kernel_objects(run.code, holds[PLAIN]))
    verdict, condition = judge(findings)
    return Measurement(
        figures=figures(findings),
        verdict=verdict,
        condition=condition,
        headline=headline(findings) + ("; QUICK=1: shortened" if run.quick else ""),
        tables=tables(findings),
        plots=[
            Plot(
                "One idle connection: memory of the server's own", plots.svg(lambda a: draw_bars(a, findings))
            ),
            Plot("… and the kernel's share stacked on it", plots.svg(lambda a: draw_stack(a, findings))),
            Plot("Held for real by netlab", plots.svg(lambda a: draw_holds(a, findings))),
        ],
        notes=notes(run, findings),
    )


def wanted(plan: Plan, machine: Machine, way: str) -> int:
    """How many to hold: what the plan says, or what the limit of open files allows the server."""
    return min(plan.hold[way], max(100, machine.files - SPARE))


def kernel_objects(code: Any, held: Held) -> Kernel:
    """The objects behind one connection: from the kernel's own list (root's), or half of what both ends took.

    The second is rough: the small objects of everyone on the machine are in it.
    """
    objects = kernel.objects()
    if objects is not None:
        parts = " + ".join(f"{size} {name}" for name, size in objects.items())
        return Kernel(
            float(sum(objects.values())), f"the sizes of its objects, {parts} bytes (/proc/slabinfo)"
        )
    if len(held.slab) >= 3 and held.slab[-1][1]:
        both = code.slope(held.slab)
        return Kernel(
            max(0.0, both.value / 2),
            "roughly half of what the small objects of this machine grew by while both ends were held, "
            f"± {both.half_width / 2 / KIB:.1f} KiB",
        )
    return Kernel(0.0, "not shown on this machine: needs root (/proc/slabinfo) or Slab in /proc/meminfo")


# --- judging ------------------------------------------------------------------------------------------


def judge(findings: Findings) -> tuple[Verdict, str]:
    """Do 10,000 clients exhaust a small server's memory with every server, with none, or with some?"""
    foreseen = {weight: findings.small(weight) for weight in findings.weighed}
    breaking = [
        weight
        for weight, seen in foreseen.items()
        if seen.memory_allows < CLIENTS or (weight.name == "netlab" and findings.holds[weight.way].dropped)
    ]
    if not breaking:
        return Verdict.FALSE, ""
    if len(breaking) == len(foreseen):
        return Verdict.TRUE, ""
    names = " and ".join(f"{weight.label} ({size(foreseen[weight].needed)})" for weight in breaking)
    return (
        Verdict.TRUE_ONLY_IF,
        f"a connection costs the server more than {SMALL_MEMORY / CLIENTS / KIB:.0f} KiB "
        f"({size(SMALL_MEMORY)} for {CLIENTS:,}): here {names}",
    )


def figures(findings: Findings) -> dict[str, float | int | str]:
    """The named numbers."""
    found: dict[str, float | int | str] = {}
    for weight in findings.weighed:
        key = f"{weight.name}_{weight.way.lower()}"
        found[f"{key}_kib"] = round(weight.written.value / KIB, 2)
        found[f"{key}_kib_half_width"] = round(weight.written.half_width / KIB, 2)
        found[f"{key}_descriptors"] = round(weight.descriptors.value, 3)
        found[f"{key}_mib_for_10000"] = round(findings.here(weight).needed / MIB, 1)
    found["kernel_kib"] = round(findings.kernel.bytes / KIB, 2)
    found["files_allowed"] = findings.machine.files
    for way, held in findings.holds.items():
        key = f"held_{way.lower()}"
        found[key] = held.count
        found[f"{key}_rise_mib"] = round(held.rise / MIB, 2)
        found[f"{key}_forecast_mib"] = round(foretold(findings, held) / MIB, 2)
        found[f"{key}_request_us"] = round(middle(held.among))
        found[f"{key}_request_us_before"] = round(middle(held.alone))
        found[f"{key}_busy_percent"] = round(100 * held.busy, 1)
    return found


def foretold(findings: Findings, held: Held) -> float:
    """What the ladder's slope says of as many connections as were held: the server's own memory, in bytes."""
    weight = findings.of("netlab", held.way)
    assert weight is not None
    return float(weight.written.value * held.count)


def headline(findings: Findings) -> str:
    """The evidence in one line."""
    plain, tls = findings.of("netlab", PLAIN), findings.of("netlab", TLS)
    assert plain is not None
    assert tls is not None
    default = findings.of("asyncio", TLS)
    others = f", asyncio's own TLS {size(findings.here(default).needed)}" if default else ""
    held = findings.holds
    included = "included" if findings.kernel.bytes else "not included"
    seen = findings.here(tls)
    first = (
        f"memory runs out first, at {seen.memory_allows:,.0f} connections"
        if seen.first.value == "memory"
        else f"file descriptors run out first, at {seen.descriptors_allow:,} connections"
    )
    return (
        f"{CLIENTS:,} idle clients need {size(findings.here(plain).needed)} plain and "
        f"{size(findings.here(tls).needed)} with TLS on netlab{others}, kernel {included}; held here: "
        f"{held[PLAIN].count:,} plain (+{held[PLAIN].rise / MIB:.1f} MiB) and {held[TLS].count:,} TLS "
        f"(+{held[TLS].rise / MIB:.0f} MiB), a request on top took {middle(held[TLS].among) / 1000:.1f} ms; "
        f"{first}"
    )


def notes(run: Run, findings: Findings) -> list[str]:
    """What a reader of the tables should know."""
    machine, holds = findings.machine, findings.holds
    said = [
        f"memory: what the server has written (Private_Dirty); the kernel's share: {findings.kernel.source}",
        f"this machine lets a process open {machine.files_found:,} files, {machine.files:,} when it asks for "
        f"more: so many less about a dozen are the connections that one server can hold",
    ]
    for held in holds.values():
        if held.stopped:
            said.append(f"{held.way}: {held.count:,} of {held.wanted:,} connections held: {held.stopped}")
        elif held.wanted < findings.plan.hold[held.way]:
            said.append(f"{held.way}: {held.wanted:,} connections are what the limit of open files allows")
        if held.end.descriptors != held.start.descriptors:
            said.append(
                f"{held.way}: {held.end.descriptors - held.start.descriptors} descriptors did not return"
            )
    for weight in findings.weighed:
        if not weight.climb.returned:
            said.append(f"{weight.label}: not every descriptor came back after the ladder")
        if weight.differs:
            said.append(f"{weight.label}: netlab's own line through the same points has another slope")
    if run.quick:
        said.append(
            f"QUICK=1: only {' and '.join(findings.plan.peers)} were weighed, on shorter ladders (netlab's "
            "plain one is whole: it begins above the memory that is free at the start); at most "
            f"{findings.plan.hold[PLAIN]:,} plain and {findings.plan.hold[TLS]:,} TLS connections were held"
        )
    return said


# --- showing ------------------------------------------------------------------------------------------


def size(octets: float) -> str:
    """A size as a person says it."""
    return f"{octets / GIB:.1f} GiB" if octets >= GIB else f"{octets / MIB:.0f} MiB"


def kib(slope: Any) -> str:
    """A slope with its interval."""
    return f"{slope.value / KIB:.2f} ± {slope.half_width / KIB:.2f}"


def tables(findings: Findings) -> list[Table]:
    """What one costs, what runs out first, what was held."""
    return [costs(findings), ends(findings), holds(findings)]


def costs(findings: Findings) -> Table:
    """One row a server: the slopes, and what dividing would have said."""
    columns = [
        "server", "version", "KiB written", "KiB of USS", "RSS / N, KiB", "descriptors", "kernel, KiB",
        f"for {CLIENTS:,}",
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for weight in findings.weights:
        if weight.missing:
            rows.append([weight.label, f"not shown on this machine: {weight.missing}", *[""] * 6])
            continue
        count, top = weight.climb.rungs[-1]
        rows.append(
            [
                weight.label,
                weight.version,
                kib(weight.written),
                kib(weight.uss),
                f"{top.memory.rss / count / KIB:.1f}",
                f"{weight.descriptors.value:.3f}",
                f"{findings.cost(weight).kernel / KIB:.2f}",
                size(findings.here(weight).needed),
            ]
        )
    plan = findings.plan
    climbs = " and ".join(f"{plan.steps('netlab', way)[-1]} {way}" for way in (PLAIN, TLS))
    shorter = " and ".join(str(plan.steps("", way)[-1]) for way in (PLAIN, TLS))
    title = f"One idle connection: slopes with 95 % intervals, up to {climbs}, of others {shorter}"
    return Table(title, columns, rows)


def ends(findings: Findings) -> Table:
    """How many connections there is room for, and what runs out first, here and on a small server."""
    columns = [
        "server",
        f"descriptors allow ({findings.machine.files:,})",
        f"memory allows ({size(findings.machine.memory)} free)",
        "runs out first here",
        f"with {SMALL_FILES:,} files",
        f"in {size(SMALL_MEMORY)}",
        "runs out first there",
        f"memory for {CLIENTS:,}?",
    ]
    rows = []
    for weight in findings.weighed:
        here, small = findings.here(weight), findings.small(weight)
        rows.append(
            [
                weight.label,
                f"{here.descriptors_allow:,}",
                f"{here.memory_allows:,.0f}",
                here.first.value,
                f"{small.descriptors_allow:,}",
                f"{small.memory_allows:,.0f}",
                small.first.value,
                "yes" if small.memory_allows >= CLIENTS else "no",
            ]
        )
    return Table("What runs out first: on this machine, and on a small rented server", columns, rows)


def holds(findings: Findings) -> Table:
    """What stood at once, what it was foretold to cost, and how one active client fared."""
    columns = [
        "connections held",
        "at once",
        "memory rose by",
        "foretold by the ladder",
        "KiB each, by its own rungs",
        "kernel buffers",
        "request before, µs",
        "request on top, µs",
        "processor while idle",
    ]
    rows = [
        [
            f"netlab {way}",
            f"{held.count:,}",
            f"{held.rise / MIB:.1f} MiB",
            f"{foretold(findings, held) / MIB:.1f} MiB",
            kib(findings.code.slope(held.points)) if len(held.points) >= 3 else "",
            "not shown" if held.buffers is None else f"{held.buffers} B",
            f"{middle(held.alone):.0f}",
            f"{middle(held.among):.0f}",
            f"{100 * held.busy:.1f} %",
        ]
        for way, held in findings.holds.items()
    ]
    return Table("Held for real: medians of one active client's requests", columns, rows)


def draw_bars(axes: Any, findings: Findings) -> None:
    """Memory of one connection on a logarithmic scale: 0.5 KiB and 280 KiB share no other."""
    weights = sorted(findings.weighed, key=lambda weight: weight.written.value)
    for number, weight in enumerate(weights):
        secure = weight.way == TLS
        axes.barh(
            number,
            max(weight.written.value, 1) / KIB,
            xerr=weight.written.half_width / KIB,
            color=plots.RED if secure else plots.BLUE,
            hatch="//" if secure else "",
            edgecolor="white",
            ecolor=plots.GREY,
        )
    axes.set_xscale("log")
    axes.set_xlim(left=0.1)
    axes.axvline(SMALL_MEMORY / CLIENTS / KIB, color=plots.GREY, linestyle="--")
    label = f"{size(SMALL_MEMORY)} for {CLIENTS:,} "
    axes.text(SMALL_MEMORY / CLIENTS / KIB, 0, label, rotation=90, va="bottom", ha="right", fontsize=8)
    axes.set_yticks(range(len(weights)), [weight.label for weight in weights])
    axes.set_xlabel("KiB for one idle connection (logarithmic; plain bars: plain, hatched: TLS)")


def draw_stack(axes: Any, findings: Findings) -> None:
    """User memory and the kernel's on top, for those that fit the paper together."""
    shown = [weight for weight in findings.weighed if weight.written.value < 64 * KIB]
    shown.sort(key=lambda weight: weight.written.value)
    names = [weight.label for weight in shown]
    own = [weight.written.value / KIB for weight in shown]
    above = [findings.cost(weight).kernel / KIB for weight in shown]
    axes.barh(names, own, color=plots.BLUE, edgecolor="white", label="the server's own")
    axes.barh(
        names, above, left=own, color=plots.AMBER, hatch="xx", edgecolor="white", label="the kernel's objects"
    )
    left_out = [weight.label for weight in findings.weighed if weight not in shown]
    beyond = f"; beyond the paper: {', '.join(left_out)}" if left_out else ""
    axes.set_xlabel(f"KiB for one idle connection{beyond}")
    axes.legend(loc="lower right")


def draw_holds(axes: Any, findings: Findings) -> None:
    """The rise, rung by rung, and the ladder's line drawn on to as many."""
    for (way, held), colour, mark in zip(
        findings.holds.items(), (plots.BLUE, plots.RED), ("o", "s"), strict=True
    ):
        counts = [count for count, _ in held.points]
        rises = [rise / MIB for _, rise in held.points]
        axes.plot(counts, rises, mark, color=colour, label=f"{way}, held")
        axes.plot(
            [0, counts[-1]],
            [0, foretold(findings, held) / MIB],
            "-" if way == PLAIN else "--",
            color=colour,
            label=f"{way}, foretold by the ladder",
        )
    axes.set_xlabel("idle connections")
    axes.set_ylabel("MiB above the empty server")
    axes.legend(loc="center right")
