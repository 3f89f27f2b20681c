"""Handlers that go on behind their responses: background work.

The connection has gone on to its next request by then, or is closed. So their failures are logged here, and
nothing else would keep their tasks alive.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from netlab.http1.messages import RequestHead

log = logging.getLogger("netlab.server")


class Background:
    """The tasks of one server's background work."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        """Those that have not ended. The exchanges add them, and tell each one's end (`done`)."""

    def done(self, task: asyncio.Task[Any], head: RequestHead) -> None:
        """A handler that went on has ended. head: of its request, for the log."""
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            what = f"{head.method} {head.target}"
            log.error("%s: the handler failed after its response", what, exc_info=error)

    async def end(self, patience: float) -> None:
        """Wait for them, so many seconds; what is left then, the end of the event loop cancels."""
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=patience)


def failure(task: asyncio.Task[Any]) -> BaseException | None:
    """What a task that has ended has raised, its cancellation included; None for a result."""
    return asyncio.CancelledError("the task was cancelled") if task.cancelled() else task.exception()
