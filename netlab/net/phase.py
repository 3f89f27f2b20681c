"""The life of a transport as one phase, and the only moves between phases.

    HANDSHAKE ──▶ OPEN ──▶ FLUSHING ──▶ SHUT ──▶ CLOSED
                    └───────────────────▲
    and from each of them to CLOSED

The table below is executed: `move` raises on a move that it does not list.
"""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """Where a transport is in its life."""

    HANDSHAKE = "handshake"
    """The TLS handshake runs; no byte of the application goes either way."""

    OPEN = "open"
    """Both directions are open. A plain socket begins here."""

    FLUSHING = "flushing"
    """`shut` was called while bytes wait for the kernel: FIN follows them."""

    SHUT = "shut"
    """FIN has gone (on TLS, close_notify before it). Reading goes on."""

    CLOSED = "closed"
    """The socket is closed."""

    # By identity: an Enum's own hash runs Python code, twice for each move.
    __hash__ = object.__hash__


# Bound once: in Python 3.11 each look at Phase.OPEN runs a descriptor.
HANDSHAKE, OPEN, FLUSHING, SHUT, CLOSED = Phase

MOVES: dict[Phase, frozenset[Phase]] = {
    HANDSHAKE: frozenset({OPEN, CLOSED}),
    OPEN: frozenset({FLUSHING, SHUT, CLOSED}),
    FLUSHING: frozenset({SHUT, CLOSED}),
    SHUT: frozenset({CLOSED}),
    CLOSED: frozenset(),
}


def move(now: Phase, to: Phase) -> Phase:
    """The next phase. Raises RuntimeError on a move that the table does not list."""
    if to not in MOVES[now]:
        raise RuntimeError(f"a transport cannot move from {now.value} to {to.value}")
    return to
