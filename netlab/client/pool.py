"""The pool: its books and its decisions. No socket, no clock, no event loop.

Theory of operation. A connection holds one place from the moment it is asked for until it is closed, and a
place is in one of three states. `Pool.places` is the one book that says so. So, whatever is cancelled when,

    open == idle + in use + connecting          (and open <= limit)

A request asks; `decide` looks into the books and answers, in this order:

    REUSE    the connection to that host that became idle last (LIFO: a pool that is too large shrinks, since
             its oldest connections are never picked and reach their idle timeout)
    CONNECT  if there is room for one more
    EVICT    if the room is taken by idle connections to other hosts: the one idle longest is closed
    WAIT     join the wait queue (`waitqueue`), first come, first served

What becomes free is granted to the first waiter at once, by name: waiters do not race for it, so a wake-up
cannot be lost. A waiter that is cancelled after the grant says so (`cancel_wait`); the grant then moves on.

What is granted is a `Lease`. While a connection is leased, its holder answers for its place: closing the
connection does not free the place, and the holder may `replace` it without waiting again. `release` gives the
place back to the connection, `drop` closes it and frees the place.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from netlab.client.reasons import Opened, Reason
from netlab.client.waitqueue import WaitQueue


class Member(Protocol):
    """What a pool holds: one connection, from the wish for it to its end.

    lease: set by the pool while a request holds the connection. Closing then does not free the place.
    """

    lease: Any

    @property
    def reason(self) -> Reason | None:
        """Why it is closed; None while it is open."""

    @property
    def origin(self) -> Hashable:
        """The host that it belongs to."""

    def close(self, reason: Reason) -> None:
        """Close it now. Calls the pool's `remove` unless it is leased."""


class Books(Protocol):
    """What a connection tells its pool."""

    def put_back(self, connection: Any) -> None:
        """It is whole and free."""

    def remove(self, connection: Any, reason: Reason) -> None:
        """It is closed."""


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
    WAIT = "wait"


C = TypeVar("C", bound=Member)


class Lease(Generic[C]):
    """The right to one connection, and the duty to answer for its place. Ends with `release` or `drop`."""

    __slots__ = ("_pool", "connection")

    def __init__(self, pool: Pool[C], connection: C) -> None:
        self._pool = pool
        self.connection = connection
        connection.lease = self

    def release(self) -> None:
        """From here on the connection answers for its own place."""
        self.connection.lease = None

    def replace(self, fresh: bool = False) -> C:
        """Another connection to the same host, without waiting again. The old one leaves the books.

        fresh: open a new one, even if others are idle.
        """
        self.connection.lease = None
        self.connection = self._pool.substitute(self.connection, fresh)
        self.connection.lease = self
        return self.connection

    def drop(self, reason: Reason) -> None:
        """Close the connection and free its place. No error when the lease has ended."""
        connection = self.connection
        if connection.lease is self:
            connection.lease = None
            connection.close(reason)
            self._pool.remove(connection, connection.reason or reason)


class Waiter(Generic[C]):
    """A request in the wait queue. granted: what it got; wake: called at that moment."""

    __slots__ = ("granted", "left", "number", "origin", "wake")

    def __init__(self, origin: Hashable) -> None:
        self.origin = origin
        self.granted: Lease[C] | None = None
        self.wake: Callable[[], object] = _no_wake
        self.number = 0
        self.left = True


def _no_wake() -> None:
    """The waiter does not sleep yet."""


class Pool(Generic[C]):
    """The books. make: a new connection for an origin, not connected yet."""

    def __init__(
        self, make: Callable[[Hashable, Opened], C], limit: int = 100, limit_per_host: int = 0
    ) -> None:
        self.limit = limit
        self.limit_per_host = limit_per_host
        self.places: dict[C, Place] = {}
        self.why_opened: Counter[Opened] = Counter()
        """How many connections were opened, and why."""
        self.closed: Counter[Reason] = Counter()
        """How many connections were closed, and why."""
        self._make = make
        self._per_host: Counter[Hashable] = Counter()
        # Idle connections twice: by host, latest last (dict.popitem takes the latest), and all, oldest first.
        self._idle: dict[Hashable, dict[C, None]] = {}
        self._oldest: OrderedDict[C, None] = OrderedDict()
        self._queue: WaitQueue[Waiter[C]] = WaitQueue()

    # -- the decision: reads the books, changes nothing -----------------------------------------------------

    def decide(self, origin: Hashable) -> tuple[Verdict, C | None]:
        """What a request for this origin gets if no other waits before it."""
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

    def acquire(self, origin: Hashable) -> Lease[C] | Waiter[C]:
        """A lease of a connection (idle until now, or one to connect), or a place in the wait queue."""
        if not self._queue.length:
            granted = self._grant(origin)
            if granted is not None:
                return granted
        waiter: Waiter[C] = Waiter(origin)
        self._queue.append(waiter)
        self._grant_waiters()
        return waiter if waiter.granted is None else waiter.granted

    def cancel_wait(self, waiter: Waiter[C]) -> None:
        """Stop waiting. What was granted in the meantime goes to the next waiter."""
        self._queue.remove(waiter)
        lease, waiter.granted = waiter.granted, None
        if lease is None:
            return
        connection = lease.connection
        if self.places.get(connection) is Place.IN_USE and connection.reason is None:
            lease.release()
            self.put_back(connection)
        else:
            lease.drop(Reason.ABANDONED)

    def open_extra(self, origin: Hashable) -> Lease[C] | None:
        """A lease of a new connection for `warm_up`; None where a limit leaves no free room."""
        if self._queue.length or (self.limit and len(self.places) >= self.limit):
            return None
        if self.limit_per_host and self._per_host[origin] >= self.limit_per_host:
            return None
        return Lease(self, self._enter(origin, Opened.WARM_UP))

    def _grant(self, origin: Hashable) -> Lease[C] | None:
        verdict, connection = self.decide(origin)
        if verdict is Verdict.WAIT:
            return None
        if verdict is Verdict.REUSE:
            assert connection is not None
            self._take(connection)
            return Lease(self, connection)
        if verdict is Verdict.EVICT:
            assert connection is not None
            # Out of the books first: closing it must not look like a place that a waiter could have.
            self._forget(connection, Reason.EVICTED)
            connection.close(Reason.EVICTED)
        why = Opened.BUSY if self._per_host[origin] else Opened.FIRST
        return Lease(self, self._enter(origin, why))

    def _enter(self, origin: Hashable, why: Opened) -> C:
        self.why_opened[why] += 1
        connection = self._make(origin, why)
        self.places[connection] = Place.CONNECTING
        self._per_host[origin] += 1
        return connection

    # -- what becomes of a connection -----------------------------------------------------------------------

    def connected(self, connection: C) -> None:
        """It is connected, and its lease's holder uses it."""
        if connection in self.places:
            self.places[connection] = Place.IN_USE

    def put_back(self, connection: C) -> None:
        """It is whole and free: idle, or granted to the next waiter. No error when it is closed already."""
        if connection not in self.places:
            return
        connection.lease = None
        self.places[connection] = Place.IDLE
        self._idle.setdefault(connection.origin, {})[connection] = None
        self._oldest[connection] = None
        self._queue.unpark(connection.origin)
        self._grant_waiters()

    def remove(self, connection: C, reason: Reason) -> None:
        """It is closed; its place is free. No error when it is not in the books."""
        if connection in self.places:
            self._forget(connection, reason)
            self._queue.unpark(connection.origin)
            self._grant_waiters()

    def substitute(self, connection: C, fresh: bool) -> C:
        """For `Lease.replace`: another connection in the place of one that is closed."""
        origin, reason = connection.origin, connection.reason or Reason.BROKEN
        idle = None if fresh else self._idle.get(origin)
        self._forget(connection, reason)
        if not idle:
            return self._enter(origin, Opened.RETRY if fresh else Opened.STALE)
        other = next(reversed(idle))
        self._take(other)
        self._queue.unpark(origin)
        self._grant_waiters()
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

    def _no_longer_idle(self, connection: C) -> None:
        del self._oldest[connection]
        idle = self._idle[connection.origin]
        del idle[connection]
        if not idle:
            del self._idle[connection.origin]

    def _grant_waiters(self) -> None:
        """Grant what is free to the waiters that may have it, in their order."""
        while self._queue.length:
            waiter = self._queue.first(self._host_full)
            if waiter is None:
                return
            granted = self._grant(waiter.origin)
            if granted is None:
                return
            self._queue.remove(waiter)
            waiter.granted = granted
            waiter.wake()

    # -- what may be asked ----------------------------------------------------------------------------------

    @property
    def opened(self) -> int:
        """How many connections were ever opened."""
        return self.why_opened.total()

    def counts(self) -> dict[str, int]:
        """open, idle, in_use, connecting, waiting."""
        states = Counter(self.places.values())
        return {
            "open": len(self.places),
            "idle": states[Place.IDLE],
            "in_use": states[Place.IN_USE],
            "connecting": states[Place.CONNECTING],
            "waiting": self._queue.length,
        }

    def __repr__(self) -> str:
        now = self.counts()
        most = self.limit or "no limit"
        return (
            f"<Pool {now['open']} open of {most}: {now['idle']} idle, {now['in_use']} in use, "
            f"{now['connecting']} connecting; {now['waiting']} waiting>"
        )
