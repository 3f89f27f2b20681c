"""The life of a transport as one phase, and the only moves between phases.

HANDSHAKE ──▶ OPEN ──▶ FLUSHING ──▶ SHUT ──▶ CLOSED
                └───────────────────▲
and from each of them to CLOSED

self._phase = MOVES[self._phase][SHUT]     gives SHUT; raises RuntimeError if the table has no such move
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

TRANSITIONS: dict[Phase, tuple[Phase, ...]] = {
    HANDSHAKE: (OPEN, CLOSED),
    OPEN: (FLUSHING, SHUT, CLOSED),
    FLUSHING: (SHUT, CLOSED),
    SHUT: (CLOSED,),
    CLOSED: (),
}
"""From each phase those that may follow."""


class _Row(dict[Phase, Phase]):
    """The moves from one phase. A dictionary: a look-up needs no Python function."""

    def __init__(self, start: Phase, ends: tuple[Phase, ...]) -> None:
        super().__init__({end: end for end in ends})
        self._start = start

    def __missing__(self, end: Phase) -> Phase:
        raise RuntimeError(f"a transport cannot move from {self._start.value} to {end.value}")


MOVES: dict[Phase, _Row] = {start: _Row(start, ends) for start, ends in TRANSITIONS.items()}
"""MOVES[from][to] is `to`, or raises RuntimeError."""
