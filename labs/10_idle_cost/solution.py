"""What one idle connection costs a server, read from outside. proc_pid_fd(5), proc_pid_smaps(5).

A server that holds 1,000 connections in 30 MiB does not need 30 KiB for each: most of the 30 MiB were there
before the first of them came. What a connection costs is how much the *next* one adds, the slope of

    memory
      |                                   . 400
      |                         . 300              slope = what one connection costs
      |               . 200
      |     . 100
      |
      +---------------------------------> connections

You write the probe in five steps: count descriptors, read memory, draw the line with its interval, climb the
ladder so that every reading is worth a point, and say what 10,000 clients would exhaust first.

Memory is in bytes everywhere. The kernel writes "kB" and means 1,024 bytes.
"""

from __future__ import annotations

import enum
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

PROC = Path("/proc")

Point = tuple[float, float]  # connections, and what was read with so many of them open

# Two readings of memory agree when they differ by less than this: four pages, an allocator's small change.
AGREE = 16 * 1024

# Student's t for 95 %: |t| stays below T95[n - 1] with that probability when n degrees of freedom are left.
T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


class Unreadable(Exception):
    """The process is gone, or the system does not show it to us. What cannot be read is unknown, never 0."""


class Unsteady(Exception):
    """The readings did not come to rest: none of them may stand for this rung."""


class Memory(NamedTuple):
    """What one process holds, in bytes.

    rss: every resident page, those shared with other processes included.
    uss: the pages that it alone maps. They would come back if it ended.
    written: the part of uss that it has written. The rest are pages of program files, which turn from private
        to shared and back whenever *another* process starts or ends: for small slopes, read this one.
    """

    rss: int
    uss: int
    written: int


class Reading(NamedTuple):
    """One process at one moment."""

    descriptors: int
    memory: Memory


class Server(Protocol):
    """A server with the clients that the probe opens to it."""

    def open(self, count: int) -> None:
        """Open connections until `count` stand: each asks once, reads the answer and is idle."""

    def close(self) -> None:
        """Close them all."""

    def read(self) -> Reading:
        """Read the server now."""

    def pause(self) -> None:
        """Give the server a moment."""


class Climb(NamedTuple):
    """A ladder climbed: the server before, with each number of connections, and after."""

    start: Reading
    rungs: list[tuple[int, Reading]]
    end: Reading

    @property
    def returned(self) -> bool:
        """Whether every descriptor came back. One that did not is a leak: a cost that outlives its client."""
        return self.end.descriptors == self.start.descriptors

    def points(self, figure: str) -> list[Point]:
        """(connections, figure) for each rung: "descriptors", "rss", "uss" or "written"."""
        return [
            (count, reading.descriptors if figure == "descriptors" else getattr(reading.memory, figure))
            for count, reading in self.rungs
        ]


class Slope(NamedTuple):
    """What one connection adds: with 95 % confidence, value ± half_width."""

    value: float
    half_width: float


class Cost(NamedTuple):
    """One idle connection: descriptors of the server, bytes of its own, bytes that the kernel holds."""

    descriptors: float
    user: Slope
    kernel: float


class Room(NamedTuple):
    """What a server may still take before its first connection: descriptors, and bytes of memory."""

    descriptors: int
    memory: int


class End(enum.Enum):
    """What there may be no more of."""

    DESCRIPTORS = "descriptors"
    MEMORY = "memory"


class Forecast(NamedTuple):
    """What is to be expected of so many clients (see `forecast`)."""

    needed: float
    half_width: float
    descriptors_allow: int
    memory_allows: float
    first: End
    fits: bool


def count_descriptors(pid: int, proc: Path = PROC) -> int:
    """Count the file descriptors that process `pid` has open.

    `proc`/PID/fd is a folder with one name for each. Mind whose folder it is: to list a folder is to have it
    open, so that a process which counts itself finds one descriptor that is only there because it looks.
    That one is not counted.

    Raises Unreadable when the folder cannot be listed, for whatever reason (there is no such process,
    or it is not ours to see).
    """
    # >>> task 1: count the open descriptors
    try:
        names = os.listdir(proc / str(pid) / "fd")
    except OSError as failure:
        raise Unreadable(f"process {pid}: {failure.strerror}") from None
    return len(names) - (pid == os.getpid())
    # <<< task 1


def read_memory(text: str) -> Memory:
    """Read the text of /proc/PID/smaps_rollup, proc_pid_smaps(5):

        55a8e3f2c000-7ffd0a9f2000 ---p 00000000 00:00 0                  [rollup]
        Rss:               30720 kB
        Pss:               24000 kB
        Pss_Dirty:         20000 kB
        Shared_Clean:       8192 kB        …

    Resident is Rss. What this process alone maps is Private_Clean, Private_Dirty and Private_Hugetlb
    together (old kernels know no Private_Hugetlb: then there is none). Written is Private_Dirty.

    Raises Unreadable when the text lacks one of the other figures: of a process that is just ending, the file
    is empty.
    """
    # >>> task 2: read the memory of a process
    kib = {name: int(number) for name, number in re.findall(r"^(\w+): +([0-9]+) kB$", text, re.MULTILINE)}
    try:
        own = kib["Private_Clean"] + kib["Private_Dirty"] + kib.get("Private_Hugetlb", 0)
        return Memory(rss=kib["Rss"] * 1024, uss=own * 1024, written=kib["Private_Dirty"] * 1024)
    except KeyError as missing:
        raise Unreadable(f"no figure {missing} in it") from None
    # <<< task 2


def student(degrees: int) -> float:
    """Student's t for 95 % and so many degrees of freedom, 1 or more."""
    return T95[degrees - 1] if degrees <= len(T95) else 1.96 + 2.4 / degrees


def slope(points: Sequence[Point]) -> Slope:
    """Draw the straight line that fits the points best, and say how far its slope may be trusted.

    With dx and dy the distances of a point from the means of x and of y, least squares gives

        slope = sum(dx * dy) / sum(dx * dx)

    Each point then lies a little above or below the line: its residual, dy - slope * dx. Two things were
    estimated, the slope and the height of the line, so that n points leave n - 2 degrees of freedom:

        variance   = sum(residual ** 2) / (n - 2)
        half_width = student(n - 2) * sqrt(variance / sum(dx * dx))

    Raises ValueError for fewer than three points (two always lie on a line, which says nothing about it), and
    when all of them have the same x.
    """
    # >>> task 3: the slope and its interval
    count = len(points)
    if count < 3:
        raise ValueError(f"{count} points: give three or more")
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    offsets = [(x - mean_x, y - mean_y) for x, y in points]
    spread = sum(dx * dx for dx, _ in offsets)
    if spread == 0:
        raise ValueError("all points have the same number of connections")
    value = sum(dx * dy for dx, dy in offsets) / spread
    variance = sum((dy - value * dx) ** 2 for dx, dy in offsets) / (count - 2)
    return Slope(value, student(count - 2) * math.sqrt(variance / spread))
    # <<< task 3


def steady(server: Server, attempts: int = 100) -> Reading:
    """Read the server until it has come to rest, and return the last reading.

    It has when two readings, one right after the other, have the same number of descriptors and differ by
    less than AGREE in written memory, up or down. Between any two readings the server gets a pause.

    Raises Unsteady when `attempts` readings have been taken and no two neighbours agree.
    """
    # >>> task 4: climb the ladder
    before = server.read()
    for _ in range(attempts - 1):
        server.pause()
        after = server.read()
        moved = abs(after.memory.written - before.memory.written)
        if after.descriptors == before.descriptors and moved < AGREE:
            return after
        before = after
    raise Unsteady(f"no two of {attempts} readings agree")
    # <<< task 4


def climb(server: Server, steps: Sequence[int], warmup: int) -> Climb:
    """Measure the server with no connection, with each number of `steps`, and with none again.

    1. Warm up: open `warmup` connections and close them. The first clients of a process pay for modules,
       caches and tables that all later ones share. Then take the start, with nothing open.
    2. Climb: for each step, open connections until there are so many, and take a rung. They add up: the 100
       of the first step are among the 200 of the second.
    3. Come down: close them all, and take the end.

    Every reading taken is a steady one. The start is no rung: the memory of the warm-up's connections is free
    again and yet with the process, so the first connections of the climb seem to cost nothing. For the same
    reason a warm-up of more connections than the first step would flatten the line. (What the process freed
    while it started lies about as well: the caller chooses steps that begin above it.)

    Whatever happens on the way, Ctrl-C included, no connection is left open. Raises ValueError,
    before anything is opened, when `warmup` exceeds the first step.
    """
    # >>> task 4: climb the ladder
    if warmup > steps[0]:
        raise ValueError(f"a warm-up of {warmup} connections is more than the first step, {steps[0]}")
    rungs = []
    try:
        server.open(warmup)
        server.close()
        start = steady(server)
        for step in steps:
            server.open(step)
            rungs.append((step, steady(server)))
    finally:
        server.close()
    return Climb(start, rungs, steady(server))
    # <<< task 4


def forecast(cost: Cost, room: Room, clients: int = 10_000) -> Forecast:
    """Say what so many idle clients need, how many there is room for, and which room runs out first.

    needed: bytes for all of them, the server's own and the kernel's; half_width: plus or minus so many bytes.
    descriptors_allow, memory_allows: how many connections, whole ones, each kind of room has place for. For
        memory take the dear end of the interval: what is promised must hold wherever in it the truth lies.
        A connection that costs nothing (or less) may come as often as it likes: math.inf.
    first: of which there will be no more when one connection after the other comes; DESCRIPTORS if both end
        with the same one.
    fits: whether there is room for all the clients.
    """
    # >>> task 5: say what runs out first
    dear = cost.user.value + cost.user.half_width + cost.kernel
    descriptors_allow = int(room.descriptors // cost.descriptors)
    memory_allows = room.memory // dear if dear > 0 else math.inf
    return Forecast(
        needed=clients * (cost.user.value + cost.kernel),
        half_width=clients * cost.user.half_width,
        descriptors_allow=descriptors_allow,
        memory_allows=memory_allows,
        first=End.DESCRIPTORS if descriptors_allow <= memory_allows else End.MEMORY,
        fits=min(descriptors_allow, memory_allows) >= clients,
    )
    # <<< task 5
