"""The board of the siege: one attack on three servers at once, and what honest clients get meanwhile.

Each server is a process that may open 128 files (`netlab.live.siegeserver`). The attack is a process, too. It
begins after a time of calm. Honest clients are tasks of this process: so many a second for each server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from netlab.live.besieged import PEERS, Besieged, Contestant, first_that_answers, loops, netlab_side, peer
from netlab.live.board import Board, Choice, Number, Refused
from netlab.live.certified import certified
from netlab.live.children import Child, child, python
from netlab.live.honest import SiegePhase, ask, endings, fate, verdict
from netlab.live.liverun import LiveRun
from netlab.live.pictures import pictured
from netlab.live.siegeattack import ATTACKS, MOST
from netlab.live.siegeserver import DESCRIPTORS
from netlab.live.together import together
from netlab.tls.context import client_context

CALM, AFTER = 2.0, 2.0
"""Seconds before the attack, and after it."""

TICK = 0.25
"""Seconds between two pictures."""

SERVERS = 3
"""Servers under siege, at most."""

SPARE = 64
"""Descriptors of a process beside its connections."""

SAID = 5.0
"""Seconds between two sentences for screen readers during the attack."""


class Siege:
    """One run: the servers, the phase, and the honest clients."""

    def __init__(self, run: LiveRun, every: Sequence[Besieged]) -> None:
        self.run, self.every, self.phase, self.over = run, every, SiegePhase.CALM, False
        self._began = run.elapsed

    @property
    def now(self) -> float:
        """Seconds since the first honest client."""
        return self.run.elapsed - self._began

    async def clients(self, one: Besieged, rate: float) -> None:
        """Honest clients of one server, `rate` a second, until the siege is over. None waits for another."""
        async with asyncio.TaskGroup() as group:
            due = self.run.elapsed
            while not self.over:
                group.create_task(self._client(one, self.phase))
                due = max(due, self.run.elapsed - 1) + 1 / rate
                await asyncio.sleep(max(0.0, due - self.run.elapsed))

    async def _client(self, one: Besieged, phase: SiegePhase) -> None:
        taken = await ask(one.port, one.tls)
        # A client that met the end of a phase says nothing about either.
        one.tally.record(phase if phase is self.phase else None, self.now, taken)

    async def whole(self, attack: str, count: int, seconds: float, rate: float) -> None:
        """Every phase, with `rate` honest clients a second for each server."""
        async with asyncio.TaskGroup() as group:
            for one in self.every:
                group.create_task(self.clients(one, rate))
            await self.phases(attack, count, seconds)
        await asyncio.sleep(2 * TICK)  # for the servers' last counts

    def picture(self) -> None:
        """Show every server as it stands now."""
        now = self.now
        for number, one in enumerate(self.every):
            if not self.over and (seen := one.tally.last_second(now)) is not None:
                share, median, worst = seen
                point = [now, share * 100, median * 1000, worst * 1000]
                self.run.add(f"course/{number}", [round(each, 2) for each in point])
            self.run.show(f"figures/{number}", _figures(one, one.descriptors()))
        self.run.show("counts", {one.name: _counts(one) for one in self.every})

    async def phases(self, attack: str, count: int, seconds: float) -> None:
        """Calm, the attack, and the time after it; then no honest client comes any more."""
        self.run.say("Honest clients come; the attack has not begun.")
        await asyncio.sleep(CALM)
        self.phase, began = SiegePhase.ATTACK, round(self.now, 2)
        self.run.show("attack", [began, None])
        await self.lay(attack, count, seconds)
        self.phase = SiegePhase.AFTER
        self.run.show("attack", [began, round(self.now, 2)])
        self.run.say("The attack is over; honest clients still come.")
        await asyncio.sleep(AFTER)
        self.over = True

    async def lay(self, attack: str, count: int, seconds: float) -> None:
        """The attack, from its first connection to its last."""
        ports = [str(one.port) for one in self.every]
        command = python("netlab.live.siegeattack", attack, str(count), f"{seconds}", *ports)
        async with child(command, patience=0.2) as attackers:
            hearing = asyncio.create_task(_hear(attackers, self.every))
            self.run.say("The attack begins.")
            try:
                while not (await asyncio.wait([hearing], timeout=SAID))[0]:
                    self.run.say(self.sentence())
                hearing.result()
            finally:
                hearing.cancel()
                await asyncio.wait([hearing])
        for one in self.every:
            one.connected = 0

    def sentence(self) -> str:
        """What honest clients got in this phase so far."""
        got = ", ".join(f"{one.name} {one.tally.phases[self.phase]}" for one in self.every)
        return f"Honest clients answered {self.phase.value}: {got}."


async def experiment(run: LiveRun) -> None:
    """Calm, attack, and after it; then the verdict."""
    attack, count, seconds = run.text("attack"), int(run.number("hostile")), run.number("seconds")
    check_room(count)
    run.show("words", f"Each hostile connection sends {ATTACKS[attack].words}.")
    async with _servers(run) as every:
        siege = Siege(run, every)
        shown = [{"name": one.name, "words": one.side.words} for one in every]
        run.show("servers", {"all": shown, "seconds": CALM + seconds + AFTER + 1})
        await pictured(siege.picture, TICK, siege.whole(attack, count, seconds, run.number("rate")))
        run.show("verdict", [verdict(one.name, one.tally, one.ended) for one in every])
        run.show("lesson", ATTACKS[attack].lesson)
        run.say(f"{', '.join(f'{one.name} {fate(one.tally.phases[SiegePhase.ATTACK])}' for one in every)}.")


def check_room(count: int) -> None:
    """Raises Refused when no process here may open what `count` hostile connections to each server need."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max(DESCRIPTORS, SERVERS * count + SPARE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise Refused(
            f"the siege needs {needed} descriptors in a process, and {hard} are allowed here: choose fewer "
            "hostile connections, or raise the limit before `netlab live` starts (ulimit -Hn)"
        )


@contextlib.asynccontextmanager
async def _servers(run: LiveRun) -> AsyncIterator[list[Besieged]]:
    """The servers of this run, each of which answers."""
    secure = ATTACKS[run.text("attack")].tls
    async with contextlib.AsyncExitStack() as stack:
        files: list[str] = []
        tls = None
        if secure:
            made = stack.enter_context(certified())
            files, tls = [str(made.chain), str(made.key)], client_context(made.root)
        sides: list[list[Contestant]] = [[netlab_side(files)], [peer(run.text("peer"), files)]]
        loop = loops()
        if secure:
            run.show("missing", "The lab's loop is not shown under this attack: it speaks no TLS.")
        elif loop:
            sides.insert(1, loop)
        else:
            run.show("missing", "Your loop is not shown: the labs are not beside this netlab.")
        run.say("The servers start.")
        started = (stack.enter_async_context(first_that_answers(each, tls)) for each in sides)
        yield await together(started)


async def _hear(attackers: Child, every: Sequence[Besieged]) -> None:
    """Lines of the attack: what became of the hostile connections of each server."""
    async for line in attackers.lines():
        if not line.startswith("["):
            raise RuntimeError(f"the attack failed: {line}")
        for one, told in zip(every, json.loads(line), strict=True):
            one.connected, one.ended = told["connected"], Counter(told["ended"])


def _counts(one: Besieged) -> dict[str, object]:
    """What was counted, by name; the server's own counts beside the clients'."""
    shares = {phase.name.lower(): [share.answered, share.came] for phase, share in one.tally.phases.items()}
    shares["total"] = [one.tally.total.answered, one.tally.total.came]
    return {**shares, "ended": dict(one.ended), "connected": one.connected, "own": one.own}


def _figures(one: Besieged, descriptors: int | None) -> dict[str, str]:
    """The figures of the page, in the words of its reader."""
    held = "not shown" if descriptors is None else f"{descriptors} (at most {one.most})"
    if one.server.ended:
        held = "the server has ended"
    figures = {f"Answered {phase.value}": str(one.tally.phases[phase]) for phase in SiegePhase}
    figures |= {
        f"Descriptors held, of {DESCRIPTORS}": held,
        "Hostile connections now": f"{one.connected:,}",
        "Hostile connections that it ended": endings(one.ended),
    }
    if one.own:
        accepted, requests = one.own["accepted"], one.own["requests"]
        figures["The server's own count"] = f"{accepted:,} connections, {requests:,} requests"
    return figures


BOARD = Board(
    name="siege",
    title="The siege",
    look_for="Choose an attack and watch the share of honest clients that each server still answers: a "
    "server without deadlines waits for its attackers, and has no descriptor left for others.",
    lab="14_siege",
    controls=(
        Choice("attack", "Attack", tuple(ATTACKS), "head", tuple(each.label for each in ATTACKS.values())),
        Choice(
            "peer", "The third server", tuple(PEERS), "uvicorn", ("uvicorn", "nginx", "asyncio's streams")
        ),
        Number("hostile", "Hostile connections to each server", 0, MOST, 126, 2, "connections"),
        Number("rate", "Honest clients of each server", 1, 8, 4, 1, "a second"),
        Number("seconds", "Length of the attack", 1, 60, 15, 1, "s"),
    ),
    seconds=120,
    experiment=experiment,
)
