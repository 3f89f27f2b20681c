"""The pool's books alone, without socket or event loop: what is asked, granted, given back, and when."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from netlab.client.pool import Lease, Place, Pool, Verdict, Waiter
from netlab.client.reasons import Reason


class Fake:
    """A connection that only knows whether it is closed."""

    def __init__(self, pool: Pool[Fake], origin: str) -> None:
        self._pool = pool
        self.origin = origin
        self.reason: Reason | None = None
        self.lease: Any = None

    def close(self, reason: Reason) -> None:
        if self.reason is None:
            self.reason = reason
            if self.lease is None:
                self._pool.remove(self, reason)


def make(limit: int = 2, per_host: int = 0) -> Pool[Fake]:
    pool: Pool[Fake] = Pool(lambda origin, why: Fake(pool, str(origin)), limit, per_host)
    return pool


def got(answer: Lease[Fake] | Waiter[Fake]) -> Fake:
    assert isinstance(answer, Lease)
    return answer.connection


def granted(waiter: Waiter[Fake]) -> Fake | None:
    return None if waiter.granted is None else waiter.granted.connection


def waiting(answer: Lease[Fake] | Waiter[Fake]) -> Waiter[Fake]:
    assert isinstance(answer, Waiter)
    return answer


def connect(pool: Pool[Fake], origin: str) -> Fake:
    connection = got(pool.acquire(origin))
    pool.connected(connection)
    return connection


def test_the_four_decisions() -> None:
    pool = make(limit=2)
    assert pool.decide("a") == (Verdict.CONNECT, None)
    first, second = connect(pool, "a"), connect(pool, "b")
    assert pool.decide("a") == (Verdict.WAIT, None)
    pool.put_back(second)
    assert pool.decide("b") == (Verdict.REUSE, second)
    assert pool.decide("a") == (Verdict.EVICT, second)
    assert repr(pool) == "<Pool 2 open of 2: 1 idle, 1 in use, 0 connecting; 0 waiting>"
    assert got(pool.acquire("c")).origin == "c"
    assert second.reason is Reason.EVICTED
    assert pool.counts() == {"open": 2, "idle": 0, "in_use": 1, "connecting": 1, "waiting": 0}
    assert first.reason is None


def test_the_latest_idle_connection_is_used_again_first() -> None:
    pool = make(limit=0)
    connections = [connect(pool, "a") for _ in range(3)]
    for connection in connections:
        pool.put_back(connection)
    assert [got(pool.acquire("a")) for _ in range(3)] == connections[::-1]


def test_the_oldest_idle_connection_of_other_hosts_is_evicted() -> None:
    pool = make(limit=3)
    b, a, c = connect(pool, "b"), connect(pool, "a"), connect(pool, "c")
    for connection in (a, b, c):
        pool.put_back(connection)
    pool.acquire("d")
    assert (a.reason, b.reason, c.reason) == (Reason.EVICTED, None, None)
    assert pool.closed == {Reason.EVICTED: 1}


def test_waiters_are_served_in_their_order_across_hosts() -> None:
    pool = make(limit=1)
    held = connect(pool, "a")
    line = [waiting(pool.acquire(origin)) for origin in ("b", "a", "b")]
    pool.put_back(held)
    assert held.reason is Reason.EVICTED  # though the second in line could have used it
    served = [index for index, waiter in enumerate(line) if waiter.granted]
    assert served == [0]
    first = granted(line[0])
    assert first is not None and first.origin == "b"
    pool.connected(first)
    pool.put_back(first)
    second = granted(line[1])
    assert second is not None and second.origin == "a"


def test_no_request_overtakes_the_wait_queue() -> None:
    pool = make(limit=1)
    held = connect(pool, "a")
    early = waiting(pool.acquire("a"))
    late = waiting(pool.acquire("a"))
    pool.put_back(held)
    assert granted(early) is held
    assert granted(late) is None
    assert isinstance(pool.acquire("a"), Waiter)


def test_a_full_host_does_not_hold_up_the_others() -> None:
    pool = make(limit=10, per_host=1)
    held = connect(pool, "a")
    blocked = waiting(pool.acquire("a"))
    assert got(pool.acquire("b")).origin == "b"
    assert granted(blocked) is None
    pool.put_back(held)
    assert granted(blocked) is held


def test_limit_per_host_and_limit_hold_together() -> None:
    pool = make(limit=3, per_host=2)
    a = [connect(pool, "a") for _ in range(2)]
    third = waiting(pool.acquire("a"))
    b = connect(pool, "b")
    c = waiting(pool.acquire("c"))
    pool.put_back(b)
    assert (its := granted(c)) is not None and its.origin == "c" and b.reason is Reason.EVICTED
    assert granted(third) is None
    a[0].lease.release()
    a[0].close(Reason.BROKEN)
    assert (its := granted(third)) is not None and pool.places[its] is Place.CONNECTING
    assert pool.counts()["open"] == 3


def test_a_grant_that_is_cancelled_goes_to_the_next_waiter() -> None:
    """The lost wake-up: release and cancel in the same turn must not starve the next waiter."""
    pool = make(limit=1)
    held = connect(pool, "a")
    second, third = waiting(pool.acquire("a")), waiting(pool.acquire("a"))
    woken = []
    third.wake = lambda: woken.append("third")
    pool.put_back(held)
    assert granted(second) is held
    pool.cancel_wait(second)
    assert granted(third) is held
    assert woken == ["third"]


def test_a_granted_connection_that_died_keeps_its_place_until_its_holder_notices() -> None:
    pool = make(limit=1)
    held = connect(pool, "a")
    second = waiting(pool.acquire("a"))
    pool.put_back(held)
    held.close(Reason.SERVER_CLOSED)
    assert pool.places == {held: Place.IN_USE}
    replacement = held.lease.replace()
    assert pool.places == {replacement: Place.CONNECTING}
    assert granted(second) is replacement
    assert pool.closed == {Reason.SERVER_CLOSED: 1}


def test_a_granted_connection_that_died_frees_its_place_when_its_holder_gave_up() -> None:
    pool = make(limit=1)
    held = connect(pool, "a")
    second, third = waiting(pool.acquire("a")), waiting(pool.acquire("a"))
    pool.put_back(held)
    held.close(Reason.SERVER_CLOSED)
    pool.cancel_wait(second)
    assert held not in pool.places
    assert (its := granted(third)) is not None and pool.places == {its: Place.CONNECTING}


def test_replace_takes_an_idle_connection_unless_a_fresh_one_is_wanted() -> None:
    pool = make(limit=3)
    a, b, c = (connect(pool, "a") for _ in range(3))
    pool.put_back(b)
    pool.put_back(c)
    lease = a.lease
    assert lease.replace() is c
    fresh = lease.replace(fresh=True)
    assert pool.places[fresh] is Place.CONNECTING
    assert pool.counts() == {"open": 2, "idle": 1, "in_use": 0, "connecting": 1, "waiting": 0}


@pytest.mark.parametrize("limit, per_host", [(1, 0), (3, 0), (4, 1), (5, 2), (0, 2), (0, 0)])
@pytest.mark.parametrize("seed", range(3))
def test_the_books_balance_whatever_happens(limit: int, per_host: int, seed: int) -> None:
    chance = random.Random(seed * 1000 + limit * 10 + per_host)
    pool = make(limit, per_host)
    waiters: list[Waiter[Fake]] = []
    holders: list[Fake] = []
    for _ in range(1500):
        for waiter in [waiter for waiter in waiters if waiter.granted and chance.random() < 0.7]:
            waiters.remove(waiter)
            connection = granted(waiter)
            assert connection is not None
            holders.append(connection)
        roll = chance.random()
        if roll < 0.4:
            answer = pool.acquire(chance.choice("abcd"))
            if isinstance(answer, Waiter):
                waiters.append(answer)
            else:
                holders.append(answer.connection)
        elif roll < 0.55 and waiters:
            pool.cancel_wait(waiters.pop(chance.randrange(len(waiters))))
        elif roll < 0.65 and pool.places:
            # Any connection may die at any moment, leased or not.
            chance.choice(list(pool.places)).close(Reason.BROKEN)
        elif holders:
            connection = holders.pop(chance.randrange(len(holders)))
            if connection.reason is not None and chance.random() < 0.5:
                holders.append(connection.lease.replace())
            elif connection.reason is not None:
                connection.lease.drop(Reason.ABANDONED)
            elif pool.places[connection] is Place.CONNECTING and chance.random() < 0.5:
                pool.connected(connection)
                holders.append(connection)
            else:
                pool.connected(connection)
                pool.put_back(connection)
        check(pool, waiters, holders, limit, per_host)


def check(
    pool: Pool[Fake], waiters: list[Waiter[Fake]], holders: list[Fake], limit: int, per_host: int
) -> None:
    now = pool.counts()
    assert now["open"] == now["idle"] + now["in_use"] + now["connecting"]
    assert not limit or now["open"] <= limit
    hosts = Counter(connection.origin for connection in pool.places)
    assert not per_host or max(hosts.values(), default=0) <= per_host
    served = [waiter.granted.connection for waiter in waiters if waiter.granted]
    assert now["waiting"] == len(waiters) - len(served)
    # Every place that is not idle has exactly one holder that answers for it.
    busy = [connection for connection, place in pool.places.items() if place is not Place.IDLE]
    assert sorted(map(id, busy)) == sorted(map(id, [*holders, *served]))
    # No waiter waits for what is there.
    for waiter in waiters:
        if not waiter.granted:
            assert pool.decide(waiter.origin)[0] is Verdict.WAIT
