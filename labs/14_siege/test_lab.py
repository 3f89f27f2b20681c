"""The checks of lab 14: no wait without a bound, no bound that hurts an honest client.

Every clock here is the test's own. The last tasks run the loop over real sockets of this machine, one turn
at a time, in the thread of the test: nothing happens but what the test lets happen.
"""

from __future__ import annotations

import random

import pytest
from siege_field import Clock, Counting
from siege_heads import hear, refused, same_head, told

from labs.runner.checks import table

RESIST = "RFC 9110 §17.5"  # attacks via protocol element length: refuse what is unreasonably large
LATE = "RFC 9110 §15.5.9"
TEARDOWN = "RFC 9112 §9.6"
TIMEOUTS = "RFC 9112 §9.5"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


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
def test_late_connections_are_reported_earliest_first(deadlines, clock, seed):
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
def test_bytes_of_a_head_do_not_extend_its_deadline(exercise, steps):
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
def test_after_the_last_response_nothing_extends_the_deadline(exercise, steps):
    told = follow(exercise, steps, "REQUEST_WHOLE", "LAST_SAID", "BYTES", "BYTES")
    assert told[1] == ("LINGER", 5.0), "after the last answer a client has `linger` seconds to read it"
    assert told[2:] == [("LINGER", None)] * 2, "who goes on sending after that must not prolong it"


@pytest.mark.task(2, rule=TIMEOUTS)
def test_bytes_of_a_content_or_of_a_later_request_start_no_phase(exercise, steps):
    told = follow(exercise, steps, "CONTENT_FOLLOWS", "BYTES", "REQUEST_WHOLE", "BYTES")
    assert told[1] == ("CONTENT", None), "bytes of a content are counted at the end of its window (Progress)"
    assert told[3] == ("ANSWER", None), "requests behind the one that is being answered change nothing"


@pytest.mark.task(2, rule=LATE)
def test_a_late_head_gets_408_and_a_silent_client_is_closed(exercise):
    late, phase, what = exercise.late, exercise.Phase, exercise.Late
    assert late(phase.HEAD, True, False) is what.REFUSE, f"half a head that is late gets a 408 ({LATE})"
    assert late(phase.HEAD, False, False) is what.CLOSE, "a client that sent nothing gets no response: CLOSE"
    assert late(phase.IDLE, False, False) is what.CLOSE, "an idle connection ends without a word: CLOSE"
    assert late(phase.LINGER, True, False) is what.CLOSE, "after the last response comes no second: CLOSE"


@pytest.mark.task(2, rule=LATE)
def test_a_content_or_a_response_that_makes_progress_goes_on(exercise):
    late, phase, what = exercise.late, exercise.Phase, exercise.Late
    for each in (phase.CONTENT, phase.ANSWER):
        assert late(each, True, True) is what.AGAIN, f"{each.name} that moves is slow, not late: AGAIN"
    assert late(phase.HEAD, True, True) is what.REFUSE, "a head that moves is late all the same"


@pytest.mark.task(2, rule="RFC 9112 §8")
def test_a_response_without_progress_is_aborted_and_not_closed(exercise):
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
def test_a_line_of_exactly_the_limit_is_accepted(exercise, steps):
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
def test_a_transfer_with_enough_bytes_in_each_window_goes_on(exercise, steps):
    progress = exercise.Progress(1000)
    for total in (1000, 2000, 9000, 10_000):
        steps.note(f"look({total})")
        assert progress.look(total) is True, f"1000 bytes or more are new at {total}: slow is not stopped"


@pytest.mark.task(4, rule=TIMEOUTS)
def test_a_transfer_that_has_stopped_is_reported_at_the_next_check(exercise):
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
def test_the_bytes_of_one_window_do_not_count_for_the_next(exercise):
    progress = exercise.Progress(1000)
    assert [progress.look(total) for total in (100_000, 100_500, 101_000)] == [True, False, False], (
        "each window counts what is new in it: 100,000 bytes, 500, 500"
    )
