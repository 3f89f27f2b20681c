"""The checks of lab 10: a probe is worth what its readings are worth.

Nothing here is measured: folders that look like /proc, texts that look like the kernel's, servers that are a
few numbers. What each of them must come to is known beforehand.
"""

from __future__ import annotations

import math
import os
import random
from pathlib import Path

import pytest

KIB, MIB = 1024, 1024 * 1024
FD, SMAPS = "proc_pid_fd(5)", "proc_pid_smaps(5)"
LEAST_SQUARES = "least squares, with Student's interval"


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
def test_the_count_of_this_process_leaves_out_the_descriptor_of_the_listing(exercise, steps, tmp_path):
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
def test_a_folder_that_cannot_be_listed_is_unreadable_for_every_reason(exercise, steps, tmp_path):
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
def test_figures_are_found_by_their_names_in_any_order(exercise, steps):
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
def test_the_fixed_cost_of_the_server_is_not_part_of_the_slope(exercise, steps):
    points = [(n, 30 * MIB + n * 16 * KIB) for n in (100, 200, 300, 400)]
    steps.note("a server of 30 MiB whose every connection adds 16 KiB exactly")
    found = exercise.slope(points)
    assert close(found.value, 16 * KIB), (
        f"each connection adds 16384 bytes, you say {found.value:g}: the 30 MiB were there before the first"
    )
    assert close(found.half_width, 0), f"all points lie on the line, yet you say ± {found.half_width:g}"


@pytest.mark.task(3, rule=LEAST_SQUARES)
def test_the_slope_uses_all_points_and_not_only_the_first_and_the_last(exercise, steps):
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
