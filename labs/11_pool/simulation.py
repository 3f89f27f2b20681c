"""The pool under measure on a clock of its own: hours of traffic in a second. No socket.

`waits` is a queue with Poisson arrivals and exponential service (M/M/c), `erlang_c` the formula for it
(A. K. Erlang, 1917). `reuse_share` and `open_over_time` are what keepalive_timeout and LIFO decide.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
from collections.abc import Callable
from itertools import accumulate, count
from types import ModuleType
from typing import Any

HOST = "host"
Draw = tuple[float, float]  # arrival and service, in seconds


class Agenda:
    """A clock that jumps from one event to the next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, moment: float, event: Callable[[], None]) -> None:
        """Call event at that moment."""
        heapq.heappush(self._events, (moment, next(self._order), event))

    def run(self) -> None:
        """Until no event is left."""
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()


def draws(load: float, service: float, requests: int, seed: int) -> list[Draw]:
    """Random requests. load: connections that are busy on average; service: seconds on average.

    Both times are scaled so that their means are exact: near a full pool, 1 % of load is 10 % of waiting.
    """
    chance = random.Random(seed)
    gaps = [chance.expovariate(1) for _ in range(requests)]
    services = [chance.expovariate(1) for _ in range(requests)]
    gap, mean = service / load / statistics.fmean(gaps), service / statistics.fmean(services)
    arrivals = accumulate(each * gap for each in gaps)
    return [(arrival, each * mean) for arrival, each in zip(arrivals, services, strict=True)]


def waits(code: ModuleType, size: int, requests: list[Draw]) -> list[float]:
    """Seconds that each request waits for a connection of a pool of that size, in the order of the grants."""
    agenda, found = Agenda(), []
    pool = code.Pool(
        lambda host: object(),
        lambda c: None,
        clock=lambda: agenda.now,
        limit=size,
        keepalive_timeout=math.inf,
    )

    def arrive(service: float) -> None:
        born, tickets = agenda.now, []

        def start() -> None:
            if not tickets:
                return  # granted within acquire: it starts below
            ticket = tickets[0]
            if ticket.idle_since is None:
                pool.connected(ticket)
            found.append(agenda.now - born)
            agenda.at(agenda.now + service, lambda: pool.release(ticket))

        tickets.append(pool.acquire(HOST, start))
        if tickets[0].connection is not None:
            start()

    for moment, service in requests:
        agenda.at(moment, lambda service=service: arrive(service))  # type: ignore[misc]
    agenda.run()
    return found


def erlang_c(size: int, load: float, service: float) -> float:
    """Seconds that a request waits on average in M/M/c; load < size."""
    blocked = 1.0
    for servers in range(1, size + 1):
        blocked = load * blocked / (servers + load * blocked)
    delayed = blocked / (1 - load / size * (1 - blocked))
    return delayed * service / (size - load)


def reuse_share(
    code: ModuleType, timeout: float, server_timeout: float, gap: float, requests: int, seed: int
) -> float:
    """The share of requests that find an open connection. gap: seconds between two, on average."""
    chance, now, opened = random.Random(seed), 0.0, 0
    last = 0.0

    def connect(host: str) -> object:
        nonlocal opened
        opened += 1
        return object()

    pool = code.Pool(
        connect,
        lambda connection: None,
        stale=lambda connection: now - last >= server_timeout,
        clock=lambda: now,
        keepalive_timeout=timeout,
    )
    for _ in range(requests):
        ticket = pool.acquire(HOST)
        pool.checked(ticket)
        if ticket.idle_since is None:
            pool.connected(ticket)
        pool.release(ticket)
        last = now
        now += chance.expovariate(1 / gap)
    return 1 - (opened - 1) / (requests - 1)


def expected_reuse(timeout: float, server_timeout: float, gap: float) -> float:
    """The same by the formula: a gap is shorter than both timeouts."""
    return 1 - math.exp(-min(timeout, server_timeout) / gap)


def open_over_time(
    code: ModuleType, fifo: bool, burst: int, timeout: float, seconds: int
) -> list[tuple[int, int]]:
    """(second, open connections) after a burst, with one short request a second."""
    now = 0.0
    kind: Any = code.Pool
    if fifo:

        class FirstInFirstOut(code.Pool):  # type: ignore[name-defined, misc]
            def pick(self, host: str) -> Any:
                """The connection that is idle longest."""
                return next((c for c in self.idle if self.hosts[c] == host), None)

        kind = FirstInFirstOut
    pool = kind(lambda host: object(), lambda c: None, clock=lambda: now, keepalive_timeout=timeout)
    tickets = [pool.acquire(HOST) for _ in range(burst)]
    for ticket in tickets:
        pool.connected(ticket)
        pool.release(ticket)
    found = []
    for second in range(seconds + 1):
        now = float(second)
        pool.expire()
        found.append((second, pool.counts()["open"]))
        ticket = pool.acquire(HOST)
        if ticket.idle_since is None:
            pool.connected(ticket)
        pool.release(ticket)
    return found
