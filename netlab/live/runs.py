"""Running experiments: one of a board at a time, at most two in all, each with an end.

A run ends by itself, on Stop, when its time is over, when no page has looked for a while, with the site.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from netlab.live.board import Board, Companion, Refused
from netlab.live.feed import Feed, Page
from netlab.live.liverun import LiveRun, Value

AT_ONCE = 2
"""Experiments that run at the same time, on all boards."""

UNWATCHED = 3.0
"""Seconds that an experiment goes on without a page: a page that is loaded anew needs less."""

ENDING = 10.0
"""Seconds that an experiment has to release what it holds; then the site goes on without it."""

log = logging.getLogger("netlab.live")


class Lane:
    """One board on the site: its feed, its pages, and the run under way."""

    def __init__(self, board: Board, running_boards: Callable[[], Sequence[str]]) -> None:
        self.board = board
        self.feed = Feed()
        self.run: LiveRun | None = None
        """The run under way, or the last one."""
        self.companion: Companion | None = board.companion() if board.companion is not None else None
        self._running_boards = running_boards
        self._task: asyncio.Task[None] | None = None
        self._unwatched: asyncio.TimerHandle | None = None
        self._changing = asyncio.Lock()
        self._status("ready", "")

    @property
    def running(self) -> bool:
        """Is an experiment under way?"""
        return self._task is not None and not self._task.done()

    async def start(self, values: Mapping[str, Value]) -> None:
        """Start the experiment; one that is under way is stopped first. Raises Refused when too many run."""
        async with self._changing:
            await self._stop()
            if len(running := self._running_boards()) >= AT_ONCE:
                raise Refused(
                    f"experiments run already on the boards {' and '.join(running)}: stop one first"
                )
            self.feed.clear()
            self._status("running", "")
            self.run = LiveRun(values, self.feed, self.companion)
            self._task = asyncio.create_task(self._live(self.run), name=f"live {self.board.name}")
            if not self.feed.pages:
                self._count_down()
            # It begins before a stop may cancel it: a task that never began would never say that it is over.
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stop the experiment, and return when it has released what it held."""
        async with self._changing:
            await self._stop()

    async def _stop(self) -> None:
        if self._task is None:
            return
        self._cancel(self._task)
        _, left = await asyncio.wait([self._task], timeout=ENDING)
        if left:
            log.error("the experiment of the board %s does not end", self.board.name)
        self._task = None

    async def _live(self, run: LiveRun) -> None:
        """The experiment to its end, whatever that is, and the status that the page shows then."""
        try:
            async with asyncio.timeout(self.board.seconds) as limit:
                await self.board.experiment(run)
        except Refused as reason:
            self._status("failed", str(reason))
        except TimeoutError:
            if not limit.expired():
                self._broken()
            else:
                self._status("done", f"Ended after {self.board.seconds:g} s, as every experiment here does.")
        except asyncio.CancelledError:
            self._status("stopped", "Stopped.")
            raise
        except Exception:
            self._broken()
        else:
            self._status("done", "Done.")

    def _broken(self) -> None:
        log.exception("the experiment of the board %s failed", self.board.name)
        self._status("failed", "The experiment failed by a mistake of its own: the terminal shows where.")

    def _status(self, state: str, text: str) -> None:
        self.feed.show("status", {"state": state, "text": text})

    # -- pages

    def enter(self) -> Page:
        """A page looks from now on."""
        page = Page(self.feed)
        self.feed.pages.add(page)
        if self._unwatched is not None:
            self._unwatched.cancel()
            self._unwatched = None
        return page

    def leave(self, page: Page) -> None:
        """A page is gone; without the last one the experiment ends soon."""
        self.feed.pages.discard(page)
        if not self.feed.pages and self.running:
            self._count_down()

    def _count_down(self) -> None:
        if self._unwatched is None:
            self._unwatched = asyncio.get_running_loop().call_later(UNWATCHED, self._end_unwatched)

    def _end_unwatched(self) -> None:
        self._unwatched = None
        if self._task is not None and not self.feed.pages:
            self._cancel(self._task)

    @staticmethod
    def _cancel(task: asyncio.Task[None]) -> None:
        """Once, and no second time: that would interrupt the experiment's cleaning up."""
        if not task.cancelling():
            task.cancel()

    async def close(self) -> None:
        """End what is under way; the site is over."""
        await self.stop()
        if self.companion is not None:
            await self.companion.close()
        if self._unwatched is not None:
            self._unwatched.cancel()
            self._unwatched = None
