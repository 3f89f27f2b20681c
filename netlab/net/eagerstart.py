"""Eager start: the first step of a handler runs at once; a task is needed only by a handler that waits.

Most handlers answer without waiting for anything. A task for each of them costs about a microsecond to
make and a turn of the loop before it starts. So the first step runs here and now, inside the turn in which
the request arrived; most are finished by then.

There are two ways, and each Python has at least one:

    Python        the way here   what asyncio offers
    3.11          LentTask       _enter_task and _leave_task, for those who extend it ("Extending")
    3.12, 3.13    LentTask       these, and Task(eager_start=True)
    without them  EagerTask      Task(eager_start=True)

Both do the same. `EagerTask` is what a program of today would write; it makes a task for each handler.
`LentTask` makes one only for a handler that waits. For one that does not, it needs 0.3 µs on Python 3.13, and
`EagerTask` 1.4 µs.

Theory of operation of LentTask. A coroutine may ask which task runs it (`asyncio.current_task`, on which
asyncio.timeout and TaskGroup rest), and what it sets in its context must be its own. So a spare task is kept
ready, waiting for a future; the first step runs under its name and in its context. When the step ends the
coroutine, the spare is still spare. When it suspends, the spare is handed the coroutine and what it waits
for, and goes on as if it had taken the first step itself; a new spare takes its place.

To say that the spare is the current task, and to take that back, costs as much as all else here. So inside a
turn of the poller the spare stays the current task, from its first coroutine to the end of the turn.

A coroutine that ends in its first step may have kept its task, to cancel it later, say. That task must not be
lent again. So `start` counts the references to the spare after each step; if there are more than before, the
spare ends as the task of this coroutine would, with its result. A coroutine that cancels its own task in its
first step gets the cancellation where it next suspends, as from any task.

Each coroutine runs inside a generator that awaits one after the other (`_Driver`). Without it, `work.send`
would tell the end of a coroutine by StopIteration. To raise and catch that costs 0.2 µs more (FAST.md).
"""

from __future__ import annotations

import asyncio
import contextvars
import types
from collections.abc import Coroutine, Generator
from sys import getrefcount
from typing import Any, Protocol

from netlab.net.poller import Poller

_Work = tuple[Any, Any]  # a coroutine or a generator that drives one, and what it waits for


class EagerStart(Protocol):
    """Starts coroutines in the current turn of the loop."""

    def start(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run the first step of `work` now.

        Returns its result when that step was all of it, else the asyncio.Task that goes on with it.
        Raises what the first step raises. Must not be called from inside a task.
        """

    async def close(self) -> None:
        """End what was kept ready."""


def eager_start(loop: asyncio.AbstractEventLoop, poller: Poller | None = None) -> EagerStart:
    """The faster way that this Python has. poller: the one in whose turns most coroutines start."""
    return LentTask(loop, poller) if hasattr(asyncio.tasks, "_enter_task") else EagerTask(loop)


class EagerTask:
    """A task for each coroutine, whose first step runs when the task is made (since Python 3.12)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        if not hasattr(asyncio, "eager_task_factory"):
            raise RuntimeError("Task(eager_start=True) needs Python 3.12: use LentTask")
        self._loop = loop

    def start(self, work: Coroutine[Any, Any, Any]) -> Any:
        """As EagerStart.start."""
        task = HandlerTask(work, loop=self._loop, eager_start=True)  # type: ignore[call-arg]
        return task.result() if task.done() else task

    async def close(self) -> None:
        """Nothing is kept ready."""


class HandlerTask(asyncio.Task[Any]):
    """The task of a coroutine that has suspended; LentTask's spare becomes one."""

    lender: LentTask | None = None
    """The LentTask whose spare it is; None once it has a coroutine of its own."""

    def cancel(self, msg: Any | None = None) -> bool:
        """As Task.cancel. Inside a first step, the cancellation waits for the end of that step."""
        if self.lender is not None and self.lender.note_cancellation(msg):
            return True
        return super().cancel(msg)


class _Ended:
    """What a driver yields when a coroutine has ended, in place of what a coroutine would wait for."""


_ENDED = _Ended()


class _Driver:
    """Runs coroutines one after the other, until one of them suspends: then it is the driver of that one."""

    __slots__ = ("is_handed_over", "result", "steps")

    def __init__(self) -> None:
        self.is_handed_over = False
        """Set when a coroutine has suspended: a task takes the further steps, and returns its result."""
        self.result: Any = None
        """What the last coroutine returned. Taken by LentTask."""
        self.steps = self._run()
        next(self.steps)

    @types.coroutine
    def _run(self) -> Generator[Any, Any, Any]:
        """Send it a coroutine: it yields _ENDED, or what the coroutine waits for. Raises what that raises."""
        while not self.is_handed_over:
            self.result = yield from (yield _ENDED)
        return self.result


class LentTask:
    """One spare task, lent to the first step of each coroutine."""

    def __init__(self, loop: asyncio.AbstractEventLoop, poller: Poller | None = None) -> None:
        self._loop, self._poller = loop, poller
        self._base = contextvars.copy_context()
        self._is_current = False  # is the spare the current task, as far as asyncio knows?
        self._references = 0  # to the spare, when it became the current task
        self._make_driver()
        self._make_spare()

    def _make_driver(self) -> None:
        self._driver = _Driver()
        self._step = self._driver.steps.send

    def _make_spare(self) -> None:
        self._context = self._base.copy()
        # What the context is compared with after a step: None once the spare has been cancelled in one.
        self._unchanged: contextvars.Context | None = self._base
        self._cancellation: Any = None  # the message of that cancellation
        self._handover: asyncio.Future[_Work] = asyncio.Future(loop=self._loop)
        self._spare = HandlerTask(
            _spare(self._handover), loop=self._loop, context=self._context, name="netlab spare"
        )
        self._spare.lender = self

    def start(self, work: Coroutine[Any, Any, Any]) -> Any:
        """As EagerStart.start."""
        if not self._is_current and not self._enter_for_turn():
            return self._start_alone(work)
        context = self._context
        try:
            outcome = context.run(self._step, work)
        except BaseException:
            self._make_driver()  # a generator that has raised has ended
            if context != self._unchanged or getrefcount(self._spare) != self._references:
                self._end_spare(None)
            raise
        if outcome is _ENDED:
            driver = self._driver
            result, driver.result = driver.result, None
            # A context that was not changed is equal at the cost of comparing one pointer.
            if context != self._unchanged or getrefcount(self._spare) != self._references:
                self._end_spare(result)
            return result
        return self._hand_over(outcome)

    # -- the spare is the current task ----------------------------------------------------------------------

    def _enter_for_turn(self) -> bool:
        """Make the spare the current task until the end of the poller's turn. False between two turns."""
        poller = self._poller
        if poller is None or poller.postponed is None:
            return False
        poller.at_end = self._leave
        self._enter()
        return True

    def _start_alone(self, work: Coroutine[Any, Any, Any]) -> Any:
        """`start`, where no turn of the poller is under way."""
        self._enter()
        try:
            return self.start(work)
        finally:
            self._leave()

    def _enter(self) -> None:
        if self._handover.done() or self._spare.cancelling():
            self._make_spare()  # all tasks of the loop were cancelled, say
        asyncio.tasks._enter_task(self._loop, self._spare)
        self._is_current = True
        self._references = getrefcount(self._spare)

    def _leave(self) -> None:
        self._is_current = False
        asyncio.tasks._leave_task(self._loop, self._spare)

    # -- the spare is spare no more -------------------------------------------------------------------------

    def note_cancellation(self, message: Any) -> bool:
        """The spare is cancelled. True in a first step: its coroutine is meant, and gets it later."""
        if self._is_current:
            self._unchanged, self._cancellation = None, message
        return self._is_current

    def _hand_over(self, waits_for: Any) -> HandlerTask:
        """The coroutine has suspended: the spare becomes its task."""
        task, driver, handover = self._spare, self._driver, self._handover
        is_cancelled, message = self._unchanged is None, self._cancellation
        driver.is_handed_over = True
        self._make_driver()
        self._next_spare()
        handover.set_result((driver.steps, waits_for))
        if is_cancelled:
            # In the next turn: a task that has not taken its own first step would be cancelled unstarted.
            self._loop.call_soon(task.cancel, message)
        return task

    def _end_spare(self, result: Any) -> None:
        """A coroutine that has ended has changed its context, kept its task, or cancelled it."""
        task, handover, is_cancelled = self._spare, self._handover, self._unchanged is None
        self._next_spare()
        if is_cancelled:
            task.cancel()
        else:
            handover.set_result((_ended_with(result), None))

    def _next_spare(self) -> None:
        """Another spare takes the place of this one, which is the current task."""
        self._leave()
        self._spare.lender = None
        self._make_spare()
        self._enter()

    async def close(self) -> None:
        """End the spare task."""
        self._spare.cancel()
        await asyncio.wait([self._spare])


async def _ended_with(result: Any) -> Any:
    """What is left of a coroutine that has ended."""
    return result


async def _spare(handover: asyncio.Future[_Work]) -> Any:
    """The spare's life: wait for a coroutine that has taken its first step, then be its task."""
    # A spare that waits is woken behind what the first step has scheduled: that is the turn of the loop which
    # `asyncio.sleep(0)` asks for. One that has not taken its own first step yet may be earlier in the queue.
    owes_turn = handover.done()
    error: BaseException | None = None
    try:
        work, waits_for = await handover
    except asyncio.CancelledError as cancelled:
        if not handover.done() or handover.cancelled():
            raise
        # Cancelled between the first step and this one: as any task would, cancel what the step waits for.
        work, waits_for = handover.result()
        if waits_for is None:
            error = cancelled
        else:
            waits_for.cancel()
    while owes_turn or waits_for is not None or error is not None:
        try:
            if error is not None:
                raise error
            await _wait_for(waits_for)
            break
        except BaseException as raised:
            try:
                waits_for = work.throw(raised)
            except StopIteration as stop:
                return stop.value
            owes_turn, error = True, None
    return await work


@types.coroutine
def _wait_for(what: Any) -> Generator[Any, None, None]:
    """Wait for what a coroutine has yielded: a future, or None for a turn of the loop."""
    yield what
