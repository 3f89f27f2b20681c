"""The checks of lab 14: no wait without a bound, no bound that hurts an honest client.

Every clock here is the test's own. The last tasks run the loop over real sockets of this machine, one turn
at a time, in the thread of the test: nothing happens but what the test lets happen.
"""

from __future__ import annotations

import errno
import random
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # where the loop is, and what it is played on

from siege_field import Clock, Counting, Doorman, Field, Waiting, said
from siege_heads import hear, refused, same_head, told
from siege_loop import unconfirmed

RESIST = "RFC 9110 §17.5"  # attacks via protocol element length: refuse what is unreasonably large
LATE = "RFC 9110 §15.5.9"
TEARDOWN = "RFC 9112 §9.6"
TIMEOUTS = "RFC 9112 §9.5"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def table(names, *rows):
    """One case a row, told apart by its number."""
    return pytest.mark.parametrize(names, rows, ids=[f"case {n}" for n in range(1, len(rows) + 1)])


# --- task 1: keep a table of deadlines ----------------------------------------------------------------


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def deadlines(exercise, clock):
    return exercise.Deadlines(clock)


@pytest.mark.task(1, rule=TIMEOUTS)
def test_a_deadline_is_neither_early_nor_late(deadlines, clock, steps):
    deadlines.set("a", 10)
    steps.note("set('a', 10)")
    for passed, due in ((9.999, []), (0.001, ["a"])):
        clock.now = round(clock.now + passed, 6)
        steps.note(f"{clock.now - 1000:g} s have passed: sweep()")
        assert deadlines.sweep() == due, f"after {clock.now - 1000:g} of 10 s, {due} must be late"


@pytest.mark.task(1, rule=TIMEOUTS)
def test_a_late_connection_is_reported_once(deadlines, clock):
    deadlines.set("a", 10)
    clock.now += 11
    assert deadlines.sweep() == ["a"], "after 11 of 10 s, ['a'] must be late"
    assert deadlines.sweep() == [], "a second sweep must not tell 'a' again: its deadline is done with"


@pytest.mark.task(1, rule=TIMEOUTS)
def test_a_new_deadline_replaces_the_old_one(deadlines, clock, steps):
    deadlines.set("a", 10)
    clock.now += 9
    deadlines.set("a", 30)
    steps.note("set('a', 10); 9 s later set('a', 30)")
    clock.now += 20
    assert deadlines.sweep() == [], "20 s into the new 30, 'a' is not late: its old deadline is forgotten"
    deadlines.set("a", 5)
    clock.now += 5
    assert deadlines.sweep() == ["a"], "a new deadline may also be nearer than the old one"
    clock.now += 100
    assert deadlines.sweep() == [], "of three deadlines of 'a' only the last one counts, and it is done with"


@pytest.mark.task(1, rule=TIMEOUTS)
def test_a_dropped_deadline_never_comes(deadlines, clock):
    deadlines.set("a", 10)
    deadlines.drop("a")
    deadlines.drop("a")
    deadlines.drop("never set")
    clock.now += 11
    assert deadlines.sweep() == [], "drop('a') forgets the deadline of 'a'"


@pytest.mark.task(1, rule=TIMEOUTS)
def test_the_late_are_told_from_the_earliest_on(deadlines, clock, seed):
    seconds = list(range(1, 41))
    random.Random(seed).shuffle(seconds)
    for number in seconds:
        deadlines.set(number, number)
    clock.now += 30
    assert deadlines.sweep() == list(range(1, 31)), "sweep() tells who is late, the earliest deadline first"
    clock.now += 10
    assert deadlines.sweep() == list(range(31, 41)), "and keeps the others for later"


@pytest.mark.task(1, rule=TIMEOUTS)
def test_the_table_holds_one_deadline_for_each_name(deadlines, clock):
    for _ in range(1000):
        deadlines.set("a", 10)
        deadlines.set("b", 20)
        deadlines.drop("b")
    size = sum(len(held) for held in vars(deadlines).values() if isinstance(held, dict | list | set))
    assert size <= 3, f"the table must not grow with every set(): it holds {size} entries for one name"


# --- task 2: choose the deadline ----------------------------------------------------------------------


def follow(exercise, steps, *events):
    """From HEAD on: the phases that events lead to, and the deadlines that begin."""
    phase = exercise.Phase.HEAD
    told = []
    for name in events:
        phase, seconds = exercise.after(phase, exercise.Event[name], exercise.Timeouts())
        steps.note(f"{name}: {phase.name}, {'the deadline goes on' if seconds is None else f'{seconds} s'}")
        told.append((phase.name, seconds))
    return told


@pytest.mark.task(2, rule=TIMEOUTS)
def test_no_byte_of_a_head_buys_time(exercise, steps):
    told = follow(exercise, steps, "BYTES", "BYTES", "BYTES")
    assert told == [("HEAD", None)] * 3, (
        "a head has one deadline until it is whole: slowloris lives off renewals"
    )


@pytest.mark.task(2, rule=TIMEOUTS)
def test_each_phase_brings_its_own_deadline(exercise, steps):
    told = follow(exercise, steps, "CONTENT_FOLLOWS", "REQUEST_WHOLE", "ANSWERED", "BYTES", "REQUEST_WHOLE")
    expected = [("CONTENT", 30.0), ("ANSWER", 30.0), ("IDLE", 75.0), ("HEAD", 10.0), ("ANSWER", 30.0)]
    assert told == expected, f"a POST and a GET on one connection must give {expected}, not {told}"


@pytest.mark.task(2, rule=TEARDOWN)
def test_after_the_last_word_nothing_prolongs_the_end(exercise, steps):
    told = follow(exercise, steps, "REQUEST_WHOLE", "LAST_SAID", "BYTES", "BYTES")
    assert told[1] == ("LINGER", 5.0), "after the last answer a client has `linger` seconds to read it"
    assert told[2:] == [("LINGER", None)] * 2, "who goes on sending after that must not prolong it"


@pytest.mark.task(2, rule=TIMEOUTS)
def test_bytes_of_a_content_or_behind_a_request_begin_nothing(exercise, steps):
    told = follow(exercise, steps, "CONTENT_FOLLOWS", "BYTES", "REQUEST_WHOLE", "BYTES")
    assert told[1] == ("CONTENT", None), "bytes of a content are counted at the end of its window (Progress)"
    assert told[3] == ("ANSWER", None), "requests behind the one that is being answered change nothing"


@pytest.mark.task(2, rule=LATE)
def test_a_request_that_has_begun_is_refused_and_silence_is_closed(exercise):
    late, phase, what = exercise.late, exercise.Phase, exercise.Late
    assert late(phase.HEAD, True, False) is what.REFUSE, f"half a head that is late gets a 408 ({LATE})"
    assert late(phase.HEAD, False, False) is what.CLOSE, "a client that sent nothing gets no response: CLOSE"
    assert late(phase.IDLE, False, False) is what.CLOSE, "an idle connection ends without a word: CLOSE"
    assert late(phase.LINGER, True, False) is what.CLOSE, "after the last response comes no second: CLOSE"


@pytest.mark.task(2, rule=LATE)
def test_a_content_or_an_answer_that_moves_goes_on(exercise):
    late, phase, what = exercise.late, exercise.Phase, exercise.Late
    for each in (phase.CONTENT, phase.ANSWER):
        assert late(each, True, True) is what.AGAIN, f"{each.name} that moves is slow, not late: AGAIN"
    assert late(phase.HEAD, True, True) is what.REFUSE, "a head that moves is late all the same"


@pytest.mark.task(2, rule="RFC 9112 §8")
def test_an_answer_that_has_stopped_is_cut_and_not_closed(exercise):
    late, phase, what = exercise.late, exercise.Phase, exercise.Late
    decided = late(phase.ANSWER, False, False)
    assert decided is what.RESET, (
        f"half an answer that ends in order looks whole to some: RESET, not {decided}"
    )
    decided = late(phase.CONTENT, False, False)
    assert decided is what.REFUSE, f"whose content has stopped may still read: REFUSE, not {decided}"


# --- task 3: refuse a head early ----------------------------------------------------------------------


@pytest.mark.task(3, rule="RFC 9112 §2.1")
@table(
    "head",
    GET,
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"a\r\n" + b"b: c\r\n" * 128 + b"\r\n",
)
def test_a_head_ends_with_its_empty_line_however_it_is_cut(exercise, steps, head):
    for size in (1, 2, 3, 7, len(head)):
        same_head(hear(exercise, steps, head, size)[0], head, b"", "RFC 9112 §2.1")


@pytest.mark.task(3, rule="RFC 9112 §2.2")
def test_what_follows_a_head_is_handed_back(exercise, steps):
    found, _ = hear(exercise, steps, GET + b"content\r\n\r\n", size=1000)
    same_head(found, GET, b"content\r\n\r\n", "RFC 9112 §2.2")


@pytest.mark.task(3, rule="RFC 9112 §3")
def test_an_endless_request_line_is_refused_at_its_limit(exercise, steps):
    steps.note("a request line may have 100 bytes; its end need not come")
    line = b"GET /" + b"a" * 5000
    for size in (1, 10, 5000):
        found = hear(exercise, steps, line, size, line=100)
        refused(found, 414, line, 101, size, "RFC 9112 §3")


@pytest.mark.task(3, rule=RESIST)
def test_a_line_of_just_the_limit_is_heard(exercise, steps):
    line = b"GET /" + b"a" * 84 + b" HTTP/1.1\r\n"
    steps.note("a request line of 100 bytes fits into 100")
    same_head(hear(exercise, steps, line + b"\r\n", line=100)[0], line + b"\r\n", b"", RESIST)
    fields = b"a: " + b"b" * 45 + b"\r\n"
    head = b"GET / HTTP/1.1\r\n" + fields * 2 + b"\r\n"
    steps.note("2 field lines of 100 bytes fit into 2 and 100; the empty line is neither")
    for size in (1, 1000):
        same_head(hear(exercise, steps, head, size, section=100, lines=2)[0], head, b"", RESIST)


@pytest.mark.task(3, rule="RFC 6585 §5")
def test_too_many_field_lines_are_refused_when_one_too_many_has_ended(exercise, steps):
    steps.note("ten field lines are allowed")
    start, field = b"GET / HTTP/1.1\r\n", b"a: b\r\n"
    head, enough = start + field * 5000, len(start + field * 11)
    for size in (1, 100_000):
        found = hear(exercise, steps, head, size, lines=10)
        refused(found, 431, head, enough, size, "RFC 6585 §5")


@pytest.mark.task(3, rule="RFC 6585 §5")
@table("fields", b"a: " + b"b" * 5000, b"a: b\r\n" * 900, b"a: " + b"b" * 90 + b"\r\nc: " + b"d" * 5000)
def test_a_section_that_is_too_large_is_refused_before_its_end(exercise, steps, fields):
    steps.note("all field lines together may have 100 bytes")
    start = b"GET / HTTP/1.1\r\n"
    for size in (1, 10, 10_000):
        found = hear(exercise, steps, start + fields, size, section=100, lines=10_000)
        refused(found, 431, start + fields, len(start) + 101, size, "RFC 6585 §5")


@pytest.mark.task(3, rule="RFC 9112 §3")
def test_an_empty_line_is_no_request_line(exercise, steps):
    for start in (b"\r\n", b"\n"):
        outcome, _ = hear(exercise, steps, start + GET)
        assert outcome == 400, f"{start!r} where a request line should be is 400; feed {told(outcome)}"


@pytest.mark.task(3, rule=RESIST)
def test_a_head_in_octets_costs_no_more_than_its_length(exercise, steps):
    """Counted, not timed: how much of what is held does each octet make the reader look at?"""

    reader = exercise.HeadReader(exercise.Limits(section=100_000))
    reader.held = held = Counting()
    data = GET[:-2] + b"a: " + b"b" * 4000 + b"\r\n"
    for at in range(len(data)):
        reader.feed(data[at : at + 1])
        held = reader.held if isinstance(reader.held, Counting) else held
    steps.note(f"{len(data)} octets, one at a time: {held.looked} looked at")
    assert held.looked <= 20 * len(data), (
        f"{len(data)} octets made the reader look at {held.looked}: it begins anew with each of them"
    )


# --- task 4: tell slow from stopped -------------------------------------------------------------------


@pytest.mark.task(4, rule=TIMEOUTS)
def test_what_moves_enough_in_each_window_goes_on(exercise, steps):
    progress = exercise.Progress(1000)
    for total in (1000, 2000, 9000, 10_000):
        steps.note(f"look({total})")
        assert progress.look(total) is True, f"1000 bytes or more are new at {total}: slow is not stopped"


@pytest.mark.task(4, rule=TIMEOUTS)
def test_what_has_stopped_is_told_at_the_next_look(exercise):
    progress = exercise.Progress(1000)
    assert progress.look(50_000) is True, "50,000 bytes have moved in the first window"
    assert progress.look(50_000) is False, "none of them are new in the second: it has stopped"


@pytest.mark.task(4, rule=TIMEOUTS)
def test_a_byte_now_and_then_is_no_progress(exercise):
    progress = exercise.Progress(1000)
    assert progress.look(999) is False, "999 of 1000 bytes are too few"
    progress = exercise.Progress(1000)
    progress.look(5000)
    assert progress.look(5001) is False, "one byte in a window is how a slow client holds a server for ever"


@pytest.mark.task(4, rule=TIMEOUTS)
def test_a_window_does_not_live_off_the_one_before(exercise):
    progress = exercise.Progress(1000)
    assert [progress.look(total) for total in (100_000, 100_500, 101_000)] == [True, False, False], (
        "each window counts what is new in it: 100,000 bytes, 500, 500"
    )


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
def test_there_is_room_for_some_and_a_reserve_under_any_limit(exercise, descriptors, room):
    found = exercise.Gate.room_for(descriptors, 64)
    assert found == room, f"{descriptors} descriptors less a reserve of 64, at most half: {room}, not {found}"


@pytest.mark.task(5, rule="getrlimit(2)")
def test_a_full_gate_opens_when_one_has_left(exercise, steps):
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
def test_used_up_descriptors_are_a_reason_to_pause(exercise, number):
    gate = exercise.Gate(100, reserve=0, pause=2.0)
    gate.failed(OSError(number, "used up"), now=50.0)
    assert not gate.listening(51.9), (
        "after EMFILE, accept must not be called again at once: it would fail again"
    )
    assert gate.listening(52.0), "a pause ends by itself: there may be no connection whose close could end it"


@pytest.mark.task(5, rule="accept(2)")
def test_a_connection_that_leaves_ends_the_pause(exercise):
    gate = exercise.Gate(100, reserve=0, pause=2.0)
    gate.opened()
    gate.failed(OSError(errno.EMFILE, "used up"), now=50.0)
    gate.closed()
    assert gate.listening(50.1), "a descriptor is free: there is no reason to wait for the end of the pause"


@pytest.mark.task(5, rule="accept(2)")
def test_a_client_that_left_too_early_is_no_reason_to_pause(exercise):
    gate = exercise.Gate(100)
    gate.failed(OSError(errno.ECONNABORTED, "gone"), now=50.0)
    assert gate.listening(50.0), "ECONNABORTED concerns that client alone"


@pytest.mark.task(5, rule="accept(2)")
def test_an_unexpected_error_is_not_swallowed(exercise):
    with pytest.raises(OSError) as raised:
        exercise.Gate(100).failed(OSError(errno.EBADF, "no socket"), now=50.0)
    assert raised.value.errno == errno.EBADF, "EBADF is a fault of the program: raise it"


@pytest.mark.task(5, rule="accept(2)")
def test_all_waiting_clients_are_accepted_and_then_others_have_their_turn(exercise):
    loop = Doorman(exercise, Waiting("a", OSError(errno.ECONNABORTED, "gone"), "b", "c"), room=10)
    exercise.accept(loop)
    assert loop.let_in == ["a", "b", "c"], "everybody who waits is let in, one who has gone aside"
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
    assert len(field.loop.connections) == 8, "one has left: one of those who wait is let in"


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
