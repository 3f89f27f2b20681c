"""The checks of lab 10: a probe is worth what its readings are worth.

Nothing here is measured: folders that look like /proc, texts that look like the kernel's, servers that are a
few numbers. What each of them must come to is known beforehand.
"""

from __future__ import annotations

import math
import os
import random
from itertools import pairwise
from pathlib import Path

import pytest

KIB, MIB = 1024, 1024 * 1024
FD, SMAPS = "proc_pid_fd(5)", "proc_pid_smaps(5)"
LEAST_SQUARES = "least squares, with Student's interval"
LADDER = "DESIGN: cost is a slope over a ladder, after a warm-up, from steady readings"


# --- task 1: count the open descriptors ---------------------------------------------------------------


def process(proc: Path, pid: int, *descriptors: int) -> Path:
    """A folder that looks like /proc, with one process that has these descriptors open."""
    folder = proc / str(pid) / "fd"
    folder.mkdir(parents=True)
    for number in descriptors:
        (folder / str(number)).symlink_to(f"socket:[{40_000 + number}]")
    return proc


def another() -> int:
    """The id of some process, not this one."""
    return os.getpid() + 1


@pytest.mark.task(1, rule=FD)
def test_every_name_in_the_folder_is_one_descriptor(exercise, steps, tmp_path):
    proc = process(tmp_path, another(), 0, 1, 2, 7, 1023)
    steps.note("a process with the descriptors 0, 1, 2, 7 and 1023")
    found = exercise.count_descriptors(another(), proc)
    assert found == 5, f"you counted {found}, not 5: count names; numbers have gaps, and all kinds count"


@pytest.mark.task(1, rule=FD)
def test_the_listing_of_another_process_costs_that_process_nothing(exercise, steps, tmp_path):
    proc = process(tmp_path, another(), 0)
    steps.note("another process, with a single descriptor")
    found = exercise.count_descriptors(another(), proc)
    assert found == 1, f"you counted {found}, not 1: the descriptor of the listing is ours, not theirs"


@pytest.mark.task(1, rule=FD)
def test_ones_own_count_leaves_out_the_descriptor_of_the_listing(exercise, steps, tmp_path):
    proc = process(tmp_path, os.getpid(), 0, 1, 2, 3)
    steps.note("this process, seen while it lists: 0, 1, 2, and 3, which is the folder being listed")
    found = exercise.count_descriptors(os.getpid(), proc)
    assert found == 3, f"you counted {found}, not 3: the listing itself holds one of the four"


@pytest.mark.task(1, rule=FD)
def test_each_file_opened_by_this_process_is_one_more(exercise, steps, tmp_path):
    real = Path("/proc/self/fd").is_dir()
    proc = Path("/proc") if real else process(tmp_path, os.getpid(), 0, 1, 2)
    before = exercise.count_descriptors(os.getpid(), proc)
    ends = [*os.pipe(), *os.pipe()]
    try:
        after = exercise.count_descriptors(os.getpid(), proc)
    finally:
        for end in ends:
            os.close(end)
    steps.note(f"{before} before two pipes were opened, {after} after")
    assert after - before == (4 if real else 0), "two pipes are four descriptors more"
    assert exercise.count_descriptors(os.getpid(), proc) == before, "closed, they are gone: do not add up"


@pytest.mark.task(1, rule=FD)
def test_a_process_that_is_not_there_is_unreadable_and_not_0(exercise, tmp_path):
    with pytest.raises(exercise.Unreadable):
        found = exercise.count_descriptors(another(), process(tmp_path, os.getpid(), 0))
        pytest.fail(f"there is no such process, and you counted {found}: unknown is not a number")


@pytest.mark.task(1, rule=FD)
def test_a_folder_that_cannot_be_listed_is_unreadable_for_whatever_reason(exercise, steps, tmp_path):
    (tmp_path / str(another())).mkdir()
    (tmp_path / str(another()) / "fd").write_text("no folder at all")
    steps.note("a process whose `fd` the system does not let us list")
    try:
        found = exercise.count_descriptors(another(), tmp_path)
    except exercise.Unreadable:
        return
    except OSError as failure:
        pytest.fail(
            f"{type(failure).__name__} came out: whatever keeps us from listing it is an OSError "
            "(PermissionError for a process that is not ours), and becomes Unreadable"
        )
    pytest.fail(f"it cannot be listed, and you counted {found}: unknown is not a number")


# --- task 2: read the memory of a process -------------------------------------------------------------

NEW_KERNEL = """\
5581e7a4b000-7ffcb6d9e000 ---p 00000000 00:00 0                          [rollup]
Rss:               31000 kB
Pss:               24000 kB
Pss_Dirty:         19500 kB
Pss_Anon:          19000 kB
Pss_File:           5000 kB
Pss_Shmem:             0 kB
Shared_Clean:       9000 kB
Shared_Dirty:       1500 kB
Private_Clean:      2500 kB
Private_Dirty:     18000 kB
Referenced:        30500 kB
Anonymous:         19500 kB
KSM:                   0 kB
LazyFree:              0 kB
AnonHugePages:      4096 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:         0 kB
Shared_Hugetlb:     2048 kB
Private_Hugetlb:    6144 kB
Swap:                700 kB
SwapPss:             650 kB
Locked:                0 kB
"""

OLD_KERNEL = """\
5581e7a4b000-7ffcb6d9e000 ---p 00000000 00:00 0                          [rollup]
Rss:                9000 kB
Pss:                5000 kB
Shared_Clean:       4500 kB
Shared_Dirty:        500 kB
Private_Clean:      1000 kB
Private_Dirty:      3000 kB
Referenced:         9000 kB
"""


@pytest.mark.task(2, rule=SMAPS)
def test_kb_means_1024_bytes(exercise):
    found = exercise.read_memory(NEW_KERNEL)
    assert found.rss == 31000 * KIB, f"Rss: 31000 kB is {31000 * KIB} bytes; you read {found.rss}"
    assert found.written == 18000 * KIB, (
        f"written is Private_Dirty, 18000 kB, {18000 * KIB} bytes; you read {found.written}"
    )


@pytest.mark.task(2, rule=SMAPS)
def test_uss_is_what_this_process_alone_maps_clean_dirty_and_huge(exercise, steps):
    steps.note("Private_Clean 2500 kB, Private_Dirty 18000 kB, Private_Hugetlb 6144 kB")
    found = exercise.read_memory(NEW_KERNEL)
    expected = (2500 + 18000 + 6144) * KIB
    assert found.uss == expected, f"USS is the three together, {expected} bytes; you read {found.uss}"


@pytest.mark.task(2, rule=SMAPS)
def test_figures_are_found_by_name_since_kernels_list_others_and_in_other_places(exercise, steps):
    steps.note("the text of an old kernel: fewer lines, and no Private_Hugetlb")
    found = tuple(exercise.read_memory(OLD_KERNEL))
    expected = (9000 * KIB, 4000 * KIB, 3000 * KIB)
    assert found == expected, f"(rss, uss, written) is {expected}; you read {found}"


@pytest.mark.task(2, rule=SMAPS)
@pytest.mark.parametrize("missing", ["everything", "Rss", "Private_Clean", "Private_Dirty"])
def test_a_text_that_lacks_a_figure_is_unreadable_and_not_0(exercise, steps, missing):
    lines = OLD_KERNEL.splitlines(keepends=True)
    text = "".join(line for line in lines if missing != "everything" and not line.startswith(missing + ":"))
    steps.note(f"a text without {missing}")
    with pytest.raises(exercise.Unreadable):
        found = exercise.read_memory(text)
        pytest.fail(f"{missing} is missing, and you read {found}: a process that ends does not hold 0 bytes")


# --- task 3: the slope and its interval ---------------------------------------------------------------


def close(found, expected):
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-6)


@pytest.mark.task(3, rule=LEAST_SQUARES)
def test_what_the_server_needs_anyway_is_charged_to_no_connection(exercise, steps):
    points = [(n, 30 * MIB + n * 16 * KIB) for n in (100, 200, 300, 400)]
    steps.note("a server of 30 MiB whose every connection adds 16 KiB exactly")
    found = exercise.slope(points)
    assert close(found.value, 16 * KIB), (
        f"each connection adds 16384 bytes, you say {found.value:g}: the 30 MiB were there before the first"
    )
    assert close(found.half_width, 0), f"all points lie on the line, yet you say ± {found.half_width:g}"


@pytest.mark.task(3, rule=LEAST_SQUARES)
def test_all_points_have_a_say_and_not_the_first_and_the_last_alone(exercise, steps):
    # By hand: means 2.5 and 4; sum dx·dy = 3 + 0.5 + 0.5 + 3 = 7; sum dx² = 2.25 + 0.25 + 0.25 + 2.25 = 5.
    steps.note("the points (1, 2), (2, 3), (3, 5), (4, 6)")
    found = exercise.slope([(1, 2), (2, 3), (3, 5), (4, 6)]).value
    assert close(found, 1.4), f"7 / 5 is 1.4; you say {found:g}"


@pytest.mark.task(3, rule=LEAST_SQUARES)
def test_the_interval_of_four_points_is_the_one_worked_out_by_hand(exercise, steps):
    # Residuals 0.1, -0.3, 0.3, -0.1: squares 0.2 together, over 2 degrees of freedom 0.1; t is 4.303.
    steps.note("the points (1, 2), (2, 3), (3, 5), (4, 6): slope 1.4, residuals 0.1, -0.3, 0.3, -0.1")
    found = exercise.slope([(1, 2), (2, 3), (3, 5), (4, 6)]).half_width
    expected = 4.303 * math.sqrt(0.1 / 5)
    assert close(found, expected), (
        f"4.303 · sqrt((0.2 / 2) / 5) is {expected:.4f}; you say {found:.4f} (4 points leave 2 degrees)"
    )


@pytest.mark.task(3, rule=LEAST_SQUARES)
def test_nineteen_of_twenty_intervals_hold_the_true_slope(exercise, steps, seed):
    chance = random.Random(seed)
    ladder, truth, trials = (100, 200, 300, 400, 500), 15 * KIB, 2000
    held = 0
    for _ in range(trials):
        points = [(n, 20 * MIB + n * truth + chance.gauss(0, 64 * KIB)) for n in ladder]
        found = exercise.slope(points)
        held += abs(found.value - truth) <= found.half_width
    percent = 100 * held / trials
    steps.note(f"{trials} ladders of five rungs, with noise: {percent:.1f} % of the intervals hold the truth")
    assert percent > 92.5, (
        f"an interval of 95 % must hold the true slope 95 times in 100; yours do {percent:.1f}: too narrow"
    )
    assert percent < 97.5, f"95 % are asked for, yours hold it in {percent:.1f} %: too wide to say anything"


@pytest.mark.task(3, rule=LEAST_SQUARES)
def test_points_that_cannot_tell_a_slope_from_noise_are_refused(exercise):
    for points in ([], [(100, 5)], [(100, 5), (200, 9)], [(100, 5), (100, 6), (100, 7)]):
        with pytest.raises(ValueError):
            found = exercise.slope(points)
            pytest.fail(f"{points} gives no interval, and you say {found}")


# --- task 4: climb the ladder -------------------------------------------------------------------------


class Script:
    """A server whose readings are written down beforehand; the last one repeats."""

    def __init__(self, exercise, *readings):
        self.readings = [self.reading(exercise, *each) for each in readings]
        self.log = []

    @staticmethod
    def reading(exercise, descriptors, written, uss=None):
        memory = exercise.Memory(rss=40 * MIB, uss=30 * MIB if uss is None else uss, written=written)
        return exercise.Reading(descriptors, memory)

    def read(self):
        taken = sum(event == "read" for event in self.log)
        self.log.append("read")
        return self.readings[min(taken, len(self.readings) - 1)]

    def pause(self):
        self.log.append("pause")

    @property
    def reads(self):
        return self.log.count("read")


class Simulated:
    """A server of known cost that behaves as real ones do; all numbers are bytes.

    Its first connections ever fill caches. What it once held it keeps (an allocator does). After every burst
    there is garbage for a while, and it accepts no more than `accepts` connections between two readings.
    """

    def __init__(self, exercise, cost=20 * KIB, garbage=MIB, accepts=64, leaks=0, fails_at=None):
        self.exercise, self.cost, self.accepts = exercise, cost, accepts
        self.leaks, self.fails_at, self.burst = leaks, fails_at, garbage
        self.clients = self.accepted = self.peak = self.ever = self.lost = self.garbage = 0
        self.log = []

    def open(self, count):
        self.log.append(f"open {count}")
        if self.fails_at is not None and count >= self.fails_at:
            raise OSError("the server refused it")
        self.ever += max(0, count - self.clients)
        self.clients = count
        self.peak = max(self.peak, count)
        self.garbage = self.burst

    def close(self):
        self.log.append("close")
        if self.clients:
            self.lost += self.leaks
        self.clients = self.accepted = 0
        self.garbage = self.burst

    def pause(self):
        self.garbage //= 4
        self.accepted = min(self.clients, self.accepted + self.accepts)

    def read(self):
        caches = 8 * KIB * min(self.ever, 70)
        written = 24 * MIB + caches + self.cost * self.peak + self.garbage
        return Script.reading(self.exercise, 7 + self.accepted + self.lost, written)


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
def test_pages_that_other_programs_make_private_or_shared_do_not_disturb(exercise, steps):
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
def test_the_ladder_is_climbed_in_order_after_a_warm_up_that_is_closed_again(exercise, steps):
    server = Simulated(exercise)
    exercise.climb(server, [100, 200, 300], 50)
    steps.note(f"you did: {', '.join(server.log)}")
    # To close what is closed already does no harm, as a `finally` behind a close that went well does.
    log = [event for event, before in zip(server.log, [None, *server.log], strict=False) if event != before]
    assert log == ["open 50", "close", "open 100", "open 200", "open 300", "close"], (
        "warm up and close; then open to 100, 200 and 300, nothing closed in between; then close"
    )


@pytest.mark.task(4, rule=LADDER)
def test_start_and_end_are_read_with_nothing_open(exercise, steps):
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
def test_every_rung_is_a_steady_reading_with_as_many_connections_as_it_says(exercise, steps):
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
def test_no_connection_is_left_open_when_the_climb_breaks_off(exercise, steps):
    server = Simulated(exercise, fails_at=300)
    with pytest.raises(OSError, match="refused"):
        exercise.climb(server, [100, 200, 300, 400], 50)
    steps.note(f"you did: {', '.join(server.log)}")
    assert server.log[-1] == "close" and not server.clients, (
        f"{server.clients} connections are still open: close them whatever happens (try … finally)"
    )


class Interrupted(Simulated):
    """Ctrl-C is pressed while the probe does one thing or the other, with 200 connections open."""

    def __init__(self, exercise, during):
        super().__init__(exercise)
        self.during = during

    def open(self, count):
        super().open(count)
        self.press("opens")

    def pause(self):
        super().pause()
        self.press("pauses")

    def read(self):
        self.press("reads")
        return super().read()

    def press(self, now):
        if now == self.during and self.clients == 200:
            raise KeyboardInterrupt


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
def test_the_kernels_share_is_stacked_on_the_servers_own(exercise, steps):
    steps.note("12 KiB of its own and 4 KiB in the kernel for each of 1,000 clients")
    found = foresee(exercise, 1000, user=(12 * KIB, 0.0), kernel=4 * KIB, room=(20_000, 160 * MIB))
    assert close(found.needed, 16_000 * KIB), f"16 KiB · 1,000 is 16,384,000 bytes; you say {found.needed:g}"
    assert found.memory_allows == 10_240, (
        f"160 MiB are 10,240 connections of 16 KiB; you say {found.memory_allows}"
    )


@pytest.mark.task(5, rule=ARITHMETIC)
def test_what_is_uncertain_for_one_connection_is_so_for_each(exercise, steps):
    steps.note("15 KiB ± 1 KiB for each of 10,000 clients")
    found = foresee(exercise, user=(15 * KIB, 1 * KIB))
    assert close(found.needed, 150_000 * KIB), (
        f"15 KiB · 10,000 is 153,600,000 bytes, and that is the middle of it; you say {found.needed:g}"
    )
    assert close(found.half_width, 10_000 * KIB), (
        f"± 1 KiB · 10,000 is ± 10,240,000 bytes; you say ± {found.half_width:g}"
    )


@pytest.mark.task(5, rule=ARITHMETIC)
def test_room_is_promised_for_the_dear_end_of_the_interval_and_for_whole_connections(exercise, steps):
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
def test_the_first_end_is_the_nearer_one(exercise, steps, descriptors, connections_of_memory, first):
    steps.note(f"descriptors for {descriptors} connections, memory for {connections_of_memory}")
    room = (descriptors, connections_of_memory * 12 * KIB)
    found = foresee(exercise, room=room)
    assert found.first is exercise.End[first], f"{first} end first (both at once: DESCRIPTORS): {found}"


@pytest.mark.task(5, rule=ARITHMETIC)
def test_clients_fit_only_when_there_is_room_of_both_kinds_for_the_last_of_them(exercise, steps):
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
def test_a_connection_that_seems_to_cost_nothing_may_come_as_often_as_it_likes(exercise, steps, value):
    steps.note(f"a slope of {value:g} bytes ± 100, as small costs may come out, and no memory free at all")
    found = foresee(exercise, user=(value, 0.0 if value == 0 else 100.0), room=(20_000, 0))
    assert found.memory_allows == math.inf, (
        f"memory never ends at {value:g} bytes each; you say {found.memory_allows}"
    )
    assert found.first is exercise.End.DESCRIPTORS, "then descriptors end first"
