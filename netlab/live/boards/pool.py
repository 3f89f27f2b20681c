"""The board of the pool: a session under load against a distant server; each connection is a lane.

The server, the relay and the session are netlab's, over real sockets in this process. What a request does is
in `PoolLoad`; the pool's own books are in `netlab.client.pool`.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
from collections import Counter, deque
from collections.abc import Mapping

from netlab.client.config import Timeouts as ClientTimeouts
from netlab.client.errors import ClientError, Disconnected
from netlab.client.session import Session
from netlab.client.statistics import Statistics
from netlab.client.timings import Step, TraceEvent
from netlab.live.board import Board, Number
from netlab.live.liverun import LiveRun
from netlab.live.pictures import pictured
from netlab.relay import Relay
from netlab.server.config import Timeouts
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server

OUTSTANDING = 400
"""Requests that are asked and not answered, at most; further arrivals are counted and dropped."""

REMEMBERED = 5000
"""Requests of which the server knows how often it carried them out."""

TICK = 0.1
"""Seconds between two pictures of the pool."""

PATIENCE = 10.0
"""Seconds that a request waits for anything: for a place, for the response."""

STATES = {
    Step.OPENING: "connecting",
    Step.SENT: "in use",
    Step.KEPT: "idle",
    Step.CLOSED: "closed",
}
"""What a connection is doing from this step of the trace on."""


class Executions:
    """The server's app: it works for some time on each request, and counts how often it ran each."""

    def __init__(self, seconds: float, chance: random.Random) -> None:
        self._mean, self._chance = seconds, chance
        self._times: dict[str, int] = {}
        self.twice: Counter[str] = Counter()
        """Requests that ran two times or more, by method."""

    async def __call__(self, request: Request) -> Response:
        """Answer after a random time, exponentially distributed as Erlang's formula assumes."""
        number = request.path
        times = self._times[number] = self._times.get(number, 0) + 1
        if times == 2:
            self.twice[request.method] += 1
        if len(self._times) > REMEMBERED:
            del self._times[next(iter(self._times))]
        await asyncio.sleep(self._chance.expovariate(1 / self._mean))
        return Response(200, b"done")


class PoolLoad:
    """Requests that arrive by chance, and what becomes of them."""

    def __init__(self, run: LiveRun, url: str, chance: random.Random) -> None:
        self._run, self._url, self._chance = run, url, chance
        self.counts: Counter[str] = Counter()
        """asked, answered, failed, lost (the connection ended: it may have run), dropped; stale, retried."""
        self.waits: deque[float] = deque(maxlen=500)
        """Seconds that the last requests waited for a place."""
        self.over = False
        """The last picture is shown: that the board closes its connections now is no step of the pool."""
        self._under_way = 0

    def traced(self, event: TraceEvent) -> None:
        """A step of a connection: a lane of the page changes."""
        if self.over:
            return
        if event.step is Step.STALE:
            self.counts["stale"] += 1
        state = STATES.get(event.step)
        if state is not None and event.connection is not None:
            why = event.detail.value if state in ("connecting", "closed") else ""
            self._run.add("steps", [round(self._run.elapsed, 4), event.connection.number, state, why])

    async def arrive(self, session: Session, rate: float) -> None:
        """Ask `rate` times a second on average, until cancelled. Every other request is a POST."""
        async with asyncio.TaskGroup() as group:
            due = self._run.elapsed
            while True:
                due += self._chance.expovariate(rate)
                await asyncio.sleep(max(0.0, due - self._run.elapsed))
                if self._under_way >= OUTSTANDING:
                    self.counts["dropped"] += 1
                    continue
                self.counts["asked"] += 1
                self._under_way += 1
                method = "POST" if self.counts["asked"] % 2 else "GET"
                group.create_task(self._ask(session, method, self.counts["asked"]))

    async def _ask(self, session: Session, method: str, number: int) -> None:
        try:
            async with session.request(method, f"{self._url}/{number}") as response:
                await response.read()
                self.waits.append(response.timings.wait)
            self.counts["answered"] += 1
        except Disconnected:
            self.counts[f"lost {method}"] += 1
        except ClientError:
            self.counts["failed"] += 1
        finally:
            self._under_way -= 1


async def experiment(run: LiveRun) -> None:
    """Load the pool with the values of the sliders until the run is stopped."""
    chance = random.Random()
    app = Executions(run.number("service") / 1000, chance)
    timeouts = Timeouts(idle=run.number("server_idle"))
    limit, keepalive = int(run.number("limit")), run.number("keepalive")
    async with (
        Server(app, timeouts=timeouts) as server,
        Relay("127.0.0.1", server.port, run.number("distance") / 2000, record=0) as relay,
    ):
        load = PoolLoad(run, f"http://127.0.0.1:{relay.port}", chance)
        patience = ClientTimeouts(pool=PATIENCE, head=PATIENCE)
        async with Session(limit, 0, keepalive, timeouts=patience, trace=load.traced) as session:

            def show() -> None:
                _picture(run, session.statistics(), load, server, app)
                # The relay keeps what is over for its reader; here there is none.
                relay.conversations[:] = [each for each in relay.conversations if not each.closed]

            def last() -> None:
                show()
                load.over = True

            await pictured(show, TICK, load.arrive(session, run.number("load")), last)


def _picture(run: LiveRun, books: Statistics, load: PoolLoad, server: Server, app: Executions) -> None:
    """Show the pool as it stands now."""
    now = round(run.elapsed, 3)
    run.add("course", [now, books.waiting, books.in_use, books.idle, books.connecting])
    run.show("figures", _figures(books, load, server, app, expected_wait(run)))
    run.show("counts", _counts(books, load, server, app))
    run.say(sentence(_counts(books, load, server, app)))


def sentence(counts: Mapping[str, int]) -> str:
    """The pool in one sentence. A request meets a stale connection before it is sent, or after it."""
    stale = counts["stale"] + counts["retried"] + counts["lost"]
    return (
        f"{counts['in_use']} of {counts['open']} connections are in use, {counts['waiting']} requests wait; "
        f"stale connections so far: {stale}, POSTs that ran twice: {counts['posts_twice']}."
    )


def erlang_c(places: int, busy: float) -> float:
    """The share of requests that must wait for one of so many places, `busy` of them in use on average.

    Arrivals by chance, service times exponentially distributed. 1.0: the queue grows without end.
    """
    if busy >= places:
        return 1.0
    blocked = 1.0
    for place in range(1, places + 1):  # Erlang B, by its recurrence
        blocked = busy * blocked / (place + busy * blocked)
    return blocked / (1 - busy / places * (1 - blocked))


def expected_wait(run: LiveRun) -> float:
    """Seconds that a request waits for a place on average by Erlang C; infinity: the pool is too small.

    A request holds its connection for the service time and a round trip; connecting is left out.
    """
    limit, rate = int(run.number("limit")), run.number("load")
    hold = (run.number("service") + run.number("distance")) / 1000
    busy = rate * hold
    if busy >= limit:
        return math.inf
    return erlang_c(limit, busy) * hold / (limit - busy)


def _counts(books: Statistics, load: PoolLoad, server: Server, app: Executions) -> dict[str, int]:
    """What was counted at this moment, on both sides, by name."""
    lost_posts, lost_gets = load.counts["lost POST"], load.counts["lost GET"]
    return {
        "open": books.open,
        "idle": books.idle,
        "in_use": books.in_use,
        "connecting": books.connecting,
        "waiting": books.waiting,
        "asked": load.counts["asked"],
        "answered": load.counts["answered"],
        "failed": load.counts["failed"],
        "lost": lost_posts + lost_gets,
        "dropped": load.counts["dropped"],
        "stale": load.counts["stale"],
        "retried": books.retried,
        "reused": books.reused,
        "posts_twice": app.twice["POST"],
        "gets_twice": app.twice["GET"],
        "opened": sum(books.opened.values()),
        "accepted": server.accepted,
    }


def _figures(
    books: Statistics, load: PoolLoad, server: Server, app: Executions, expected: float
) -> dict[str, str]:
    """The figures of the page, in the words of its reader."""
    counts = _counts(books, load, server, app)
    measured = statistics.fmean(load.waits) * 1000 if load.waits else 0.0
    share = counts["reused"] / books.requests if books.requests else 0.0
    return {
        "In use, idle, connecting": f"{books.in_use}, {books.idle}, {books.connecting}",
        "Requests in the queue": f"{books.waiting}",
        "Answered of asked": f"{counts['answered']:,} of {counts['asked']:,}",
        "Mean wait for a place": f"{measured:,.1f} ms",
        "Mean wait by Erlang C": "the queue grows" if expected == math.inf else f"{expected * 1000:,.1f} ms",
        "On a used connection": f"{share:.0%}",
        "Connections accepted by the server": f"{counts['accepted']:,}",
        "Stale: noticed before sending": f"{counts['stale']:,}",
        "Stale: sent again": f"{counts['retried']:,}",
        "Stale: POST failed, not sent again": f"{load.counts['lost POST']:,}",
        "POSTs that the server ran twice": f"{counts['posts_twice']:,}",
        "Deadline passed": f"{counts['failed']:,}",
        "Not asked: too many wait": f"{counts['dropped']:,}",
    }


BOARD = Board(
    name="pool",
    title="The pool",
    look_for="Set the server's idle timeout to 0.25 s and the round trip to 300 ms: requests meet "
    "connections that the server has just closed. See which are sent again; no POST runs twice.",
    lab="11_pool",
    controls=(
        Number("limit", "Limit of the pool", 1, 30, 8, 1, "connections"),
        Number("keepalive", "Client's idle timeout", 0.5, 60, 30, 0.5, "s"),
        Number("server_idle", "Server's idle timeout", 0.25, 75, 5, 0.25, "s"),
        Number("distance", "Round trip to the server", 0, 300, 20, 5, "ms"),
        Number("load", "Load", 1, 100, 40, 1, "requests a second"),
        Number("service", "Server's time for a request", 5, 500, 100, 5, "ms"),
    ),
    seconds=600,
    experiment=experiment,
)
