"""Heads that came before, by their bytes. What a request head says depends on its bytes alone.

Clients repeat themselves: a poller, a health check or a benchmark sends the same head again and again. Such a
head is looked up in 0.1 µs; reading it takes about 2.5 µs (FAST.md). To switch the memory off, give
`RequestHeads` a `Remembered(most=0)`: the parser then reads every head, and nothing else changes.
"""

from __future__ import annotations

from netlab.http1.messages import RequestHead

# Longer heads carry cookies and identifiers: they hardly ever come again, and would fill the memory.
LONGEST = 1024
"""Bytes of the longest head that is kept."""


class Remembered(dict[bytes, RequestHead]):
    """Heads by their bytes; bounded. A head is kept from its second time on.

    Most heads never come again. Kept from the first time on, they would be thousands of objects that live
    just long enough for the garbage collector to visit them all: 10 µs a request. So the first time only the
    hash of the bytes is noted, and when there are too many, the memory starts anew.
    """

    def __init__(self, most: int = 256) -> None:
        super().__init__()
        self._most = most
        self._seen_once: set[int] = set()

    def note(self, block: bytes, head: RequestHead) -> None:
        """This head was read, because it was not in here."""
        number = hash(block)
        if number not in self._seen_once:
            if len(self._seen_once) >= 4 * self._most:
                self._seen_once.clear()
            self._seen_once.add(number)
        elif len(block) <= LONGEST and self._most:
            if len(self) >= self._most:
                self.clear()
            self[block] = head
