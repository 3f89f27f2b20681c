"""http.disconnect: the client leaves, or the server stops; what an app does then is no error."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.asgi.conftest import answer, http_only, serving

Scope = dict[str, Any]

PIECE = {"type": "http.response.body", "body": b"data: x\n\n", "more_body": True}


async def begin_stream(receive: Any, send: Any) -> Any:
    """The begin of a stream of events; a task that ends with http.disconnect."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    leaving = asyncio.create_task(receive())
    await send(PIECE)
    return leaving


async def says_goodbye(scope: Scope, receive: Any, send: Any) -> None:
    """Ends its stream when it is told."""
    assert (await (await begin_stream(receive, send)))["type"] == "http.disconnect"
    await send({"type": "http.response.body", "body": b"bye"})


async def just_returns(scope: Scope, receive: Any, send: Any) -> None:
    """Returns when it is told, its response unfinished: as sse-starlette does."""
    await (await begin_stream(receive, send))


async def polls(scope: Scope, receive: Any, send: Any) -> None:
    """A long poll: has nothing to say until the client leaves."""
    await receive()
    assert (await receive())["type"] == "http.disconnect"


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def stop_during_the_stream(app: Any) -> bytes:
    """What the client gets from the stop on; raises ConnectionError where it gets a reset."""
    async with asyncio.timeout(20), serving(http_only(app)) as served:
        wire = await served.client()
        wire.get()
        await wire.head()
        assert await wire.chunk() == b"data: x\n\n"
        stopping = asyncio.create_task(served.server.stop())
        rest = await wire.rest()
        await wire.close()
        await stopping
        await served.idle()
    return rest


async def test_a_stop_tells_an_app_that_streams_and_its_end_arrives(caplog: pytest.LogCaptureFixture) -> None:
    assert await stop_during_the_stream(says_goodbye) == b"3\r\nbye\r\n0\r\n\r\n"
    assert not errors(caplog)


async def test_an_app_that_only_returns_at_a_stop_ends_its_response_unfinished_and_without_a_reset(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await stop_during_the_stream(just_returns) == b""
    assert not errors(caplog)


async def test_a_stop_does_not_tell_an_app_that_has_not_begun_its_response() -> None:
    release = asyncio.Event()

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        leaving = asyncio.create_task(receive())
        await release.wait()
        told = leaving.done()
        leaving.cancel()
        await answer(send, str(told).encode())

    async with asyncio.timeout(20), serving(http_only(app)) as served:
        wire = await served.client()
        wire.get()
        while not served.server.stats()["active"]:
            await asyncio.sleep(0)
        stopping = asyncio.create_task(served.server.stop())
        await asyncio.sleep(0.3)
        release.set()
        status, fields, content = await wire.response()
        assert (status, fields["connection"], content) == (200, "close", b"False")
        await wire.close()
        await stopping


@pytest.mark.parametrize("app", [polls, just_returns, says_goodbye])
@pytest.mark.parametrize("leave", ["close", "reset"])
async def test_an_app_that_stops_because_its_client_has_left_is_no_error(
    app: Any, leave: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(20), serving(http_only(app)) as served:
        wire = await served.client()
        wire.get()
        if app is polls:
            while not served.server.stats()["active"]:
                await asyncio.sleep(0)
        else:
            await wire.head()
            await wire.chunk()
        if leave == "reset":
            wire.reset()
        else:
            await wire.close()
        while served.server.stats()["open"]:
            await asyncio.sleep(0.001)
        await served.idle()
    assert not errors(caplog)


async def test_an_app_that_returns_without_a_response_while_its_client_waits_is_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()

    async with asyncio.timeout(20), serving(http_only(app)) as served:
        wire = await served.client()
        wire.get()
        status, _, _ = await wire.response()
        assert status == 500
    assert len(errors(caplog)) == 1
