"""The wait queue against the plainest model there is: a list that is searched from its front."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from netlab.client.pool import Lease, Pool
from netlab.client.waitqueue import WaitQueue
from tests.client.test_pool import Fake


@dataclass
class Queued:
    origin: str
    number: int = 0
    left: bool = True


# Each step: a waiter joins for a host, the n-th leaves, a host frees or fills a place, the first is served.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.sampled_from("abc")),
        st.tuples(st.just("leave"), st.integers(0, 30)),
        st.tuples(st.just("free"), st.sampled_from("abc")),
        st.tuples(st.just("serve"), st.none()),
    ),
    max_size=120,
)


# The candidate leaves before it is served, while another of its host is parked.
@example([("join", "a"), ("join", "a"), ("serve", None), ("free", "a"), ("leave", 0), ("serve", None)])
@given(STEPS)
@settings(max_examples=100)
def test_the_wait_queue_serves_as_a_searched_list_would(steps: list[tuple[str, object]]) -> None:
    queue: WaitQueue[Queued] = WaitQueue()
    model: list[Queued] = []
    free = dict.fromkeys("abc", 0)  # places that a host has left
    for what, value in steps:
        if what == "join":
            someone = Queued(str(value))
            queue.append(someone)
            model.append(someone)
        elif what == "leave" and model:
            queue.remove(model.pop(int(str(value)) % len(model)))
        elif what == "free":
            free[str(value)] += 1
            queue.unpark(str(value))
        elif what == "serve":
            expected = next((waiter for waiter in model if free[waiter.origin]), None)
            first = queue.first(lambda origin: not free[str(origin)])
            assert first is expected
            if first is not None:
                free[first.origin] -= 1
                queue.remove(first)
                model.remove(first)
        assert queue.length == len(model)


def test_cancelled_waiters_are_not_kept() -> None:
    queue: WaitQueue[Queued] = WaitQueue()
    stays = Queued("a")
    queue.append(stays)
    for _ in range(10_000):
        someone = Queued("a")
        queue.append(someone)
        queue.remove(someone)
        queue.remove(someone)
    assert queue.length == 1
    assert len(queue._front) < 100
    assert queue.first(lambda origin: False) is stays


def test_a_full_host_is_not_looked_at_again_and_again() -> None:
    """A release costs the logarithm of the queue, though a thousand wait before the waiter that may go."""
    queue: WaitQueue[Queued] = WaitQueue()
    for origin in ["full"] * 1000 + ["b"] * 1000:
        queue.append(Queued(origin))
    asked = []

    def full(origin: object) -> bool:
        asked.append(origin)
        return origin == "full"

    for _ in range(1000):
        first = queue.first(full)
        assert first is not None and first.origin == "b"
        queue.remove(first)
    assert len(asked) == 2000  # each of the full host once, each served once
    assert queue.first(full) is None
    queue.unpark("full")
    first = queue.first(lambda origin: False)
    assert first is not None and first.number == 0


def test_a_checkout_costs_the_same_behind_ten_thousand_waiters() -> None:
    """Counted in calls, which no other load on the machine changes."""

    def calls_of_a_checkout(waiters: int) -> int:
        pool: Pool[Fake] = Pool(lambda origin, why: Fake(pool, str(origin)), limit=1)
        lease = pool.acquire("a")
        assert isinstance(lease, Lease)
        pool.connected(lease.connection)
        for _ in range(waiters):
            pool.acquire("a")
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1

        sys.setprofile(count)
        for _ in range(10):
            pool.put_back(lease.connection)
        sys.setprofile(None)
        return calls

    assert calls_of_a_checkout(10_000) == calls_of_a_checkout(100)
