"""One reading of a server: its processes and the kernel's side of its port, now or once it is quiet.

`look` reads now; `settle` reads until two readings agree. The figures come from `process` and `kernel`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from netlab.probes.errors import ProbeError
from netlab.probes.kernel import port_memory
from netlab.probes.process import Snapshot, family

# What is followed over connections or over time, in the order of a report; `kernel` is in none of the others.
FIGURES = ("written", "uss", "rss", "fds", "kernel")

# Two readings agree when their memory differs by less than this: four pages, an allocator's small change.
_AGREE = 16 * 1024
_FIRST_PAUSE = 0.03  # seconds between them; longer and longer where they do not agree


@dataclass(frozen=True, slots=True)
class Reading:
    """A server at one moment: the processes, and the kernel's bytes for the sockets of its port."""

    server: Snapshot
    kernel: int | None = None
    waiting: int = 0
    steady: bool = True

    def value(self, figure: str) -> int | None:
        """One of FIGURES."""
        number: int | None = self.kernel if figure == "kernel" else getattr(self.server, figure)
        return number


def look(pid: int, port: int | None = None) -> Reading:
    """Read a server and its children and, given a port, the kernel's side of it, as they are now.

    Raises ProbeError when there is no such process; kernel memory that is not shown is None.
    """
    server = family(pid)
    if port is None:
        return Reading(server)
    try:
        memory = port_memory(port)
    except ProbeError:
        return Reading(server)
    return Reading(server, memory.total, memory.waiting)


def settle(
    read: Callable[[], Reading],
    patience: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Reading:
    """Read again until two readings agree and no connection waits to be accepted; return the last one.

    After `patience` seconds the last reading comes back marked as not steady.
    """
    end = clock() + patience
    pause = _FIRST_PAUSE
    before = read()
    while True:
        sleep(pause)
        after = read()
        if _agree(before, after):
            return after
        if clock() >= end:
            return replace(after, steady=False)
        before, pause = after, min(pause * 2, 0.4)


def _agree(one: Reading, other: Reading) -> bool:
    memory = "rss" if other.server.written is None else "written"
    return (
        other.waiting == 0
        and one.server.fds == other.server.fds
        and one.server.processes == other.server.processes
        and abs((one.value(memory) or 0) - (other.value(memory) or 0)) < _AGREE
    )
