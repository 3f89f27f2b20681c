"""The board of the speed test: twenty requests with one session, and twenty with a session each.

The server and the relay are netlab's, the waterfall is the client's own timings. The model's line is the work
that the same requests take without distance, and the round trips that they need (RFC 8446 §2).
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import AsyncIterator

from netlab.client.errors import ClientError
from netlab.client.session import Session
from netlab.client.timings import Timings
from netlab.live.board import Board, Choice, Number, Refused
from netlab.live.certified import certified
from netlab.live.liverun import LiveRun
from netlab.relay import Relay
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server
from netlab.tls.context import client_context, server_context

COUNT = 20
"""Requests of each way."""

HANDSHAKES = {"http": 1, "https": 2}
"""Round trips of a new connection before its first request: SYN, and with TLS 1.3 one more."""

KEPT, NEW = "kept", "new"

PHASES = (
    ("wait", "wait", "wait for a place"),
    ("dns", "wait", "name look-up"),
    ("connect", "connect", "TCP"),
    ("tls", "tls", "TLS"),
    ("first_byte", "request", "request, until the first byte"),
    ("content", "response", "content"),
)
"""Fields of Timings in the order of a request's life, with the kind of their bar and its words."""


async def hello(request: Request) -> Response:
    """The server's only answer."""
    return Response(200, b'{"hello":"world"}', {"content-type": "application/json"})


class SpeedTest:
    """One run: where to ask, and what was measured."""

    def __init__(self, run: LiveRun, scheme: str, context: ssl.SSLContext | None) -> None:
        self.run, self.scheme, self.context = run, scheme, context
        self.round_trip = run.number("distance") / 1000

    def trips(self, way: str, count: int = COUNT) -> int:
        """Round trips that so many requests need, handshakes included."""
        connections = 1 if way == KEPT else count
        return count + HANDSHAKES[self.scheme] * connections

    async def ask(self, way: str, port: int, work: float | None = None) -> float:
        """All requests of one way, one after the other: seconds. With `work`, the page sees them."""
        url, began = f"{self.scheme}://localhost:{port}/", time.perf_counter()
        place = {("localhost", port): "127.0.0.1"}
        async with contextlib.AsyncExitStack() as stack:
            session: Session | None = None
            for number in range(1, COUNT + 1):
                start = time.perf_counter() - began
                if session is None or way == NEW:
                    await stack.aclose()
                    session = await stack.enter_async_context(Session(tls=self.context, resolve=place))
                async with session.get(url) as response:
                    await response.read()
                    timings = response.timings
                if work is not None:
                    self._show(way, number, start, time.perf_counter() - began, timings, work)
        return time.perf_counter() - began

    def _show(self, way: str, number: int, start: float, end: float, timings: Timings, work: float) -> None:
        """One row of the waterfall, and one point beside the model's."""
        model = work * number / COUNT + self.trips(way, number) * self.round_trip
        row = {"way": way, "number": number, "reused": timings.reused, "spans": spans(start, timings)}
        self.run.add("rows", row)
        self.run.add("points", [way, number, round(end * 1000, 2), round(model * 1000, 2)])
        words = "one session" if way == KEPT else "a session for each"
        self.run.say(f"{number} of {COUNT} requests with {words}: {end * 1000:,.0f} ms.")


def spans(start: float, timings: Timings) -> list[list[float | str]]:
    """The phases of a request as bars: from, to in milliseconds, kind, words."""
    found: list[list[float | str]] = []
    at = start * 1000
    for name, kind, words in PHASES:
        length = float(getattr(timings, name)) * 1000
        if length > 0:
            found.append([round(at, 2), round(at + length, 2), kind, f"{words}: {length:,.1f} ms"])
        at += length
    return found


async def experiment(run: LiveRun) -> None:
    """Measure the work without distance, then both ways over the distance."""
    try:
        async with _scene(run) as (test, server, relay):
            run.say("The same requests without distance: what remains is the work.")
            work = {}
            for way in (KEPT, NEW):
                await test.ask(way, server.port)  # not counted: what is made once is made now
                work[way] = await test.ask(way, server.port)
            figures: dict[str, str] = {}
            counts: dict[str, dict[str, float]] = {}
            for way in (KEPT, NEW):
                before = server.accepted
                taken = await test.ask(way, relay.port, work[way])
                model = work[way] + test.trips(way) * test.round_trip
                accepted = server.accepted - before
                name = "One session" if way == KEPT else "A session each"
                counts[way] = {"connections": accepted, "seconds": taken, "model": model}
                figures |= {
                    f"{name}: measured": f"{taken * 1000:,.0f} ms",
                    f"{name}: the model": f"{model * 1000:,.0f} ms",
                    f"{name}: round trips": f"{test.trips(way)}",
                    f"{name}: connections": f"{accepted}",
                }
                run.show("figures", dict(figures))
                run.show("counts", dict(counts))
            ratio = counts[NEW]["seconds"] / counts[KEPT]["seconds"]
            run.show("figures", {**figures, "New to kept": f"{ratio:.1f} times"})
            run.say(f"A session for each request takes {ratio:.1f} times as long as one session for all.")
    except (OSError, ClientError) as error:
        raise Refused(f"a request failed: {error}") from None


@contextlib.asynccontextmanager
async def _scene(run: LiveRun) -> AsyncIterator[tuple[SpeedTest, Server, Relay]]:
    """A server, a relay that stands for the distance, and the test."""
    scheme = run.text("scheme")
    with certified() as files:
        tls = server_context(files.chain, files.key) if scheme == "https" else None
        context = client_context(files.root) if scheme == "https" else None
        one_way = run.number("distance") / 2000
        async with (
            Server(hello, tls=tls) as server,
            Relay("127.0.0.1", server.port, one_way, record=0, charge_connect=True) as relay,
        ):
            yield SpeedTest(run, scheme, context), server, relay


BOARD = Board(
    name="speed",
    title="The speed test",
    look_for="Compare the two waterfalls at 0 ms and at 100 ms: the distance multiplies the handshakes. A "
    "relay cannot delay a SYN, so the round trip of connecting is in the bar after it.",
    lab="09_keep_alive",
    controls=(
        Choice("scheme", "Scheme", ("https", "http"), "https", ("https, TLS 1.3", "http, plain")),
        Number("distance", "Round trip to the server", 0, 300, 50, 5, "ms"),
    ),
    seconds=60,
    experiment=experiment,
)
