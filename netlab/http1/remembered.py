"""Heads that came before, by their bytes. What a request head says depends on its bytes alone.

Clients repeat themselves: a poller, a health check or a benchmark sends the same head again and again. Such a
head is looked up in 0.1 µs; reading it takes about 2.5 µs (FAST.md). To switch the memory off, give
`RequestHeads` two of `Remembered(most=0)`: the parser then reads every head, and nothing else changes.

Heads of one client that differ mostly differ in the request line and in Cookie. So a long field section is
remembered, too, without its Cookie line. That is safe since field lines do not depend on each other: a valid
section stays valid when a valid line is taken out of it or put into it, and Cookie decides neither where the
message ends nor what becomes of the connection.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeVar

from netlab.http1.framing import Framing
from netlab.http1.grammar import FIELD_VALUE

# Longer heads carry cookies and identifiers: they hardly ever come again, and would fill the memory.
LONGEST = 1024
"""Bytes of the longest head that is kept."""


SHORTEST = 256
"""Bytes from which on a head's section is remembered: the pattern reads a shorter one as fast."""

Value = TypeVar("Value")


class Section(NamedTuple):
    """What a field section that is valid says of the message's end and of the connection."""

    framing: Framing
    persistent: bool


# As FIELD_VALUE, for octets.
is_value = re.compile(FIELD_VALUE.pattern.encode("latin-1")).fullmatch


class Remembered(dict[bytes, Value]):
    """Heads or sections by their bytes; bounded. One is kept from its second time on.

    Most heads never come again. Kept from the first time on, they would be thousands of objects that live
    just long enough for the garbage collector to visit them all: 10 µs a request. So the first time only the
    hash of the bytes is noted, and when there are too many, the memory starts anew.
    """

    def __init__(self, most: int = 256) -> None:
        super().__init__()
        self._most = most
        self._seen_once: set[int] = set()

    def note(self, block: bytes, value: Value) -> None:
        """This was read, because it was not in here."""
        number = hash(block)
        if number not in self._seen_once:
            if len(self._seen_once) >= 4 * self._most:
                self._seen_once.clear()
            self._seen_once.add(number)
        elif len(block) <= LONGEST and self._most:
            if len(self) >= self._most:
                self.clear()
            self[block] = value
