"""What every test shares: the keeper that proves a test left nothing behind.

A file descriptor, a thread or a child that outlives its test is a defect of the code or of the test.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import psutil
import pytest

if TYPE_CHECKING:
    from netlab.tls.authority import Certificates

# A timing never decides a test: a busy machine makes single examples slow.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# A shell starts a background command (`make test &`, nohup, a CI's runner) with SIGINT ignored, and children
# inherit that. The tests press Ctrl-C for real: they start from Python's own handler.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _open_fds() -> dict[int, str]:
    """Every open file descriptor with what it points at; devices aside, which libraries open once."""
    found = {}
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the descriptor of the listing itself
        if not target.startswith("/dev/"):
            found[int(name)] = target
    return found


def _children() -> set[int]:
    """The processes that this one has started; from the kernel's own list where it has one (0.1 ms)."""
    try:
        lists = [task.joinpath("children").read_text() for task in Path("/proc/self/task").iterdir()]
    except OSError:
        return {child.pid for child in psutil.Process().children()}
    return {int(pid) for children in lists for pid in children.split()}


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """After the test: the same descriptors, threads and children as before it."""
    fds, threads, children = _open_fds(), set(threading.enumerate()), _children()
    yield
    if set(_open_fds()) - set(fds):
        gc.collect()  # what only a reference cycle holds is not left behind
    left = {fd: what for fd, what in _open_fds().items() if fd not in fds}
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=2)  # one that has been told to end may be in its last step
    extra = [t.name for t in threading.enumerate() if t not in threads and t.is_alive()]
    assert not left, f"{request.node.name} left file descriptors open: {left}"
    assert not extra, f"{request.node.name} left threads running: {extra}"
    assert not _children() - children, f"{request.node.name} left child processes: {_children() - children}"


@pytest.fixture(scope="session")
def minted(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Root, intermediate and leaf for localhost and 127.0.0.1, minted once for this run."""
    from netlab.tls.authority import mint

    return mint(tmp_path_factory.mktemp("certs"))


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """After the test: no task but its own."""
    before = asyncio.all_tasks()
    yield
    for _ in range(20):
        await asyncio.sleep(0)
    own = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() - before if task is not own]
    assert not left, f"tasks are left: {left}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of what only Linux has where the system is another."""
    if sys.platform == "linux":
        return
    for item in items:
        for marker in item.iter_markers("linux"):
            item.add_marker(pytest.mark.skip(reason=f"needs Linux: {marker.args[0]}"))
