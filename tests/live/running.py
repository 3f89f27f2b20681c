"""An experiment of a board without a site: run until a condition on its feed holds, then stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from netlab.live.board import Board
from netlab.live.feed import Feed
from netlab.live.liverun import LiveRun


@contextlib.asynccontextmanager
async def experiment_of(board: Board, **values: Any) -> AsyncIterator[LiveRunning]:
    """Run the board's experiment with these values; leaving stops it, and waits until it has ended."""
    feed = Feed()
    run = LiveRun(board.checked(values), feed)
    task = asyncio.create_task(board.experiment(run))  # type: ignore[arg-type]
    try:
        yield LiveRunning(run, feed, task)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class LiveRunning:
    """A run under way, with what it has shown."""

    def __init__(self, run: LiveRun, feed: Feed, task: asyncio.Task[None]) -> None:
        self.run, self.feed, self.task = run, feed, task

    async def until(self, holds: Callable[[Feed], Any], seconds: float = 20) -> Any:
        """Wait until the condition holds, and return what it returned; fails as the experiment does."""
        async with asyncio.timeout(seconds):
            while not (found := holds(self.feed)):
                if self.task.done():
                    self.task.result()
                    assert holds(self.feed), f"the experiment is over: {self.feed.values}"
                await asyncio.sleep(0.02)
        return found

    async def ended(self, seconds: float = 60) -> Feed:
        """Wait until the experiment has ended by itself."""
        async with asyncio.timeout(seconds):
            await asyncio.shield(self.task)
        return self.feed
