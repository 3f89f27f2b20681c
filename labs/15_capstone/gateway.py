"""The assembled server as a gateway: lab 11's pool in front of an upstream, lab 12's chunks on the way to it.

No socket: the upstream is a script, which answers when it is told to, so that every order of events can be
played. A client asks; the gateway takes a connection from the pool, sends the request,
and passes the answer on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any


def content(
    parts: Mapping[str, ModuleType], pieces: Iterable[bytes], trailers: Iterable[tuple[str, str]]
) -> bytes:
    """What the upstream gets of a content whose length is not known: chunks, and trailers behind them."""
    chunked = parts["chunked"]
    return b"".join(map(chunked.encode_chunk, pieces)) + chunked.last_chunk(trailers)


@dataclass(eq=False)
class Asked:
    """One client's request, and its ticket of the pool."""

    name: str
    method: str
    host: str
    ticket: Any = None
    number: int = 0  # the connection that carries it
    ended: bool = False


class Gateway:
    """Clients on one side, the upstream on the other. seen: what both of them see, in order."""

    def __init__(self, parts: Mapping[str, ModuleType], **options: Any) -> None:
        self.now = 1000.0
        self.seen: list[str] = []
        self.opened = 0
        self.open: dict[int, str] = {}
        self.readable: set[int] = set()
        self.asked: dict[str, Asked] = {}
        self.ready: list[Asked] = []
        self.due: float | None = None  # when the pool's timer fires
        self.pool = parts["pool"].Pool(
            self.connect,
            self.close,
            stale=self.readable.__contains__,
            clock=lambda: self.now,
            **options,
        )

    # -- what the pool does --------------------------------------------------------------------------------

    def connect(self, host: str) -> int:
        """A connection to the upstream begins."""
        self.opened += 1
        self.open[self.opened] = host
        self.seen.append(f"{self.opened} opens to {host}")
        return self.opened

    def close(self, connection: int) -> None:
        """A connection to the upstream is closed."""
        self.seen.append(f"{connection} closes" if connection in self.open else f"{connection} closes twice")
        self.open.pop(connection, None)

    # -- what happens --------------------------------------------------------------------------------------

    def asks(self, name: str, host: str, method: str = "GET") -> None:
        """A client's request."""
        asked = self.asked[name] = Asked(name, method, host)
        asked.ticket = self.pool.acquire(host, lambda: self.ready.append(asked))

    def leaves(self, name: str) -> None:
        """A client goes, whatever became of its request."""
        asked = self.asked[name]
        asked.ended = True
        self.pool.cancel(asked.ticket)

    def accepts(self, number: int) -> None:
        """The upstream accepts a connection, and gets the request that waits for it."""
        if asked := self.on(number):
            self.pool.connected(asked.ticket)
            self.send(asked)

    def answers(self, number: int, *, last: bool = False) -> None:
        """The upstream answers. last: and says that it closes."""
        if asked := self.on(number):
            asked.ended = True
            self.seen.append(f"{asked.name} is answered")
            (self.pool.discard if last else self.pool.release)(asked.ticket)

    def breaks(self, number: int, sent: int, received: int) -> None:
        """The upstream closes a connection under a request. sent, received: bytes of it and of its answer."""
        asked = self.on(number)
        if asked is None:
            return
        if self.pool.repeat(asked.ticket, asked.method, sent, received) is None:
            asked.ended = True
            self.seen.append(f"{asked.name} fails")
        else:
            asked.number = asked.ticket.connection

    def passes(self, seconds: float, *, busy: bool = False) -> None:
        """Time goes by, and the pool's timer fires in it. busy: the loop is too busy for timers."""
        end = self.now + seconds
        while not busy:
            self.arm()
            if self.due is None or self.due > end:
                break
            before, self.now = self.due, self.due
            self.arm()
            if self.due is not None and self.due <= before:
                break  # it has closed nothing, and asks for no more time
        self.now = end

    def arm(self) -> None:
        """Ask the pool when its next idle connection is due; those that are due now are closed."""
        wait = self.pool.expire()
        self.due = None if wait is None else self.now + wait

    # -- the way of a request ------------------------------------------------------------------------------

    def on(self, number: int) -> Asked | None:
        """The request that a connection carries, or is being opened for."""
        found = (
            asked for asked in self.asked.values() if not asked.ended and asked.ticket.connection == number
        )
        return next(found, None)

    def settle(self) -> None:
        """Send the requests to which the pool has given a connection that is open already."""
        while self.ready:
            asked = self.ready.pop(0)
            if not asked.ended and self.pool.places[asked.ticket.connection].name == "IN_USE":
                self.send(asked)

    def send(self, asked: Asked) -> None:
        """Send a request over its connection, if the pool finds that fit; else once the new one is open."""
        connection = self.pool.checked(asked.ticket)
        if connection is None or self.pool.places[connection].name != "IN_USE":
            return
        asked.ticket.started = True
        self.seen.append(f"{connection} gets {asked.name}")
