"""The states of a connection and the moves between them: the table that the code executes. RFC 9112 §9.

    self.state = TO_IDLE[self.state]     gives IDLE; a KeyError if the table has no such move

So the table below is the whole truth: a move that is not in it cannot happen. `diagram` draws it.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a connection is in its life, and which deadline runs meanwhile."""

    OPENING = "opening"
    """The TLS handshake is under way. Deadline: `Timeouts.head`."""
    IDLE = "idle"
    """No byte of a request has come. Deadline: `Timeouts.head` before the first request, then `idle`."""
    HEAD = "head"
    """Part of a request head has come. Deadline: `Timeouts.head`, from its first byte."""
    EXCHANGE = "exchange"
    """A request is being answered. Deadline: `Timeouts.content` and `stall`; none for the handler."""
    LINGERING = "lingering"
    """The last response has been written; the client reads it and closes. Deadline: `Timeouts.linger`."""
    CLOSED = "closed"
    """The socket is closed."""

    # By identity: an Enum's own hash runs Python code, twice a request.
    __hash__ = object.__hash__


OPENING, IDLE, HEAD, EXCHANGE, LINGERING, CLOSED = State

BEGINNINGS: dict[State, str] = {
    OPENING: "accepted, with TLS",
    IDLE: "accepted, without TLS",
}
"""The states in which a connection begins, with the reason."""

TRANSITIONS: dict[State, dict[State, str]] = {
    OPENING: {
        IDLE: "the TLS handshake is done",
        LINGERING: "the client spoke plain HTTP, or its handshake was refused",
        CLOSED: "the handshake failed, was late, or the server drains",
    },
    IDLE: {
        HEAD: "part of a request head has come",
        EXCHANGE: "a whole request head has come",
        LINGERING: "the head breaks a rule, or the server drains",
        CLOSED: "the idle timeout has passed, or the client left",
    },
    HEAD: {
        EXCHANGE: "the head is whole",
        LINGERING: "the head breaks a rule, or was late (408)",
        CLOSED: "the client left",
    },
    EXCHANGE: {
        IDLE: "the response has gone, and the connection persists",
        LINGERING: "the response has gone, and the client may still be sending",
        CLOSED: "the response has gone, or was broken off",
    },
    LINGERING: {CLOSED: "the client has closed, or the linger timeout has passed"},
    CLOSED: {},
}
"""From each state the states that may follow, with the reason."""


def moves_to(end: State) -> dict[State, State]:
    """The moves to one state, from each that may come before it."""
    return {start: end for start, ends in TRANSITIONS.items() if end in ends}


# Plain dictionaries: a look into one of a class of its own goes through Python's slots, and each request asks
# two (FAST.md). So an illegal move, a defect of the server, is a KeyError that names the state it began in.
# No move leads to OPENING.
TO_IDLE, TO_HEAD, TO_EXCHANGE, TO_LINGERING, TO_CLOSED = (
    moves_to(end) for end in (IDLE, HEAD, EXCHANGE, LINGERING, CLOSED)
)


def diagram() -> str:
    """The state diagram in Mermaid's language, drawn from the table."""
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {state.value}: {reason}" for state, reason in BEGINNINGS.items()]
    for start, ends in TRANSITIONS.items():
        lines += [f"    {start.value} --> {end.value}: {reason}" for end, reason in ends.items()]
    lines.append(f"    {CLOSED.value} --> [*]")
    return "\n".join(lines)
