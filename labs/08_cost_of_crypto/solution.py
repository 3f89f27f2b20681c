"""What cryptography costs: build a harness that measures honestly, then measure with it.

A computer is never quite still: caches are cold at first, the clock ticks in steps, the processor changes its
speed, other programs take their share. A harness is honest if none of that changes what it says:

    time many calls      one call may be shorter than the clock can tell
    warm up              the first calls fill caches; no later call pays for that
    repeat               and give the median with the spread, so that one disturbed sample moves nothing
    compare in turns     two things measured one after the other meet two different machines
    split the cost       what is paid once, and what is paid for each byte

You write these five, and the arithmetic that uses them. The measurement then asks your harness how fast RSA,
elliptic curves, AES and whole TLS handshakes are here.

`work` is always a function without arguments that does the thing to be measured once. `clock` gives seconds,
and is handed in so that the checks can let time pass as they like; yours is `time.perf_counter`.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Work = Callable[[], object]
Clock = Callable[[], float]

LEAST = 0.005  # seconds that one sample lasts at least: far more than a tick of any clock
SAMPLES = 9


@dataclass(frozen=True)
class Summary:
    """A measurement in three numbers: the median of all samples, and the quartiles below and above it."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A cost that grows with the size: `fixed` is paid once, `per_byte` for each byte."""

    fixed: float
    per_byte: float


# -- task 1: many calls, one reading ------------------------------------------------------------------


def time_calls(work: Work, calls: int, clock: Clock = time.perf_counter) -> float:
    """Seconds for one call of `work`, as the average over `calls` calls in a row.

    The clock is read twice, before the first call and after the last. Python's garbage collector is off
    meanwhile: its runs would fall into some samples and not into others. Afterwards it is as it was before,
    even if `work` raises.
    """
    # >>> task 1: time many calls with two readings of the clock
    was_on = gc.isenabled()
    gc.disable()
    try:
        start = clock()
        for _ in range(calls):
            work()
        return (clock() - start) / calls
    finally:
        if was_on:
            gc.enable()
    # <<< task 1


# -- task 2: how many calls a sample needs ------------------------------------------------------------


def calls_for(work: Work, least: float = LEAST, clock: Clock = time.perf_counter) -> int:
    """How many calls take at least `least` seconds: 1, 2, 4, 8 and so on, tried in that order.

    Each trial is timed by `time_calls`. A clock that stands still between two readings has not told anything:
    double the calls, and try again.
    """
    # >>> task 2: double the calls until the clock can tell
    calls = 1
    while time_calls(work, calls, clock) * calls < least:
        calls *= 2
    return calls
    # <<< task 2


# -- task 3: the median and the spread ----------------------------------------------------------------


def summarise(samples: Sequence[float]) -> Summary:
    """The median of the samples, and the quartiles as the spread.

    Quartiles by `statistics.quantiles(…, n=4, method="inclusive")`. The order of the samples does not matter,
    and they are left as they were. Raises ValueError for fewer than five samples: two quartiles and a median
    of three numbers say nothing.
    """
    # >>> task 3: the median and the quartiles
    if len(samples) < 5:
        raise ValueError(f"{len(samples)} samples are too few for a median with quartiles: take at least 5")
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(median, low, high)
    # <<< task 3


# -- task 4: warm up, then measure --------------------------------------------------------------------


def warm_up(work: Work, least: float = LEAST, clock: Clock = time.perf_counter) -> int:
    """Make `work` ready to be measured, and return how many calls a sample needs.

    Call it once for nothing: the first call is the coldest, and would mislead the search. Then search. Then
    take one sample that is thrown away.
    """
    # >>> task 4: throw away the first call and the first sample
    work()
    calls = calls_for(work, least, clock)
    time_calls(work, calls, clock)
    return calls
    # <<< task 4


def measure(
    work: Work, samples: int = SAMPLES, least: float = LEAST, clock: Clock = time.perf_counter
) -> Summary:
    """Seconds for one call of `work`: warmed up, then `samples` samples, summarised."""
    # >>> task 4: throw away the first call and the first sample
    calls = warm_up(work, least, clock)
    return summarise([time_calls(work, calls, clock) for _ in range(samples)])
    # <<< task 4


# -- task 5: two things, in turns ---------------------------------------------------------------------


def compare(
    slow: Work, fast: Work, rounds: int = SAMPLES, least: float = LEAST, clock: Clock = time.perf_counter
) -> Summary:
    """How many times as long `slow` takes as `fast`: the ratio of each round, summarised.

    In each round both are timed, right behind each other, and the ratio is taken within the round: what slows
    the machine down for a second slows both. The first round begins with `slow`, the next with `fast`, and so
    on, so that neither always has the colder caches. Both are warmed up before the first round.
    """
    # >>> task 5: take the ratio within each round, and change the order
    works = (slow, fast)
    calls = [warm_up(work, least, clock) for work in works]
    ratios = []
    for number in range(rounds):
        took = [0.0, 0.0]
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            took[which] = time_calls(works[which], calls[which], clock)
        ratios.append(took[0] / took[1])
    return summarise(ratios)
    # <<< task 5


# -- task 6: what is paid once, and what is paid for each byte ----------------------------------------


def split(points: Sequence[tuple[int, float]]) -> Line:
    """The line through (size in bytes, seconds) that one wrong point cannot move.

    `per_byte` is the median of the slopes between every two points of different size (Theil and Sen). `fixed`
    is the median of what each point has left when its bytes are paid for, and at least 0.
    """
    # >>> task 6: split the cost, and find the size where the first part no longer matters
    slopes = [
        (later - earlier) / (large - small)
        for index, (small, earlier) in enumerate(points)
        for large, later in points[index + 1 :]
        if large != small
    ]
    per_byte = statistics.median(slopes)
    fixed = statistics.median([seconds - size * per_byte for size, seconds in points])
    return Line(max(0.0, fixed), per_byte)
    # <<< task 6


def size_where(once: float, line: Line, share: float) -> float:
    """The size in bytes from which on a cost of `once` seconds is at most `share` of the whole.

    The whole is that cost, and what the line says for the size. 0 if an empty response already costs enough.
    `share` lies between 0 and 1, both excluded: ValueError otherwise.
    """
    # >>> task 6: split the cost, and find the size where the first part no longer matters
    if not 0 < share < 1:
        raise ValueError(f"share={share}: a part of the whole lies between 0 and 1")
    # once = share · (once + fixed + size · per_byte), solved for the size
    return max(0.0, (once * (1 - share) / share - line.fixed) / line.per_byte)
    # <<< task 6
