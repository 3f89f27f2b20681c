"""The checks of lab 08: a harness, in a world where time passes only as the test says.

`World` is the clock and the work at once. Each call of the work lets time pass by what the test has planned,
and each reading of the clock is counted. So no check depends on how fast this machine is.
"""

from __future__ import annotations

import gc
import random

import pytest


class World:
    """Time that passes when work is done, and the log of what was called."""

    def __init__(self, steps=None, resolution=0.0):
        self.now = 1000.0
        self.resolution = resolution
        self.log = []
        self.readings = 0
        self.steps = steps

    def clock(self):
        """The time, in steps of the resolution, as real clocks give it."""
        self.readings += 1
        if not self.resolution:
            return self.now
        return self.now // self.resolution * self.resolution

    def unread(self, least):
        """What to add to a wrong figure when the clock was read fewer than `least` times."""
        if self.readings >= least:
            return ""
        return f"; the check's clock was read {self.readings} times only: is `clock` handed on in each call?"

    def work(self, cost, name="work"):
        """A function that takes `cost` seconds: a number, or a function of the calls so far."""
        done = [0]

        def call():
            self.log.append(name)
            self.now += cost(done[0]) if callable(cost) else cost
            done[0] += 1

        return call

    def runs(self):
        """The log with equal neighbours drawn together: (name, how many in a row)."""
        found = []
        for name in self.log:
            if found and found[-1][0] == name:
                found[-1][1] += 1
            else:
                found.append([name, 1])
        return [tuple(run) for run in found]


@pytest.fixture
def world(steps):
    return World(steps)


def near(value, expected):
    return value == pytest.approx(expected, rel=1e-6)


# -- task 1: time many calls with two readings of the clock ---------------------------------------------


@pytest.mark.task(1, rule="an average over calls in a row")
@pytest.mark.parametrize("calls", [1, 7, 1000])
def test_the_time_of_one_call_is_the_average_over_all(exercise, world, calls):
    took = exercise.time_calls(world.work(0.25), calls, world.clock)
    assert len(world.log) == calls, f"work must be called {calls} times, and was {len(world.log)} times"
    assert near(took, 0.25), f"each of the {calls} calls takes 0.25 s; you say {took} s{world.unread(2)}"


@pytest.mark.task(1, rule="the clock is read twice")
def test_the_clock_is_read_before_the_first_call_and_after_the_last(exercise, world):
    exercise.time_calls(world.work(0.001), 50, world.clock)
    assert world.readings == 2, (
        f"the clock was read {world.readings} times: reading it costs time, and that time is not the work's"
    )


@pytest.mark.task(1, rule="no garbage collection in a sample")
def test_the_garbage_collector_is_off_while_the_work_runs_and_then_as_before(exercise, world, steps):
    seen = []
    before = gc.isenabled()
    try:
        for on in (True, False):
            (gc.enable if on else gc.disable)()
            steps.note(f"the garbage collector is {'on' if on else 'off'} before")
            exercise.time_calls(lambda: seen.append(gc.isenabled()), 3, world.clock)
            assert not any(seen), "the garbage collector was on while work ran: gc.disable()"
            assert gc.isenabled() is on, f"afterwards it must be {'on' if on else 'off'} again, as before"
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.task(1, rule="no garbage collection in a sample")
def test_work_that_raises_leaves_the_garbage_collector_as_it_was(exercise, world):
    def broken():
        raise OSError("the work failed")

    gc.enable()
    with pytest.raises(OSError, match="the work failed"):
        exercise.time_calls(broken, 3, world.clock)
        pytest.fail(
            "work raised OSError, and time_calls kept it: let it out, or the caller takes a wrong figure"
        )
    assert gc.isenabled(), "work raised, and the garbage collector stayed off: try … finally"


# -- task 2: double the calls until the clock can tell --------------------------------------------------


LEAST = 1 / 64  # seconds; costs are powers of two, so that their sums are exact


@pytest.mark.task(2, rule="a sample lasts long beside a tick of the clock")
@pytest.mark.parametrize(
    ("cost", "expected"), [(1 / 32, 1), (1 / 64, 1), (3 / 256, 2), (1 / 1024, 16), (1 / 65536, 1024)]
)
def test_the_calls_are_doubled_until_a_sample_lasts_long_enough(exercise, world, cost, expected):
    calls = exercise.calls_for(world.work(cost), LEAST, world.clock)
    assert calls == expected, (
        f"one call takes {cost} s and a sample at least {LEAST} s: {expected} calls, by doubling, "
        f"not {calls}{world.unread(2)}"
    )


@pytest.mark.task(2, rule="a sample lasts long beside a tick of the clock")
def test_a_sample_is_longer_than_one_tick_of_a_coarse_clock(exercise, steps):
    world = World(steps, resolution=1 / 256)
    calls = exercise.calls_for(world.work(1 / 8192), LEAST, world.clock)
    assert calls >= 64, (
        f"this clock ticks every 3.9 ms; {calls} calls last {calls / 8.192:.1f} ms, not 15.6 ms"
    )


# -- task 3: the median and the quartiles ---------------------------------------------------------------


@pytest.mark.task(3, rule="median and quartiles")
def test_the_median_and_the_quartiles_of_known_samples(exercise):
    found = exercise.summarise([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    assert found == exercise.Summary(5.0, 3.0, 7.0), f"of 1 to 9: median 5, quartiles 3 and 7; not {found}"


@pytest.mark.task(3, rule="median and quartiles")
def test_the_order_of_the_samples_does_not_matter_and_stays(exercise, seed):
    samples = [float(n) for n in range(1, 10)]
    random.Random(seed).shuffle(samples)
    given = list(samples)
    assert exercise.summarise(samples).median == 5.0, "the median is the middle of the sorted samples"
    assert samples == given, "the caller's list was sorted in place: it is not yours"


@pytest.mark.task(3, rule="one disturbed sample moves nothing")
def test_one_disturbed_sample_does_not_move_the_median(exercise, seed):
    chance = random.Random(seed)
    quiet = [1.0 + chance.random() * 0.02 for _ in range(9)]
    loud = [*quiet[:-1], 50.0]
    moved = exercise.summarise(loud).median
    assert abs(moved - 1.01) < 0.011, f"eight samples are near 1 s and one is 50 s: you say {moved:.2f} s"


@pytest.mark.task(3, rule="a spread needs samples")
@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_samples_are_refused(exercise, count):
    with pytest.raises(ValueError):
        found = exercise.summarise([1.0] * count)
        pytest.fail(f"{count} samples are fewer than five: raise ValueError; you returned {found}")


# -- task 4: throw the first sample away ----------------------------------------------------------------


CALL = 1 / 1024  # seconds: 16 calls make a sample, and 31 calls find that out
SEARCH, SAMPLE = 31, 16


@pytest.mark.task(4, rule="warm-up does not count")
def test_a_slow_first_call_does_not_mislead_the_search(exercise, world):
    work = world.work(lambda done: 1.0 if done == 0 else CALL)
    calls = exercise.warm_up(work, LEAST, world.clock)
    assert calls == SAMPLE, (
        f"the first call takes 1 s, every other 1 ms: a sample of {LEAST} s needs {SAMPLE} "
        f"calls, and you found {calls}{world.unread(4)}"
    )


@pytest.mark.task(4, rule="warm-up does not count")
def test_one_whole_sample_after_the_search_is_thrown_away(exercise, world):
    exercise.warm_up(world.work(CALL), LEAST, world.clock)
    thrown = len(world.log) - 1 - SEARCH
    assert thrown == SAMPLE, (
        f"one call for nothing, {SEARCH} calls to search, then one sample of {SAMPLE} calls to throw away; "
        f"behind the search you made {thrown} calls"
    )


@pytest.mark.task(4, rule="every sample is of the same size")
def test_each_sample_has_the_calls_that_were_found(exercise, world):
    found = exercise.measure(world.work(CALL), 7, LEAST, world.clock)
    counted = len(world.log) - 1 - SEARCH - SAMPLE
    assert counted == 7 * SAMPLE, (
        f"7 samples of {SAMPLE} calls are {7 * SAMPLE} calls; behind the warm-up you made {counted}"
    )
    assert near(found.median, CALL), f"each call takes {CALL} s, not {found.median}{world.unread(26)}"
    warmed = World()
    exercise.warm_up(warmed.work(CALL), LEAST, warmed.clock)
    taken = (world.readings - warmed.readings) / 2
    assert taken == 7, f"7 samples of {SAMPLE} calls were asked for, and you took {taken:g} samples"


# -- task 5: take the ratio within each round, and change the order --------------------------------------


@pytest.mark.task(5, rule="paired rounds")
def test_the_ratio_says_how_many_times_as_long_the_slow_one_takes(exercise, world):
    found = exercise.compare(world.work(3 * CALL, "slow"), world.work(CALL, "fast"), 9, LEAST, world.clock)
    assert near(found.median, 3.0), (
        f"slow takes 3 ms and fast 1 ms: three times as long, not {found.median:.3f}{world.unread(30)}"
    )


@pytest.mark.task(5, rule="a sample lasts long beside a tick of the clock")
def test_each_of_the_two_has_its_own_number_of_calls(exercise, world):
    exercise.compare(world.work(3 * CALL, "slow"), world.work(CALL, "fast"), 9, LEAST, world.clock)
    made = world.log.count("fast") - 1 - SEARCH - SAMPLE
    assert made >= 9 * SAMPLE, (
        f"a sample of fast needs {SAMPLE} calls, so 9 rounds need {9 * SAMPLE}; behind its warm-up you "
        f"called it {made} times: take the number that its own warm_up returned"
    )


@pytest.mark.task(5, rule="paired rounds")
def test_a_machine_that_slows_down_meanwhile_does_not_change_the_ratio(exercise, world):
    start = world.now

    def drifting(cost):
        return lambda done: cost * (1 + (world.now - start) * 2)  # two times slower after half a second

    slow, fast = world.work(drifting(0.002), "slow"), world.work(drifting(0.001), "fast")
    found = exercise.compare(slow, fast, 9, LEAST, world.clock)
    assert abs(found.median - 2.0) < 0.1, (
        f"both slow down together and slow always takes twice as long; you say {found.median:.2f} times"
        f"{world.unread(40)}"
    )


@pytest.mark.task(5, rule="paired rounds")
def test_every_other_round_begins_with_the_other_one(exercise, world):
    exercise.compare(world.work(LEAST, "slow"), world.work(LEAST, "fast"), 6, LEAST, world.clock)
    rounds = world.log[6:]  # each was called once for nothing, once by the search, once to warm up
    pairs = [tuple(rounds[at : at + 2]) for at in range(0, len(rounds), 2)]
    expected = [("slow", "fast"), ("fast", "slow")] * 3
    assert pairs == expected, f"the rounds must be {expected}, and were {pairs}"


@pytest.mark.task(5, rule="paired rounds")
def test_one_disturbed_round_does_not_move_the_ratio(exercise, world):
    # In one round something else takes the processor while the slow one runs.
    slow = world.work(lambda done: 0.5 if done == 5 else 2 * LEAST, "slow")
    found = exercise.compare(slow, world.work(LEAST, "fast"), 9, LEAST, world.clock)
    assert near(found.median, 2.0), f"eight of nine rounds say 2.0; you say {found.median:.2f}"


@pytest.mark.task(5, rule="warm-up does not count")
def test_both_are_warmed_up_before_the_first_round(exercise, world):
    # The first three calls of each are slow: for nothing, by the search, and in the sample thrown away.
    slow = world.work(lambda done: 1.0 if done < 3 else 2 * LEAST, "slow")
    fast = world.work(lambda done: 3.0 if done < 3 else LEAST, "fast")
    found = exercise.compare(slow, fast, 5, LEAST, world.clock)
    assert near(found.low, 2.0) and near(found.high, 2.0), (
        f"every round that counts says 2.0; you say {found}"
    )


# -- task 6: split the cost, and find the size where the first part no longer matters ----------------------


@pytest.mark.task(6, rule="fixed cost and cost per byte")
def test_a_line_through_exact_points_is_found_again(exercise):
    points = [(size, 0.002 + size * 3e-9) for size in (0, 1000, 100_000, 10_000_000)]
    found = exercise.split(points)
    assert near(found.fixed, 0.002) and near(found.per_byte, 3e-9), (
        f"2 ms and 3 ns for each byte; not {found}"
    )


@pytest.mark.task(6, rule="one disturbed point moves nothing")
def test_one_disturbed_point_does_not_move_the_line(exercise):
    points = [(size, 0.002 + size * 3e-9) for size in range(0, 9_000_000, 1_000_000)]
    points[4] = (points[4][0], 5.0)
    found = exercise.split(points)
    assert near(found.fixed, 0.002) and near(found.per_byte, 3e-9), (
        f"eight of nine points lie on 2 ms and 3 ns a byte; your line: {found}"
    )


@pytest.mark.task(6, rule="fixed cost and cost per byte")
def test_every_two_points_give_a_slope(exercise):
    # Slopes of neighbours: 1, 3 and 0 microseconds a byte; of the other pairs: 2, 1.5 and 4/3.
    found = exercise.split([(0, 0.0), (1000, 0.001), (2000, 0.004), (3000, 0.004)])
    expected = (4 / 3 + 1.5) / 2 * 1e-6
    assert near(found.per_byte, expected), (
        f"four points have six slopes, and their median is {expected:.4g} s a byte; not {found.per_byte:.4g}"
    )


@pytest.mark.task(6, rule="fixed cost and cost per byte")
def test_two_points_of_one_size_have_no_slope_and_a_cost_is_never_below_zero(exercise):
    twice = [(0, 0.001), (0, 0.001), (1000, 0.002), (2000, 0.003)]
    assert near(exercise.split(twice).per_byte, 1e-6), "two points of one size have no slope between them"
    below = [(1000, 0.0), (2000, 0.001), (3000, 0.002)]
    assert exercise.split(below).fixed == 0.0, "a fixed cost is at least 0: nothing gives time back"


@pytest.mark.task(6, rule="once = share · whole")
@pytest.mark.parametrize(
    ("once", "fixed", "per_byte", "share", "expected"),
    [
        (0.001, 0.0, 1e-9, 0.5, 1_000_000),
        (0.001, 0.0, 1e-9, 0.1, 9_000_000),
        (0.001, 0.0005, 1e-9, 0.5, 500_000),
        (0.0001, 0.005, 1e-9, 0.1, 0),
    ],
)
def test_the_size_where_the_handshake_is_that_share_of_the_whole(
    exercise, once, fixed, per_byte, share, expected
):
    found = exercise.size_where(once, exercise.Line(fixed, per_byte), share)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-3), (
        f"{once} s once, {fixed} s + {per_byte} s a byte, share {share}: {expected} bytes, not {found:.0f}"
    )


@pytest.mark.task(6, rule="a share lies between 0 and 1")
@pytest.mark.parametrize("share", [0, 1, -0.5, 5, 50])
def test_a_share_that_is_no_part_of_the_whole_is_refused(exercise, share):
    with pytest.raises(ValueError):
        found = exercise.size_where(0.001, exercise.Line(0.0, 1e-9), share)
        pytest.fail(f"share={share} does not lie between 0 and 1: raise ValueError; you returned {found}")
