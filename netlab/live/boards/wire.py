"""The board of the wire: every connection of a server under watch as a lane, tapped through the relay.

The server is netlab's own or the command behind `netlab live --`. Its clients are the board's, and any other
that is pointed at the tap. A lane that is chosen shows its records, its descriptor and its memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

from netlab.live.board import Action, Board, Choice, Number, Refused
from netlab.live.children import python
from netlab.live.clients import Counted, Errand, visit
from netlab.live.lanereading import LaneReading
from netlab.live.liverun import LiveRun
from netlab.live.pictures import pictured
from netlab.live.together import together
from netlab.live.watched import Watched, watched
from netlab.relay import Conversation, Relay
from netlab.tls.context import Verify, client_context
from netlab.tls.keylog import LogFile, close_key_log, passing_file
from netlab.tls.tracing.keyring import Keyring

PERIOD = 0.1
"""Seconds between two readings of what went by. A key is logged a moment before or after its bytes, which are
therefore read one period later.
"""

FIGURES = 0.5
"""Seconds between two readings of the server's figures, and of the chosen lane's."""

LANES = 40
"""Lanes that are kept: beyond it the oldest that is closed is forgotten."""

MOST = 500
"""Connections that a run takes, open at once."""

OWN_TARGETS = ("/", "/sleep?s=0.3", "/", "/stream?mib=1", "/")

NETLAB, NETLAB_TLS, COMMAND = "netlab", "netlab-tls", "command"


class Tap:
    """One run: the server, the relay in front of it, and the lanes."""

    def __init__(self, run: LiveRun, server: Watched, relay: Relay, ring: Keyring, memory: LogFile) -> None:
        self.run, self.server, self.relay, self.ring, self.memory = run, server, relay, ring, memory
        self.lanes: dict[int, LaneReading] = {}
        self.counted = Counted()
        self.opened = self.closed = 0
        self.requests = 0
        self.picked: int | None = None
        self.over = False
        """Set when the experiment has ended: its lanes can still be chosen."""
        self.visited = False
        """The board's own clients are done."""
        self._held: dict[int, dict[str, Any]] = {}
        self._began = relay.clock.time()

    def follow(self, whole: bool) -> None:
        """Read what went by on every connection, and show the lanes that changed. See LaneReading.follow."""
        self.ring.log.feed(self.memory.new())
        for conversation in self.relay.conversations:
            self.opened += 1
            self.lanes[self.opened] = LaneReading(conversation, self.ring)
        self.relay.conversations.clear()
        now = self.relay.clock.time()
        for number, lane in self.lanes.items():
            if lane.closed:
                continue
            before = lane.requests
            changed = lane.follow(now - lane.conversation.started, whole)
            self.requests += lane.requests - before
            self.closed += bool(lane.closed)
            self.run.show(f"lane/{number}", self._lane(number, lane))
            if changed and number == self.picked:
                self.detail()
        self.forget()

    def forget(self) -> None:
        """Drop the oldest closed lanes beyond LANES. Raises Refused when too many connections are open."""
        beyond = max(0, len(self.lanes) - LANES)
        for number in [number for number, lane in self.lanes.items() if lane.closed][:beyond]:
            del self.lanes[number]
        if len(self.lanes) > MOST:
            raise Refused(f"more than {MOST} connections are open: the board ends here")

    def _lane(self, number: int, lane: LaneReading) -> dict[str, Any]:
        offset = lane.conversation.started - self._began
        spans = [
            [round(a + offset, 4), round(b + offset, 4), kind, title] for a, b, kind, title in lane.spans
        ]
        note = lane.closed or f"{lane.requests} requests"
        return {"label": f"{number}: port {lane.conversation.client.port}", "spans": spans, "note": note}

    def pick(self, press: str) -> None:
        """A lane was chosen on a page."""
        _, _, number = press.partition(" ")
        if number.isdecimal() and int(number) in self.lanes:
            self.picked = int(number)
            self.detail()

    def detail(self) -> None:
        """Show everything about the lane that was chosen."""
        lane = self.lanes.get(self.picked or 0)
        if lane is None:
            return
        port = _server_port(lane)
        if not self.over:
            self._held = self.server.of_connections([port] if port is not None else [])
        held = self._held.get(port or 0, {})
        agreed = {**_opening(lane.conversation), **(lane.reading.agreed() if lane.reading else {})}
        sent = sum(lane.conversation.octets.values())
        self.run.show(
            "detail",
            {
                "lane": self.picked,
                "held": held,
                "agreed": agreed,
                "requests": lane.requests,
                "statuses": lane.statuses[-20:],
                "bytes": sent,
                "closed": lane.closed,
                "over": self.over,
                "records": list(lane.records),
                "first": lane.seen - len(lane.records),
            },
        )

    def picture(self, whole: bool = False) -> None:
        """Show what went by, and which lane was chosen meanwhile."""
        self.follow(whole)
        while (press := self.run.take_action()) is not None:
            self.pick(press)

    def end(self) -> None:
        """The last picture, and what the server holds for each lane: they can be chosen from then on."""
        self.picture(whole=True)
        open_ones = [port for lane in self.lanes.values() if not lane.closed and (port := _server_port(lane))]
        self._held = self.server.of_connections(open_ones)
        self.over = True
        self.run.afterwards = self.pick

    def figures(self) -> None:
        """The figures above the lanes, and those of the lane that was chosen."""
        self.detail()
        done = " The board's clients are done; yours may come." if self.visited else ""
        self.run.say(f"{self.opened} connections so far, {self.opened - self.closed} are open.{done}")
        self.run.show(
            "figures",
            {
                "opened": self.opened,
                "open": self.opened - self.closed,
                "requests": self.requests,
                **self.server.figures(),
            },
        )

    def look(self) -> None:
        """The figures, and whether there is still a server. Raises Refused when it has ended."""
        self.figures()
        if ended := self.server.ended():
            raise Refused(ended)

    def abandon(self) -> list[Any]:
        """The conversations, which the relay has forgotten: they are to be ended."""
        return [lane.conversation for lane in self.lanes.values()]


def _server_port(lane: LaneReading) -> int | None:
    """The port of the tap's own end towards the server; None: it is not connected."""
    end = lane.conversation.server_side
    return None if end is None else end.port


def _opening(conversation: Conversation) -> dict[str, str]:
    """How the connection was opened: the client's handshake as the kernel saw it, then the tap's own."""
    told, connected = conversation.opening, conversation.connected
    ours = "not connected" if connected is None else f"{connected * 1e6:,.0f} µs"
    if told is None:
        return {"Client's SYN": "before the accept; not told here", "Tap to server: SYN to connected": ours}
    return {
        "Client: SYN-ACK to ACK": f"{told.round_trip * 1e6:,.0f} µs",
        "Client: ACK to accept()": f"{told.waited * 1e3:,.0f} ms",
        "Tap to server: SYN to connected": ours,
    }


async def experiment(run: LiveRun, command: Sequence[str] = ()) -> None:
    """Watch until it is stopped: clients of the visitor's own may come when the board's have left."""
    chosen = run.text("server")
    argv = list(command) if chosen == COMMAND else python("netlab", "serve", "--port", "0")
    if not argv:
        raise Refused("no command is given: start the site with `netlab live -- COMMAND`")
    if chosen == NETLAB_TLS:
        argv.append("--tls")
    run.say("The server starts.")
    with _key_log() as memory:
        async with watched(argv) as server, Relay(server.host, server.port, record=1 << 60) as relay:
            tap = Tap(run, server, relay, Keyring(), memory)
            try:
                await _watch(tap, chosen)
            finally:
                await together(each.abandon() for each in tap.abandon())


@contextlib.contextmanager
def _key_log() -> Iterator[LogFile]:
    try:
        with passing_file() as memory:
            yield memory
    except OSError as error:
        raise Refused(f"the key log cannot be kept: {error}") from None


async def _watch(tap: Tap, chosen: str) -> None:
    run, scheme = tap.run, "https" if chosen == NETLAB_TLS else "http"
    address = f"{scheme}://127.0.0.1:{tap.relay.port}/"
    run.show(
        "tap", {"address": address, "server": f"{tap.server.host}:{tap.server.port}", "pid": tap.server.pid}
    )
    tls = None
    if chosen == NETLAB_TLS:
        tls = client_context(verify=Verify.NOTHING, keylog=tap.memory.path)
    # At the end, too, the outer picture comes first: the figures count what it has read.
    shown = pictured(tap.look, FIGURES, _clients(tap, chosen, tls), tap.figures)
    try:
        await pictured(tap.picture, PERIOD, shown, tap.end)
    finally:
        if tls is not None:
            close_key_log(tls)


async def _clients(tap: Tap, chosen: str, tls: ssl.SSLContext | None) -> None:
    """The board's own clients come one after the other, each stays for its requests; then none comes."""
    run = tap.run
    targets = ("/",) if chosen == COMMAND else OWN_TARGETS
    count, requests = int(run.number("clients")), int(run.number("requests"))
    host = f"127.0.0.1:{tap.relay.port}"
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            own = [targets[(number + n) % len(targets)] for n in range(requests)]
            plan = Errand(own, run.number("pause"), host)
            group.create_task(visit(tap.relay.port, plan, tap.counted, tls))
            await asyncio.sleep(0.15)
    run.show("clients", {"connected": tap.counted.connected, "answered": tap.counted.answered,
                         "failed": tap.counted.failed})  # fmt: skip
    tap.visited = True
    await asyncio.get_running_loop().create_future()


def board(command: Sequence[str] = ()) -> Board:
    """The board. command: of the server that `netlab live --` names; none: netlab's own alone."""

    async def watch(run: LiveRun) -> None:
        await experiment(run, command)

    servers, labels = (NETLAB, NETLAB_TLS), ("netlab's own", "netlab's own, over TLS")
    if command:
        servers, labels = (COMMAND, *servers), (" ".join(command)[:60], *labels)  # type: ignore[assignment]
    return Board(
        name="wire",
        title="The wire",
        look_for="Compare how long each connection is idle with how long it works, and find out which side "
        "closes it and why.",
        lab="09_keep_alive",
        controls=(
            Choice("server", "Server under watch", servers, servers[0], labels),
            Number("clients", "Clients", 0, 30, 6, 1, "clients"),
            Number("requests", "Requests of each", 0, 50, 4, 1, "requests"),
            Number("pause", "Pause after each response", 0, 5, 0.4, 0.1, "s"),
        ),
        actions=(Action("pick", "Choose a lane", by_page=True),),
        seconds=900,
        start="Watch",
        experiment=watch,
    )


BOARD = board()
