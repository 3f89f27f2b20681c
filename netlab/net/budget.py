"""How long one kind of work may take in a turn of the event loop.

A TLS handshake step costs the server up to a signature and a key agreement, and the peer almost nothing. When
two hundred peers ask at once, all other connections would wait for two hundred of them. With a budget a turn
does a few, serves the others, and the poller reports the rest again: its events are level-triggered.
"""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds of handshake steps in one turn: some ten handshakes with P-256, or one with RSA-4096.
HANDSHAKES = 0.005


class Budget:
    """Seconds for one kind of work, given anew in each turn.

    seconds: the limit. The step that passes it is finished, the next one is refused. clock: seconds,
    monotonic; a test gives its own.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = seconds
        self.left = seconds
        """Seconds left in this turn. The poller sets it to `seconds` when a turn starts."""
        self.refused = 0
        """Steps that had to wait for a later turn."""
        self._clock = clock

    def run(self, step: Callable[[], None]) -> bool:
        """Take a step if time is left. False when it has to wait for the next turn."""
        if self.left <= 0:
            self.refused += 1
            return False
        start = self._clock()
        try:
            step()
        finally:
            self.left -= self._clock() - start
        return True
