"""A pool of persistent connections: which request gets which connection, and when. No socket, no event loop.

    request ──acquire──▶ decide ── REUSE ────▶ an idle connection to that host, the one used last
                            ├───── CONNECT ──▶ a new one: the limits leave room
                            ├───── EVICT ────▶ a new one, after the pool closed an idle one
                            └───── WAIT ─────▶ the wait queue, first come, first served

The pool keeps one book, `places`: every connection from the call of `connect` to its close, and what it is
doing. So at every moment

    open == idle + in use + connecting        and, with a limit, open <= limit

The pool is given what it cannot do itself: `connect`, `close`, `stale` and `clock`. The tests give it fakes,
`measure.py` gives it real sockets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

Connection = Any
"""What `connect` returns. The pool only stores it, compares it and hands it out."""


class Place(Enum):
    """What an open connection is doing."""

    CONNECTING = "connecting"
    IN_USE = "in use"
    IDLE = "idle"


class Decision(Enum):
    """What the pool does for a request."""

    REUSE = "take this idle connection"
    CONNECT = "open a new connection"
    EVICT = "close this idle connection, then open a new one"
    WAIT = "wait"


@dataclass(eq=False)
class Ticket:
    """One request's place in the pool, from `acquire` to `release` or `discard`.

    connection: set by the pool when it grants one; None while the request waits. idle_since: since when the
    granted connection was idle, in seconds of the clock; None if it is new. started: set by the caller when
    it writes the first byte of a request. wake: called by the pool at the moment of the grant.
    """

    host: str
    wake: Callable[[], object] = lambda: None
    connection: Connection | None = None
    idle_since: float | None = None
    started: bool = False


# RFC 9110 §9.2.2: the safe methods, PUT and DELETE. Method names are case-sensitive (§9.1).
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})


def may_repeat(method: str, reused: bool, sent: int, received: int) -> bool:
    """May the client send this request once more after its connection was closed? RFC 9110 §9.2.2

    reused: had the connection carried a request before? sent, received: bytes of this request that went out,
    bytes of its response that came. In this order: never after a byte of the response; never if the
    connection was new (then the server does not answer, and no race explains it); always if no byte was sent;
    otherwise only an idempotent method.
    """
    # >>> task 6: repeat only where it is safe
    if received or not reused:
        return False
    return sent == 0 or method in IDEMPOTENT
    # <<< task 6


class Pool:
    """Connections to several hosts, with a limit over all and a limit for each host.

    connect(host): starts a new connection and returns it at once. close(connection): closes it.
    stale(connection): has an idle connection become readable? Then the server closed it or broke the
    protocol, and it is of no use. clock: seconds. limit, limit_per_host: connections; 0 is no limit.
    keepalive_timeout: seconds that a connection may be idle.
    """

    def __init__(
        self,
        connect: Callable[[str], Connection],
        close: Callable[[Connection], object],
        *,
        stale: Callable[[Connection], bool] = lambda connection: False,
        clock: Callable[[], float] = time.monotonic,
        limit: int = 100,
        limit_per_host: int = 0,
        keepalive_timeout: float = 30.0,
    ) -> None:
        self.connect, self.close, self.stale, self.clock = connect, close, stale, clock
        self.limit, self.limit_per_host = limit, limit_per_host
        self.keepalive_timeout = keepalive_timeout
        self.places: dict[Connection, Place] = {}
        self.hosts: dict[Connection, str] = {}
        """The host of every connection in `places`."""
        self.idle: dict[Connection, float] = {}
        """Idle connections and since when, the longest idle first (a dict keeps the order of entry)."""
        self.waiting: list[Ticket] = []
        """Requests without a connection, the first come first."""

    def counts(self) -> dict[str, int]:
        """open, idle, in_use, connecting, waiting."""
        states = list(self.places.values())
        return {
            "open": len(states),
            "idle": states.count(Place.IDLE),
            "in_use": states.count(Place.IN_USE),
            "connecting": states.count(Place.CONNECTING),
            "waiting": len(self.waiting),
        }

    # -- given: the entries in the book, each in one place -------------------------------------------------

    def acquire(self, host: str, wake: Callable[[], object] = lambda: None) -> Ticket:
        """Ask for a connection. If the ticket has none yet, the pool grants it later and calls `wake`."""
        ticket = Ticket(host, wake)
        self.waiting.append(ticket)
        self.serve()
        return ticket

    def grant(self, ticket: Ticket) -> bool:
        """Carry out what `decide` says for this ticket. False: it must wait."""
        decision, connection = self.decide(ticket.host)
        if decision is Decision.WAIT:
            return False
        if decision is Decision.REUSE:
            self.take(ticket, connection)
            return True
        if decision is Decision.EVICT:
            self.forget(connection)
            self.close(connection)
        self.open(ticket)
        return True

    def take(self, ticket: Ticket, connection: Connection) -> None:
        """Give an idle connection to a ticket."""
        ticket.connection, ticket.idle_since = connection, self.idle.pop(connection)
        self.places[connection] = Place.IN_USE

    def open(self, ticket: Ticket) -> None:
        """Give a new connection to a ticket."""
        ticket.connection, ticket.idle_since = self.connect(ticket.host), None
        self.places[ticket.connection] = Place.CONNECTING
        self.hosts[ticket.connection] = ticket.host

    def connected(self, ticket: Ticket) -> None:
        """The ticket's new connection is connected."""
        self.places[ticket.connection] = Place.IN_USE

    def forget(self, connection: Connection) -> None:
        """Take a connection out of the book."""
        del self.places[connection], self.hosts[connection]
        self.idle.pop(connection, None)

    # -- yours ---------------------------------------------------------------------------------------------

    def pick(self, host: str) -> Connection | None:
        """The idle connection to this host that became idle last, or None."""
        # >>> task 1: pick, then decide
        return next((c for c in reversed(self.idle) if self.hosts[c] == host), None)
        # <<< task 1

    def decide(self, host: str) -> tuple[Decision, Connection | None]:
        """What a request to this host gets now. Reads the book and changes nothing.

        In this order: REUSE what `pick` finds; WAIT if the host has all connections that limit_per_host
        allows; CONNECT if the limit leaves room; EVICT the connection that is idle longest; else WAIT. A
        limit counts every connection in the book, whatever it is doing. The connection goes with REUSE and
        EVICT.
        """
        # >>> task 1: decide
        connection = self.pick(host)
        if connection is not None:
            return Decision.REUSE, connection
        to_host = sum(1 for other in self.hosts.values() if other == host)
        if self.limit_per_host and to_host >= self.limit_per_host:
            return Decision.WAIT, None
        if not self.limit or len(self.places) < self.limit:
            return Decision.CONNECT, None
        if self.idle:
            return Decision.EVICT, next(iter(self.idle))
        return Decision.WAIT, None
        # <<< task 1

    def serve(self) -> None:
        """Grant what is free to the tickets in the queue, the first come first.

        A granted ticket leaves the queue, and then its `wake` is called. A ticket that waits because its host
        is full must not hold up a later one to another host.
        """
        # >>> task 2: a queue in order
        for ticket in list(self.waiting):
            if self.grant(ticket):
                self.waiting.remove(ticket)
                ticket.wake()
        # <<< task 2

    def release(self, ticket: Ticket) -> None:
        """The response is complete and the connection may be used again: it is idle from now on, then serve.

        The ticket gives its connection up: a second release, discard or cancel of it does nothing.
        """
        # >>> task 2: give a connection back
        connection, ticket.connection = ticket.connection, None
        if connection is None:
            return
        self.places[connection] = Place.IDLE
        self.idle[connection] = self.clock()
        self.serve()
        # <<< task 2

    def discard(self, ticket: Ticket) -> None:
        """The connection is of no more use: close it and free its place, then serve.

        A second call does nothing.
        """
        # >>> task 2: close a connection
        connection, ticket.connection = ticket.connection, None
        if connection is None:
            return
        self.forget(connection)
        self.close(connection)
        self.serve()
        # <<< task 2

    def cancel(self, ticket: Ticket) -> None:
        """The request is cancelled, at any moment. Whatever it held goes on to the next ticket.

        A ticket that waits leaves the queue. A granted connection goes back to the pool if it is connected
        and no byte of a request was written to it (`started`); otherwise it is discarded. A second call does
        nothing.
        """
        # >>> task 3: cancel without a loss
        if ticket in self.waiting:
            self.waiting.remove(ticket)
        if ticket.connection is None:
            return
        if self.places[ticket.connection] is Place.IN_USE and not ticket.started:
            self.release(ticket)
        else:
            self.discard(ticket)
        # <<< task 3

    def expire(self) -> float | None:
        """Close every connection that was idle for keepalive_timeout or longer.

        Returns the seconds until the next one is due, or None if none is idle. The caller sets its timer.
        """
        # >>> task 4: let idle connections expire
        now = self.clock()
        for connection, since in list(self.idle.items()):
            if now - since < self.keepalive_timeout:
                break
            self.forget(connection)
            self.close(connection)
        return next((since + self.keepalive_timeout - now for since in self.idle.values()), None)
        # <<< task 4

    def checked(self, ticket: Ticket) -> Connection:
        """The ticket's connection, fit for use: call it just before sending.

        A new connection is fit. A reused one is not if it is stale, or if it had been idle for
        keepalive_timeout or longer: then it is replaced, as often as needed.
        """
        # >>> task 5: notice a stale connection
        while ticket.idle_since is not None and (
            self.stale(ticket.connection) or self.clock() - ticket.idle_since >= self.keepalive_timeout
        ):
            self.replace(ticket)
        return ticket.connection
        # <<< task 5

    def replace(self, ticket: Ticket, fresh: bool = False) -> None:
        """Close the ticket's connection and give the ticket another one to its host in the same place.

        The ticket does not wait again. It gets what `pick` finds, or a new connection. fresh: always a new
        one. The queue needs no service here: as long as a connection is idle, no ticket waits for a place.
        """
        # >>> task 5: replace it in its place
        self.forget(ticket.connection)
        self.close(ticket.connection)
        other = None if fresh else self.pick(ticket.host)
        if other is None:
            self.open(ticket)
        else:
            self.take(ticket, other)
        # <<< task 5

    def repeat(self, ticket: Ticket, method: str, sent: int, received: int) -> Connection | None:
        """The ticket's connection was closed under a request. A new connection for a second attempt, or None.

        None: the request may not be repeated; the connection is discarded, and the caller reports the error.
        The second attempt goes over a new connection, even if others are idle: the server may have closed
        them, too. So a request is sent twice at the most.
        """
        # >>> task 6: try again over a new connection
        if not may_repeat(method, ticket.idle_since is not None, sent, received):
            self.discard(ticket)
            return None
        self.replace(ticket, fresh=True)
        ticket.started = False
        return ticket.connection
        # <<< task 6
