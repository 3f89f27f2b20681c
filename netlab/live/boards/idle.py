"""The board of the idle clients: several servers side by side, each with more and more idle connections.

Each server and each herd of clients is a process of its own. From the slopes that were measured the planner
says how many clients fit into this machine, and what a million needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import math
import resource
from dataclasses import dataclass, field

from netlab.live.board import Board, Choice, Number, Refused
from netlab.live.certified import certified
from netlab.live.children import Child, child, python
from netlab.live.liverun import LiveRun
from netlab.probes.errors import ProbeError
from netlab.probes.fit import line
from netlab.probes.reading import Reading, look

STEPS = 10
"""Readings of each server on the way to the number of clients that was asked for."""

WARM = 20
"""Clients before the first reading: what a server makes once is made by then."""

MILLION = 1_000_000
SERVERS = ("netlab", "asyncio", "uvicorn")


@dataclass
class Idle:
    """One server with its idle clients. points: (clients, reading)."""

    name: str
    server: Child
    clients: Child
    port: int
    points: list[tuple[int, Reading]] = field(default_factory=list)
    limit: str = ""
    """What ended it before all clients stood; "" if all stand."""

    async def grow(self, count: int) -> None:
        """Reach so many clients, or the limit; then read the server."""
        if self.limit:
            return
        self.clients.send(str(count))
        stands, _, self.limit = (await self.clients.line()).partition(" ")
        if not stands.isdigit():
            raise Refused(f"the clients of {self.name} ended: {stands} {self.limit}")
        await asyncio.sleep(0.1)  # the server accepts what the kernel has completed
        self.points.append((int(stands), look(self.server.pid, self.port)))

    def slope(self, figure: str) -> float | None:
        """Bytes (or descriptors) for each client, a line through the points."""
        points = [(count, value) for count, seen in self.points if (value := seen.value(figure)) is not None]
        return line(points).slope if len(points) > 1 else None


async def experiment(run: LiveRun) -> None:
    """Let the herds grow in step, then plan."""
    count, secure = int(run.number("clients")), run.text("scheme") == "https"
    names = [name for name in SERVERS if name != "uvicorn" or importlib.util.find_spec("uvicorn")]
    if "uvicorn" not in names:
        run.show("missing", "uvicorn is not shown on this machine: needs uvicorn (pip install uvicorn)")
    async with contextlib.AsyncExitStack() as stack:
        files = stack.enter_context(certified())
        given = [str(files.chain), str(files.key)] if secure else []
        every = [await _started(stack, name, given, str(files.root)) for name in names]
        try:
            for step in range(STEPS + 1):
                aim = WARM + round((count - WARM) * step / STEPS)
                await asyncio.gather(*(each.grow(aim) for each in every))
                _show(run, every)
                run.say(f"{every[0].points[-1][0]:,} of {count:,} clients are connected to each server.")
        except ProbeError as error:
            raise Refused(f"a server ended: {error}") from None
        run.show("plan", [row for each in every for row in plan(each, available())])
        run.show("limits", {each.name: each.limit or f"none below {count:,} clients" for each in every})


async def _started(stack: contextlib.AsyncExitStack, name: str, files: list[str], root: str) -> Idle:
    """A server, and its clients that do nothing yet."""
    server = await stack.enter_async_context(child(python("netlab.live.idleserver", name, *files)))
    port = await server.line()
    if not port.isdigit():
        raise Refused(f"the server {name} did not start: {port}")
    where = [f"https://localhost:{port}/", root] if files else [f"http://127.0.0.1:{port}/"]
    clients = await stack.enter_async_context(child(python("netlab.live.idleclients", *where)))
    if name == "uvicorn":
        await asyncio.sleep(1)  # the port is ours before uvicorn runs: the kernel keeps who comes early
    return Idle(name, server, clients, int(port))


def _show(run: LiveRun, every: list[Idle]) -> None:
    """The newest point of every server."""
    counts = {}
    for each in every:
        clients, seen = each.points[-1]
        values = {figure: seen.value(figure) for figure in ("fds", "uss", "kernel")}
        counts[each.name] = {"clients": clients, **values}
        run.add("points", [each.name, clients, *values.values()])
    run.show("counts", counts)


def available() -> int:
    """Bytes of memory that programs can still have."""
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        for row in file:
            if row.startswith("MemAvailable:"):
                return int(row.split()[1]) * 1024
    return 0


def ports() -> int:
    """Ports that one source address has for connections to one server."""
    with contextlib.suppress(OSError, ValueError), open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        low, high = (int(word) for word in file.read().split())
        return high - low + 1
    return 65535 - 49152 + 1  # RFC 6335 §6


def plan(each: Idle, memory: int) -> list[list[str]]:
    """Rows of the planner: name, what is asked, the answer.

    memory: bytes that are available here. The slope of memory is the process's and the kernel's together.
    """
    uss, kernel = each.slope("uss"), each.slope("kernel")
    fds = each.slope("fds") or 1.0
    if uss is None:
        return [[each.name, "memory of a client", "not shown on this machine"]]
    cost = max(1.0, uss + (kernel or 0.0))
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    by_memory, by_files = int(memory / cost), int(descriptors / max(fds, 1e-9))
    first = "memory" if by_memory < by_files else "descriptors"
    machines = math.ceil(MILLION * cost / memory) if memory else 0
    return [
        [each.name, "One client", f"{cost / 1024:.1f} KiB, {fds:.2f} descriptors"],
        [each.name, "Fit into this machine by memory", f"{by_memory:,}"],
        [each.name, "Fit into one process by descriptors", f"{by_files:,}"],
        [each.name, "Ends first", first],
        [each.name, "A million: memory", f"{MILLION * cost / 2**30:.1f} GiB"],
        [each.name, "A million: descriptors", f"{MILLION * fds:,.0f} (fs.nr_open, ulimit -n)"],
        [
            each.name,
            "A million: ports",
            f"1 of the server's; {math.ceil(MILLION / ports())} client addresses",
        ],
        [each.name, "A million: machines like this, by memory", f"{machines:,}"],
    ]


BOARD = Board(
    name="idle",
    title="10,000 idle clients",
    look_for="Compare the slopes: what one idle client costs each server, and which limit ends first.",
    lab="10_idle_cost",
    controls=(
        Number("clients", "Clients of each server", 100, 10_000, 500, 100, "clients"),
        Choice("scheme", "Scheme", ("https", "http"), "https", ("https", "http, plain")),
    ),
    seconds=240,
    experiment=experiment,
)
