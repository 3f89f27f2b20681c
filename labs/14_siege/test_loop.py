"""The checks of lab 14, tasks 5 to 7: room for clients, an end without a loss, the loop.

The last task runs the loop over real sockets of this machine, one turn at a time, in the thread of the test:
nothing happens but what the test lets happen.
"""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

import pytest
from siege_field import Doorman, Field, Waiting, said
from siege_loop import unconfirmed

from labs.runner.checks import table

LATE = "RFC 9110 §15.5.9"
TEARDOWN = "RFC 9112 §9.6"
TIMEOUTS = "RFC 9112 §9.5"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


# --- task 5: keep room, and wait for it ---------------------------------------------------------------


@pytest.mark.task(5, rule="getrlimit(2)")
@table(
    "descriptors, room",
    (1024, 960),
    (20_000, 19_936),
    (128, 64),
    (127, 64),
    (64, 32),
    (20, 10),
    (2, 1),
    (1, 1),
)
def test_every_limit_of_descriptors_leaves_a_reserve_and_some_connections(exercise, descriptors, room):
    found = exercise.Gate.room_for(descriptors, 64)
    assert found == room, f"{descriptors} descriptors less a reserve of 64, at most half: {room}, not {found}"


@pytest.mark.task(5, rule="getrlimit(2)")
def test_a_full_gate_opens_when_a_connection_closes(exercise, steps):
    gate = exercise.Gate(4, reserve=2)
    for _ in range(2):
        assert gate.listening(0), "there is room for two"
        gate.opened()
    assert not gate.listening(0), "two of two are open: the listener must wait"
    gate.closed()
    assert gate.listening(0), "one has left: another may come"
    gate.opened()
    assert not gate.listening(1e9), "and time alone makes no room"


@pytest.mark.task(5, rule="accept(2)")
@table("number", errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
def test_the_loop_pauses_when_no_descriptor_is_free(exercise, number):
    gate = exercise.Gate(100, reserve=0, pause=2.0)
    gate.failed(OSError(number, "used up"), now=50.0)
    assert not gate.listening(51.9), (
        "after EMFILE, accept must not be called again at once: it would fail again"
    )
    assert gate.listening(52.0), "a pause ends by itself: there may be no connection whose close could end it"


@pytest.mark.task(5, rule="accept(2)")
def test_a_connection_that_closes_ends_the_pause(exercise):
    gate = exercise.Gate(100, reserve=0, pause=2.0)
    gate.opened()
    gate.failed(OSError(errno.EMFILE, "used up"), now=50.0)
    gate.closed()
    assert gate.listening(50.1), "a descriptor is free: there is no reason to wait for the end of the pause"


@pytest.mark.task(5, rule="accept(2)")
def test_the_loop_does_not_pause_when_a_client_left_before_the_accept(exercise):
    gate = exercise.Gate(100)
    gate.failed(OSError(errno.ECONNABORTED, "gone"), now=50.0)
    assert gate.listening(50.0), "ECONNABORTED concerns that client alone"


@pytest.mark.task(5, rule="accept(2)")
def test_an_unexpected_error_is_not_swallowed(exercise):
    with pytest.raises(OSError) as raised:
        exercise.Gate(100).failed(OSError(errno.EBADF, "no socket"), now=50.0)
    assert raised.value.errno == errno.EBADF, "EBADF is a fault of the program: raise it"


@pytest.mark.task(5, rule="accept(2)")
def test_waiting_clients_are_accepted_in_batches_and_others_have_their_turn(exercise):
    loop = Doorman(exercise, Waiting("a", OSError(errno.ECONNABORTED, "gone"), "b", "c"), room=10)
    exercise.accept(loop)
    assert loop.let_in == ["a", "b", "c"], "each client that waits is accepted, except the one that has left"
    loop = Doorman(exercise, Waiting(*range(1000)), room=5000)
    exercise.accept(loop)
    assert len(loop.let_in) == exercise.ACCEPT, f"a flood must not keep the others: {exercise.ACCEPT} a turn"


@pytest.mark.task(5, rule="accept(2)")
def test_no_client_is_accepted_without_room_for_it(exercise):
    loop = Doorman(exercise, Waiting(*range(9)), room=3)
    exercise.accept(loop)
    assert loop.let_in == [0, 1, 2], "there is room for three"
    assert loop.listener.asked == 3, (
        "an unaccepted client waits in the kernel; accepted and closed, it is lost"
    )


@pytest.mark.task(5, rule="accept(2)")
def test_a_listener_without_descriptors_is_asked_once(exercise):
    loop = Doorman(exercise, Waiting(*[OSError(errno.EMFILE, "used up")] * 100), room=10)
    exercise.accept(loop)
    assert loop.listener.asked == 1, f"accept failed with EMFILE and was called {loop.listener.asked} times"


# --- task 6: end without a loss -----------------------------------------------------------------------


@pytest.mark.task(6, rule=TEARDOWN)
def test_a_request_that_has_begun_may_finish_in_the_drain(exercise):
    times, keep = exercise.Timeouts(), exercise.Fate.KEEP
    for name in ("HEAD", "CONTENT", "ANSWER", "LINGER"):
        for elapsed in (0.0, 0.3, 29.9):
            found = exercise.fate(exercise.Phase[name], True, elapsed, times)
            assert found is keep, f"{name} after {elapsed} s: what has begun may finish, not {found.name}"


@pytest.mark.task(6, rule=TEARDOWN)
def test_an_idle_connection_is_closed_but_not_at_once(exercise):
    times, phase, fate = exercise.Timeouts(), exercise.Phase, exercise.Fate
    for each in (phase.IDLE, phase.HEAD):
        found = exercise.fate(each, False, 0.1, times)
        assert found is fate.KEEP, f"{each.name} after 0.1 s: its next request may be on its way ({TEARDOWN})"
        found = exercise.fate(each, False, 0.25, times)
        assert found is fate.CLOSE, f"{each.name} after the grace of 0.25 s: CLOSE, not {found.name}"


@pytest.mark.task(6, rule=TEARDOWN)
def test_what_was_heard_before_an_idle_time_does_not_count(exercise):
    found = exercise.fate(exercise.Phase.IDLE, True, 1.0, exercise.Timeouts())
    assert found is exercise.Fate.CLOSE, "IDLE says that all is answered, whatever was heard"


@pytest.mark.task(6, rule=TEARDOWN)
def test_a_stop_does_not_wait_for_ever(exercise):
    for phase in exercise.Phase:
        found = exercise.fate(phase, True, 30.0, exercise.Timeouts())
        assert found is exercise.Fate.RESET, f"{phase.name} when `drain` is over: RESET, not {found.name}"


@pytest.mark.task(6, rule="listen(2)")
def test_clients_in_the_queue_when_the_signal_comes_are_accepted(exercise, steps):
    events = []

    class Listener(Waiting):
        def close(self):
            events.append(f"closed with {len(self.queue)} in the queue")

    loop = Doorman(exercise, Listener("a", "b"), room=10)
    loop.stopping = None
    loop.listen = lambda wanted: events.append(f"listen({wanted})")
    exercise.stop(loop)
    for event in events:
        steps.note(event)
    assert loop.let_in == ["a", "b"], "the kernel has connected them: closing the listener resets them"
    assert events == ["listen(False)", "closed with 0 in the queue"], "unwatch the listener, then close it"
    assert loop.stopping == loop.clock(), "note the time: `grace` and `drain` run from it"


# --- task 7: turn the loop ----------------------------------------------------------------------------


@pytest.fixture
def field(exercise):
    with ExitStack() as stack:
        yield Field(exercise, stack)


def heard_by(client, steps):
    """What the server has said to a client by now; a reset is noted, and says nothing."""
    try:
        answer = said(client) or b""
    except ConnectionResetError:
        steps.note("the client got a reset: its request was in the kernel, and the server did not read it")
        return b""
    steps.received(answer, "the client got")
    return answer


@pytest.mark.task(7, rule="RFC 9112 §9.3")
def test_an_honest_client_is_served_and_served_again(field):
    client = field.client(GET)
    field.turns()
    assert (said(client) or b"").endswith(b"\r\n\r\nxxxxx"), "a GET gets its 200"
    client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + GET)
    field.turns()
    assert (said(client) or b"").count(b"HTTP/1.1 200 OK") == 2, "and two more on the same connection"


@pytest.mark.task(7, rule=LATE)
def test_slow_heads_leave_and_make_room_for_others(field, steps):
    slow = [field.client(b"GET / HTTP/1.1\r\n") for _ in range(8)]
    field.turns()
    for number in range(9):
        for client in slow:
            client.sendall(b"a: b\r\n")
        field.pass_time(1)
        steps.note(f"after {number + 1} s: {len(field.loop.connections)} connections")
    honest = field.client(GET)
    field.turns()
    assert said(honest) is None, "the room is full: a new client waits in the kernel"
    field.pass_time(1)
    field.turns()
    assert (said(slow[0]) or b"").startswith(b"HTTP/1.1 408 "), f"a head that takes 10 s gets a 408 ({LATE})"
    field.pass_time(5)
    assert (said(honest) or b"").startswith(b"HTTP/1.1 200 "), "and then there is room for who waited"


@pytest.mark.task(7, rule=TIMEOUTS)
def test_bytes_that_have_come_are_served_before_the_late_expire(field, steps):
    regular, fresh = field.client(GET), field.client()
    field.turns()
    said(regular)
    for client, what, seconds in ((fresh, "a first request", 10), (regular, "a next request", 65)):
        client.sendall(GET)
        field.clock.now += seconds
        steps.note(f"{what} has come in time, and its deadline passes before the turn in which it is read")
        field.turns()
        assert heard_by(client, steps).startswith(b"HTTP/1.1 200 "), (
            f"{what} had come when the turn began: serve what the selector reports, then expire the late"
        )


@pytest.mark.task(7, rule="epoll(7)")
def test_a_full_server_does_not_spin(field, steps):
    for _ in range(20):
        field.client()
    field.turns()
    assert len(field.loop.connections) == 8, "there is room for eight"
    reported = [len(field.loop.selector.select(0)) for _ in range(3)]
    steps.note(f"20 clients, room for 8: the selector reports {reported}")
    assert reported == [0, 0, 0], "a listener that is watched and not accepted from is reported for ever"
    next(iter(field.loop.connections)).sock.shutdown(socket.SHUT_RDWR)
    field.turns()
    assert len(field.loop.connections) == 8, "one client has left: the next waiting client is accepted"


@pytest.mark.task(7, rule=TIMEOUTS)
def test_a_reader_that_reads_is_kept_and_one_that_does_not_is_cut(field, steps):
    slow, dead = (field.client(GET.replace(b"/ ", b"/big ")) for _ in range(2))
    field.turns()
    held = {c.sock.getpeername(): c for c in field.loop.connections}[slow.getsockname()]
    confirmed = held.sent - unconfirmed(held.sock)
    for _ in range(6):
        before = confirmed
        while confirmed < before + 1000:  # until the kernel knows that they are read
            slow.recv(4096)
            confirmed = held.sent - unconfirmed(held.sock)
        field.pass_time(30)
    steps.note(f"after 180 s: {len(field.loop.connections)} connections")
    assert len(field.loop.connections) == 1, "of a slow reader and a dead one, the slow one is left"
    dead.setblocking(True)
    with pytest.raises(ConnectionResetError):
        while dead.recv(1 << 20):
            pass


@pytest.mark.task(7, rule=TEARDOWN)
def test_after_a_stop_requests_are_answered_with_close_and_the_idle_are_let_go(field, steps):
    idle, busy, fresh = field.client(GET), field.client(GET), field.client()
    field.turns()
    said(idle), said(busy)
    field.code.stop(field.loop)
    steps.note("stop")
    busy.sendall(GET)
    fresh.sendall(GET)
    field.turns()
    for client in (busy, fresh):
        answer = said(client) or b""
        assert answer.startswith(b"HTTP/1.1 200 "), "a request that was on its way is answered"
        assert b"Connection: close\r\n" in answer, f"and says that it is the last ({TEARDOWN})"
    assert said(idle) is None, "an idle connection is not closed before the grace is over"
    field.pass_time(0.3)
    assert said(idle) == b"", "and is closed when it is"
    with pytest.raises(ConnectionRefusedError):
        field.client()


@pytest.mark.task(7, rule=TEARDOWN)
def test_after_a_stop_active_clients_are_served_before_idle_ones_are_closed(field, steps):
    client = field.client(GET)
    field.turns()
    said(client)
    field.code.stop(field.loop)
    client.sendall(GET)
    field.clock.now += 0.3
    steps.note("stop; a request comes within the grace, which passes before the turn in which it is read")
    field.turns()
    assert heard_by(client, steps).startswith(b"HTTP/1.1 200 "), (
        f"serve what the selector reports; then close each connection that is still idle ({TEARDOWN})"
    )


@pytest.mark.task(7, rule=TEARDOWN)
def test_after_a_stop_no_client_stays_longer_than_the_drain(field):
    field.client(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
    field.turns()
    field.code.stop(field.loop)
    for _ in range(2):
        field.clock.now += 14.9
        next(iter(field.loop.connections)).received += 1000  # it is not slow, only endless
        field.turns()
    assert len(field.loop.connections) == 1, "the server keeps a begun request open for 30 s"
    field.pass_time(0.3)
    assert not field.loop.connections, "and is cut off then"
