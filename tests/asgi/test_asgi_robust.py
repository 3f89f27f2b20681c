"""Responses that must not look complete, or not be sent: an app that stops in the middle, say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

import netlab
from tests.asgi.conftest import Wire, answer, http_only, serving

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

    async with asyncio.timeout(20):
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

    async with asyncio.timeout(20):
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

    async with asyncio.timeout(20), serving(app, grace=0.1) as served:
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

    async with asyncio.timeout(20), serving(app, grace=0.1) as served:
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

    async with asyncio.timeout(20), netlab.Server(app) as server:
        wire = Wire(*await asyncio.open_connection("127.0.0.1", server.port))
        try:
            wire.get("/", "GET", "TE: trailers")
            await wire.head()
            assert await until_the_end(wire) == b"3\r\nabc\r\n"
        finally:
            await wire.close()


# -- differences from uvicorn (netlab/asgi/README.md) ---------------------------------------------------

START = {"type": "http.response.start", "status": 200, "headers": []}
BODY = {"type": "http.response.body", "body": b"xxx"}

BEFORE_THE_HEAD: dict[str, list[dict[str, Any]]] = {
    "no message at all": [],
    "a body without a start": [BODY],
    "a start alone": [START],
    "two starts": [START, START],
    "a name that is no token": [{**START, "headers": [(b"bad header", b"x")]}, BODY],
    "a line break in a value": [{**START, "headers": [(b"key", b"x\r\nset-cookie: y")]}, BODY],
    "fewer bytes than it promised": [{**START, "headers": [(b"content-length", b"10")]}, BODY],
    "more bytes than it promised": [{**START, "headers": [(b"content-length", b"2")]}, BODY],
}


@pytest.mark.parametrize("fault", BEFORE_THE_HEAD)
async def test_an_app_that_fails_before_its_head_is_sent_costs_a_500_and_not_the_connection(
    fault: str,
) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["path"] == "/good":
            await answer(send, b"good")
            return
        for message in BEFORE_THE_HEAD[fault]:
            await send(message)

    async with asyncio.timeout(20), serving(app) as served:
        wire = await served.client()
        wire.get("/bad")
        status, fields, content = await wire.response()
        assert status == 500 and b"xxx" not in content
        assert not {"connection", "set-cookie", "bad header"} & set(fields)
        wire.get("/good")
        assert (await wire.response())[2] == b"good"


@pytest.mark.parametrize("then", ["a further body", "a value"])
async def test_what_an_app_does_after_its_response_does_not_close_the_connection(then: str) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> Any:
        await answer(send, b"whole")
        if then == "a further body":
            await send(BODY)
        return 123

    async with asyncio.timeout(20), serving(app) as served:
        wire = await served.client()
        for _ in range(2):
            wire.get()
            assert (await wire.response())[2] == b"whole"


async def test_a_client_that_asks_for_websocket_gets_the_app_s_answer_and_the_log_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, scope["type"].encode())

    caplog.set_level(logging.WARNING, "netlab.asgi")
    async with asyncio.timeout(20), serving(app) as served:
        wire = await served.client()
        for key in ("one", "two"):
            wire.get("/", "GET", "Connection: upgrade", "Upgrade: websocket", f"Sec-WebSocket-Key: {key}")
            status, fields, content = await wire.response()
            assert (status, content) == (200, b"http") and "upgrade" not in fields
        wire.get("/", "GET", "Connection: upgrade", "Upgrade: h2c")
        await wire.response()
    assert [record.getMessage().split(",")[0] for record in caplog.records] == ["a client asks for WebSocket"]


async def test_an_app_that_asks_for_chunks_and_a_length_gets_the_length_alone() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, b"whole", 200, (b"transfer-encoding", b"chunked"), (b"content-length", b"5"))

    async with asyncio.timeout(20), serving(app) as served:
        wire = await served.client()
        wire.get()
        _, fields, content = await wire.response()
        assert (fields.get("content-length"), content) == ("5", b"whole")
        assert "transfer-encoding" not in fields


@pytest.mark.parametrize("at_once", [True, False])
async def test_100_continue_is_sent_to_a_client_that_waits_for_it_and_to_no_other(at_once: bool) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, (await receive())["body"])

    head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    async with asyncio.timeout(20), serving(app) as served:
        wire = await served.client()
        wire.send(head + b"body" if at_once else head)
        if not at_once:
            assert (await wire.head())[0] == 100
            wire.send(b"body")
        status, _, content = await wire.response()
        assert (status, content) == (200, b"body")


async def test_a_status_that_is_no_integer_is_refused_though_its_equal_was_sent() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, b"x", 200 if scope["path"] == "/" else 200.0)  # type: ignore[arg-type]

    async with serving(app) as served:
        wire = await served.client()
        for path, expected in [("/", 200), ("/float", 500), ("/", 200)]:
            wire.get(path)
            assert (await wire.response())[0] == expected
