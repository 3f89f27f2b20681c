"""Child processes of an experiment: none outlives it.

A child has a process group of its own and a pipe as its standard input. Leaving the context ends the whole
group. A site that is killed cannot do that, so three things watch for its end. A keeper beside the child
reads a pipe that the kernel closes with the site, and then ends the group, grandchildren too. On Linux the
kernel sends the child itself SIGTERM (prctl(2), PR_SET_PDEATHSIG). A child of netlab's own watches its pipe
(`end_with_parent`).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from netlab.live.board import Refused

PATIENCE = 2.0
"""Seconds from SIGTERM to SIGKILL."""

LINE = 1 << 20
"""Bytes of the longest line that is read from a child."""


KEEPER = """
import os, signal, sys, time
while os.read(0, 1):
    pass
for number in (signal.SIGTERM, signal.SIGKILL):
    try:
        os.killpg(int(sys.argv[1]), number)
    except OSError:
        break
    time.sleep(1)
"""
"""The keeper's program: its first argument is the group. It imports nothing of netlab: it starts fast."""

PR_SET_PDEATHSIG = 1

_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


class Child:
    """A running child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pid = process.pid

    @property
    def ended(self) -> bool:
        """Is it over?"""
        return self.process.returncode is not None

    async def line(self) -> str:
        """The next line of its standard output, without its end; "" when there is none any more."""
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode(errors="replace").rstrip("\n")

    async def lines(self) -> AsyncIterator[str]:
        """Its standard output, line by line."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            yield line.decode(errors="replace").rstrip("\n")

    def send(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of netlab with this Python."""
    return [sys.executable, "-m", module, *arguments]


@asynccontextmanager
async def child(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, patience: float = PATIENCE
) -> AsyncIterator[Child]:
    """Start a command, and end it with all its children.

    env: variables beside those of this process. patience: seconds from SIGTERM to SIGKILL. Its standard error
    goes to its standard output. Raises Refused when it cannot start.
    """
    program = _Program(
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(env or {})},
        start_new_session=True,
        preexec_fn=_end_with_the_site if _prctl is not None else None,
        limit=LINE,
    )
    try:
        try:
            process = await program.started()
        except OSError as error:
            raise Refused(f"cannot start {command[0]}: {error.strerror or error}") from None
        async with _kept(process.pid):
            yield Child(process)
    finally:
        await program.ended(patience)


@asynccontextmanager
async def _kept(group: int) -> AsyncIterator[None]:
    """A keeper of this group, which is not needed any more when the context is left."""
    keeper = _Program(
        (sys.executable, "-I", "-S", "-c", KEEPER, str(group)),
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        await keeper.started()
        yield
    finally:
        await keeper.ended(0)


class _Program:
    """A program with a process group of its own, from its start to the closing of its pipes.

    Both are tasks of their own: asyncio forgets a process whose start is cancelled halfway, and a clean-up
    that is cancelled leaves its pipes open. A cancellation is delivered when the task is done.
    """

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        self._starting = asyncio.create_task(asyncio.create_subprocess_exec(*command, **options))

    async def started(self) -> asyncio.subprocess.Process:
        """The running process. Raises OSError when it cannot start."""
        return await asyncio.shield(self._starting)

    async def ended(self, patience: float) -> None:
        """End the group, and return when it is over.

        SIGTERM comes first; SIGKILL after `patience` seconds, or at a cancellation.
        """
        ending = asyncio.create_task(self._end(patience))
        cancelled: asyncio.CancelledError | None = None
        while not ending.done():
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError as error:
                cancelled = error
                self._kill()
        if cancelled is not None:
            raise cancelled

    def _kill(self) -> None:
        started = self._starting
        if started.done() and not started.cancelled() and started.exception() is None:
            _signal(started.result().pid, signal.SIGKILL)

    async def _end(self, patience: float) -> None:
        try:
            process = await self._starting
        except OSError:
            return
        try:
            if patience:
                _signal(process.pid, signal.SIGTERM)
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), patience)
        finally:
            _signal(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
        # Its pipe may be held by a grandchild that has left the group: the transport closes our end.
        process._transport.close()  # type: ignore[attr-defined]
        await asyncio.sleep(0)  # in which the pipes are closed


def _end_with_the_site() -> None:
    """In the child, before its program starts."""
    assert _prctl is not None
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def end_with_parent() -> None:
    """In a child: end this process when the parent's pipe closes, however the parent ended."""
    threading.Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)
