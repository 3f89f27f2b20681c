"""The traces of RFC 8448, read from `rfc8448.txt`: what each step of each handshake must give."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "rfc8448.txt"
TRACES = {
    "3": "simple 1-RTT", "4": "resumed 0-RTT", "5": "HelloRetryRequest", "6": "client authentication",
    "7": "compatibility mode",
}  # fmt: skip


@dataclass
class Step:
    """One step of a trace: its side, what it does, and its values."""

    section: str
    side: str
    does: str
    values: dict[str, bytes] = field(default_factory=dict)


@cache
def trace(section: str) -> tuple[Step, ...]:
    """The steps of a section."""
    found: list[Step] = []
    for line in FILE.read_text().splitlines():
        if line.startswith("== "):
            number, side, does = line[3:].split(" ", 2)
            found.append(Step(number, side, does))
        elif line and not line.startswith("#"):
            name, _, value = line.partition(":")
            found[-1].values[name] = bytes.fromhex(value)
    return tuple(step for step in found if step.section == section)
