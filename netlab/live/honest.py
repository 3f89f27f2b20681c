"""Honest clients of a besieged server: each has a connection of its own, asks once, and waits PATIENCE.

`Tally` keeps what they got, without a clock of its own; `ask` is one client; `verdict` says it in a sentence.
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

PATIENCE = 1.0
"""Seconds from the first packet to the whole answer, after which an honest client gives up."""

WINDOW = 1.0
"""Seconds that the live figures cover."""

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

SURVIVED, HURT = 0.9, 0.5
"""Shares of answered clients from which on a server has survived, and was only hurt."""


class SiegePhase(Enum):
    """A part of the siege; its value is said on the page."""

    CALM = "before the attack"
    ATTACK = "under attack"
    AFTER = "after the attack"


@dataclass
class Share:
    """Honest clients that came in one phase. times: seconds of those that were answered."""

    came: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many got their answer."""
        return len(self.times)

    def __str__(self) -> str:
        if not self.came:
            return "none came"
        return f"{self.answered} of {self.came} ({self.answered / self.came:.0%})"


class Tally:
    """What the honest clients of one server got."""

    def __init__(self) -> None:
        self.phases = {phase: Share() for phase in SiegePhase}
        self.total = Share()
        """Of all phases, and of those that met the end of one."""
        self._last: deque[tuple[float, float | None]] = deque()

    def record(self, phase: SiegePhase | None, now: float, seconds: float | None) -> None:
        """A client is done now.

        phase: the one in which it came and was done, None: they differ. seconds: until its answer, None: it
        got none.
        """
        for share in [self.total] if phase is None else [self.total, self.phases[phase]]:
            share.came += 1
            if seconds is not None:
                share.times.append(seconds)
        self._last.append((now, seconds))

    def last_second(self, now: float) -> tuple[float, float, float] | None:
        """Share answered, median and worst wait in seconds, of the clients done in the last WINDOW.

        A client without an answer has waited PATIENCE. None: no client is done in that time.
        """
        while self._last and self._last[0][0] <= now - WINDOW:
            self._last.popleft()
        if not self._last:
            return None
        waits = [PATIENCE if seconds is None else seconds for _, seconds in self._last]
        answered = sum(seconds is not None for _, seconds in self._last)
        return answered / len(waits), statistics.median(waits), max(waits)


async def ask(port: int, tls: ssl.SSLContext | None) -> float | None:
    """One honest client of 127.0.0.1: seconds until its answer is whole, or None within PATIENCE."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(PATIENCE):
            name = "localhost" if tls is not None else None
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
            try:
                writer.write(GET)
                whole = await reader.readuntil(b"hello")
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    return loop.time() - began if whole.startswith(b"HTTP/1.1 200 ") else None


def fate(share: Share) -> str:
    """What became of a server that answered this share under attack, in a word or two."""
    part = share.answered / share.came if share.came else 1.0
    return "survived" if part >= SURVIVED else "was hurt" if part >= HURT else "fell"


def verdict(name: str, tally: Tally, ended: Mapping[str, int]) -> str:
    """What became of a server, with its figures. ended: hostile connections that it ended, by the way."""
    share = tally.phases[SiegePhase.ATTACK]
    if not share.came:
        return f"{name}: no honest client came while it was under attack."
    said = f"{name} {fate(share)}: it answered {share} honest clients under attack"
    if share.times:
        median, worst = statistics.median(share.times) * 1000, max(share.times) * 1000
        said += f", half of them within {median:,.0f} ms and the slowest after {worst:,.0f} ms"
    return f"{said}. {_endings(ended)}{_recovery(tally.phases[SiegePhase.AFTER])}"


def endings(ended: Mapping[str, int]) -> str:
    """How a server has ended hostile connections, the commonest way first."""
    return ", ".join(f"{count:,} × {why}" for why, count in Counter(ended).most_common(3)) or "none"


def _endings(ended: Mapping[str, int]) -> str:
    if not sum(ended.values()):
        return "It ended no hostile connection."
    return f"It ended {sum(ended.values()):,} hostile connections ({endings(ended)})."


def _recovery(after: Share) -> str:
    return f" When the attack was over, it answered {after}." if after.came else ""
