"""Child processes that report by events: one JSON object a line on a pipe of their own.

Learners' code, wrong programs and measurements all run in children: what hangs, leaks, prints or dies there
cannot harm the runner. `spawn` starts a fresh interpreter. `fork` starts a copy of this one, which is fast,
since pytest is already loaded; only a process without threads may do it (labs.runner.checking.forkserver).
Each child leads a process group of its own, so that killing it leaves nothing of it behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

Event = dict[str, Any]
Emit = Callable[[Event], None]

_LOG_KEPT = 4000  # characters of what a child printed that are worth showing after it failed


class Child:
    """A running child. Read its events until they end, then `finish()`; `kill()` at any time."""

    def __init__(self, pid: int, pipe: int, log: IO[bytes]) -> None:
        self.pid = pid
        self.pipe = pipe
        self.started = time.monotonic()
        self._log = log
        self._rest = b""
        self._status: int | None = None

    def read(self) -> list[Event] | None:
        """The events that have arrived; None when there will be no more. Call when the pipe is readable."""
        data = os.read(self.pipe, 1 << 16)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line]

    def events(
        self, silence: float | None = None, slow: tuple[float, Callable[[], None]] | None = None
    ) -> Iterator[Event]:
        """Every event until the end. A child that says nothing for `silence` seconds raises TimeoutError.

        slow: (seconds, what to call) each time that the child says nothing for so long.
        """
        while True:
            if slow is not None and not self._readable(slow[0]):
                slow[1]()
            if not self._readable(silence):
                raise TimeoutError(f"no word for {silence:g} s")
            arrived = self.read()
            if arrived is None:
                return
            yield from arrived

    def _readable(self, seconds: float | None) -> bool:
        return bool(select.select([self.pipe], [], [], seconds)[0])

    def kill(self) -> None:
        """End the child and all that it started."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def finish(self) -> int:
        """Wait for the end: the exit status, or minus the signal that ended it. Safe to call twice."""
        if self._status is None:
            _, status = os.waitpid(self.pid, 0)
            self._status = os.waitstatus_to_exitcode(status)
            os.close(self.pipe)
        return self._status

    def printed(self) -> str:
        """The end of what the child wrote to standard output and standard error."""
        if self._log.closed:
            return ""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _LOG_KEPT))
        return self._log.read().decode("utf-8", "replace").strip()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.finish()
        self._log.close()


def spawn(module: str, arguments: Sequence[str], *, where: Path, stdin: int = subprocess.DEVNULL) -> Child:
    """Start `python -m module --events FD arguments…` in the folder `where`; it reads `stdin` if given."""
    ours, theirs = os.pipe()
    log = tempfile.TemporaryFile()  # noqa: SIM115  (the Child closes it)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--events", str(theirs), *arguments],
            stdin=stdin,
            stdout=log,
            stderr=log,
            cwd=where,
            pass_fds=[theirs],
            process_group=0,
        )
    finally:
        os.close(theirs)
    process.returncode = 0  # Child waits for it; Popen must not complain of a child that is not waited for
    return Child(process.pid, ours, log)


def fork(job: Callable[[Emit], None]) -> Child:
    """Run `job(emit)` in a copy of this process. What it prints goes to the child's log.

    Raises RuntimeError in a process that has other threads: a lock that one of them holds would stay locked.
    """
    if threading.active_count() > 1:
        raise RuntimeError("this process has threads: spawn, or let labs.runner.checking.forkserver fork")
    ours, theirs = os.pipe()
    log = tempfile.TemporaryFile()  # noqa: SIM115  (the Child closes it)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be_the_child(job, ours, theirs, log)
    os.close(theirs)
    with contextlib.suppress(OSError):  # the child does the same; the first one counts
        os.setpgid(pid, pid)
    return Child(pid, ours, log)


def _be_the_child(job: Callable[[Emit], None], ours: int, theirs: int, log: IO[bytes]) -> None:
    status = 1
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        os.close(ours)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (log.fileno(), 1), (log.fileno(), 2)):
            os.dup2(source, target)
        job(emitter(theirs))
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: a thread that the code left running must not keep the process alive.
        os._exit(status)


def emitter(pipe: int) -> Emit:
    """The child's side: write each event as one line."""

    def emit(event: Event) -> None:
        data = json.dumps(event, default=str).encode() + b"\n"
        while data:
            data = data[os.write(pipe, data) :]

    return emit
