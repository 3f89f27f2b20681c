"""The evidence of lab 06: one stolen key, four recorded connections, and what the thief reads of each.

netlab serves over loopback, a relay records every byte, and the code under measure gets the bytes and the
key. The key is minted for this run and never stored.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import conversations
from conversations import KINDS, STATIC_RSA, STATIC_RSA_CLASSIC, Chunks, Kind
from offers import Offer, all_offers

from labs.runner import plots
from labs.runner.evidence import Measurement, NotShown, Plot, Run, Table, Verdict

STATIC = (STATIC_RSA_CLASSIC, STATIC_RSA)


@dataclass(frozen=True)
class Theft:
    """One recorded connection and what became of it. stopped: the reason, and the line of the code."""

    kind: Kind
    recorded: int  # bytes on the wire
    exchange: int  # bytes of ClientKeyExchange
    request: bytes
    response: bytes
    stopped: str = ""
    line: str = ""

    @property
    def read(self) -> int:
        """Bytes of HTTP that the thief reads."""
        return len(self.request) + len(self.response)

    @property
    def opened(self) -> bool:
        """Whether the secret of the conversation was read."""
        return conversations.SECRET in self.response and self.request == conversations.REQUEST


async def measure(run: Run) -> Measurement:
    """Record, steal, count; then see which clients of this machine still offer static RSA."""
    thefts = []
    for kind in KINDS:
        run.say(f"recording a connection: {kind.name}")
        thefts.append(_steal(run.code, kind, await conversations.over_loopback(kind)))
    run.say("reading what the clients of this machine offer")
    offers = all_offers()
    opened = {theft.kind for theft in thefts if theft.opened}
    if not opened & set(STATIC):
        raise NotShown("needs code that opens a static RSA connection: `make lab-06` checks yours")
    verdict, condition = _verdict(opened)
    return Measurement(
        figures={
            "opened": len(opened),
            "recorded": len(thefts),
            "bytes_read": sum(theft.read for theft in thefts),
            "static_rsa_suites_of_python": len(offers[0].static_rsa),
        },
        verdict=verdict,
        condition=condition,
        headline=_headline(thefts),
        tables=[_what_was_read(thefts), _where_it_stops(thefts), _who_offers(offers)],
        plots=[_picture(thefts)],
        notes=_notes(thefts),
    )


def _steal(code: ModuleType, kind: Kind, chunks: Chunks) -> Theft:
    recording = code.read_recording(chunks)
    sizes = sum(len(data) for _, data in chunks), len(recording.exchange)
    try:
        loot = code.steal(conversations.new_key(), recording)
    except (code.OutOfReach, code.WrongKey) as error:
        return Theft(kind, *sizes, b"", b"", str(error), _line(error, code))
    return Theft(kind, *sizes, loot.request, loot.response)


def _line(error: Exception, code: ModuleType) -> str:
    """The line of the code under measure where the theft stopped: "solution.py:177"."""
    path = str(code.__file__)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f"{Path(path).name}:{lines[-1]}" if lines else Path(path).name


def _verdict(opened: set[Kind]) -> tuple[Verdict, str]:
    if opened == set(KINDS):
        return Verdict.TRUE, ""
    how = "both sides choose static RSA, which TLS 1.2 and older can"
    return Verdict.TRUE_ONLY_IF, f"{how}: ECDHE encrypts no secret, and TLS 1.3 removed static RSA in 2018"


def _headline(thefts: Sequence[Theft]) -> str:
    opened = [theft for theft in thefts if theft.opened]
    closed = [theft.kind.name for theft in thefts if not theft.opened]
    return (
        f"the stolen key opened {len(opened)} of {len(thefts)} recorded connections "
        f"({sum(theft.read for theft in opened):,} bytes of HTTP); nothing of {' and '.join(closed)}"
    )


def _what_was_read(thefts: Sequence[Theft]) -> Table:
    rows = [
        (theft.kind.name, theft.recorded, theft.exchange, theft.read, "yes" if theft.opened else "no")
        for theft in thefts
    ]
    columns = ("connection", "bytes recorded", "bytes of ClientKeyExchange", "bytes of HTTP read", "opened")
    return Table("Four connections, recorded here, and the key of their server", columns, rows)


def _where_it_stops(thefts: Sequence[Theft]) -> Table:
    rows = [(theft.kind.name, theft.line, theft.stopped) for theft in thefts if not theft.opened]
    return Table("Where the theft stops, and why", ("connection", "line of the code", "reason"), rows)


def _who_offers(offers: Sequence[Offer]) -> Table:
    rows = [(o.client, o.suites, len(o.static_rsa), _short(o.static_rsa)) for o in offers]
    columns = ("client", "suites offered", "with static RSA", "which")
    return Table("Clients of this machine that still offer static RSA in their ClientHello", columns, rows)


def _short(names: Sequence[str]) -> str:
    """The ciphers of the suites: the prefix is the same in all of them."""
    return ", ".join(name.removeprefix("TLS_RSA_WITH_") for name in names) or "none"


def _notes(thefts: Sequence[Theft]) -> list[str]:
    request = next(theft.request for theft in thefts if theft.opened)
    cookie = next((line for line in request.split(b"\r\n") if line.startswith(b"Cookie")), b"")
    return [
        f"the thief read, among other things: {cookie.decode('latin-1')} and {conversations.SECRET.decode()}",
        f"RSA-2048, minted for this run; Python {sys.version.split()[0]}",
    ]


def _picture(thefts: Sequence[Theft]) -> Plot:
    def draw(axes: Any) -> None:
        names = [theft.kind.name for theft in thefts]
        axes.barh(names, [theft.recorded for theft in thefts], color=plots.GREY, label="on the wire")
        axes.barh(names, [theft.read for theft in thefts], color=plots.RED, label="HTTP that the thief reads")
        for y, theft in enumerate(thefts):
            said = f"{theft.read:,} of {theft.recorded:,}"
            axes.annotate(said, (theft.recorded, y), **plots.BEHIND_A_BAR)
        axes.set_xlim(0, max(theft.recorded for theft in thefts) * 1.25)
        axes.set_xlabel("bytes")
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)

    return Plot("What the stolen key opens", plots.svg(draw, height=2.8))
