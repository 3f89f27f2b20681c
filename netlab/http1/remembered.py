"""Heads that came before, by their bytes. What a request head says depends on its bytes alone.

Clients repeat themselves: a poller, a health check or a benchmark sends the same head again and again. Such a
head is looked up in 0.1 µs; reading it takes 1 to 2.7 µs (FAST.md). To switch the memory off, give
`RequestHeads` two of `Remembered(most=0)`: the parser then reads every head, and nothing else changes.

Heads of one client that differ mostly differ in the request line and in Cookie. So a field section is
remembered, too, a long one without its Cookie line. That is safe since field lines do not depend on each
other: a valid section stays valid when a valid line is taken out of it or put into it, and Cookie decides
neither where the message ends nor what becomes of the connection.
"""

from __future__ import annotations

from typing import TypeVar

from netlab.http1.framing import Framing

# Longer heads carry cookies and identifiers: they hardly ever come again, and would fill the memory.
LONGEST = 1024
"""Bytes of the longest head that is kept."""

SHORTEST = 256
"""Bytes from which on a Cookie line is looked for in a head: the pattern reads a shorter one as fast."""

PLACES = 1023
"""The last place at which a hash may be noted: the last ten bits of a hash are the number of its place."""

Key = TypeVar("Key", bytes, str)
Value = TypeVar("Value")

Section = tuple[Framing, bool]
"""What a valid field section says: how the content ends, and whether the connection may persist."""


class Remembered(dict[Key, Value]):
    """Heads by their bytes, or sections by their text; bounded. One is kept from its second time on.

    Most heads never come again. Kept from the first time on, they would be thousands of objects that live
    just long enough for the garbage collector to visit them all: 10 µs a request. So the first time only the
    hash is noted, in the place of an older one: a list of so many places is bounded by itself.
    """

    __slots__ = ("_most", "longest", "marks")

    def __init__(self, most: int = 256) -> None:
        super().__init__()
        self._most = most
        self.marks = [0] * (PLACES + 1)
        self.longest = 0
        """What is longer is not in here, and need not be hashed for a look."""

    def seen(self, number: int) -> bool:
        """Has something with this hash come before? It has from now on."""
        marks = self.marks
        place = number & PLACES
        seen = marks[place] == number
        marks[place] = number
        return seen

    def keep(self, block: Key, value: Value) -> None:
        """Keep what has been read, because it has come before; nothing that is long."""
        if len(block) <= LONGEST and self._most:
            if len(self) >= self._most:
                self.clear()
                self.longest = 0
            self[block] = value
            self.longest = max(self.longest, len(block))
