"""The ASGI bridge: tasks, backpressure, clients that leave, background work, and the stop."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.asgi.conftest import answer, http_only, read_all, serving

Scope = dict[str, Any]


# -- tasks, backpressure, and clients that leave --------------------------------------------------------


async def test_an_app_runs_in_one_task_of_its_own_from_first_to_last() -> None:
    tasks: list[list[Any]] = []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen = [asyncio.current_task()]
        await read_all(receive)
        seen.append(asyncio.current_task())
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
        seen.append(asyncio.current_task())
        await answer(send)
        seen.append(asyncio.current_task())
        tasks.append(seen)

    async with serving(app) as served:
        for _ in range(2):
            wire = await served.client()
            wire.get()
            await wire.response()
        await served.idle()
    assert all(len(set(seen)) == 1 and seen[0] is not None for seen in tasks)
    assert tasks[0][0] is not tasks[1][0]


async def test_many_requests_at_once_each_get_their_own_answer() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        body = await read_all(receive)
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": scope["raw_path"], "more_body": True})
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": body})

    async def ask(number: int) -> None:
        wire = await served.client()
        for turn in range(5):
            path, body = f"/{number}/{turn}", b"%d" % (number * turn)
            wire.get(path, "POST", f"Content-Length: {len(body)}")
            wire.send(body)
            assert (await wire.response())[2] == path.encode() + body

    async with serving(app) as served:
        await asyncio.gather(*(ask(number) for number in range(40)))


async def test_pipelined_requests_are_answered_in_order() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        for _ in range(5 - int(scope["path"][1:])):  # the first takes longest
            await asyncio.sleep(0)
        await answer(send, scope["raw_path"])

    async with serving(app) as served:
        wire = await served.client()
        for number in range(5):
            wire.get(f"/{number}")
        assert [(await wire.response())[2] for _ in range(5)] == [b"/%d" % n for n in range(5)]


async def test_the_handler_holds_the_task_of_an_app_that_waits_until_its_end() -> None:
    may_end = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["path"] == "/waits":
            await asyncio.sleep(0)
            await answer(send)
            await may_end.wait()
        else:
            await answer(send)

    async with serving(app) as served:
        wire = await served.client()
        wire.get("/")
        await wire.response()
        assert not served.handler.tasks
        wire.get("/waits")
        await wire.response()
        assert len(served.handler.tasks) == 1  # its background work
        wire.get("/")
        assert (await wire.response())[0] == 200  # the connection did not wait for it
        may_end.set()
        await served.idle()
        assert not served.handler.tasks


async def test_a_slow_reader_suspends_the_app() -> None:
    sent = 0
    stuck = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200})
        while sent < 200 << 20:
            sending = asyncio.create_task(
                send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
            )
            done, _ = await asyncio.wait((sending,), timeout=1)
            if not done:
                stuck.set()
            await sending
            sent += 1 << 20
        await send({"type": "http.response.body"})

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        await asyncio.wait_for(stuck.wait(), 30)
        assert sent < 64 << 20, "what the kernel buffers, and no more"
        total = 0
        await wire.head()
        while piece := await wire.chunk():
            total += len(piece)
    assert total == 200 << 20


async def test_a_client_that_leaves_is_told_to_receive_and_to_send() -> None:
    started, told = asyncio.Event(), []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        started.set()
        told.append((await receive())["type"])
        try:
            await send({"type": "http.response.start", "status": 200})
            while True:
                await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})
        except OSError:
            told.append("OSError")

    async with serving(app, grace=30) as served:
        wire = await served.client()
        wire.get()
        await started.wait()
        await wire.close()
        await asyncio.wait_for(served.idle(), 20)
    assert told == ["http.disconnect", "OSError"]


@pytest.mark.parametrize("where", ["before", "within"])
async def test_an_app_that_does_not_notice_is_cancelled_after_its_grace(where: str) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        if where == "within":
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async with serving(app, grace=0.01) as served:
        wire = await served.client()
        wire.get()
        await started.wait()
        if where == "within":
            await wire.head()
        wire.reset()  # a FIN alone says only that the client sends no more
        await asyncio.wait_for(ended.wait(), 20)
        await served.idle()
        assert not served.server.connections


async def test_a_client_that_only_ends_its_half_still_gets_its_answer() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"still ", "more_body": True})
        await send({"type": "http.response.body", "body": b"here"})

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        wire.writer.write_eof()
        assert (await wire.response())[2] == b"still here"


async def test_background_work_outlives_the_response_and_the_client() -> None:
    finish, done = asyncio.Event(), asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, b"accepted", 202)
        await finish.wait()
        done.set()

    async with serving(app, grace=0) as served:
        wire = await served.client()
        wire.get()
        assert (await wire.response())[0] == 202
        wire.get()
        assert (await wire.response())[0] == 202, "the next request does not wait for it"
        await wire.close()
        while served.server.connections:
            await asyncio.sleep(0)
        assert served.handler.tasks
        finish.set()
        await served.idle()
    assert done.is_set()


async def test_stopping_cancels_what_does_not_end_and_leaves_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    started, ended = asyncio.Event(), []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["path"] == "/background":
            await answer(send)
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            ended.append(scope["path"])

    async with serving(app, grace=0.01, drain=0.01) as served:
        wire = await served.client()
        wire.get("/background")
        await wire.response()
        wire.get("/hanging")
        started.clear()
        await started.wait()
        await served.server.stop(timeout=0)
    assert sorted(ended) == ["/background", "/hanging"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert "never retrieved" not in caplog.text
