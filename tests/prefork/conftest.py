"""A supervisor as a process, and its workers seen from outside."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from netlab.tls.authority import Certificates
from tests.server.conftest import Process


class Supervisor(Process):
    """`python -m netlab serve --workers N …`."""

    def __init__(self, workers: int, *arguments: str, **options: object) -> None:
        super().__init__(*arguments, "--workers", str(workers), **options)  # type: ignore[arg-type]

    def workers(self) -> list[psutil.Process]:
        """The worker processes of this moment."""
        found = psutil.Process(self.child.pid).children()
        return [child for child in found if child.status() != psutil.STATUS_ZOMBIE]

    def wait(self) -> tuple[int, str, str]:
        """Exit status, what it printed, what it complained of: it has been told to end already."""
        out, complaints = self.child.communicate(timeout=60)
        return self.child.returncode, out, complaints

    def signal(self, number: int) -> None:
        """Send a signal to the supervisor alone."""
        os.kill(self.child.pid, number)


@pytest.fixture
def supervise() -> Iterator[Callable[..., Supervisor]]:
    """Starts supervisors; after the test neither they nor their workers are left."""
    made: list[tuple[Supervisor, list[psutil.Process]]] = []

    def start(workers: int, *arguments: str, **options: object) -> Supervisor:
        supervisor = Supervisor(workers, *arguments, **options)
        made.append((supervisor, supervisor.workers()))
        return supervisor

    yield start
    for supervisor, workers in made:
        if supervisor.child.poll() is None:
            supervisor.child.send_signal(signal.SIGKILL)
        supervisor.child.communicate()
        _, left = psutil.wait_procs(workers, timeout=20)
        assert not left, f"workers outlive their supervisor: {left}"


@pytest.fixture(scope="session")
def certificates(minted: Certificates) -> Path:
    """The folder with root.pem, chain.pem and leaf.key of this run."""
    return minted.root.parent
