"""The ladder: a sequence diagram in plain text; client left, server right, time going down.

Sequence numbers are relative, as every tool prints them: the SYN is 0, the first octet 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from netlab.capture.packet import Packet
from netlab.capture.stream import Conversation, Direction
from netlab.capture.tcp import Flags

_UNITS = ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "µs"))


@dataclass(frozen=True, slots=True)
class Rung:
    """One packet on the ladder. time: seconds since the first; sequence and acknowledgment: relative."""

    time: float
    direction: Direction
    flags: Flags
    sequence: int
    acknowledgment: int | None
    length: int
    note: str = ""

    @property
    def text(self) -> str:
        """What is written on the arrow: `SYN, ACK  seq=0 ack=1`."""
        parts = [f"{self.flags.names or 'no flags'}  seq={self.sequence}"]
        if self.acknowledgment is not None:
            parts.append(f"ack={self.acknowledgment}")
        if self.length:
            parts.append(f"len={self.length}")
        return " ".join(parts) + (f"  {self.note}" if self.note else "")


def rungs(conversation: Conversation) -> list[Rung]:
    """The packets of a conversation in the order of the capture, with a note on each SYN."""
    return [_rung(conversation, packet) for packet in conversation.packets]


def _rung(conversation: Conversation, packet: Packet) -> Rung:
    direction, segment = conversation.direction(packet), packet.segment
    flow, other = conversation.flows[direction], conversation.flows[direction.opposite]
    acknowledgment = other.relative(segment.acknowledgment) if segment.flags & Flags.ACK else None
    return Rung(
        conversation.time(packet), direction, segment.flags, flow.relative(segment.sequence),
        acknowledgment, len(segment.payload), _note(packet) if segment.flags & Flags.SYN else "",
    )  # fmt: skip


def _note(packet: Packet) -> str:
    """What the two sides agree on in their SYNs."""
    options = packet.segment.options
    parts = [f"win={packet.segment.window}"]
    if options.mss is not None:
        parts.append(f"mss={options.mss}")
    if options.window_scale is not None:
        parts.append(f"ws={1 << options.window_scale}")
    if options.sack_permitted:
        parts.append("sack")
    if options.timestamps is not None:
        parts.append("ts")
    return " ".join(parts)


def ladder(conversation: Conversation, width: int = 64) -> str:
    """Draw a conversation. width: columns between the two lifelines; longer texts widen it."""
    steps = rungs(conversation)
    if not steps:
        return "no packets"
    width = max([width, *(len(step.text) + 8 for step in steps)])
    factor, unit = _scale(steps[-1].time)
    client, server = str(conversation.client), str(conversation.server)
    margin = 12
    ends = f"client {client}"
    ends += f"{server + ' server':>{max(1, width + 2 - len(ends))}}"
    lines = [f"{'time, ' + unit:>{margin - 2}}  {ends}"]
    lines += [f"{step.time * factor:>{margin - 2}.3f}  {_arrow(step, width)}" for step in steps]
    return "\n".join(lines)


def _scale(longest: float) -> tuple[float, str]:
    """The largest unit in which the longest time is at least 1: its factor and name."""
    return next((factor, unit) for least, factor, unit in _UNITS if longest >= least)


def _arrow(step: Rung, width: int) -> str:
    label = f" {step.text} "
    if step.direction is Direction.TO_SERVER:
        return f"|{label:-^{width - 1}}>|"
    return f"|<{label:-^{width - 1}}|"
