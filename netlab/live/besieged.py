"""The servers under siege: which they are, in words; how each is started; what its process and counts say.

What attacks them is in `siegeattack`, the honest clients in `honest`, the siege itself in `boards.siege`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import ssl
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import netlab
from netlab.live.board import Refused
from netlab.live.children import Child, child, python
from netlab.live.honest import Tally, ask
from netlab.live.idleserver import nginx_program
from netlab.probes.errors import ProbeError
from netlab.probes.process import family

STARTING = 15.0
"""Seconds that a server may take to its first answer."""

BETWEEN = 0.05

SHORT = "it has deadlines of 0.2 s here (by default 10 s and more)"
LOOP = "loop"
PEERS = {
    "uvicorn": "uvicorn with its defaults: no deadline before a request is whole",
    "nginx": "nginx with its defaults: 60 s for a head, 1,000 requests on a connection; "
    "its master and its worker may hold 128 descriptors each",
    "asyncio": "a server of asyncio's streams, 20 lines without a deadline",
}


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server to start. words: what it is. arguments: of netlab.live.siegeserver."""

    name: str
    words: str
    arguments: tuple[str, ...]


def netlab_side(files: Sequence[str]) -> Contestant:
    """netlab's own."""
    return Contestant("netlab", f"netlab's server; {SHORT}", ("netlab", *files))


INSTALL = {"uvicorn": "pip install uvicorn", "nginx": "apt-get install nginx"}


def peer(name: str, files: Sequence[str]) -> Contestant:
    """The peer that was chosen; asyncio's where that is not installed."""
    found = {"uvicorn": importlib.util.find_spec("uvicorn"), "nginx": nginx_program()}
    if not found.get(name, True):
        missing = f"{name} is not shown on this machine: needs {name} ({INSTALL[name]})"
        return Contestant("asyncio", f"{PEERS['asyncio']}. {missing}", ("asyncio", *files))
    return Contestant(name, PEERS[name], (name, *files))


def loops() -> list[Contestant]:
    """The learner's loop, if there is one, then the lab's reference: the first that answers is besieged.

    Empty where the labs are not installed beside netlab.
    """
    root = next((each for each in _roots() if (each / "labs" / "14_siege").is_dir()), None)
    if root is None:
        return []
    lab = root / "labs" / "14_siege"
    script = str(lab / "siege_servers.py")
    work = Path(os.environ.get("LABS_WORK") or root / "work").expanduser()
    found = []
    for own in sorted(work.glob("[0-9][0-9]_siege/exercise.py"))[:1]:
        found.append(
            Contestant("your loop", f"lab 14's loop under your rules; {SHORT}", (LOOP, script, str(own)))
        )
    words = f"lab 14's loop under the reference's rules; {SHORT}"
    return [*found, Contestant("lab's loop", words, (LOOP, script, str(lab / "solution.py")))]


def _roots() -> tuple[Path, Path]:
    return Path(netlab.__file__).resolve().parents[1], Path.cwd()


@dataclass
class Besieged:
    """One server under siege, and what is known of it."""

    side: Contestant
    server: Child
    port: int
    tls: ssl.SSLContext | None
    tally: Tally = field(default_factory=Tally)
    connected: int = 0
    """Hostile connections that stand."""
    ended: Counter[str] = field(default_factory=Counter)
    """Hostile connections that it has ended, by the way."""
    own: dict[str, int] = field(default_factory=dict)
    """What the server counts itself, if it tells."""
    most: int = 0
    """The most descriptors that were seen."""
    last: str = ""
    """The last line that it printed beside its counts."""

    @property
    def name(self) -> str:
        """Its word on the page."""
        return self.side.name

    def descriptors(self) -> int | None:
        """File descriptors that its process holds; None: it has ended, or the system does not show it."""
        try:
            held = family(self.server.pid).fds
        except ProbeError:
            return None
        self.most = max(self.most, held or 0)
        return held

    async def hear(self) -> None:
        """Take what it prints, until it ends: a full pipe would stop it."""
        with contextlib.suppress(ValueError):  # a line without an end
            async for line in self.server.lines():
                if line.startswith("{"):
                    self.own = _counts(line) or self.own
                elif line.strip():
                    self.last = line.strip()[:200]


def _counts(line: str) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads(line)
    except ValueError:
        return {}
    return found


@contextlib.asynccontextmanager
async def besieged(side: Contestant, tls: ssl.SSLContext | None) -> AsyncIterator[Besieged]:
    """Start a server and wait until it answers a client. Raises Refused, with its last words."""
    with tempfile.TemporaryDirectory(prefix="netlab-live-") as folder:
        async with _served(side, tls, folder) as one:
            yield one


@contextlib.asynccontextmanager
async def _served(side: Contestant, tls: ssl.SSLContext | None, folder: str) -> AsyncIterator[Besieged]:
    """The same, with a folder for files of its own."""
    command, env = python("netlab.live.siegeserver", *side.arguments), {"NETLAB_LIVE_FOLDER": folder}
    async with child(command, env=env, patience=0.2) as server:
        try:
            async with asyncio.timeout(STARTING):
                port = await server.line()
        except TimeoutError:
            port = ""
        if not port.isdigit():
            raise Refused(f"{side.name} did not start: {port or 'it printed nothing'}")
        one = Besieged(side, server, int(port), tls)
        hearing = asyncio.create_task(one.hear())
        try:
            await _answers(one)
            yield one
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])


async def _answers(one: Besieged) -> None:
    """Wait for its first answer. Raises Refused."""
    end = asyncio.get_running_loop().time() + STARTING
    while asyncio.get_running_loop().time() < end and not one.server.ended:
        if await ask(one.port, one.tls) is not None:
            return
        await asyncio.sleep(BETWEEN)
    await asyncio.sleep(BETWEEN)  # for its last line
    raise Refused(f"{one.name} answers no client: {one.last or 'it says nothing'}")


@contextlib.asynccontextmanager
async def first_that_answers(
    sides: Sequence[Contestant], tls: ssl.SSLContext | None
) -> AsyncIterator[Besieged]:
    """The first of these servers that starts; the words of a later one say why the earlier was not taken."""
    async with contextlib.AsyncExitStack() as stack:
        why = ""
        for side in sides[:-1]:
            try:
                one = await stack.enter_async_context(besieged(side, tls))
            except Refused as reason:
                why = f". {reason}"
            else:
                yield one
                return
        last = replace(sides[-1], words=sides[-1].words + why)
        yield await stack.enter_async_context(besieged(last, tls))
