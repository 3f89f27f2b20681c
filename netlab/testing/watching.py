"""What a test looks at beside the answers: descriptors, threads, children, memory, connections.

Counts are exact. Memory is the unique set size (USS): what would be free if the process ended.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

MIB = 1024 * 1024
_EVERY = 0.005  # seconds between two looks at the memory


class Belongings:
    """What this process holds: descriptors, threads and children, as they are now."""

    def __init__(self) -> None:
        self.descriptors = _descriptors()
        self.threads = set(threading.enumerate())
        self.children = {child.pid for child in psutil.Process().children()}

    def left(self) -> list[str]:
        """What has been added since, in words; empty when nothing is left behind."""
        if set(_descriptors()) - set(self.descriptors):
            gc.collect()  # what only a reference cycle holds is not left behind
        for thread in set(threading.enumerate()) - self.threads:
            thread.join(timeout=2)  # one that was told to end may be in its last step
        found = [
            f"file descriptor {number} ({what})"
            for number, what in _descriptors().items()
            if number not in self.descriptors
        ]
        found += [f"thread {t.name}" for t in threading.enumerate() if t not in self.threads]
        children = {child.pid for child in psutil.Process().children()}
        return found + [f"child process {pid}" for pid in sorted(children - self.children)]


def _descriptors() -> dict[int, str]:
    """Every open file descriptor with what it points at; devices aside, which libraries open once."""
    found: dict[int, str] = {}
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(folder):
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:
            continue  # the descriptor of the listing itself
        if not target.startswith("/dev/"):
            found[int(name)] = target
    return found


@contextmanager
def flat(most_mib: float, pid: int | None = None) -> Iterator[Callable[[], float]]:
    """Hold that memory grows by at most so many MiB inside; gives a function: MiB grown at the most so far.

    pid: another process. Raises AssertionError with both figures.
    """
    process = psutil.Process(pid)
    gc.collect()
    start = peak = process.memory_full_info().uss
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(_EVERY):
            peak = max(peak, process.memory_full_info().uss)

    watcher = threading.Thread(target=watch, name="netlab.testing memory", daemon=True)
    watcher.start()
    try:
        yield lambda: (peak - start) / MIB
    finally:
        done.set()
        watcher.join()
    grown = (max(peak, process.memory_full_info().uss) - start) / MIB
    assert grown <= most_mib, f"memory grew by {grown:.1f} MiB (USS); at most {most_mib:g} MiB were expected"


@contextmanager
def connections(server: Any) -> Iterator[Callable[[], int]]:
    """Gives a function: connections that the server has accepted since. server: one that has `stats()`."""
    if not hasattr(server, "stats"):
        raise TypeError(f"{server!r} counts no connections: give a server of netlab_live or netlab_server")
    before = server.stats()["accepted"]
    yield lambda: int(server.stats()["accepted"]) - before
