"""What every test shares: the keeper that proves a test left nothing behind.

A file descriptor, a thread or a child that outlives its test is a defect of the code or of the test.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator

import psutil
import pytest


def _open_fds() -> dict[int, str]:
    """Every open file descriptor with what it points at."""
    found = {}
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the descriptor of the listing itself
    return found


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """After the test: the same descriptors, threads and children as before it."""
    fds, threads, children = _open_fds(), set(threading.enumerate()), _children()
    yield
    gc.collect()
    left = {fd: what for fd, what in _open_fds().items() if fd not in fds and "/dev/" not in what}
    extra = [t.name for t in threading.enumerate() if t not in threads and t.is_alive()]
    assert not left, f"{request.node.name} left file descriptors open: {left}"
    assert not extra, f"{request.node.name} left threads running: {extra}"
    assert not _children() - children, f"{request.node.name} left child processes: {_children() - children}"
