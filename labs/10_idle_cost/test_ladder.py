"""The checks of lab 10, tasks 4 and 5: climb the ladder, and say what runs out first.

Nothing is measured: what the simulated servers cost is known beforehand.
"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from simulated_servers import KIB, MIB, Interrupted, Script, Simulated

LADDER = "DESIGN: cost is a slope over a ladder, after a warm-up, from steady readings"


def close(found, expected):
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-6)


# --- task 4: climb the ladder -------------------------------------------------------------------------


def per_connection(rungs, figure):
    """The exact slope between each two neighbouring rungs."""
    points = [(count, figure(reading)) for count, reading in rungs]
    return [(high - low) / (more - less) for (less, low), (more, high) in pairwise(points)]


@pytest.mark.task(4, rule=LADDER)
def test_a_reading_is_steady_when_the_next_one_agrees_and_the_later_one_counts(exercise, steps):
    server = Script(exercise, (9, 3 * MIB), (9, 5 * MIB), (9, 6 * MIB), (9, 6 * MIB + 4 * KIB), (9, 8 * MIB))
    steps.note("written: 3 MiB, 5 MiB, 6 MiB, 6 MiB + 4 KiB, 8 MiB")
    found = exercise.steady(server)
    assert found is server.readings[3], (
        f"the third and the fourth agree, so the fourth it is; you returned {found.memory.written} bytes"
    )
    assert server.reads == 4, f"four readings tell; you took {server.reads}"


@pytest.mark.task(4, rule=LADDER)
def test_the_server_gets_a_pause_between_any_two_readings(exercise, steps):
    server = Script(exercise, (9, 3 * MIB), (9, 5 * MIB), (9, 5 * MIB))
    exercise.steady(server)
    steps.note(f"you did: {', '.join(server.log)}")
    assert server.log == ["read", "pause", "read", "pause", "read"], (
        "read, pause, read, pause, …: two readings in one breath agree about nothing"
    )


@pytest.mark.task(4, rule=LADDER)
def test_memory_that_falls_is_no_steadier_than_memory_that_rises(exercise, steps):
    server = Script(exercise, (9, 9 * MIB), (9, 7 * MIB), (9, 5 * MIB), (9, 5 * MIB))
    steps.note("written: 9 MiB, 7 MiB, 5 MiB, 5 MiB")
    found = exercise.steady(server)
    assert found.memory.written == 5 * MIB, (
        f"garbage is still being collected; you took the reading of {found.memory.written // MIB} MiB"
    )


@pytest.mark.task(4, rule=LADDER)
def test_a_server_that_still_accepts_is_not_steady(exercise, steps):
    server = Script(exercise, (60, 5 * MIB), (90, 5 * MIB), (107, 5 * MIB), (107, 5 * MIB))
    steps.note("descriptors: 60, 90, 107, 107; the memory stays")
    found = exercise.steady(server).descriptors
    assert found == 107, f"connections are still coming in; you took the reading with {found} descriptors"


@pytest.mark.task(4, rule=LADDER)
def test_pages_that_another_program_shares_do_not_make_a_reading_unsteady(exercise, steps):
    server = Script(exercise, *((9, 5 * MIB, (20 + n % 2) * MIB) for n in range(50)))
    steps.note("written: always 5 MiB; uss: 20 MiB, 21 MiB, 20 MiB, …, as a neighbour starts and ends")
    try:
        exercise.steady(server, attempts=50)
    except exercise.Unsteady:
        pytest.fail("what the server has written is at rest: compare `written`")


@pytest.mark.task(4, rule=LADDER)
def test_a_server_that_never_rests_is_given_up_and_not_read(exercise, steps):
    server = Script(exercise, *((9, n * MIB) for n in range(500)))
    steps.note("written: 1 MiB more with every reading, for ever; attempts=12")
    with pytest.raises(exercise.Unsteady):
        found = exercise.steady(server, attempts=12)
        pytest.fail(f"no two readings agree, and you returned one of {found.memory.written // MIB} MiB")
    assert server.reads == 12, f"12 attempts are 12 readings; you took {server.reads}"


@pytest.mark.task(4, rule=LADDER)
def test_the_steps_are_read_in_order_after_a_warm_up_that_is_closed(exercise, steps):
    server = Simulated(exercise)
    exercise.climb(server, [100, 200, 300], 50)
    steps.note(f"you did: {', '.join(server.log)}")
    # To close what is closed already does no harm, as a `finally` behind a close that went well does.
    log = [event for event, before in zip(server.log, [None, *server.log], strict=False) if event != before]
    assert log == ["open 50", "close", "open 100", "open 200", "open 300", "close"], (
        "warm up and close; then open to 100, 200 and 300, nothing closed in between; then close"
    )


@pytest.mark.task(4, rule=LADDER)
def test_the_first_and_the_last_reading_have_no_connection_open(exercise, steps):
    found = exercise.climb(Simulated(exercise), [100, 200, 300], 50)
    steps.note("7 descriptors are the server's own")
    assert found.start.descriptors == 7, f"the start has {found.start.descriptors} descriptors: close first"
    assert found.end.descriptors == 7, (
        f"the end has {found.end.descriptors} descriptors: read it after closing"
    )
    leaking = exercise.climb(Simulated(exercise, leaks=3), [100, 200, 300], 50)
    assert leaking.end.descriptors - leaking.start.descriptors == 3, (
        "three descriptors never came back after the climb; the start is read after the warm-up is closed"
    )


@pytest.mark.task(4, rule=LADDER)
def test_each_step_is_a_steady_reading_with_its_number_of_connections(exercise, steps):
    found = exercise.climb(Simulated(exercise), [100, 200, 300], 50)
    seen = [(count, reading.descriptors - 7) for count, reading in found.rungs]
    steps.note("the server accepts 64 connections between two readings, and leaves garbage after each burst")
    assert seen == [(100, 100), (200, 200), (300, 300)], (
        f"(connections claimed, connections held) is {seen}: one rung a step, each read when it is steady"
    )


@pytest.mark.task(4, rule=LADDER)
def test_the_first_connections_of_a_process_do_not_bend_the_line(exercise, steps):
    server = Simulated(exercise, cost=20 * KIB)
    steps.note("20 KiB a connection; 8 KiB of caches for each of the first 70 ever; free memory is kept")
    found = exercise.climb(server, [50, 100, 150, 200], 50)
    slopes = per_connection(found.rungs, lambda reading: reading.memory.written)
    assert all(abs(each - 20 * KIB) < 0.02 * 20 * KIB for each in slopes), (
        f"from rung to rung a connection costs {[round(each / KIB, 1) for each in slopes]} KiB: is there a "
        "warm-up, and is a rung among them that is none?"
    )


@pytest.mark.task(4, rule=LADDER)
def test_no_connection_is_left_open_when_the_run_breaks_off(exercise, steps):
    server = Simulated(exercise, fails_at=300)
    with pytest.raises(OSError, match="refused"):
        exercise.climb(server, [100, 200, 300, 400], 50)
        pytest.fail("the 300th connection was refused, and climb kept the OSError: let it out")
    steps.note(f"you did: {', '.join(server.log)}")
    assert server.log[-1] == "close" and not server.clients, (
        f"{server.clients} connections are still open: close them whatever happens (try … finally)"
    )


@pytest.mark.task(4, rule=LADDER)
@pytest.mark.parametrize("during", ["opens", "reads", "pauses"])
def test_ctrl_c_leaves_no_connection_open_either(exercise, steps, during):
    server = Interrupted(exercise, during)
    steps.note(f"Ctrl-C while the probe {during}, with 200 connections open")
    try:
        exercise.climb(server, [100, 200, 300], 50)
    except KeyboardInterrupt:
        assert not server.clients, (
            f"{server.clients} connections are still open: KeyboardInterrupt is no Exception (try … finally)"
        )
    else:
        pytest.fail("Ctrl-C must end the climb: let KeyboardInterrupt out again")


@pytest.mark.task(4, rule=LADDER)
def test_a_warm_up_above_the_first_step_is_refused_before_anything_is_opened(exercise, steps):
    server = Simulated(exercise)
    steps.note("a warm-up of 150 connections, then steps of 100, 200, 300")
    with pytest.raises(ValueError):
        exercise.climb(server, [100, 200, 300], 150)
        pytest.fail("the memory of 150 connections is kept: the first 100, and half of the next, come free")
    assert not any(event.startswith("open") for event in server.log), "refuse it before you open anything"
    exercise.climb(server, [100, 200, 300], 100)  # as many as the first step is right


# --- task 5: say what runs out first ----------------------------------------------------------------------

ARITHMETIC = "arithmetic: clients · (user + kernel), and whole connections only"


def foresee(exercise, clients=10_000, *, fds=1.0, user=(12 * KIB, 0.0), kernel=0, room=(20_000, 2048 * MIB)):
    cost = exercise.Cost(fds, exercise.Slope(*user), kernel)
    return exercise.forecast(cost, exercise.Room(*room), clients)


@pytest.mark.task(5, rule=ARITHMETIC)
def test_the_memory_of_the_kernel_is_added_to_that_of_the_server(exercise, steps):
    steps.note("12 KiB of its own and 4 KiB in the kernel for each of 1,000 clients")
    found = foresee(exercise, 1000, user=(12 * KIB, 0.0), kernel=4 * KIB, room=(20_000, 160 * MIB))
    assert close(found.needed, 16_000 * KIB), f"16 KiB · 1,000 is 16,384,000 bytes; you say {found.needed:g}"
    assert found.memory_allows == 10_240, (
        f"160 MiB are 10,240 connections of 16 KiB; you say {found.memory_allows}"
    )


@pytest.mark.task(5, rule=ARITHMETIC)
def test_the_uncertainty_of_one_connection_is_multiplied_by_their_number(exercise, steps):
    steps.note("15 KiB ± 1 KiB for each of 10,000 clients")
    found = foresee(exercise, user=(15 * KIB, 1 * KIB))
    assert close(found.needed, 150_000 * KIB), (
        f"15 KiB · 10,000 is 153,600,000 bytes, and that is the middle of it; you say {found.needed:g}"
    )
    assert close(found.half_width, 10_000 * KIB), (
        f"± 1 KiB · 10,000 is ± 10,240,000 bytes; you say ± {found.half_width:g}"
    )


@pytest.mark.task(5, rule=ARITHMETIC)
def test_the_room_is_computed_from_the_high_end_of_the_interval_in_whole_connections(exercise, steps):
    steps.note("15 KiB ± 1 KiB each, room for 105 KiB and 7.5 connections' descriptors of two each")
    found = foresee(exercise, user=(15 * KIB, 1 * KIB), fds=2.0, room=(15, 105 * KIB))
    assert found.memory_allows == 6, f"105 KiB / 16 KiB is 6 whole connections; you say {found.memory_allows}"
    assert found.descriptors_allow == 7, (
        f"15 descriptors, two to a connection, are 7 connections; you say {found.descriptors_allow}"
    )


@pytest.mark.task(5, rule=ARITHMETIC)
@pytest.mark.parametrize(
    "descriptors, connections_of_memory, first",
    [(900, 5_000, "DESCRIPTORS"), (5_000, 900, "MEMORY"), (900, 900, "DESCRIPTORS")],
)
def test_the_limit_that_is_reached_first_is_reported(
    exercise, steps, descriptors, connections_of_memory, first
):
    steps.note(f"descriptors for {descriptors} connections, memory for {connections_of_memory}")
    room = (descriptors, connections_of_memory * 12 * KIB)
    found = foresee(exercise, room=room)
    assert found.first is exercise.End[first], f"{first} end first (both at once: DESCRIPTORS): {found}"


@pytest.mark.task(5, rule=ARITHMETIC)
def test_clients_fit_only_when_memory_and_descriptors_suffice_for_all(exercise, steps):
    cases = {
        (10_000, 10_000): True,
        (9_999, 50_000): False,
        (50_000, 9_999): False,
        (50_000, 50_000): True,
    }
    for (descriptors, memory), fits in cases.items():
        steps.note(f"descriptors for {descriptors} connections, memory for {memory}, and 10,000 clients")
        found = foresee(exercise, room=(descriptors, memory * 12 * KIB))
        assert found.fits is fits, f"they {'fit, to the last one' if fits else 'do not fit'}: {found}"


@pytest.mark.task(5, rule=ARITHMETIC)
@pytest.mark.parametrize("value", [0.0, -200.0])
def test_a_cost_of_zero_sets_no_limit(exercise, steps, value):
    steps.note(f"a slope of {value:g} bytes ± 100, as small costs may come out, and no memory free at all")
    found = foresee(exercise, user=(value, 0.0 if value == 0 else 100.0), room=(20_000, 0))
    assert found.memory_allows == math.inf, (
        f"memory never ends at {value:g} bytes each; you say {found.memory_allows}"
    )
    assert found.first is exercise.End.DESCRIPTORS, "then descriptors end first"
