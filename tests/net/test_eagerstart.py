"""Eager start, in both ways: the first step of a coroutine at once, in the task that then goes on with it."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import sys
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from netlab.net.eagerstart import EagerStart, EagerTask, LentTask, eager_start
from netlab.net.poller import Poller
from tests.kit.waiting import until

Way = Callable[[asyncio.AbstractEventLoop], EagerStart]


WAYS: list[Way] = [LentTask] if sys.version_info < (3, 12) else [LentTask, EagerTask]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


async def in_a_callback(work: Callable[[], object]) -> object:
    """Run it where a reader's callback would run: outside every task."""
    done = asyncio.get_running_loop().create_future()

    def call() -> None:
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)

    asyncio.get_running_loop().call_soon(call)
    return await done


async def test_a_coroutine_that_does_not_wait_is_done_at_once_and_costs_no_task(way: Way) -> None:
    eager = way(asyncio.get_running_loop())
    tasks = len(asyncio.all_tasks())

    async def quick() -> str:
        assert asyncio.current_task() is not None
        return "done"

    async def fails() -> None:
        raise KeyError("first step")

    assert await in_a_callback(lambda: eager.start(quick())) == "done"
    with pytest.raises(KeyError):
        await in_a_callback(lambda: eager.start(fails()))
    assert len(asyncio.all_tasks()) == tasks
    await eager.close()


async def test_a_coroutine_that_waits_goes_on_in_the_task_in_which_it_began(way: Way) -> None:
    eager = way(asyncio.get_running_loop())
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

    async def waits(number: int) -> tuple[bool, int]:
        before = asyncio.current_task()
        variable.set(number)
        await asyncio.sleep(0)  # a bare yield
        await asyncio.sleep(0.001 * number)
        inner = asyncio.create_task(asyncio.sleep(0, number))
        await inner
        return before is asyncio.current_task(), variable.get()

    def start_three() -> list[Awaitable[tuple[bool, int]]]:
        return [eager.start(waits(number)) for number in (1, 2, 3)]

    tasks = await in_a_callback(start_three)
    assert await asyncio.gather(*tasks) == [(True, 1), (True, 2), (True, 3)]  # type: ignore[misc]
    assert variable.get() == 0
    await eager.close()


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
async def test_a_cancellation_reaches_the_coroutine_wherever_it_is(way: Way, turns: int) -> None:
    eager = way(asyncio.get_running_loop())
    seen = []
    forever: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def waits() -> None:
        try:
            await forever
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        finally:
            seen.append("closed")

    await asyncio.sleep(0)  # the spare has taken its own first step
    task = await in_a_callback(lambda: eager.start(waits()))
    assert isinstance(task, asyncio.Task)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled", "closed"] and forever.cancelled()
    await eager.close()


async def test_a_bare_yield_lets_run_what_was_scheduled_before_it(way: Way) -> None:
    eager, loop = way(asyncio.get_running_loop()), asyncio.get_running_loop()
    seen: list[int] = []

    async def waits(number: int) -> bool:
        loop.call_soon(seen.append, number)
        await asyncio.sleep(0)
        return number in seen

    def start_three() -> list[Awaitable[bool]]:
        return [eager.start(waits(number)) for number in (1, 2, 3)]

    await asyncio.sleep(0)  # the first spare has taken its own first step; the others are made in the turn
    tasks = await in_a_callback(start_three)
    assert await asyncio.gather(*tasks) == [True, True, True]  # type: ignore[misc]
    await eager.close()


async def test_a_cancellation_reaches_a_coroutine_at_its_bare_yield(way: Way) -> None:
    eager = way(asyncio.get_running_loop())
    seen = []

    async def yields() -> None:
        try:
            await asyncio.sleep(0)
            seen.append("went on")
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)
            seen.append("closed")
            raise

    def start_and_cancel() -> Awaitable[None]:
        task = eager.start(yields())
        task.cancel()
        return task  # type: ignore[no-any-return]

    await asyncio.sleep(0)  # the spare has taken its own first step
    task = await in_a_callback(start_and_cancel)
    with pytest.raises(asyncio.CancelledError):
        await task  # type: ignore[misc]
    assert seen == ["cancelled", "closed"]
    await eager.close()


async def test_a_result_that_was_given_is_not_kept(way: Way) -> None:
    eager = way(asyncio.get_running_loop())

    class Answer:
        """What can be referred to weakly."""

    async def quick() -> Answer:
        return Answer()

    kept = await in_a_callback(lambda: weakref.ref(eager.start(quick())))
    assert isinstance(kept, weakref.ref) and kept() is None
    await eager.close()


async def test_a_coroutine_that_survives_its_cancellation_goes_on(way: Way) -> None:
    eager = way(asyncio.get_running_loop())

    async def stubborn() -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "survived"

    await asyncio.sleep(0)
    task = await in_a_callback(lambda: eager.start(stubborn()))
    assert isinstance(task, asyncio.Task)
    task.cancel()
    assert await task == "survived"
    await eager.close()


async def test_inside_a_turn_of_the_poller_the_spare_is_the_current_task_until_its_end() -> None:
    loop = asyncio.get_running_loop()
    poller = Poller(loop)
    lent = LentTask(loop, poller)
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    seen: list[tuple[str, int | None, int]] = []

    def current() -> int | None:
        """The number of the current task. A task that is kept is not lent again."""
        task = asyncio.current_task()
        return None if task is None else id(task)

    async def notes(what: str) -> str:
        seen.append((what, current(), variable.get()))
        if what == "sets":
            variable.set(1)
        elif what == "raises":
            raise KeyError(what)
        elif what == "waits":
            await asyncio.sleep(0)
            seen.append(("has waited", current(), variable.get()))
        return what

    class Member:
        def ready(self, events: int) -> None:
            theirs.recv(1)
            for what in ("first", "sets", "raises", "waits", "last"):
                try:
                    started.append(lent.start(notes(what)))
                except KeyError as error:
                    started.append(error)
            loop.call_soon(lambda: seen.append(("behind", current(), 0)))

    ours, theirs = socket.socketpair()
    with ours, theirs:
        started: list[Any] = []
        poller.register(theirs.fileno(), Member())
        for _ in range(2):
            started.clear()
            seen.clear()
            ours.send(b"x")
            await until(lambda: started)
            task = started[3]
            assert await task == "waits" and asyncio.current_task() is not task
            tasks = {what: current for what, current, _ in seen}
            assert [value for _, _, value in seen] == [0] * len(seen), "what a step sets stays in its context"
            assert tasks["first"] == tasks["sets"] != tasks["raises"]
            assert tasks["raises"] == tasks["waits"] == tasks["has waited"] == id(task)
            assert tasks["last"] not in (id(task), None) and tasks["behind"] is None
            assert [started[0], started[1], started[4]] == ["first", "sets", "last"]
        await lent.close()
        poller.close()


async def test_a_task_that_a_coroutine_keeps_is_its_own_and_ends_with_it(way: Way) -> None:
    eager = way(asyncio.get_running_loop())
    kept: list[asyncio.Task[str]] = []

    async def keeps(result: str) -> str:
        task: asyncio.Task[str] | None = asyncio.current_task()
        assert task is not None and task not in kept
        kept.append(task)
        return result

    async def waits() -> str:
        await asyncio.sleep(0)
        return "has waited"

    for result in ("one", "two"):
        assert await in_a_callback(lambda result=result: eager.start(keeps(result))) == result  # type: ignore[misc]
    waiting = await in_a_callback(lambda: eager.start(waits()))
    for task in kept:
        task.cancel()  # too late: it has ended, or does so in this turn
    assert await waiting == "has waited"  # type: ignore[misc]
    assert [task.done() for task in kept] == [True, True]
    await eager.close()


async def test_the_result_of_a_task_that_was_kept_can_be_awaited(way: Way) -> None:
    eager = way(asyncio.get_running_loop())
    kept: list[asyncio.Task[str]] = []

    async def keeps() -> str:
        kept.append(asyncio.current_task())  # type: ignore[arg-type]
        return "the result"

    await in_a_callback(lambda: eager.start(keeps()))
    assert await kept[0] == "the result"
    await eager.close()


async def test_a_coroutine_that_cancels_itself_is_cancelled_where_it_suspends_and_no_other(way: Way) -> None:
    eager = way(asyncio.get_running_loop())
    seen: list[str] = []

    async def cancels_itself(suspends: bool) -> str:
        task = asyncio.current_task()
        assert task is not None and task.cancel()
        if suspends:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                seen.append("cancelled")
                assert asyncio.current_task() is task
                raise
        return "ended"

    async def waits() -> str:
        await asyncio.sleep(0.01)
        return "has waited"

    def start_three() -> list[Awaitable[str]]:
        return [eager.start(waits()), eager.start(cancels_itself(True)), eager.start(waits())]

    for _ in range(2):
        tasks: Any = await in_a_callback(start_three)
        before, cancelled, after = tasks
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert await before == await after == "has waited"
        if not isinstance(eager, EagerTask):  # a task that ends though it was cancelled has no result
            assert await in_a_callback(lambda: eager.start(cancels_itself(False))) == "ended"
    assert seen == ["cancelled"] * 2
    await eager.close()


async def test_when_all_tasks_are_cancelled_another_spare_takes_the_place(way: Way) -> None:
    eager = way(asyncio.get_running_loop())

    async def waits() -> str:
        await asyncio.sleep(0)
        return "has waited"

    for turns in (0, 1, 3):
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await (await in_a_callback(lambda: eager.start(waits()))) == "has waited"  # type: ignore[misc]
    await eager.close()


async def test_the_lent_task_is_the_way_where_asyncio_can_be_extended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    lent = eager_start(loop)
    assert isinstance(lent, LentTask)
    await lent.close()
    monkeypatch.delattr(asyncio.tasks, "_enter_task")
    if sys.version_info < (3, 12):
        with pytest.raises(RuntimeError, match=r"needs Python 3\.12"):
            eager_start(loop)
    else:
        assert isinstance(eager_start(loop), EagerTask)
