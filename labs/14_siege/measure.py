"""The evidence of lab 14: four servers under the same siege, and the share of honest clients answered.

Each server is a process of its own that may open 128 files (siege_servers.py). 126 hostile connections hold
what they can, and come again when they are thrown out; honest clients come behind them (besieger.py). netlab
and the loop under the rules of the code under measure have deadlines; uvicorn and http.server are the
control.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from besieger import GET, POST, Attack, Drain, Outcome, Siege, load, newcomer, swallow
from siege_servers import DESCRIPTORS, SHORT

from labs.runner import plots
from labs.runner.evidence import Measurement, Plot, Run, Table, Verdict
from netlab.tls import client_context

HOSTILE = 126  # more than the descriptors of any of these servers
NEWCOMERS = 10
PATIENCE = 1.4  # seconds that an honest newcomer waits
CLIENTS = 8  # of the load under which SIGTERM comes
ENDLESS = 512 * 1024  # bytes of a head after which we stop asking for the end

CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SIEGES = (
    Attack("slow head", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a"),
    Attack("slow content", POST + b"Content-Length: 1000000\r\n\r\n", b"x"),
    Attack("slow reader", GET.replace(b"/ ", b"/big ")),
    Attack("silence"),
)
QUICK = SIEGES[:2]  # those of QUICK=1
HANDSHAKES = "half-open handshakes"
BOMBS = {
    "one endless line": (b"GET /", b"a" * 4096),
    "endless field lines": (GET[:-2], b"a: b\r\n" * 700),
}
CHUNKS_OF_ONE = "chunks of 1 octet, 30 clients"
LOOP = "this lab's loop"
KINDS = {"netlab": "netlab", LOOP: "loop", "uvicorn": "uvicorn", "http.server": "http.server"}
WITH_DEADLINES = ("netlab", LOOP)


@dataclass
class Found:
    """What was seen of one server."""

    sieges: dict[str, Outcome] = field(default_factory=dict)
    chunks: Outcome | None = None
    bombs: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    drain: Drain = field(default_factory=Drain)

    @property
    def worst(self) -> float:
        """Percent of honest clients that were answered under the worst attack."""
        return min(outcome.answered for outcome in self.sieges.values())


@contextlib.contextmanager
def server(run: Run, kind: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server's port and process; it is killed if it has not ended by then."""
    root = str(run.folder.parents[1])
    script, code = str(run.folder / "siege_servers.py"), str(Path(run.code.__file__ or "").resolve())
    with subprocess.Popen(
        [sys.executable, script, kind, code, str(run.certs)],
        cwd=root, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            if not line.strip().isdigit():
                raise RuntimeError(f"the server {kind} did not start")
            if kind != "netlab-tls" and newcomer(int(line), None, 10) is None:
                raise RuntimeError(f"the server {kind} answers no client, even before the siege")
            yield int(line), child
        finally:
            child.kill()


def besiege(run: Run, name: str) -> Found:
    """Everything that one server has to stand."""
    found = Found()
    with server(run, KINDS[name]) as (port, child):
        for attack in QUICK if run.quick else SIEGES:
            run.say(f"{name}: {attack.name}, {HOSTILE} connections")
            siege = Siege(port, child.pid, attack, HOSTILE, None)
            found.sieges[attack.name] = siege.run(NEWCOMERS, PATIENCE)
            newcomer(port, None, 3)  # until the siege is over for the server, too
        for what, (opening, more) in BOMBS.items():
            found.bombs[what] = swallow(port, opening, more, ENDLESS)
        if name != LOOP and not run.quick:  # whose contents have a length
            attack = Attack("endless chunks", CHUNKS, b"1\r\na\r\n" * 100)
            found.chunks = Siege(port, child.pid, attack, 30, None).run(NEWCOMERS, PATIENCE)
        newcomer(port, None, 3)
        run.say(f"{name}: SIGTERM under load")
        drain(port, child, found.drain)
    return found


def drain(port: int, child: subprocess.Popen[bytes], counts: Drain) -> None:
    """SIGTERM while busy clients are served."""
    clients = load(port, CLIENTS, counts)
    until_busy = threading.Event()
    for _ in range(100):
        if counts.served > 20 * CLIENTS:
            break
        until_busy.wait(0.02)
    child.send_signal(signal.SIGTERM)
    for client in clients:
        client.join()


def handshakes(run: Run) -> Outcome:
    """ClientHellos without an end, against netlab over TLS."""
    trusting = client_context(run.certs / "root.pem")
    attack = Attack(HANDSHAKES, client_hello(), tls=True)
    with server(run, "netlab-tls") as (port, child):
        run.say(f"netlab: {HANDSHAKES}, {HOSTILE} connections")
        return Siege(port, child.pid, attack, HOSTILE, trusting).run(NEWCOMERS, PATIENCE)


def client_hello() -> bytes:
    """A ClientHello, behind which nothing follows."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def measure(run: Run) -> Measurement:
    """Besiege all, one beside the other: they wait, they do not work. Then judge."""
    names = [name for name in KINDS if name != "uvicorn" or importlib.util.find_spec("uvicorn")]
    with ThreadPoolExecutor(len(names) + 1) as pool:
        tls = pool.submit(handshakes, run)
        found = dict(zip(names, pool.map(lambda name: besiege(run, name), names), strict=True))
    found["netlab"].sieges[HANDSHAKES] = tls.result()
    control = "uvicorn" if "uvicorn" in found else "http.server"
    verdict, condition = judge(found)
    return Measurement(
        figures=figures(found, control),
        verdict=verdict,
        condition=condition,
        headline=headline(run, found, control),
        tables=tables(found),
        plots=[Plot("Share of honest clients answered", plots.svg(lambda axes: draw(axes, found)))],
        notes=notes(run, found),
    )


def judge(found: dict[str, Found]) -> tuple[Verdict, str]:
    """Does doing little bring every server down, or only those that let themselves be kept waiting?"""
    down = [name for name, each in found.items() if each.worst < 50]
    if not down:
        return Verdict.FALSE, ""
    if len(down) == len(found):
        return Verdict.TRUE, ""
    if any(name in WITH_DEADLINES for name in down):
        return Verdict.TRUE_ONLY_IF, f"the server is one of these: {', '.join(down)}"
    return Verdict.TRUE_ONLY_IF, "the server waits for them without a bound"


def headline(run: Run, found: dict[str, Found], control: str) -> str:
    """One line."""
    sieges, netlabs = len(found[control].sieges), len(found["netlab"].sieges)
    shortened = f"; QUICK=1 leaves out {left_out()}" if run.quick else ""
    worst = ", ".join(f"{name} {each.worst:.0f} %" for name, each in found.items())
    ours, theirs = found["netlab"].drain, found[control].drain
    return (
        f"share of honest clients answered under the worst attack ({HOSTILE} hostile connections, "
        f"the worst of {sieges} attacks, of {netlabs} for netlab{shortened}): {worst}; "
        f"SIGTERM under load loses {ours.lost} of netlab's {ours.served + ours.lost} requests, "
        f"{theirs.lost} of {control}'s {theirs.served + theirs.lost}"
    )


def left_out() -> str:
    """What QUICK=1 does not show."""
    return ", ".join([attack.name for attack in SIEGES if attack not in QUICK] + ["endless chunks"])


def figures(found: dict[str, Found], control: str) -> dict[str, float | int | str]:
    """The numbers by name."""
    plain = {"netlab": "netlab", LOOP: "loop", "uvicorn": "uvicorn", "http.server": "http_server"}
    said: dict[str, float | int | str] = {
        "answered_without_deadlines_percent": round(found[control].sieges["slow head"].answered),
        "without_deadlines": control,
    }
    for name, each in found.items():
        for siege, outcome in each.sieges.items():
            key = f"{plain[name]}_{siege.replace(' ', '_').replace('-', '_')}"
            said[f"{key}_answered_percent"] = round(outcome.answered)
            if outcome.latency is not None:
                said[f"{key}_ms"] = round(outcome.latency * 1000)
        said[f"{plain[name]}_lost_at_sigterm"] = each.drain.lost
        said[f"{plain[name]}_endless_line_bytes"] = each.bombs["one endless line"][0]
    return said


def tables(found: dict[str, Found]) -> list[Table]:
    """Who was answered, what it cost, how much was heard, what was lost."""
    sieges = list(found["netlab"].sieges)
    chunks = any(each.chunks for each in found.values())
    return [
        Table(
            f"Honest clients answered within {PATIENCE} s (median of those), {HOSTILE} hostile connections",
            ["siege", *found],
            [[siege, *(answered(each.sieges.get(siege)) for each in found.values())] for siege in sieges],
        ),
        Table(
            "The client that was connected before: answers (median, worst)",
            ["siege", *found],
            [[siege, *(regular(each.sieges.get(siege)) for each in found.values())] for siege in sieges],
        ),
        Table(
            f"What the siege cost: descriptors at most (of {DESCRIPTORS}), MiB more, processor",
            ["siege", *found],
            [[siege, *(cost(each.sieges.get(siege)) for each in found.values())] for siege in sieges],
        ),
        Table(
            "Endless things: bytes heard before the refusal, and its status"
            + ("; of chunks: MiB more" if chunks else ""),
            ["what comes", *found],
            [
                *[[what, *(heard(each.bombs[what]) for each in found.values())] for what in BOMBS],
                *([[CHUNKS_OF_ONE, *(flat(each.chunks) for each in found.values())]] if chunks else []),
            ],
        ),
        Table(
            f"SIGTERM while {CLIENTS} clients are served as fast as they can ask",
            ["server", "answered", "lost on an open connection", "refused as new"],
            [[name, d.served, d.lost, d.refused] for name, d in ((n, f.drain) for n, f in found.items())],
        ),
    ]


def answered(outcome: Outcome | None) -> str:
    """Percent, and the median."""
    if outcome is None:
        return "–"
    late = "" if outcome.latency is None else f" ({outcome.latency * 1000:.0f} ms)"
    return f"{outcome.answered:.0f} %{late}"


def regular(outcome: Outcome | None) -> str:
    """How the client fared that was there before."""
    times = sorted(each for each in outcome.regular if each is not None) if outcome else []
    if outcome is None or not outcome.regular:
        return "–"
    if not times or None in outcome.regular:
        return f"{len(times)}, then none"
    return f"{len(times)} ({times[len(times) // 2] * 1000:.1f} ms, {times[-1] * 1000:.0f} ms)"


def cost(outcome: Outcome | None) -> str:
    """Descriptors, memory, processor."""
    if outcome is None:
        return "–"
    return f"{outcome.descriptors}, {outcome.memory / 2**20:.1f}, {100 * outcome.busy:.0f} %"


def heard(bomb: tuple[int, int | None]) -> str:
    """How much of an endless head."""
    octets, status = bomb
    if status is None:
        return f"{octets:,}, never refused" if octets >= ENDLESS else f"{octets:,}, cut off"
    return f"{octets:,}, then {status}"


def flat(outcome: Outcome | None) -> str:
    """Memory that endless chunks cost, and whether others were served."""
    return "–" if outcome is None else f"{outcome.memory / 2**20:.1f} ({outcome.answered:.0f} % answered)"


def notes(run: Run, found: dict[str, Found]) -> list[str]:
    """What a reader of the tables should know."""
    said = [
        f"netlab and the loop have deadlines of {SHORT['head']} s here, so that a siege fits into a second; "
        "by default a head has 10 s, and a newcomer waits accordingly longer",
        "a client that comes back to a full server waits in the kernel's queue among the hostile: deadlines "
        "bound the wait, they do not abolish it",
        f"–: {HANDSHAKES} are for netlab alone, the only one over TLS here"
        + ("" if run.quick else "; the loop reads no chunks"),
    ]
    if run.quick:
        said.append(f"QUICK=1: left out are {left_out()}; each worst siege is the worst of the others")
    for name in WITH_DEADLINES:
        down = [siege for siege, outcome in found[name].sieges.items() if outcome.answered < 50]
        if down:
            said.append(f"{name} has deadlines, and yet is brought down by: {', '.join(down)}")
    if "uvicorn" not in found:
        said.append("uvicorn is not installed (pip install uvicorn): http.server alone is the control")
    return said


def draw(axes: Any, found: dict[str, Found]) -> None:
    """Groups of bars: sieges; in each a bar for every server that was besieged so."""
    sieges = list(found["netlab"].sieges)
    height = 0.8 / len(found)
    styles = zip(found.items(), plots.COLOURS, ("", "//", "..", "xx"), strict=False)
    for row, ((name, each), colour, hatch) in enumerate(styles):
        shown = [(at, each.sieges[siege].answered) for at, siege in enumerate(sieges) if siege in each.sieges]
        places = [at + (row - (len(found) - 1) / 2) * height for at, _ in shown]
        # A bar of nothing is still a bar: half a percent wide.
        values = [max(0.5, value) for _, value in shown]
        axes.barh(places, values, height, color=colour, hatch=hatch, edgecolor="white", label=name)
    axes.set_yticks(range(len(sieges)), sieges)
    axes.set_ylim(len(sieges) - 0.5, -0.5)
    axes.set_xlabel(f"% of honest clients answered within {PATIENCE} s")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=4)
