"""The first step of a handler, at once; a task only for handlers that wait.

Most handlers answer without waiting for anything. A task for each of them costs about a microsecond to
make and a turn of the loop before it begins. So the first step runs here and now, inside the turn in which
the request arrived; most are finished by then.

Theory of operation. A coroutine may ask who runs it (`asyncio.current_task`, on which asyncio.timeout and
TaskGroup rest), and what it sets in its context must be its own. So a spare task is kept ready, waiting for
a future; the first step runs under its name and in its context. When the step ends the coroutine, the spare
is still spare. When it suspends, the spare is handed the coroutine and what it waits for, and goes on as if
it had taken the first step itself; a new spare takes its place. Entering and leaving by hand is what the
asyncio documentation offers to implementers ("Extending", _enter_task and _leave_task).
"""

from __future__ import annotations

import asyncio
import contextvars
import types
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine, Generator
from typing import Any

_Work = tuple[Coroutine[Any, Any, Any], Any]


class Starter:
    """Starts coroutines in the current turn of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._base = contextvars.copy_context()
        self._make_spare()

    def _make_spare(self) -> None:
        self._context = self._base.copy()
        self._handover: asyncio.Future[_Work] = self._loop.create_future()
        self._spare: asyncio.Task[Any] = asyncio.Task(
            _spare(self._handover), loop=self._loop, context=self._context, name="netlab spare"
        )

    def start(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run the first step of `work` now.

        Returns its result when that step was all of it, else the asyncio.Task that goes on with it.
        Raises what the first step raises. Must not be called from inside a task.
        """
        loop, spare, context = self._loop, self._spare, self._context
        _enter_task(loop, spare)
        try:
            waits_for = context.run(work.send, None)
        except BaseException as end:
            # What the step set in its context must not reach the next request. A context that was not
            # changed is equal at the cost of comparing one pointer.
            if context != self._base:
                spare.cancel()
                self._make_spare()
            if isinstance(end, StopIteration):
                return end.value
            raise
        finally:
            _leave_task(loop, spare)
        self._handover.set_result((work, waits_for))
        self._make_spare()
        return spare

    async def close(self) -> None:
        """End the spare task."""
        self._spare.cancel()
        await asyncio.wait([self._spare])


async def _spare(handover: asyncio.Future[_Work]) -> Any:
    """What a task is made of must be a coroutine by the letter: since Python 3.12 no generator will do."""
    return await _go_on(handover)


@types.coroutine
def _go_on(handover: asyncio.Future[_Work]) -> Generator[Any, None, Any]:
    """The spare's life: wait for a coroutine that has taken its first step, then be its task."""
    try:
        work, waits_for = yield from handover
    except asyncio.CancelledError:
        if not handover.done() or handover.cancelled():
            raise
        # Cancelled between the first step and this one: as any task would, cancel what the step waits for.
        work, waits_for = handover.result()
        if waits_for is not None:
            waits_for.cancel()
    while True:
        try:
            yield waits_for
        except BaseException as error:
            try:
                waits_for = work.throw(error)
            except StopIteration as stop:
                return stop.value
        else:
            return (yield from work.__await__())
