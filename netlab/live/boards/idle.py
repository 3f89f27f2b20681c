"""The board of the idle clients: several servers side by side, each with more and more idle connections.

Each server and each herd of clients is a process of its own, which raises its limit of descriptors as far as
it may. The herds take source addresses of 127.0.0.0/8, one after the other, when ports run out. From the
slopes the planner (`netlab.live.planner`) says how many clients fit, and what a million needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from netlab.live.board import Board, Choice, Number, Refused
from netlab.live.certified import certified
from netlab.live.children import Child, child, python
from netlab.live.idleserver import nginx_program
from netlab.live.liverun import LiveRun
from netlab.live.planner import Machine, Slope, available, ends_first, rows
from netlab.live.together import together
from netlab.probes import kernel
from netlab.probes.errors import ProbeError
from netlab.probes.fit import line
from netlab.probes.reading import look

STEPS = 10
"""Readings of each server on the way to the number of clients that was asked for, at least."""

STEP = 250
"""Clients between two readings, at most: the page sees the curves rise."""

WARM = 20
"""Clients before the first reading: what a server makes once is made by then."""

KEPT_FREE = 512 << 20
"""Bytes of this machine's memory that no server may take: before that it gets no further clients."""

INSTALL = {"uvicorn": "pip install uvicorn", "nginx": "apt-get install nginx"}
SERVERS = ("netlab", "asyncio", "uvicorn", "nginx")
FIGURES = ("fds", "uss", "kernel")


@dataclass
class Idle:
    """One server with its idle clients. points: clients, and what FIGURES are with them."""

    name: str
    server: Child
    clients: Child
    port: int
    points: list[tuple[int, dict[str, int | None]]] = field(default_factory=list)
    limit: str = ""
    """What ended it before all clients stood; "" if all stand."""

    async def grow(self, count: int) -> None:
        """Reach so many clients, or the limit; then read the server."""
        self.limit = self.limit or self._memory_ends(count)
        if self.limit:
            return
        self.clients.send(str(count))
        stands, _, self.limit = (await self.clients.line()).partition(" ")
        if not stands.isdigit():
            raise Refused(f"the clients of {self.name} ended: {stands} {self.limit}")
        await asyncio.sleep(0.1)  # the server accepts what the kernel has completed
        self.points.append((int(stands), self._read()))

    def _read(self) -> dict[str, int | None]:
        """The kernel's part: buffers, and where the kernel says their size the objects behind each socket."""
        seen = look(self.server.pid, self.port)
        found = {figure: seen.value(figure) for figure in FIGURES}
        if seen.kernel is not None:
            sockets = len(kernel.port_memory(self.port).connections)
            found["kernel"] = seen.kernel + sockets * socket_objects()
        return found

    def _memory_ends(self, count: int) -> str:
        """Why it may not have so many clients, by the slope so far; "" if it may."""
        if len(self.points) < 2:
            return ""
        needed = (count - self.points[-1][0]) * self.slope().cost
        free = available()
        if free - needed > KEPT_FREE:
            return ""
        return (
            f"memory: {free >> 20:,} MiB are left on this machine, and the board keeps {KEPT_FREE >> 20} free"
        )

    def slope(self) -> Slope:
        """What one client costs, by the line through the points."""
        found = dict.fromkeys(FIGURES, 0.0)
        for figure in FIGURES:
            known = [(count, value) for count, all_ in self.points if (value := all_[figure]) is not None]
            if len({count for count, _ in known}) > 1:
                found[figure] = line(known).slope
        return Slope(found["uss"], found["kernel"], found["fds"])


def socket_objects() -> int:
    """Bytes of the kernel's objects behind one connection; 0 where it does not tell us their size."""
    return sum((kernel.objects() or {}).values())


async def experiment(run: LiveRun) -> None:
    """Let the herds grow in step, then plan."""
    count, secure = int(run.number("clients")), run.text("scheme") == "https"
    present = {"uvicorn": importlib.util.find_spec("uvicorn"), "nginx": nginx_program()}
    names = [name for name in SERVERS if present.get(name, True)]
    words = [
        f"{n} is not shown on this machine: needs {n} ({INSTALL[n]})." for n in SERVERS if n not in names
    ]
    objects = f"buffers and {socket_objects():,} bytes of objects" if socket_objects() else "buffers alone"
    run.show(
        "note", " ".join([*words, f"The kernel's memory: {objects} of each connection, the server's end."])
    )
    run.show("servers", names)
    machine = Machine.here()
    async with contextlib.AsyncExitStack() as stack:
        files = stack.enter_context(certified())
        given = [str(files.chain), str(files.key)] if secure else []
        every = [await _started(stack, name, given, str(files.root)) for name in names]
        try:
            for aim in steps(count):
                run.say(f"{every[0].points[-1][0] if every[0].points else 0:,} of {count:,} clients.")
                try:
                    await together(_grown(run, each, aim) for each in every)
                finally:  # a stop in between: the curves have points that belong to the plan
                    _planned(run, every, count, machine)
        except ProbeError as error:
            raise Refused(f"a server ended: {error}") from None
        run.say(told(every))


def told(every: Sequence[Idle]) -> str:
    """The last sentence: what one idle client cost each server that was measured at two points at least."""
    costs = [(each.name, each.slope()) for each in every if len(each.points) > 1]
    got = ", ".join(f"{name} {slope.own / 1024:,.1f} KiB" for name, slope in costs if slope.own)
    if not got:
        return "No server's memory could be measured. The clients are gone."
    return f"One idle client took of its server's own memory: {got}. The clients are gone."


def steps(count: int) -> list[int]:
    """Numbers of clients at which the servers are read."""
    parts = max(STEPS, round((count - WARM) / STEP))
    return [WARM + round((count - WARM) * step / parts) for step in range(parts + 1)]


async def _started(stack: contextlib.AsyncExitStack, name: str, files: list[str], root: str) -> Idle:
    """A server, and its clients that do nothing yet."""
    folder = {"NETLAB_LIVE_FOLDER": stack.enter_context(tempfile.TemporaryDirectory(prefix="netlab-live-"))}
    command = python("netlab.live.idleserver", name, *files)
    server = await stack.enter_async_context(child(command, env=folder))
    port = await server.line()
    if not port.isdigit():
        raise Refused(f"the server {name} did not start: {port}")
    where = [f"https://localhost:{port}/", root] if files else [f"http://127.0.0.1:{port}/"]
    clients = await stack.enter_async_context(child(python("netlab.live.idleclients", *where)))
    return Idle(name, server, clients, int(port))


async def _grown(run: LiveRun, each: Idle, aim: int) -> None:
    """One more point of one server."""
    before = len(each.points)
    await each.grow(aim)
    if len(each.points) > before:
        clients, values = each.points[-1]
        run.add("points", [each.name, clients, *values.values()])


def _planned(run: LiveRun, every: list[Idle], count: int, machine: Machine) -> None:
    """The newest point of every server, and the plan by the slopes so far."""
    newest = [(each.name, *each.points[-1]) for each in every if each.points]
    run.show("counts", {name: {"clients": clients, **values} for name, clients, values in newest})
    run.show("limits", {each.name: each.limit or f"none below {count:,} clients" for each in every})
    known = [(each, each.slope()) for each in every if len(each.points) > 1]
    run.show("first", [ends_first(each.name, slope, machine) for each, slope in known if slope.own])
    run.show("plan", [row for each, slope in known if slope.own for row in rows(each.name, slope, machine)])


BOARD = Board(
    name="idle",
    title="10,000 idle clients",
    look_for="Compare the slopes: what one idle client costs each server, and which limit ends first.",
    lab="10_idle_cost",
    controls=(
        Number("clients", "Clients of each server", 100, 10_000, 500, 100, "clients"),
        Choice("scheme", "Scheme", ("https", "http"), "https", ("https", "http, plain")),
    ),
    seconds=600,
    experiment=experiment,
)
