"""Responses that must not look complete: an app that stops in the middle, trailers that come too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import netlab
from tests.asgi.conftest import Wire, http_only, serving

Scope = dict[str, Any]

pytestmark = pytest.mark.usefixtures("no_task_left")


async def until_the_end(wire: Wire) -> bytes:
    """Everything the server sends until it ends the connection, by FIN or by RST."""
    got = b""
    try:
        while piece := await wire.reader.read(65536):
            got += piece
    except ConnectionError:
        pass
    return got


# -- an app that ends before its response ---------------------------------------------------------------


@pytest.mark.parametrize("length", [False, True])
@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize("fails", [False, True])
async def test_an_app_that_ends_in_the_middle_cuts_its_response_and_does_not_hold_the_server(
    fails: bool, pause: bool, length: bool
) -> None:
    """Also when it ends in the very step in which it promised more."""

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"5")] if length else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok", "more_body": True})
        if pause:
            await asyncio.sleep(0.01)
        if fails:
            raise ValueError("in the middle")

    async with asyncio.timeout(2):
        async with serving(app, grace=0.1) as served:
            wire = await served.client()
            wire.get()
            status, _ = await wire.head()
            assert status == 200
            assert b"ok" in (rest := await until_the_end(wire))
            assert not rest.endswith(b"\r\n0\r\n\r\n"), "a response that was cut looks complete"
            await served.idle()


async def test_two_messages_in_one_step_and_then_nothing_are_cut_too() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await asyncio.sleep(0.01)
        await send({"type": "http.response.body", "body": b"two", "more_body": True})

    async with asyncio.timeout(2):
        async with serving(app, grace=0.1) as served:
            wire = await served.client()
            wire.get()
            await wire.head()
            rest = await until_the_end(wire)
            assert rest == b"3\r\none\r\n3\r\ntwo\r\n"


# -- trailers that must not be sent ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"content-length", b"host", b"set-cookie"])
async def test_a_forbidden_trailer_of_an_app_cuts_the_response(name: bytes) -> None:
    """It comes when the head is long gone: no 500 can be sent any more (RFC 9110 §6.5.1)."""
    go_on = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.body", "body": b"abc", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b""})
        await send({"type": "http.response.trailers", "headers": [(name, b"3")]})

    async with asyncio.timeout(2), serving(app, grace=0.1) as served:
        wire = await served.client()
        wire.get("/", "GET", "TE: trailers")
        await wire.head()
        assert await wire.chunk() == b"abc"
        go_on.set()
        assert await until_the_end(wire) == b""
        await served.idle()


async def test_a_trailer_that_may_be_sent_is_sent_however_late_it_comes() -> None:
    go_on = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.body", "body": b"abc", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b""})
        await send({"type": "http.response.trailers", "headers": [(b"x-digest", b"3")]})

    async with asyncio.timeout(2), serving(app, grace=0.1) as served:
        wire = await served.client()
        wire.get("/", "GET", "TE: trailers")
        await wire.head()
        assert await wire.chunk() == b"abc"
        go_on.set()
        assert await wire.chunk() == b""
        assert await wire.trailers() == ["x-digest: 3"]


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Set-Cookie"])
async def test_a_forbidden_trailer_that_a_producer_fills_in_cuts_the_response(name: str) -> None:
    trailers: list[tuple[str, str]] = []

    async def app(request: netlab.Request) -> netlab.Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"abc"
            trailers.append((name, "9"))

        return netlab.Response(stream=pieces(), trailers=trailers)

    async with asyncio.timeout(2), netlab.Server(app) as server:
        wire = Wire(*await asyncio.open_connection("127.0.0.1", server.port))
        try:
            wire.get("/", "GET", "TE: trailers")
            await wire.head()
            assert await until_the_end(wire) == b"3\r\nabc\r\n"
        finally:
            await wire.close()
