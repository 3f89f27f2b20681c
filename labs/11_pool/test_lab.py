"""The checks of lab 11: a pool that keeps its book, serves in order, and loses no place.

No socket and no waiting: the connections are fakes, and the clock moves when a test moves it. After each step
`World.check` compares the pool's book with the fakes that are really open.
"""

from __future__ import annotations

import random

import pytest
from pool_world import LIMITS, ORDER, World

CANCEL = "a cancelled request takes nothing with it"
EXPIRY = "RFC 9112 §9.5"
STALE = "RFC 9112 §9.5"
REPEAT = "RFC 9110 §9.2.2"


@pytest.fixture
def world(exercise, steps):
    return lambda **settings: World(exercise, steps, **settings)


# --- task 1: pick, then decide ------------------------------------------------------------------------


@pytest.mark.task(1, rule="LIFO: the connection used last is reused first")
def test_the_connection_that_became_idle_last_is_reused(world):
    w = world()
    w.put("a", "IDLE")
    last = w.put("a", "IDLE")
    w.put("b", "IDLE")
    w.put("a", "IN_USE")
    found = w.decision("a")
    assert found == ("REUSE", last), f"{last} became idle last of those to host a; it was {found}"


@pytest.mark.task(1, rule=LIMITS)
@pytest.mark.parametrize("place", ["CONNECTING", "IN_USE"])
def test_the_limit_counts_connections_in_every_place(world, place):
    w = world(limit=2)
    w.put("a", place)
    assert w.decision("a") == ("CONNECT", None), "one connection of two: there is room"
    w.put("b", place)
    found = w.decision("a")
    assert found == ("WAIT", None), f"two of two are {place}: a request waits, it was {found} ({LIMITS})"


@pytest.mark.task(1, rule=LIMITS)
def test_an_idle_connection_to_another_host_gives_up_its_place(world):
    w = world(limit=3)
    oldest = w.put("b", "IDLE")
    w.put("c", "IDLE")
    w.put("a", "IN_USE")
    found = w.decision("a")
    assert found == ("EVICT", oldest), f"{oldest} is idle longest and must go; it was {found}"


@pytest.mark.task(1, rule=LIMITS)
def test_a_full_host_waits_even_where_the_limit_leaves_room(world):
    w = world(limit=2, limit_per_host=1)
    w.put("a", "CONNECTING")
    assert w.decision("a") == ("WAIT", None), "host a has its one connection"
    assert w.decision("b") == ("CONNECT", None), "host b has none yet"
    w.put("b", "IDLE")
    assert w.decision("a") == ("WAIT", None), "closing an idle connection to b makes no room at host a"


@pytest.mark.task(1, rule=LIMITS)
def test_a_limit_of_zero_is_no_limit(world):
    w = world(limit=0, limit_per_host=0)
    for _ in range(150):
        w.put("a", "IN_USE")
    assert w.decision("a") == ("CONNECT", None), "limit=0 and limit_per_host=0: there is no limit"


# --- task 2: a queue in order ------------------------------------------------------------------------


@pytest.mark.task(2, rule=ORDER)
def test_waiters_are_served_in_the_order_in_which_they_came(world):
    w = world(limit=1)
    holder = w.ask(name="A")
    tickets = [w.ask(name=name) for name in "BCD"]
    w.woken.clear()
    for ticket in [holder, *tickets[:-1]]:
        w.pool.release(ticket)
        w.check()
    assert w.woken == ["B", "C", "D"], f"woken: {w.woken}; {ORDER}"
    assert len(w.fakes) == 1, "a released connection is whole: the next ticket gets it, not a new one"


@pytest.mark.task(2, rule=ORDER)
def test_a_waiter_to_a_full_host_holds_up_no_other_host(world):
    w = world(limit=2, limit_per_host=1)
    w.ask("a")
    other = w.ask("b")
    first, second = w.ask("a"), w.ask("c")
    w.pool.discard(other)
    w.check()
    assert second.connection is not None, "host c has room, and the ticket before it waits for host a alone"
    assert first.connection is None and w.pool.waiting == [first], "host a is still full"


@pytest.mark.task(2, rule=ORDER)
def test_a_new_request_does_not_overtake_the_queue(world):
    w = world(limit=1)
    holder, b = w.ask(name="A"), w.ask(name="B")
    w.pool.release(holder)
    assert b.connection is w.fakes[0], "a connection that is free goes to the queue at that moment"
    late = w.ask(name="late")
    assert late.connection is None, "B was first: the newcomer joins the queue"
    w.check()


@pytest.mark.task(2, rule=LIMITS)
def test_a_released_connection_is_idle_and_a_discarded_one_is_closed(world):
    w = world()
    first, second = w.ask(), w.ask()
    fakes = first.connection, second.connection
    w.pool.release(first)
    w.pool.discard(second)
    w.check()
    assert list(w.pool.idle.items()) == [(fakes[0], 1000.0)], "idle since the clock's time of the release"
    assert not fakes[1].is_open, "a discarded connection is closed"


@pytest.mark.task(2, rule=LIMITS)
def test_a_ticket_releases_its_connection_only_once(world):
    w = world(limit=2)
    done = w.ask()
    w.pool.release(done)
    current = w.ask()
    w.pool.release(done)
    w.pool.discard(done)
    w.check()
    assert current.connection is not None and current.connection.is_open
    assert w.pool.counts()["in_use"] == 1, "the second release of a ticket must not free another's connection"
    w.pool.discard(current)
    w.pool.discard(current)
    w.check()


@pytest.mark.task(2, rule=LIMITS)
def test_a_discarded_connection_makes_room_for_a_waiter(world):
    w = world(limit=1)
    holder, waiter = w.ask(), w.ask()
    w.pool.discard(holder)
    assert waiter.connection is w.fakes[-1] and len(w.fakes) == 2, (
        "the waiter opens a new one in the free place"
    )
    assert waiter.idle_since is None, "a new connection was never idle"
    w.check()


# --- task 3: cancel without a loss -------------------------------------------------------------------


@pytest.mark.task(3, rule=CANCEL)
def test_release_and_cancel_in_the_same_tick_do_not_starve_the_next(world):
    w = world(limit=1)
    holder, b, c = w.ask(name="A"), w.ask(name="B"), w.ask(name="C")
    w.pool.release(holder)  # B is granted the connection
    w.pool.cancel(b)  # and is cancelled before it runs
    w.check()
    assert c.connection is w.fakes[0], f"B held the grant: C must get it, or C waits for ever ({CANCEL})"
    assert b.connection is None


@pytest.mark.task(3, rule=CANCEL)
def test_two_cancelled_waiters_leak_no_place(world):
    w = world(limit=1)
    holder, b, c = w.ask(), w.ask(), w.ask()
    for ticket in (b, c, b, c):
        w.pool.cancel(ticket)
    w.pool.release(holder)
    w.check()
    assert w.pool.counts() == {"open": 1, "idle": 1, "in_use": 0, "connecting": 0, "waiting": 0}
    assert w.ask().connection is w.fakes[0], "the one place must be free"


@pytest.mark.task(3, rule=CANCEL)
def test_a_cancelled_connect_frees_its_place(world):
    w = world(limit=1)
    connecting, waiter = w.pool.acquire("a"), w.pool.acquire("a")
    w.pool.cancel(connecting)
    w.check()
    assert not w.fakes[0].is_open, "a connection that is still connecting has nothing to give: close it"
    assert waiter.connection is w.fakes[1], f"the place goes to the next ticket ({CANCEL})"


@pytest.mark.task(3, rule="RFC 9112 §9.2")
def test_a_cancelled_request_never_leaves_its_response_to_the_next(world):
    w = world(limit=1)
    sending, waiter = w.ask(), w.ask()
    sending.started = True
    w.pool.cancel(sending)
    w.check()
    assert not w.fakes[0].is_open, (
        "the response of the cancelled request still comes on this connection, and the next request would "
        "read it (RFC 9112 §9.2)"
    )
    assert waiter.connection is w.fakes[1]


@pytest.mark.task(3, rule=CANCEL)
def test_cancel_after_the_end_does_nothing(world):
    w = world(limit=1)
    done = w.ask()
    w.pool.release(done)
    current = w.ask()
    w.pool.cancel(done)
    w.check()
    assert current.connection is w.fakes[0] and w.fakes[0].is_open


def storm_step(w, chance, tickets):
    """One random step; each of them may come in any tick."""
    act = chance.choice(["ask", "ask", "release", "discard", "cancel", "cancel", "send", "connect"])
    if act == "ask" or not tickets:
        tickets.append(w.pool.acquire(chance.choice("abc")))
        return
    ticket = chance.choice(tickets)
    place = w.pool.places.get(ticket.connection)
    if act == "cancel":
        w.pool.cancel(ticket)
        tickets.remove(ticket)
    elif place is w.exercise.Place.CONNECTING and act in ("connect", "discard"):
        (w.pool.connected if act == "connect" else w.pool.discard)(ticket)
    elif place is w.exercise.Place.IN_USE and act == "send":
        ticket.started = True
    elif place is w.exercise.Place.IN_USE and act in ("release", "discard"):
        (w.pool.release if act == "release" else w.pool.discard)(ticket)
        tickets.remove(ticket)


@pytest.mark.task(3, rule=LIMITS)
def test_a_storm_of_cancellations_leaks_nothing(world, seed):
    chance = random.Random(seed)
    w, tickets = world(limit=4, limit_per_host=2), []
    w.steps.note = lambda text: None  # thousands of steps would hide the one that matters
    for _ in range(1500):
        w.now += 1
        storm_step(w, chance, tickets)
        w.check()
    for ticket in list(tickets):
        w.pool.cancel(ticket)
        w.check()
    now = w.pool.counts()
    assert now["open"] == now["idle"] and not now["waiting"], f"all tickets ended, and {now} is left"


# --- task 4: let idle connections expire -------------------------------------------------------------


@pytest.mark.task(4, rule=EXPIRY)
def test_idle_connections_are_closed_at_the_timeout_and_not_before(world):
    w = world(keepalive_timeout=30)
    first, second = w.idle(2)  # idle since 1000 and since 1001
    w.now = 1029.5
    w.pool.expire()
    assert first.is_open, "29.5 s are less than keepalive_timeout=30"
    w.now = 1030
    w.pool.expire()
    w.check()
    assert not first.is_open, "idle for 30 s: keepalive_timeout=30 is reached"
    assert second.is_open, "the second one is idle for 29 s"


@pytest.mark.task(4, rule=EXPIRY)
def test_expire_tells_when_the_next_connection_is_due(world):
    w = world(keepalive_timeout=30)
    assert w.pool.expire() is None, "none is idle: no timer is needed"
    w.idle(2)
    w.now = 1010
    assert w.pool.expire() == 20, "the first one is idle since 1000 and due at 1030"
    w.now = 1030
    assert w.pool.expire() == 1, "the first one is closed; the second is due at 1031"


@pytest.mark.task(4, rule=EXPIRY)
def test_a_connection_in_use_never_expires(world):
    w = world(keepalive_timeout=30)
    ticket = w.ask()
    w.idle(1)
    w.now = 2000
    w.pool.expire()
    w.check()
    assert ticket.connection.is_open, "a slow response is not idleness"
    w.pool.release(ticket)
    assert w.pool.expire() == 30, "idleness begins with the release"


# --- task 5: notice a stale connection ---------------------------------------------------------------


@pytest.mark.task(5, rule=STALE)
def test_stale_connections_are_dropped_until_one_is_usable(world):
    w = world(limit=3)
    fit, *stale = w.idle(3)
    for fake in stale:
        fake.readable = True
    ticket = w.ask()
    assert w.pool.checked(ticket) is fit, "the two used last are closed by the server; the third is fit"
    w.check()
    assert [fake.is_open for fake in stale] == [False, False], "a stale connection is closed"


@pytest.mark.task(5, rule=STALE)
def test_without_a_usable_connection_a_new_one_is_opened_in_the_same_place(world):
    w = world(limit=1)
    (stale,) = w.idle(1)
    stale.readable = True
    ticket, waiter = w.ask(), w.ask()
    assert w.pool.checked(ticket) is w.fakes[1], "a new connection in the place of the stale one"
    w.check()
    assert ticket.idle_since is None and w.pool.counts()["connecting"] == 1
    assert waiter.connection is None, "the place belongs to the first ticket: the waiter must not get it"


@pytest.mark.task(5, rule=EXPIRY)
def test_a_connection_past_its_timeout_is_not_used_although_no_timer_ran(world):
    w = world(keepalive_timeout=30)
    (old,) = w.idle(1)
    w.now = 1030
    chosen = w.pool.checked(w.ask())
    assert len(w.fakes) == 2 and chosen is w.fakes[1], (
        "this connection was idle for 30 s, although expire was not called: open another one"
    )
    assert not old.is_open
    w.check()


@pytest.mark.task(5, rule=STALE)
def test_a_new_connection_is_used_as_it_is(world):
    w = world()
    ticket = w.pool.acquire("a")
    w.fakes[0].readable = True  # a server that speaks first, for instance
    assert w.pool.checked(ticket) is w.fakes[0], "only a reused connection is checked"
    assert len(w.fakes) == 1


# --- task 6: repeat only where it is safe ------------------------------------------------------------


@pytest.mark.task(6, rule=REPEAT)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])
def test_an_idempotent_request_may_be_repeated(exercise, method):
    assert exercise.may_repeat(method, True, 100, 0) is True, f"{method} is idempotent ({REPEAT})"


@pytest.mark.task(6, rule=REPEAT)
@pytest.mark.parametrize("method", ["POST", "PATCH", "CONNECT", "BREW", "get"])
def test_any_other_request_is_never_repeated_once_a_byte_was_sent(exercise, method):
    found = exercise.may_repeat(method, True, 1, 0)
    assert found is False, (
        f"the server may have carried {method} out: a second one could do it twice ({REPEAT})"
    )


@pytest.mark.task(6, rule=REPEAT)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_of_which_nothing_was_sent_may_be_repeated(exercise, method):
    assert exercise.may_repeat(method, True, 0, 0) is True, "no byte went out: the server carried out nothing"


@pytest.mark.task(6, rule=REPEAT)
def test_no_request_is_repeated_once_a_byte_of_its_response_came(exercise):
    assert exercise.may_repeat("GET", True, 100, 1) is False, (
        "the response has begun: the server had the request"
    )


@pytest.mark.task(6, rule=REPEAT)
@pytest.mark.parametrize("sent", [0, 100])
def test_a_failure_of_a_new_connection_is_reported_and_not_repeated(exercise, sent):
    found = exercise.may_repeat("GET", False, sent, 0)
    assert found is False, (
        "a new connection was not closed by an idle timeout: a retry would only hide the fault"
    )


@pytest.mark.task(6, rule=REPEAT)
def test_the_second_attempt_goes_over_a_new_connection_and_is_the_last(world):
    w = world(limit=3)
    w.idle(2)
    ticket = w.ask()
    ticket.started = True
    connection = w.pool.repeat(ticket, "GET", 100, 0)
    assert len(w.fakes) == 3 and connection is w.fakes[2], (
        "repeat over a new connection: the server may have closed the other idle one, too"
    )
    assert ticket.started is False, "on the new connection no byte was written yet"
    w.check()
    w.pool.connected(ticket)
    assert w.pool.repeat(ticket, "GET", 100, 0) is None, "the second attempt is the last"
    w.check()


@pytest.mark.task(6, rule=REPEAT)
def test_a_post_that_may_not_be_repeated_frees_its_place(world):
    w = world(limit=1)
    w.idle(1)
    ticket, waiter = w.ask(), w.ask()
    assert w.pool.repeat(ticket, "POST", 100, 0) is None, f"POST is not idempotent ({REPEAT})"
    w.check()
    assert not w.fakes[0].is_open and waiter.connection is w.fakes[1], "the place goes to the waiter"
