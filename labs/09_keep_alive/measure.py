"""The evidence of lab 09: the article's speed test with its controls, near and far, connections counted.

Near: twenty GETs in nine ways against netlab on this machine, plain and over TLS. Far: twenty GETs with new
connections and with one kept, through relays that stand for distance, beside the time predicted
from the round trips.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import time
from typing import Any, NamedTuple

import clients
import servers

from labs.runner import plots
from labs.runner.evidence import Measurement, Plot, Run, Table, Verdict
from netlab.tls import client_context

COUNT = 20  # requests, as in the article
ROUND_TRIPS = (0.0, 0.005, 0.02, 0.05, 0.1)  # seconds of distance; a quick run takes the first three
ASKED = 0.05  # the distance that the prediction is about
SHORT = 0.005
SCHEMES = {"plain": "http", "tls": "https"}

# Round trips before a request can go: SYN, and with TLS 1.3 one more (RFC 8446 §2).
HANDSHAKES = {"plain": 1, "tls": 2}

# The article's two halves, and what it takes their difference for.
COMPARED = ("requests_get", "handshakes", "requests_session")


class Near(NamedTuple):
    """Twenty requests on loopback: seconds (median, least, most), connections, CPU seconds of the client."""

    median: float
    least: float
    most: float
    connections: int
    work: float


class Far(NamedTuple):
    """Twenty requests over a distance. kept: over one connection."""

    scheme: str
    kept: bool
    round_trip: float
    seconds: float

    @property
    def trips(self) -> int:
        """Round trips that these requests and their handshakes need."""
        return COUNT + HANDSHAKES[self.scheme] * (1 if self.kept else COUNT)


def measure(run: Run) -> Measurement:
    """Near, far, and the learner's own server; then judge."""
    # A proxy of the environment must not stand between: requests would ask it for 127.0.0.1, too.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    root, context = run.certs / "root.pem", client_context(run.certs / "root.pem")
    with contextlib.ExitStack() as stack:
        run.say("starting two servers")
        tls = ("--cert", str(run.certs / "chain.pem"), "--key", str(run.certs / "leaf.key"))
        ports = {
            "plain": stack.enter_context(servers.netlab_server()),
            "tls": stack.enter_context(servers.netlab_server(*tls)),
        }
        counters = {
            "plain": stack.enter_context(contextlib.closing(servers.Accepted(ports["plain"]))),
            "tls": stack.enter_context(contextlib.closing(servers.Accepted(ports["tls"], context))),
        }
        near = measure_near(run, root, ports, counters)
        own = measure_mine(run, root)
        far = measure_far(run, ports, context)
    return report(near, own, far, run.owner)


def measure_near(
    run: Run, root: Any, ports: dict[str, int], counters: dict[str, servers.Accepted]
) -> dict[tuple[str, str], Near]:
    """Every way, several rounds of all of them, in a different order each time."""
    chance = random.Random(run.seed)
    taken: dict[tuple[str, str], list[float]] = {}
    worked: dict[tuple[str, str], list[float]] = {}
    connections: dict[tuple[str, str], int] = {}
    jobs = [(scheme, key) for scheme in SCHEMES for key in clients.WAYS]
    for scheme, key in jobs:
        clients.WAYS[key].ask(f"{SCHEMES[scheme]}://127.0.0.1:{ports[scheme]}/", 1, root)  # warm
    rounds = {job: rounds_of(job, run.quick) for job in jobs}
    for number in range(max(rounds.values())):
        run.say(f"{COUNT} requests in {len(clients.WAYS)} ways, plain and over TLS, round {number + 1}")
        now = [job for job in jobs if number < rounds[job]]
        for scheme, key in chance.sample(now, len(now)):
            before, busy = counters[scheme](), time.thread_time()
            url = f"{SCHEMES[scheme]}://127.0.0.1:{ports[scheme]}/"
            taken.setdefault((scheme, key), []).append(clients.WAYS[key].ask(url, COUNT, root))
            worked.setdefault((scheme, key), []).append(time.thread_time() - busy)
            connections[scheme, key] = counters[scheme]() - before
    middle = statistics.median
    return {
        job: Near(middle(times), min(times), max(times), connections[job], middle(worked[job]))
        for job, times in taken.items()
    }


def rounds_of(job: tuple[str, str], quick: bool) -> int:
    """The three whose differences the verdict rests on are short, and close to each other: more often."""
    if job in {("plain", key) for key in COMPARED}:
        return 9 if quick else 15
    return 1 if quick else 3


def measure_mine(run: Run, root: Any) -> dict[str, Near]:
    """The article's two halves against the server under measure."""
    run.say(f"the same against {run.owner} connection loop")
    found = {}
    with servers.mine(run.code) as port, contextlib.closing(servers.Accepted(port)) as accepted:
        for key in ("requests_get", "requests_session"):
            before = accepted()
            seconds = clients.WAYS[key].ask(f"http://127.0.0.1:{port}/", COUNT, root)
            found[key] = Near(seconds, seconds, seconds, accepted() - before, seconds)
    return found


def measure_far(run: Run, ports: dict[str, int], context: Any) -> list[Far]:
    """Short distances one by one, for there the work counts; long ones at once, for they only wait."""
    distances = ROUND_TRIPS[:3] if run.quick else ROUND_TRIPS
    jobs = [(s, kept, r) for s in SCHEMES for kept in (True, False) for r in distances]
    run.say(f"{COUNT} requests at {', '.join(f'{r * 1000:g}' for r in distances)} ms of distance")

    async def one(scheme: str, kept: bool, round_trip: float, port: int) -> Far:
        url = f"{SCHEMES[scheme]}://127.0.0.1:{port}/"
        start = time.perf_counter()
        work = clients.netlab_session if kept else clients.netlab_session_per_call
        await work(url, COUNT, context)
        return Far(scheme, kept, round_trip, time.perf_counter() - start)

    async def some(chosen: list[tuple[Any, int]]) -> list[Far]:
        return list(await asyncio.gather(*(one(*job, port) for job, port in chosen)))

    with servers.relays([(ports[scheme], r / 2) for scheme, _, r in jobs]) as relays:
        pairs = list(zip(jobs, relays, strict=True))
        found = [asyncio.run(some([pair]))[0] for pair in pairs if pair[0][2] <= SHORT]
        return found + asyncio.run(some([pair for pair in pairs if pair[0][2] > SHORT]))


# -- what follows -------------------------------------------------------------------------------------------


def report(
    near: dict[tuple[str, str], Near], own: dict[str, Near], far: list[Far], owner: str
) -> Measurement:
    """Figures, verdict, tables, pictures."""
    share = {scheme: handshake_share(near, scheme) for scheme in SCHEMES}
    most = max(point.round_trip for point in far if point.round_trip <= ASKED)
    at = {(point.scheme, point.kept): point.seconds for point in far if point.round_trip == most}
    ratio = at["tls", False] / at["tls", True]
    figures: dict[str, float | int | str] = {
        "far_round_trip_ms": most * 1000,
        "far_tls_new_to_kept": round(ratio, 2),
        "far_plain_new_to_kept": round(at["plain", False] / at["plain", True], 2),
        "far_kept_ms_per_request": round(at["tls", True] / COUNT * 1000, 1),
        "handshake_share_of_saving_percent_plain": round(share["plain"] * 100),
        "handshake_share_of_saving_percent_tls": round(share["tls"] * 100),
        "model_error_percent": round(max(model_error(point, far) for point in far) * 100, 1),
        "connections_own_loop_get": own["requests_get"].connections,
        "connections_own_loop_session": own["requests_session"].connections,
        **{f"{key}_{scheme}_ms": round(seen.median * 1000, 1) for (scheme, key), seen in near.items()},
        **{f"{key}_{scheme}_connections": seen.connections for (scheme, key), seen in near.items()},
    }
    verdict, condition = judge(ratio, share, most)
    ways = near["plain", "requests_get"].work / near["plain", "requests_session"].work
    return Measurement(
        figures=figures,
        verdict=verdict,
        condition=condition,
        headline=(
            f"{COUNT} GETs over TLS at {most * 1000:g} ms: {at['tls', False]:.2f} s with new connections, "
            f"{at['tls', True]:.2f} s over one ({ratio:.1f} times); on loopback, plain, requests.get works "
            f"{ways:.1f} times as long as a Session: {share['plain']:.0%} of the difference are handshakes"
        ),
        tables=[near_table(near), own_table(own, owner), far_table(far)],
        plots=[
            Plot(f"{COUNT} requests and the distance", plots.svg(lambda axes: draw_far(axes, far))),
            Plot(
                f"{COUNT} requests on loopback",
                plots.svg(lambda axes: draw_near(axes, near), height=4.2),
            ),
        ],
        notes=notes(near, far),
    )


def handshake_share(near: dict[tuple[str, str], Near], scheme: str) -> float:
    """Of what a Session saves beside requests.get: how much are the handshakes? The rest is Python's work.

    By the client's CPU time: on loopback nearly all time is work, and what else runs here does not blur it.
    """
    get, handshakes, kept = (near[scheme, key].work for key in COMPARED)
    return min(1.0, handshakes / (get - kept)) if get > kept else 1.0


def judge(ratio: float, share: dict[str, float], distance: float) -> tuple[Verdict, str]:
    """Is a kept connection much faster, and is it so because of the handshakes, wherever the server is?"""
    if ratio < 1.5:
        return Verdict.FALSE, ""
    if share["plain"] >= 0.5:
        return Verdict.TRUE, ""
    return (
        Verdict.TRUE_ONLY_IF,
        f"the server is far ({ratio:.1f} times at {distance * 1000:g} ms); on loopback the handshakes are "
        f"{share['plain']:.0%} of the difference, over TLS {share['tls']:.0%}, and the rest is Python",
    )


def base(point: Far, far: list[Far]) -> float:
    """What the same requests take without any distance: the work alone."""
    return next(p.seconds for p in far if (p.scheme, p.kept, p.round_trip) == (point.scheme, point.kept, 0.0))


def foretold(point: Far, far: list[Far]) -> float:
    """Seconds by the model: the work, and the round trips."""
    return base(point, far) + point.trips * point.round_trip


def model_error(point: Far, far: list[Far]) -> float:
    """By how much the measurement misses the model, as a part of the model."""
    return abs(point.seconds / foretold(point, far) - 1)


def notes(near: dict[tuple[str, str], Near], far: list[Far]) -> list[str]:
    """What a reader of the tables should know."""
    said = [
        "a relay in user space cannot delay a SYN: each connection is charged that round trip with its "
        "first bytes",
        "distances are round trips; no packet is lost and no window limits twenty small requests",
        "the share of the handshakes is one of the client's CPU time, which other programs blur least",
        "requests builds a TLS context and loads the roots for every new connection; aiohttp and netlab are "
        "given one context beforehand",
    ]
    wrong = [
        f"{clients.WAYS[key].name} ({scheme}) took {seen.connections} connections"
        for (scheme, key), seen in near.items()
        if seen.connections != (1 if clients.WAYS[key].kept else COUNT)
    ]
    if wrong:
        said.append("not as its name says: " + "; ".join(wrong))
    worst = max(far, key=lambda point: model_error(point, far))
    if model_error(worst, far) > 0.25:
        said.append(
            f"at {worst.round_trip * 1000:g} ms the model is missed by {model_error(worst, far):.0%}: "
            "this machine was busy"
        )
    return said


def near_table(near: dict[tuple[str, str], Near]) -> Table:
    """All ways on loopback."""

    def cell(scheme: str, key: str) -> str:
        seen = near[scheme, key]
        return f"{seen.median * 1000:.1f} ({seen.least * 1000:.1f} to {seen.most * 1000:.1f})"

    return Table(
        f"{COUNT} GETs on loopback, ms: median (range); connections counted by the server",
        ["way", "plain", "TLS 1.3", "connections"],
        [
            [way.name, cell("plain", key), cell("tls", key), near["plain", key].connections]
            for key, way in clients.WAYS.items()
        ],
    )


def own_table(own: dict[str, Near], owner: str) -> Table:
    """The connection loop under measure."""
    return Table(
        f"{COUNT} GETs against {owner} connection loop",
        ["way", "ms", "connections that it accepted"],
        [
            [clients.WAYS[key].name, round(seen.median * 1000, 1), seen.connections]
            for key, seen in own.items()
        ],
    )


def far_table(far: list[Far]) -> Table:
    """Distance: measured beside foretold."""
    ordered = sorted(far, key=lambda point: (point.scheme, point.kept, point.round_trip))
    return Table(
        f"{COUNT} GETs over a distance (netlab.Session through a relay)",
        ["", "distance, ms", "round trips", "foretold, s", "measured, s"],
        [
            [
                kind(point),
                f"{point.round_trip * 1000:g}",
                point.trips,
                f"{foretold(point, far):.3f}",
                f"{point.seconds:.3f}",
            ]
            for point in ordered
        ],
    )


def kind(point: Far) -> str:
    """A point's series in words."""
    scheme = "TLS 1.3" if point.scheme == "tls" else "plain"
    return f"{scheme}, {'one connection' if point.kept else 'new connections'}"


def draw_far(axes: Any, far: list[Far]) -> None:
    """Points on the model's lines."""
    series = [(s, kept) for s in ("tls", "plain") for kept in (False, True)]
    for (scheme, kept), colour in zip(series, (plots.RED, plots.BLUE, plots.AMBER, plots.GREEN), strict=True):
        points = sorted(
            (p for p in far if (p.scheme, p.kept) == (scheme, kept)), key=lambda point: point.round_trip
        )
        x = [point.round_trip * 1000 for point in points]
        axes.plot(x, [foretold(point, far) for point in points], color=colour, linewidth=1)
        marker = "o" if kept else "s"
        label = f"{kind(points[0])}: {points[0].trips} round trips"
        axes.plot(x, [p.seconds for p in points], marker, color=colour, linestyle="none", label=label)
    axes.set_xlabel("distance (round trip), ms; lines: work + round trips")
    axes.set_ylabel(f"{COUNT} requests, s")
    axes.legend()


def draw_near(axes: Any, near: dict[tuple[str, str], Near]) -> None:
    """A bar for each way, plain and TLS."""
    names = [way.name for way in clients.WAYS.values()]
    for offset, (scheme, colour) in enumerate((("plain", plots.BLUE), ("tls", plots.RED))):
        values = [near[scheme, key].median * 1000 for key in clients.WAYS]
        places = [index + (offset - 0.5) * 0.4 for index in range(len(names))]
        axes.barh(places, values, height=0.36, color=colour, label="TLS 1.3" if scheme == "tls" else "plain")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(f"{COUNT} requests, ms (median)")
    axes.legend(loc="lower right")
