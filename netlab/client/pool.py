"""Who gets which connection: the books of the pool, and its decisions. No socket, no clock, no event loop.

Theory of operation. A connection holds one place from the moment it is asked for until it is closed, and a
place is in one of three states. `Pool.places` is the one book that says so. So, whatever is cancelled when,

    open == idle + in use + connecting          (and open <= limit)

A request asks; `decide` looks into the books and answers, in this order:

    REUSE    the connection to that host that became idle last (LIFO: a pool that is too large shrinks, since
             its oldest connections are never picked and reach their idle timeout)
    CONNECT  if there is room for one more
    EVICT    if the room is taken by idle connections to other hosts: the one idle longest goes
    WAIT     stand in line (`line`), first come, first served

What becomes free is given to the first in line at once, by name: nobody has to race for it, so a wake-up
cannot be lost. Who is served and gives up before it has noticed says so (`withdraw`): then it is passed on.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Generic, Protocol, TypeVar

from netlab.client.line import Line
from netlab.client.reasons import Reason


class Member(Protocol):
    """What a pool holds: one connection, from the wish for it to its end.

    held: does somebody answer for its place? Then closing it does not free the place; they do.
    """

    held: bool

    @property
    def reason(self) -> Reason | None:
        """Why it is closed; None while it is open."""

    @property
    def origin(self) -> Hashable:
        """The host that it belongs to."""

    def close(self, reason: Reason) -> None:
        """Close it now. Calls the pool's `discard` unless it is held."""


class Place(Enum):
    """What a connection in the books is doing."""

    CONNECTING = "connecting"
    IN_USE = "in use"
    IDLE = "idle"


class Verdict(Enum):
    """What a request is told."""

    REUSE = "take this idle connection"
    CONNECT = "open a new one"
    EVICT = "close this idle one of another host, and open a new one"
    WAIT = "stand in line"


C = TypeVar("C", bound=Member)


class Waiter(Generic[C]):
    """A request that stands in line. granted: what it got, once it did; wake: called at that moment."""

    __slots__ = ("granted", "left", "number", "origin", "wake")

    def __init__(self, origin: Hashable) -> None:
        self.origin = origin
        self.granted: C | None = None
        self.wake: Callable[[], object] = _nobody
        self.number = 0
        self.left = True


def _nobody() -> None:
    """Nobody to wake yet."""


class Pool(Generic[C]):
    """The books. make: a new connection for an origin, in the state before it is connected."""

    def __init__(self, make: Callable[[Hashable], C], limit: int = 100, limit_per_host: int = 0) -> None:
        self.limit = limit
        self.limit_per_host = limit_per_host
        self.places: dict[C, Place] = {}
        self.opened = 0
        """How many connections were ever asked for."""
        self.closed: Counter[Reason] = Counter()
        """Why those that are gone are gone."""
        self._make = make
        self._per_host: Counter[Hashable] = Counter()
        # Idle connections twice: by host, latest last (dict.popitem takes the latest), and all, oldest first.
        self._idle: dict[Hashable, dict[C, None]] = {}
        self._oldest: OrderedDict[C, None] = OrderedDict()
        self._line: Line[Waiter[C]] = Line()

    # -- the decision: reads the books, changes nothing -----------------------------------------------------

    def decide(self, origin: Hashable) -> tuple[Verdict, C | None]:
        """What a request for this origin gets if nobody stands before it in line."""
        idle = self._idle.get(origin)
        if idle:
            return Verdict.REUSE, next(reversed(idle))
        if self._host_full(origin):
            return Verdict.WAIT, None
        if not self.limit or len(self.places) < self.limit:
            return Verdict.CONNECT, None
        if self._oldest:
            return Verdict.EVICT, next(iter(self._oldest))
        return Verdict.WAIT, None

    def _host_full(self, origin: Hashable) -> bool:
        """Is every connection that the host may have in use?"""
        if not self.limit_per_host or self._per_host[origin] < self.limit_per_host:
            return False
        return not self._idle.get(origin)

    # -- asking ---------------------------------------------------------------------------------------------

    def ask(self, origin: Hashable) -> C | Waiter[C]:
        """A connection (idle until now, or one to connect), or a place in line."""
        if not self._line.length:
            granted = self._grant(origin)
            if granted is not None:
                return granted
        waiter: Waiter[C] = Waiter(origin)
        self._line.join(waiter)
        self._serve_line()
        return waiter if waiter.granted is None else waiter.granted

    def withdraw(self, waiter: Waiter[C]) -> None:
        """Stop waiting. What was granted in the meantime goes to the next in line."""
        self._line.leave(waiter)
        granted, waiter.granted = waiter.granted, None
        if granted is None:
            return
        if self.places.get(granted) is Place.IN_USE and granted.reason is None:
            self.give_back(granted)
        else:
            granted.held = False
            granted.close(Reason.ABANDONED)
            self.discard(granted, granted.reason or Reason.ABANDONED)

    def _grant(self, origin: Hashable) -> C | None:
        verdict, connection = self.decide(origin)
        if verdict is Verdict.WAIT:
            return None
        if verdict is Verdict.REUSE:
            assert connection is not None
            self._take(connection)
            return connection
        if verdict is Verdict.EVICT:
            assert connection is not None
            # Out of the books first: closing it must not look like a place that the line could have.
            self._forget(connection, Reason.EVICTED)
            connection.close(Reason.EVICTED)
        return self._enter(origin)

    def _enter(self, origin: Hashable) -> C:
        connection = self._make(origin)
        self.places[connection] = Place.CONNECTING
        self._per_host[origin] += 1
        self.opened += 1
        return connection

    # -- what becomes of a connection -----------------------------------------------------------------------

    def connected(self, connection: C) -> None:
        """It is connected, and whoever asked for it uses it."""
        if connection in self.places:
            self.places[connection] = Place.IN_USE

    def give_back(self, connection: C) -> None:
        """It is whole and free: idle, or the next in line has it. No error when it is closed already."""
        if connection not in self.places:
            return
        connection.held = False
        self.places[connection] = Place.IDLE
        self._idle.setdefault(connection.origin, {})[connection] = None
        self._oldest[connection] = None
        self._line.reopened(connection.origin)
        self._serve_line()

    def discard(self, connection: C, reason: Reason) -> None:
        """It is closed; its place is free. No error when it is not in the books."""
        if connection in self.places:
            self._forget(connection, reason)
            self._line.reopened(connection.origin)
            self._serve_line()

    def instead(self, connection: C, reason: Reason, fresh: bool = False) -> C:
        """Another one to the same host for who holds this one, without standing in line again.

        fresh: a new one, though others are idle. The old one leaves the books; closing it is the caller's.
        """
        origin = connection.origin
        idle = None if fresh else self._idle.get(origin)
        self._forget(connection, reason)
        if not idle:
            return self._enter(origin)
        other = next(reversed(idle))
        self._take(other)
        self._line.reopened(origin)
        self._serve_line()
        return other

    def _forget(self, connection: C, reason: Reason) -> None:
        origin = connection.origin
        if self.places.pop(connection) is Place.IDLE:
            self._no_longer_idle(connection)
        self._per_host[origin] -= 1
        if not self._per_host[origin]:
            del self._per_host[origin]
        self.closed[reason] += 1

    def _take(self, connection: C) -> None:
        """From idle to in use."""
        self._no_longer_idle(connection)
        self.places[connection] = Place.IN_USE
        connection.held = True

    def _no_longer_idle(self, connection: C) -> None:
        del self._oldest[connection]
        idle = self._idle[connection.origin]
        del idle[connection]
        if not idle:
            del self._idle[connection.origin]

    def _serve_line(self) -> None:
        """Give what is free to those who may have it, in their order."""
        while self._line.length:
            waiter = self._line.first(self._host_full)
            if waiter is None:
                return
            granted = self._grant(waiter.origin)
            if granted is None:
                return
            self._line.leave(waiter)
            waiter.granted = granted
            waiter.wake()

    # -- what may be asked ----------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """open, idle, in_use, connecting, waiting."""
        states = Counter(self.places.values())
        return {
            "open": len(self.places),
            "idle": states[Place.IDLE],
            "in_use": states[Place.IN_USE],
            "connecting": states[Place.CONNECTING],
            "waiting": self._line.length,
        }

    def __repr__(self) -> str:
        now = self.counts()
        most = self.limit or "no limit"
        return (
            f"<Pool {now['open']} open of {most}: {now['idle']} idle, {now['in_use']} in use, "
            f"{now['connecting']} connecting; {now['waiting']} waiting>"
        )
