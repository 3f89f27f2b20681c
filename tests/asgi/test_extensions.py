"""Extensions of ASGI: files by their path, early hints, debug messages; and an app that starts at once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.asgi.conftest import answer, http_only, need_module, read_all, serving

Scope = dict[str, Any]


@pytest.mark.parametrize("waits", [False, True], ids=["in the first step", "after a wait"])
@pytest.mark.parametrize("names_length", [True, False])
async def test_a_file_is_sent_by_its_path(waits: bool, names_length: bool, tmp_path: Path) -> None:
    import asyncio

    file = tmp_path / "file"
    file.write_bytes(bytes(300_000))
    headers = [(b"content-length", b"300000")] if names_length else []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        assert "http.response.pathsend" in scope["extensions"]
        if waits:
            await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.pathsend", "path": str(file)})

    async with serving(app) as served:
        wire = await served.client()
        for _ in range(2):
            wire.get()
            status, fields, content = await wire.response()
            assert (status, fields["content-length"], content) == (200, "300000", bytes(300_000))


async def test_a_file_that_cannot_be_sent_is_the_app_s_error(tmp_path: Path) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        path = str(tmp_path / "missing") if scope["path"] == "/missing" else "relative"
        await send({"type": "http.response.pathsend", "path": path})

    async with serving(app) as served:
        wire = await served.client()
        for path in ("/missing", "/relative"):
            wire.get(path)
            assert (await wire.response())[0] == 500


async def test_starlette_s_file_response_uses_it(tmp_path: Path) -> None:
    need_module("starlette")
    from starlette.responses import FileResponse

    (tmp_path / "page.html").write_text("<p>hello")

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        sent: list[str] = []

        async def watched(message: dict[str, Any]) -> None:
            sent.append(message["type"])
            await send(message)

        await FileResponse(tmp_path / "page.html")(scope, receive, watched)
        assert sent == ["http.response.start", "http.response.pathsend"]

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        assert (await wire.response())[2] == b"<p>hello"
        wire.get("/", "HEAD")
        assert (await wire.head())[1]["content-length"] == "8"


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_early_hints_come_before_the_response_and_to_http_1_1_alone(version: str) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        assert "http.response.early_hint" in scope["extensions"]
        await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload", b"</b.js>"]})
        await answer(send, b"page")

    async with serving(app) as served:
        wire = await served.client()
        wire.send(f"GET / HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        told = await wire.rest()
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nlink: </b.js>\r\n\r\n"
    assert told.startswith(hints + b"HTTP/1.1 200" if version == "1.1" else b"HTTP/1.1 200")
    assert told.endswith(b"page")


@pytest.mark.parametrize("link", [b"</a>\r\nset-cookie: x=1", b"a\0b"])
async def test_no_line_break_leaves_the_server_in_a_hint(link: bytes) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.early_hint", "links": [link]})

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        status, fields, _ = await wire.response()
        assert status == 500 and "set-cookie" not in fields


async def test_debug_messages_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "netlab.asgi")

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.debug", "info": {"template": "page.html"}})
        await answer(send, b"page")

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        assert (await wire.response())[2] == b"page"
    assert "page.html" in caplog.text


@pytest.mark.parametrize("status", [401, 413])
@pytest.mark.parametrize("size", [5, 60_000])
async def test_an_app_refuses_before_the_body_has_come(status: int, size: int) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["path"] == "/refused":
            await answer(send, b"no", status)
        else:
            await answer(send, await read_all(receive))

    async with serving(app) as served:
        wire = await served.client()
        wire.send(b"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        assert (await wire.response())[0] == status, "before a byte of the body has come"
        wire.send(b"x" * size)
        wire.get("/next")
        assert (await wire.response())[0] == 200, "the late body is read past"


async def test_a_small_body_is_one_message_without_a_second_call() -> None:
    told: list[dict[str, Any]] = []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        told.append(await receive())
        await answer(send)

    async with serving(app) as served:
        wire = await served.client()
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
        assert (await wire.response())[0] == 200
    assert told == [{"type": "http.request", "body": b"body", "more_body": False}]
