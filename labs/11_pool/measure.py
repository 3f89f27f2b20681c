"""The evidence of lab 11: what the size of a pool, its timeout, its retry and its order decide.

The waiting times, the share of reuse and LIFO against FIFO are simulated, with the pool under measure on a
clock of its own. The article's script, one size of the pool and the stale race run for real over loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import time
from collections import Counter
from typing import Any, NamedTuple

import simulation
import storm
from article_script import GETS, KEEPALIVE, LIMIT, Scripted, measure_script, script_table
from pictures import draw_open, draw_reuse, draw_waits
from pooled_client import Executions, PooledClient, dying_server

import netlab
from labs.runner import plots
from labs.runner.evidence import Measurement, NotShown, Plot, Run, Table, Verdict
from netlab.relay import Relay

LOAD, SERVICE = 8.0, 0.05  # connections busy on average; seconds that a request holds one
SIZES = (9, 10, 11, 12, 13, 14, 16)
REAL_SIZE = 10

GAP = 10.0  # seconds between two requests on average
TIMEOUTS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0)
SERVERS = {"server closes after 75 s": 75.0, "server closes after 5 s": 5.0}

BURST, AFTER = 20, 60  # connections; seconds
DISTANCE = 0.02  # seconds, there and back
SERVER_IDLE = 0.15  # seconds

Figures = dict[str, float | int | str]


class Race(NamedTuple):
    """Requests that meet the server's close. twice: carried out two times or more, counted on the server."""

    server: str
    client: str
    method: str
    requests: int
    answered: int
    noticed: int
    repeated: int
    twice: int


class Waited(NamedTuple):
    """Mean waiting times in seconds: several rounds by size; one size for real, and the same simulated."""

    simulated: dict[int, list[float]]
    real: float
    same_simulated: float


async def measure(run: Run) -> Measurement:
    """Ask the six questions, then judge."""
    waited = await measure_waits(run)
    scripts = await measure_script(run)
    run.say("timeouts and gaps, simulated")
    count = 2_000 if run.quick else 6_000
    reuse = {
        (name, timeout): simulation.reuse_share(run.code, timeout, seconds, GAP, count, run.seed)
        for name, seconds in SERVERS.items()
        for timeout in TIMEOUTS
    }
    races = await measure_races(run)
    opened = {
        name: simulation.open_over_time(run.code, fifo, BURST, KEEPALIVE, AFTER)
        for name, fifo in (("LIFO", False), ("FIFO", True))
    }
    found = report(run, waited, scripts, reuse, races, opened)
    storms, missing = await storm.measure_storms(run)
    found.tables.append(storm.table(storms))
    found.notes.extend(missing)
    return found


async def measure_waits(run: Run) -> Waited:
    """Every size on the clock of the simulation, one of them for real."""
    count, rounds = 5_000 if run.quick else 10_000, 3 if run.quick else 5
    traffic = [
        simulation.draws(LOAD, SERVICE, count, chance)
        for chance in random.Random(run.seed).sample(range(10**6), rounds)
    ]
    found: dict[int, list[float]] = {}
    for size in SIZES:
        run.say(f"{rounds} × {count:,} requests through a pool of {size}, simulated")
        every = (simulation.waits(run.code, size, requests) for requests in traffic)
        found[size] = [statistics.fmean(waits[count // 10 :]) for waits in every]  # a tenth to warm up
    few = simulation.draws(LOAD, SERVICE, 250 if run.quick else 500, run.seed + 1)
    run.say(f"{len(few)} requests through a pool of {REAL_SIZE}, over real sockets")
    async with netlab.Server(Executions().app, port=0) as server:
        client = PooledClient(run.code.Pool, server.port, limit=REAL_SIZE)
        start = time.perf_counter()

        async def one(arrival: float, service: float) -> None:
            await asyncio.sleep(start + arrival - time.perf_counter())
            await client.request("GET", f"/?ms={service * 1000:.3f}")

        await asyncio.gather(*(one(*draw) for draw in few))
        client.close()
    same = simulation.waits(run.code, REAL_SIZE, few)
    return Waited(found, statistics.fmean(client.waits), statistics.fmean(same))


# -- the stale race -----------------------------------------------------------------------------------------


async def measure_races(run: Run) -> list[Race]:
    """A real race with netlab's idle timeout, and a server that dies at the worst moment."""
    code: Any = run.code

    class AlwaysAgain(code.Pool):  # type: ignore[misc]
        """The control: it repeats every request."""

        def repeat(self, ticket: Any, method: str, sent: int, received: int) -> Any:
            """A new connection, whatever the method."""
            self.replace(ticket, fresh=True)
            ticket.started = False
            return ticket.connection

    pools = {f"{run.owner} pool": code.Pool, "always again": AlwaysAgain}
    found = []
    for method in ("GET", "POST"):
        for name, pool in pools.items():
            run.say(f"the stale race: {method}, {name}")
            found.append(await one_race(run, name, pool, method, idle_timeout=True))
            found.append(await one_race(run, name, pool, method, idle_timeout=False))
    return found


async def one_race(run: Run, name: str, pool: Any, method: str, *, idle_timeout: bool) -> Race:
    """Each of many clients sends a first request, waits, and sends a second one on the same connection."""
    executions, chance, count = Executions(), random.Random(run.seed), 40 if run.quick else 100
    answered, clients = 0, []
    async with contextlib.AsyncExitStack() as stack:
        if idle_timeout:
            timeouts = netlab.Timeouts(idle=SERVER_IDLE)
            server = await stack.enter_async_context(netlab.Server(executions.app, port=0, timeouts=timeouts))
            relay = Relay("127.0.0.1", server.port, delay=DISTANCE / 2)
            port = (await stack.enter_async_context(relay)).port
        else:
            port = await stack.enter_async_context(dying_server(executions))

        async def one(number: int) -> None:
            nonlocal answered
            client = PooledClient(pool, port, limit=1, keepalive_timeout=KEEPALIVE)
            clients.append(client)
            await client.request("GET", f"/first/{number}")
            # Around the moment at which the server closes: before, during and after the close is on its way.
            wait = SERVER_IDLE + chance.uniform(-3, 2) * DISTANCE if idle_timeout else 0.0
            await asyncio.sleep(wait)
            with contextlib.suppress(OSError, EOFError):
                await client.request(method, f"/second/{number}")
                answered += 1
            client.close()

        await asyncio.gather(*(one(number) for number in range(count)))
    twice = sum(1 for target, times in executions.counts.items() if "/second/" in target and times > 1)
    kind = "idle timeout" if idle_timeout else "dies after the request"
    totals = Counter(noticed=sum(c.noticed for c in clients), repeated=sum(c.repeated for c in clients))
    return Race(kind, name, method, count, answered, totals["noticed"], totals["repeated"], twice)


# -- what follows -------------------------------------------------------------------------------------------


def report(
    run: Run,
    waited: Waited,
    scripts: list[Scripted],
    reuse: dict[tuple[str, float], float],
    races: list[Race],
    opened: dict[str, list[tuple[int, int]]],
) -> Measurement:
    """Figures, verdict, tables, pictures."""
    by_case = {(s.client, s.at_once, s.limit): s.connections for s in scripts}
    loop, alone = by_case["aiohttp", False, LIMIT], by_case["aiohttp", False, 1]
    own = f"{run.owner} pool"
    twice = sum(r.twice for r in races if r.client == own and r.method == "POST")
    posts = sum(r.requests for r in races if r.client == own and r.method == "POST")
    careless = sum(r.twice for r in races if r.client != own and r.method == "POST")
    if not careless:
        raise NotShown(
            "needs a server that dies after a request: the control ran no POST twice, so nothing is shown"
        )
    figures: Figures = {
        "article_connections": loop,
        "article_connections_limit_1": alone,
        "netlab_connections": by_case["netlab", False, LIMIT],
        "at_once_connections": by_case["aiohttp", True, LIMIT],
        **{f"wait_ms_pool_{n}": round(statistics.fmean(w) * 1000, 2) for n, w in waited.simulated.items()},
        "wait_ms_real": round(waited.real * 1000, 2),
        "wait_ms_real_simulated": round(waited.same_simulated * 1000, 2),
        "posts_twice": twice,
        "posts_twice_always_again": careless,
        "open_after_60_s_lifo": opened["LIFO"][-1][1],
        "open_after_60_s_fifo": opened["FIFO"][-1][1],
        "reuse_percent_30_s_server_5_s": round(reuse["server closes after 5 s", KEEPALIVE] * 100),
        "reuse_percent_30_s_server_75_s": round(reuse["server closes after 75 s", KEEPALIVE] * 100),
    }
    verdict, condition = judge(loop, alone, by_case["aiohttp", True, LIMIT])
    model = {size: simulation.erlang_c(size, LOAD, SERVICE) for size in SIZES}
    expected = {key: simulation.expected_reuse(key[1], SERVERS[key[0]], GAP) for key in reuse}
    return Measurement(
        figures=figures,
        verdict=verdict,
        condition=condition,
        headline=(
            f"the article's {GETS} GETs used {connections(loop)} at limit={LIMIT} and {connections(alone)} "
            f"at limit=1; of {posts} POSTs that met a closing server, {twice} ran twice ({careless} with a "
            "client that always repeats)"
        ),
        tables=[
            script_table(scripts),
            wait_table(waited, model),
            reuse_table(reuse, expected),
            race_table(races),
            open_table(opened),
        ],
        plots=[
            Plot(
                f"Waiting for a connection; {LOAD:g} are busy on average",
                plots.svg(lambda axes: draw_waits(axes, waited, model, REAL_SIZE)),
            ),
            Plot(
                f"Reuse; a request every {GAP:g} s", plots.svg(lambda axes: draw_reuse(axes, reuse, expected))
            ),
            Plot(f"After a burst of {BURST}", plots.svg(lambda axes: draw_open(axes, opened))),
        ],
        notes=notes(waited),
    )


def connections(number: int) -> str:
    """ "1 connection", "50 connections"."""
    return f"{number} connection{'' if number == 1 else 's'}"


def judge(loop: int, alone: int, at_once: int) -> tuple[Verdict, str]:
    """Does limit=100 tune the article's script?"""
    if loop != alone:
        return Verdict.TRUE, ""
    if at_once == alone:
        return Verdict.FALSE, ""
    return (
        Verdict.TRUE_ONLY_IF,
        f"requests overlap: the article's loop used {connections(loop)} at limit={LIMIT} and at limit=1, and "
        f"{at_once} when all {GETS} GETs ran at once",
    )


def notes(waited: Waited) -> list[str]:
    """What a reader of the tables should know."""
    return [
        "the waiting times by size, the reuse and LIFO against FIFO are simulated with the pool under "
        "measure; the rest ran over loopback",
        f"{REAL_SIZE} connections for real: {waited.real * 1000:.1f} ms; the same arrivals and service times "
        f"simulated: {waited.same_simulated * 1000:.1f} ms. A few hundred requests scatter around the mean",
        "the server that dies carries the second request out on every other connection before it closes; the "
        "client cannot tell which",
        f"idle timeout: the server closes after {SERVER_IDLE:g} s and is {DISTANCE * 1000:g} ms away",
    ]


def wait_table(waited: Waited, model: dict[int, float]) -> Table:
    """Sizes: simulated beside the formula."""
    return Table(
        f"mean wait for a connection, ms; {LOAD:g} busy on average, {SERVICE * 1000:g} ms each",
        ["pool size", "Erlang C", "simulated, mean (range)"],
        [
            [
                size,
                round(model[size] * 1000, 2),
                f"{statistics.fmean(w) * 1000:.2f} ({min(w) * 1000:.2f} to {max(w) * 1000:.2f})",
            ]
            for size, w in waited.simulated.items()
        ],
    )


def reuse_table(reuse: dict[tuple[str, float], float], expected: dict[tuple[str, float], float]) -> Table:
    """Timeouts: simulated beside the formula."""
    return Table(
        f"requests on a reused connection, % (simulated / formula); one every {GAP:g} s on average",
        ["keepalive_timeout, s", *SERVERS],
        [
            [f"{t:g}", *(f"{reuse[name, t] * 100:.0f} / {expected[name, t] * 100:.0f}" for name in SERVERS)]
            for t in TIMEOUTS
        ],
    )


RACE_HEAD = [
    "server",
    "client",
    "method",
    "requests",
    "answered",
    "stale, noticed",
    "sent again",
    "ran twice",
]


def race_table(races: list[Race]) -> Table:
    """The stale race, counted on the server."""
    ordered = sorted(races, key=lambda race: (race.server != "idle timeout", race.method, race.client))
    return Table(
        "the stale race: the server closes while the request is on its way",
        RACE_HEAD,
        [list(race) for race in ordered],
    )


def open_table(opened: dict[str, list[tuple[int, int]]]) -> Table:
    """LIFO against FIFO."""
    moments = (0, int(KEEPALIVE) - 1, int(KEEPALIVE), AFTER)
    return Table(
        f"open connections after a burst of {BURST}, one request a second, keepalive_timeout={KEEPALIVE:g} s",
        ["reused first", *(f"{second} s" for second in moments)],
        [
            [
                "the one used last (LIFO)" if name == "LIFO" else "the one idle longest (FIFO)",
                *(points[second][1] for second in moments),
            ]
            for name, points in opened.items()
        ],
    )
