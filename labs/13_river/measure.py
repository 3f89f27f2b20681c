"""The evidence of lab 13: memory while 5 GB go by, what a stalled reader costs, who stops when, who sleeps.

The servers are in servers.py, the readers and the looking in flows.py. Here: what is streamed, and what
follows from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flows
import psutil
from flows import KIB, MIB, Course, Leaving, Sleep, Stall

from labs.runner import plots
from labs.runner.evidence import Measurement, NotShown, Plot, Run, Table, Verdict
from netlab.probes.errors import ProbeError

GB = 1000**3
FILM = 5 * GB  # bytes that the article streams
PIECE = MIB
TRIAL = 128 * MIB  # bytes sent in pieces of each of these sizes
SIZES = (64 * KIB, 256 * KIB, MIB, 4 * MIB)
PATIENCE = 25.0  # seconds that the whole film may take; else as much of it as fits into HURRY
HURRY = 12.0
FLAT = PIECE  # bytes by which a flat line may drift: where it is looked at, a piece may be in flight or not
SHORT = GB // 4  # bytes of the film for a server that may not wait
SLOW = 0.001  # seconds that its reader rests after each read: what is sent faster has to stay somewhere
READERS = 6  # that stall
UNSENT = {"the kernel's default": 0, "128 KiB, as netlab sets it": 128 * KIB, "16 KiB": 16 * KIB}
SLEEPS = {
    "blocking": "async generator, time.sleep",
    "threaded": "sync generator, time.sleep (in a thread)",
    "waiting": "async generator, asyncio.sleep",
}
STEPS, WAIT = 4, 0.05  # of a slow producer: pieces, seconds each


@dataclass(frozen=True)
class Findings:
    """All that was measured."""

    whole: int  # bytes that the film should have had
    one: Course
    three: Course
    tls: Course
    own: Course
    deaf: Course  # the same, but `send` does not wait
    reads: Sequence[Course]  # read into memory, then sent: one client, growing
    crowd: Course  # the largest of them, by three clients at once
    sizes: dict[int, Course]  # by piece
    stalls: Sequence[Stall]  # by UNSENT
    leavings: Sequence[Leaving]
    sleeps: Sequence[Sleep]  # by SLEEPS
    viewers: int

    @property
    def factor(self) -> float:
        """Bytes of memory for each byte that is read before it is sent."""
        last = self.reads[-1]
        return last.peak / last.content


def measure(run: Run) -> Measurement:
    """Stream, stall, leave, sleep; then judge."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise NotShown("needs Linux 4.14 or later (/proc/PID/smaps_rollup)")
    try:
        with film(FILM) as path, film(SHORT) as short:
            found = look(run, path, short)
    except ProbeError as hidden:
        raise NotShown(str(hidden))
    verdict, condition = judge(found)
    return Measurement(
        figures=figures(found),
        verdict=verdict,
        condition=condition,
        headline=headline(found),
        tables=tables(found),
        plots=[
            Plot(
                "The server's memory while its clients read",
                plots.svg(lambda axes: draw_courses(axes, found)),
            ),
            Plot("One reader that stalls: who holds what", plots.svg(lambda axes: draw_stalls(axes, found))),
            Plot(
                "Another client's request while a producer sleeps", plots.svg(lambda a: draw_sleeps(a, found))
            ),
        ],
        notes=notes(run, found),
    )


@contextmanager
def film(length: int) -> Iterator[Path]:
    """A file that is all hole, in memory: as long as any, read like any, and nothing behind it."""
    descriptor = os.memfd_create("film")
    try:
        os.ftruncate(descriptor, length)
        yield Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    finally:
        os.close(descriptor)


# --- the programme --------------------------------------------------------------------------------------


def look(run: Run, path: Path, short: Path) -> Findings:
    """Everything, one after the other; only what waits more than it works is done at once."""
    sizes = {size: streamed(run, path, f"pieces of {unit(size)}", TRIAL, piece=size) for size in SIZES}
    whole = GB if run.quick else FILM
    total = whole
    if not os.environ.get("FULL") and whole / MIB / sizes[PIECE].rate > PATIENCE:
        total = min(whole, int(sizes[PIECE].rate * HURRY) * MIB)
    one = streamed(run, path, "streamed, one client", total)
    three = streamed(run, path, "streamed, three clients", total // 6, clients=3)
    tls = streamed(run, path, "streamed over TLS", total // 10, tls=True)
    own = your_own(run, short, "by the code's own server", "own")
    deaf = your_own(run, short, "the same, deaf to pause_writing", "deaf")
    most = (96 if run.quick else 192) * MIB
    reads = [read_first(run, path, most // part, 1) for part in (2, 1)]
    crowd = read_first(run, path, most, 3)
    return Findings(whole, one, three, tls, own, deaf, reads, crowd, sizes, *waits(run, path, short))


def waits(run: Run, path: Path, short: Path) -> tuple[list[Stall], list[Leaving], list[Sleep], int]:
    """What waits more than it works, all at once: stalls, departures, sleeps; and how many viewers slept."""
    run.say("readers that stall, clients that leave, producers that sleep")
    viewers = min(24, 2 * min(32, (os.cpu_count() or 1) + 4))
    wanted = [
        *(flows.bed(run, path, unsent=unsent, piece=64 * KIB) for unsent in UNSENT.values()),
        *(flows.bed(run, path) for _ in SLEEPS),
        flows.bed(run, path),
        flows.bed(run, short, "own"),
    ]
    with ThreadPoolExecutor(len(wanted)) as pool, ExitStack() as stack:
        starting = [pool.submit(stack.enter_context, each) for each in wanted]
        beds = iter([each.result() for each in starting])
        stalls = [pool.submit(flows.stall, name, next(beds), READERS, 16 * MIB) for name in UNSENT]
        sleeps = [
            pool.submit(flows.sleep, name, next(beds), how, STEPS, WAIT, viewers)
            for how, name in SLEEPS.items()
        ]
        leavings = left(next(beds), next(beds))
        return [each.result() for each in stalls], leavings, [each.result() for each in sleeps], viewers


def streamed(
    run: Run, path: Path, name: str, count: int, *, clients: int = 1, tls: bool = False, piece: int = PIECE
) -> Course:
    """So many bytes to each client, chunked, by netlab out of the code's pieces, in a fresh server."""
    run.say(f"{name}: {clients} × {size(count)}")
    with flows.bed(run, path, tls=tls, piece=piece) as server:
        server.get("/quick")
        return flows.follow(name, server, [lambda: whole(run, server, count, piece)] * clients)


def whole(run: Run, server: flows.Bed, count: int, piece: int) -> int:
    """Read them, and hold what came against the count predicted from the code's framing."""
    framing = run.code.Framing.CHUNKED
    pieces, rest = divmod(count, piece)
    foretold = len(run.code.ending(framing))
    for length, times in ((piece, pieces), (rest, 1)):
        foretold += times * sum(map(len, run.code.framed(bytes(length), framing)))
    came = server.get(f"/film?count={count}")
    if came != foretold:
        raise RuntimeError(f"{came} bytes came of {foretold}")
    return count


def your_own(run: Run, short: Path, name: str, kind: str) -> Course:
    """A short film by the code's own server, from the file down to asyncio's transport."""
    run.say(f"{name}: {size(SHORT)}")
    with flows.bed(run, short, kind) as server:
        return flows.follow(name, server, [lambda: server.get("/?chunked", SLOW)])


def read_first(run: Run, path: Path, count: int, clients: int) -> Course:
    """Read into memory, then sent."""
    run.say(f"read(), then sent: {clients} × {size(count)}")
    with flows.bed(run, path) as server:
        server.get("/quick")
        name = f"read() first, {'one client' if clients == 1 else 'three clients'}"
        return flows.follow(name, server, [lambda: server.get(f"/read?count={count}")] * clients)


def left(server: flows.Bed, own: flows.Bed) -> list[Leaving]:
    """Clients that break the connection while they read, while they stall, while the producer waits."""
    slow = "/slow?how={}&count=40&wait=0.25"
    return [
        flows.leave("netlab, in full flow", server, "/film", 16 * MIB),
        flows.leave("netlab, stalled", server, "/film", MIB, pause=0.3),
        flows.leave("the code's own server, in full flow", own, "/", 16 * MIB),
        flows.leave("the code's own server, stalled", own, "/", MIB, pause=0.3),
        flows.leave("netlab, in asyncio.sleep(0.25)", server, slow.format("waiting"), 1024),
        flows.leave("netlab, in time.sleep(0.25) in a thread", server, slow.format("threaded"), 1024),
    ]


# --- judging --------------------------------------------------------------------------------------------


def judge(found: Findings) -> tuple[Verdict, str]:
    """Flat: no drift, and a few pieces at most. At 1 MB: for everybody together, the kernel included?"""
    streams = (found.one, found.three, found.tls)
    if any(course.drift > FLAT for course in streams) or found.one.peak > 4 * PIECE:
        return Verdict.FALSE, ""
    default = found.stalls[0]
    if found.three.peak <= 1.5 * PIECE and default.kernel <= PIECE:
        return Verdict.TRUE, ""
    return (
        Verdict.TRUE_ONLY_IF,
        f"it is counted for each client (pieces of 1 MiB: {mib(found.one.peak)} for one, "
        f"{mib(found.three.peak)} for three), the producer waits for its reader (one that did not: "
        f"{mib(found.deaf.peak)}) and the reader reads: for one that stalls the kernel holds "
        f"{mib(default.kernel)} more, which no figure of the process shows, unless TCP_NOTSENT_LOWAT is set",
    )


def figures(found: Findings) -> dict[str, float | int | str]:
    """The named numbers."""
    told: dict[str, float | int | str] = {
        "one_client_rise_mib": round(found.one.peak / MIB, 2),
        "one_client_drift_mib": round(found.one.drift / MIB, 2),
        "three_clients_rise_mib": round(found.three.peak / MIB, 2),
        "tls_rise_mib": round(found.tls.peak / MIB, 2),
        "own_server_rise_mib": round(found.own.peak / MIB, 2),
        "deaf_server_rise_mib": round(found.deaf.peak / MIB),
        "streamed_gb": round(found.one.content / GB, 2),
        "streamed_seconds": round(found.one.seconds, 1),
        "read_first_bytes_per_byte": round(found.factor, 2),
        "read_first_three_clients_mib": round(found.crowd.peak / MIB),
    }
    for piece, course in found.sizes.items():
        told[f"rise_with_{piece // KIB}_kib_pieces_mib"] = round(course.peak / MIB, 2)
    for key, stall in zip(("default", "128_kib", "16_kib"), found.stalls, strict=True):
        told[f"stalled_kernel_kib_{key}"] = round(stall.kernel / KIB)
        told[f"stalled_process_kib_{key}"] = round(stall.process / KIB)
    for how, slept in zip(SLEEPS, found.sleeps, strict=True):
        told[f"other_client_worst_ms_{how}"] = round(slept.worst * 1000, 1)
        told[f"viewers_seconds_{how}"] = round(slept.crowd, 2)
    keys = ("flow", "stalled", "own_flow", "own_stalled", "waiting", "threaded")
    for key, leaving in zip(keys, found.leavings, strict=True):
        told[f"left_{key}_ms"] = round(leaving.seconds * 1000, 1)
        told[f"left_{key}_bytes"] = leaving.bytes
    return told


def shortened(found: Findings) -> str:
    """Behind the length of what was streamed: why it is not all of the film; nothing when it is."""
    if found.whole < FILM:
        return f" (QUICK=1: not {FILM / GB:g})"
    return f" of {FILM / GB:g} (FULL=1: all)" if found.one.content < found.whole else ""


def headline(found: Findings) -> str:
    """The evidence in one line."""
    default, bounded = found.stalls[0], found.stalls[1]
    return (
        f"{found.one.content / GB:.3g} GB{shortened(found)} streamed in {found.one.seconds:.1f} s: "
        f"+{mib(found.one.peak)}, drift {mib(found.one.drift)}; three clients +{mib(found.three.peak)}, "
        f"TLS +{mib(found.tls.peak)}; read() first: {found.factor:.1f} bytes for each byte of the "
        f"film; a stalled reader: {unit(default.kernel)} in the kernel, {unit(bounded.kernel)} with "
        "TCP_NOTSENT_LOWAT"
    )


def notes(run: Run, found: Findings) -> list[str]:
    """What a reader of the tables should know."""
    said = [
        "memory: what the server has written, above its start, looked at every 20 ms (USS without the pages "
        "of program files)",
        "the film is a file in memory that is all hole: read like any, without a disk to wait for",
        f"three clients took {size(found.three.content // 3)} each, the TLS client {size(found.tls.content)}",
    ]
    if found.one.content < found.whole:
        said.append(
            f"shortened: {found.one.content / GB:.2g} GB of {found.whole / GB:g}, which would have taken "
            f"more than {PATIENCE:g} s here (FULL=1 streams all of it)"
        )
    if run.quick:
        said.append(
            "QUICK=1: 1 GB instead of 5, to three clients and over TLS less accordingly, "
            "and half as much read() first"
        )
    free = psutil.virtual_memory().available
    needed = 3 * found.factor * FILM
    ends = "it would not survive them" if needed > free else "it would survive them"
    said.append(
        f"three clients of a server that reads 5 GB first would need {needed / GB:.0f} GB; this machine has "
        f"{free / GB:.0f} GB free: {ends}"
    )
    return said


# --- showing --------------------------------------------------------------------------------------------


def unit(octets: float) -> str:
    """A small size as a person says it."""
    return f"{octets / MIB:.3g} MiB" if octets >= MIB else f"{octets / KIB:.0f} KiB"


def mib(octets: float) -> str:
    """A rise of memory."""
    return f"{octets / MIB:.1f} MiB"


def size(octets: float) -> str:
    """A large size as a person says it."""
    return f"{octets / GB:.3g} GB" if octets >= GB else f"{octets / MIB:.0f} MiB"


def tables(found: Findings) -> list[Table]:
    """Memory, pieces, stalls, departures, sleeps."""
    courses = [found.one, found.three, found.tls, found.own, found.deaf, *found.reads, found.crowd]
    return [
        Table(
            "Memory of the server while its clients read (pieces of 1 MiB)",
            ["way", "sent together", "seconds", "MiB/s", "highest", "second half above the first"],
            [
                [c.name, size(c.content), round(c.seconds, 1), round(c.rate), mib(c.peak), mib(c.drift)]
                for c in courses
            ],
        ),
        Table(
            f"One client, {size(TRIAL)}: 1 MB is nothing but the size of a piece",
            ["piece", "highest", "MiB/s"],
            [[unit(piece), unit(course.peak), round(course.rate)] for piece, course in found.sizes.items()],
        ),
        Table(
            f"A reader that reads 16 MiB and then nothing (each of {READERS}, pieces of 64 KiB)",
            ["TCP_NOTSENT_LOWAT", "kernel, server's side", "server's memory", "kernel, reader's side"],
            [[s.name, unit(s.kernel), unit(s.process), unit(s.beyond)] for s in found.stalls],
        ),
        Table(
            "A client that breaks the connection",
            ["where", "producer closed after", "pieces made meanwhile"],
            [[each.name, f"{each.seconds * 1000:.1f} ms", each.pieces] for each in found.leavings],
        ),
        Table(
            f"A producer that sleeps {STEPS} × {WAIT * 1000:.0f} ms",
            ["how", "another client waits, at worst", "one viewer", f"{found.viewers} viewers at once"],
            [
                [each.name, f"{each.worst * 1000:.1f} ms", f"{each.alone:.2f} s", f"{each.crowd:.2f} s"]
                for each in found.sleeps
            ],
        ),
    ]


def draw_courses(axes: Any, found: Findings) -> None:
    """Memory over time, on a logarithmic scale: a few MiB and several hundred share no other."""
    for course in (found.one, found.three, found.tls, found.deaf, found.reads[-1], found.crowd):
        times = [at for at, _ in course.points]
        held = [max(0.05, above / MIB) for _, above in course.points]
        axes.plot(times, held, label=f"{course.name}, {size(course.content)}")
    axes.set_yscale("log")
    axes.set_xlabel("seconds")
    axes.set_ylabel("MiB above the start")
    axes.figure.legend(fontsize=8, loc="outside lower center", ncols=2)


def draw_stalls(axes: Any, found: Findings) -> None:
    """The kernel's part and the server's, side by side."""
    for number, stall in enumerate(found.stalls):
        kernel_bar = axes.barh(number + 0.2, stall.kernel / KIB, height=0.35, color=plots.RED)
        own_bar = axes.barh(number - 0.2, stall.process / KIB, height=0.35, color=plots.BLUE, hatch="//")
        if number == 0:
            kernel_bar.set_label("in the kernel: in no figure of the process")
            own_bar.set_label("in the server's memory")
    axes.set_yticks(range(len(found.stalls)), [f"TCP_NOTSENT_LOWAT\n{stall.name}" for stall in found.stalls])
    axes.invert_yaxis()
    axes.set_xlabel("KiB for one stalled reader")
    axes.legend()


def draw_sleeps(axes: Any, found: Findings) -> None:
    """How long each quick request took, by the moment at which it began."""
    for slept, marker in zip(found.sleeps, "ovs", strict=True):
        times = [at for at, _ in slept.latencies]
        axes.plot(times, [taken * 1000 for _, taken in slept.latencies], marker, label=slept.name)
    axes.set_yscale("log")
    axes.set_xlabel("seconds since the slow stream began")
    axes.set_ylabel("ms for another client's request")
    axes.legend(fontsize=8)
