"""An app's start and its end: once a server, before the first request and after the last."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from netlab.asgi import AsgiHandler, StartupFailed
from tests.asgi.conftest import answer, serving

Scope = dict[str, Any]


async def test_startup_comes_first_shutdown_last_and_state_in_between() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["state"]["count"] += 1  # a copy: the next request starts from the original
            told.append(f"request {scope['state']['count']} {scope['state']['shared']}")
            scope["state"]["shared"].append("x")
            await answer(send)
            return
        assert scope["asgi"]["version"] == "3.0"
        told.append((await receive())["type"])
        scope["state"].update(count=0, shared=[])
        await send({"type": "lifespan.startup.complete"})
        told.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})
        told.append("let go")

    async with serving(app) as served:
        wire = await served.client()
        for _ in range(2):
            wire.get()
            assert (await wire.response())[0] == 200
    assert told == [
        "lifespan.startup", "request 1 []", "request 1 ['x']", "lifespan.shutdown", "let go",
    ]  # fmt: skip


async def test_one_task_carries_the_whole_lifespan() -> None:
    """anyio's task groups and cancel scopes must be left in the task that entered them."""
    tasks: set[Any] = set()

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        for event in ("startup", "shutdown"):
            await receive()
            tasks.add(asyncio.current_task())
            await send({"type": f"lifespan.{event}.complete"})

    async with AsgiHandler(app):
        pass
    assert len(tasks) == 1


@pytest.mark.parametrize("how", ["raises", "returns"])
async def test_an_app_without_lifespan_is_served_without(how: str) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            if how == "raises":
                raise NotImplementedError(scope["type"])
            return
        await answer(send, b"served")

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        assert (await wire.response())[2] == b"served"


async def test_a_startup_that_fails_says_why() -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        raise ConnectionError("as frameworks do after they have said so")

    with pytest.raises(StartupFailed, match="no database"):
        await AsgiHandler(app).startup()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_shutdown_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "the ledger is open"})

    async with AsgiHandler(app):
        pass
    assert "the ledger is open" in caplog.text


async def test_a_lifespan_that_dies_early_is_logged_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise LookupError("lost the thread")

    async with AsgiHandler(app):
        pass
    assert "before its shutdown" in caplog.text and "lost the thread" in caplog.text


async def test_a_startup_or_shutdown_that_hangs_can_be_cancelled() -> None:
    ended: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        try:
            if not slow_start:
                await receive()
                await send({"type": "lifespan.startup.complete"})
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    for slow_start in (True, False):
        handler = AsgiHandler(app)
        if not slow_start:
            await handler.startup()
        hanging = asyncio.create_task(handler.startup() if slow_start else handler.shutdown())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not hanging.done()
        hanging.cancel()
        await asyncio.wait((hanging,))
        assert hanging.cancelled()
    assert ended == ["ended", "ended"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_background_work_ends_before_the_shutdown() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answer(send)
            for _ in range(10):
                await asyncio.sleep(0)
            told.append("mail sent")
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        told.append("post office closed")
        await send({"type": "lifespan.shutdown.complete"})

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        await wire.response()
    assert told == ["mail sent", "post office closed"]


async def _without_lifespan(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise LookupError("no lifespan here")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"state" if "state" in scope else b"none"})


async def test_lifespan_on_refuses_an_app_that_does_not_know_it() -> None:
    with pytest.raises(StartupFailed, match=r"does not speak .*LookupError: no lifespan here"):
        await AsgiHandler(_without_lifespan, lifespan="on").startup()


@pytest.mark.parametrize(("lifespan", "asked"), [("auto", ["lifespan"]), ("off", [])])
async def test_lifespan_off_does_not_ask(lifespan: Any, asked: list[str]) -> None:
    kinds: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        kinds.append(scope["type"])
        await _without_lifespan(scope, receive, send)

    async with AsgiHandler(app, lifespan=lifespan):
        assert kinds == asked
    with pytest.raises(ValueError, match="give 'auto', 'on' or 'off'"):
        AsgiHandler(app, lifespan="maybe")  # type: ignore[arg-type]
