"""The besieged server as a process of its own, read from outside: memory, descriptors, processor time."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from netlab.probes.process import glance
from tests.kit.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]

# Seconds that nothing here takes; they end a test that would hang, and decide nothing else.
PATIENCE = 30.0


class Child:
    """A server process: `python -m netlab serve …`, or with `app` the one of `besieged`.

    descriptors: its limit (RLIMIT_NOFILE), set before it starts. settings: what `besieged` takes.
    """

    def __init__(self, *serve: str, app: str = "", descriptors: int | None = None, **settings: Any) -> None:
        module = (
            ["tests.server.hostile.besieged", app, json.dumps(settings)]
            if app
            else ["netlab", "serve", *serve]
        )

        def limit() -> None:
            if descriptors is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("netlab serving "), (line, self.process.stderr and self.process.stderr.read())
        self.port = int(line.rstrip().rpartition(":")[2])

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    # -- what it costs --------------------------------------------------------------------------------------

    @property
    def memory(self) -> int:
        """Bytes that this process alone has written."""
        self.rest()
        written = glance(self.process.pid).written
        assert written is not None
        return written

    @property
    def descriptors(self) -> int:
        """File descriptors that it holds."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def worked(self) -> float:
        """Seconds of processor time since its start, to the nanosecond."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9

    def rest(self) -> None:
        """Wait until it has worked off what it was sent: it sleeps, and uses next to no processor time.

        A process that has work to do but no processor yet is not asleep, however slow the machine.
        """
        before, quiet = -1.0, 0

        def still() -> bool:
            nonlocal before, quiet
            time.sleep(0.01)
            earlier, before = before, self.worked
            asleep = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"
            quiet = quiet + 1 if asleep and before - earlier < 0.002 else 0
            return quiet == 4

        wait_until(still, "the server to come to rest")

    # -- signals --------------------------------------------------------------------------------------------

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Signal it and wait: exit status, and what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Wait for its end: exit status, and what it wrote to standard error."""
        _, complaints = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, complaints


def readable(sock: Any, seconds: float = 0.0) -> bool:
    """Has something come, an end included?"""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
