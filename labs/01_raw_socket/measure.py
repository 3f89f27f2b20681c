"""The evidence of lab 01: the packets of a fetch, on a connection of its own and on one that stays open.

The server is netlab (server.py), the client the code under measure. With root every packet is captured;
without, the kernel's counters of our own socket tell how many there were (see packets.py).
"""

from __future__ import annotations

import functools
import socket
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import packets
from packets import CLOSE, HANDSHAKE, Captured, Shape, Step
from server import CONTENT

from labs.runner import ladders, plots
from labs.runner.evidence import Drawing, Measurement, NotShown, Plot, Run, Table, Verdict
from labs.runner.serving import serving
from netlab import sniffer

HOST, PATH = "127.0.0.1", "/"
ON_OPEN_CONNECTION = "request and response"


@dataclass
class Evidence:
    """Everything that was counted. Times are seconds; new and reused times are those of whole fetches."""

    new: list[Shape] = field(default_factory=list)
    reused: Shape | None = None
    exchanges: int = 0  # those that `reused` adds up
    handshakes_on_reuse: int = 0
    data_before_handshake: bool = False
    handshake_times: list[float] = field(default_factory=list)
    new_times: list[float] = field(default_factory=list)
    reused_times: list[float] = field(default_factory=list)
    ladder: list[Step] = field(default_factory=list)
    syn: Captured | None = None
    recorded: str = ""  # why the ladder is a recording; empty when it is this machine's own

    @property
    def each_reused(self) -> float:
        """Packets of one fetch on the connection that stays open."""
        assert self.reused is not None
        return self.reused.packets / self.exchanges


def measure(run: Run) -> Measurement:
    """Serve, fetch, count; then judge."""
    with serving(run.folder / "server.py") as server:
        evidence = observe(run, server.port)
    assert evidence.reused is not None
    verdict, condition = judge(evidence)
    return Measurement(
        figures=figures(evidence),
        verdict=verdict,
        condition=condition,
        headline=headline(evidence),
        tables=tables(evidence),
        plots=pictures(evidence),
        notes=notes(evidence),
        drawings=drawings(evidence),
    )


# --- observing ----------------------------------------------------------------------------------------


def observe(run: Run, port: int) -> Evidence:
    """With a raw socket where we may, else by counters."""
    times, exchanges = (5, 10) if run.quick else (20, 50)
    warm_up(run, port)
    reason = sniffer.unavailable()
    if reason is None:
        return with_raw_socket(run, port, times, exchanges)
    try:
        evidence = with_counters(run, port, times, exchanges)
    except OSError as error:
        raise NotShown(f"{reason}; and without it this needs Linux's TCP_INFO ({error})") from None
    evidence.ladder, evidence.syn = packets.load(run.folder / "recording.json")
    evidence.recorded = reason
    return evidence


def warm_up(run: Run, port: int) -> None:
    """The first request of a process pays for imports and caches: none that is measured shall."""
    for _ in range(3):
        content = run.code.fetch(HOST, port, PATH).content
        if content != CONTENT:
            raise RuntimeError(
                f"fetch returned {content[:60]!r}, not the {len(CONTENT)} octets of the server"
            )


def with_raw_socket(run: Run, port: int, times: int, exchanges: int) -> Evidence:
    """Capture fetches one by one, then many on one connection."""
    evidence = Evidence()
    seen: list[tuple[list[Step], Captured]] = []
    for number in range(times):
        run.say(f"fetch {number + 1} of {times}, each on a new connection, captured")

        def fetch() -> None:
            evidence.new_times.append(timed(functools.partial(run.code.fetch, HOST, port, PATH)))

        (conversation,), captured = packets.watch(port, fetch, 1)
        found = packets.steps(conversation)
        evidence.new.append(packets.shape(found))
        evidence.data_before_handshake |= conversation.handshake is None or any(
            step.data for step in found[:3]
        )
        evidence.handshake_times.append(found[2].time)
        seen.append((found, captured[0]))
    # The ladder shows the fetch of median length: the first is slow, and one in twenty is disturbed.
    seen.sort(key=lambda each: each[0][-1].time)
    evidence.ladder, evidence.syn = seen[len(seen) // 2]
    run.say(f"{exchanges} fetches on one connection, captured")
    (conversation,), _ = packets.watch(
        port, lambda: evidence.reused_times.extend(many(run, port, exchanges)), 1
    )
    later = packets.later_exchanges(packets.steps(conversation))
    evidence.reused, evidence.exchanges = packets.shape(later), exchanges - 1
    evidence.handshakes_on_reuse = sum("SYN" in step.flags for step in later)
    return evidence


def with_counters(run: Run, port: int, times: int, exchanges: int) -> Evidence:
    """Read TCP_INFO between the steps of a fetch: how many segments each took."""
    evidence = Evidence(exchanges=exchanges - 1)
    for number in range(times):
        run.say(f"fetch {number + 1} of {times}, each on a new connection, counted by the kernel")
        start = time.perf_counter()
        with socket.create_connection((HOST, port), timeout=10) as stream:
            opened = packets.counters(stream)
            run.code.Connection(stream).get(HOST, port, PATH)
            evidence.new_times.append(time.perf_counter() - start)
            answered = packets.counters(stream)
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(1000):
                pass
            closed = packets.counters(stream)
        evidence.data_before_handshake |= opened.with_data > 0
        evidence.handshake_times.append(opened.round_trip)
        exchange, close = answered.segments - opened.segments, closed.segments - answered.segments
        evidence.new.append(Shape(opened.segments, exchange, close, 0, 0, 0))
    run.say(f"{exchanges} fetches on one connection, counted by the kernel")
    with socket.create_connection((HOST, port), timeout=10) as stream:
        connection = run.code.Connection(stream)
        connection.get(HOST, port, PATH)
        before = packets.counters(stream)
        for _ in range(exchanges - 1):
            evidence.reused_times.append(timed(functools.partial(connection.get, HOST, port, PATH)))
        after = packets.counters(stream)
    evidence.reused = Shape(0, after.segments - before.segments, 0, 0, 0, 0)
    # A handshake would be three segments without data for each exchange; an acknowledgment is one at most.
    without_data = evidence.reused.exchange - (after.with_data - before.with_data)
    evidence.handshakes_on_reuse = without_data // (3 * evidence.exchanges)
    return evidence


def timed(act: functools.partial[Any]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def many(run: Run, port: int, exchanges: int) -> list[float]:
    """Exchanges one after another on one connection; the seconds of each but the first."""
    with socket.create_connection((HOST, port), timeout=10) as stream:
        connection = run.code.Connection(stream)
        return [timed(functools.partial(connection.get, HOST, port, PATH)) for _ in range(exchanges)][1:]


# --- judging ------------------------------------------------------------------------------------------


def judge(evidence: Evidence) -> tuple[Verdict, str]:
    """Three packets before the first octet: on every fetch, on new connections only, or not even there?"""
    always = all(shape.handshake == 3 for shape in evidence.new) and not evidence.data_before_handshake
    if not always:
        return Verdict.FALSE, ""
    if evidence.handshakes_on_reuse:
        return Verdict.TRUE, ""
    return (
        Verdict.TRUE_ONLY_IF,
        "the connection is new; on one that stays open a fetch begins with its request",
    )


def middle(shapes: list[Shape]) -> Shape:
    """A fetch as it typically is: the median of each count."""
    return Shape(*(round(statistics.median(column)) for column in zip(*shapes, strict=True)))


def figures(evidence: Evidence) -> dict[str, float | int | str]:
    """The named numbers. Octets are there only when the packets were."""
    assert evidence.reused is not None
    new = middle(evidence.new)
    found: dict[str, float | int | str] = {
        "packets_per_fetch": round(statistics.median(shape.packets for shape in evidence.new)),
        "packets_per_fetch_reused": round(evidence.each_reused, 2),
        "packets_before_the_request": new.handshake,
        "packets_of_the_close": new.close,
        "handshakes_on_reuse": evidence.handshakes_on_reuse,
        "handshake_us": round(statistics.median(evidence.handshake_times) * 1e6, 1),
        "fetch_new_us": round(statistics.median(evidence.new_times) * 1e6),
        "fetch_reused_us": round(statistics.median(evidence.reused_times) * 1e6),
        "seen_by": "counters" if evidence.recorded else "raw socket",
    }
    if not evidence.recorded:
        found["octets_per_fetch"] = new.octets
        found["octets_per_fetch_reused"] = round(evidence.reused.octets / evidence.exchanges)
        found["overhead_times_content"] = round((new.octets - len(CONTENT)) / len(CONTENT), 1)
    return found


def headline(evidence: Evidence) -> str:
    """The evidence in one line."""
    found = figures(evidence)
    wire = ""
    if not evidence.recorded:
        wire = f" ({found['octets_per_fetch']} octets for {len(CONTENT)} of content)"
    return (
        f"a fetch on a new connection is {found['packets_per_fetch']} packets{wire}, "
        f"{found['packets_before_the_request']} of them before the request; on an open connection "
        f"{found['packets_per_fetch_reused']:g}; the handshake took {found['handshake_us']} µs here"
    )


def notes(evidence: Evidence) -> list[str]:
    """What a reader of the tables should know."""
    said = [
        'the article says that the handshake "takes hundreds of milliseconds"; it takes one round trip, so '
        f"{statistics.median(evidence.handshake_times) * 1e6:.0f} µs on loopback and 100 ms where a round "
        "trip takes 100 ms (lab 09 measures with distance)",
    ]
    counts = sorted({shape.packets for shape in evidence.new})
    if len(counts) > 1:
        said.append(
            f"the {len(evidence.new)} fetches took {counts[0]} to {counts[-1]} packets: an acknowledgment "
            "travels alone or with data, as time allows"
        )
    if evidence.recorded:
        said.append(
            f"{evidence.recorded}; counted by TCP_INFO instead, and the ladder and the SYN are a recording "
            "made by the project, not by this machine; the handshake's time is the round trip that the "
            "kernel measured with it"
        )
    else:
        said.append(
            "loopback frames are counted as captured, with an Ethernet header of 14 octets; a cable adds 24 "
            "to each (preamble, check sequence, gap)"
        )
    return said


# --- showing ------------------------------------------------------------------------------------------


def source(evidence: Evidence) -> str:
    """Where the ladder comes from, for its titles."""
    return "a recording, not this machine" if evidence.recorded else "this machine"


def tables(evidence: Evidence) -> list[Table]:
    """New beside reused, the SYN."""
    assert evidence.reused is not None
    assert evidence.syn is not None
    return [
        comparison(evidence),
        Table(
            f"The SYN, field by field ({source(evidence)})",
            ["offset", "octets", "what they are"],
            packets.fields_of(evidence.syn),
        ),
    ]


def drawings(evidence: Evidence) -> list[Drawing]:
    """The packets of one fetch as a ladder, each phase named where it begins."""
    steps, phase = [], ""
    for packet in evidence.ladder:
        label = f"{packet.flags}  seq={packet.sequence}"
        label += "" if packet.acknowledgment is None else f" ack={packet.acknowledgment}"
        label += f" len={packet.data}" if packet.data else ""
        notes = [f"[{packet.phase}]"] if packet.phase != phase else []
        notes += [packet.note] if packet.note else []
        phase = packet.phase
        steps.append(ladders.Step(packet.time, packet.to_server, label, " ".join(notes)))
    return [Drawing(f"The packets of one fetch ({source(evidence)})", ladders.ladder(steps))]


def comparison(evidence: Evidence) -> Table:
    """One fetch, in two ways: where its packets, its octets and its time go."""
    assert evidence.reused is not None
    new, old, count = middle(evidence.new), evidence.reused, evidence.exchanges
    rows: list[list[Any]] = [
        ["packets", round(statistics.median(s.packets for s in evidence.new)), round(old.packets / count, 2)],
        ["… of the handshake", new.handshake, 0],
        [f"… of {ON_OPEN_CONNECTION}", new.exchange, round(old.exchange / count, 2)],
        ["… of the close", new.close, 0],
    ]
    if not evidence.recorded:
        heads = new.octets - new.request - new.response
        later = (old.octets - old.request - old.response) / count
        rows += [
            ["octets on the wire", new.octets, round(old.octets / count)],
            ["… headers of Ethernet, IP and TCP", heads, round(later)],
            ["… request", new.request, round(old.request / count)],
            [
                "… head of the response",
                new.response - len(CONTENT),
                round(old.response / count) - len(CONTENT),
            ],
            ["… content", len(CONTENT), len(CONTENT)],
        ]
    rows.append(
        [
            "µs, whole fetch (median)",
            round(statistics.median(evidence.new_times) * 1e6),
            round(statistics.median(evidence.reused_times) * 1e6),
        ]
    )
    title = f"One fetch of {len(CONTENT)} octets ({len(evidence.new)} new, {count} reused)"
    return Table(title, ["", "new connection", "open connection"], rows)


def pictures(evidence: Evidence) -> list[Plot]:
    """The ladder, and where the octets (or the packets) go."""
    arrows = [
        plots.Arrow(
            plots.RIGHT if step.to_server else plots.LEFT, step.flags, step.time, detail(step), step.phase
        )
        for step in evidence.ladder
    ]
    title = f"One fetch, packet by packet ({source(evidence)})"
    drawn = plots.svg(lambda axes: draw_parts(axes, evidence), height=2.4)
    return [
        Plot(title, plots.sequence("client", "server", arrows, title)),
        Plot("What a fetch is made of", drawn),
    ]


def detail(step: Step) -> str:
    """The relative numbers below an arrow."""
    parts = [f"seq {step.sequence}"]
    if step.acknowledgment is not None:
        parts.append(f"ack {step.acknowledgment}")
    if step.data:
        parts.append(f"{step.data} octets of data")
    return ", ".join(parts) + (f"; {step.note}" if step.note and step.phase == HANDSHAKE else "")


def draw_parts(axes: Any, evidence: Evidence) -> None:
    """Two stacked bars: a fetch on a new connection, and on an open one."""
    assert evidence.reused is not None
    new, old, count = middle(evidence.new), evidence.reused, evidence.exchanges
    if evidence.recorded:
        parts = [
            (HANDSHAKE, new.handshake, 0.0),
            (ON_OPEN_CONNECTION, new.exchange, old.exchange / count),
            (CLOSE, new.close, 0.0),
        ]
        axes.set_xlabel("packets")
    else:
        parts = [
            ("headers of Ethernet, IP and TCP", new.octets - new.request - new.response,
             (old.octets - old.request - old.response) / count),
            ("request", new.request, old.request / count),
            ("head of the response", new.response - len(CONTENT), old.response / count - len(CONTENT)),
            ("content", len(CONTENT), len(CONTENT)),
        ]  # fmt: skip
        axes.set_xlabel("octets on the wire")
    left = [0.0, 0.0]
    for (name, *values), colour, hatch in zip(parts, plots.COLOURS, ("", "//", "..", "xx"), strict=False):
        axes.barh(
            ["new", "open"], values, left=left, color=colour, hatch=hatch, edgecolor="white", label=name
        )
        left = [a + b for a, b in zip(left, values, strict=True)]
    axes.invert_yaxis()
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.3), ncols=2)
