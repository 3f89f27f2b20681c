"""The ASGI bridge: what an app sends, and what becomes of an app that breaks the protocol."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from unittest.mock import ANY

import pytest

from netlab.server.exchange import Exchange
from tests.asgi.conftest import answer, http_only, serving

Scope = dict[str, Any]


# -- the response ---------------------------------------------------------------------------------------


async def test_one_body_is_answered_with_its_length_and_more_bodies_in_chunks() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"X-App", b"yes")]})
        if scope["path"] == "/chunks":
            await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"last"})

    async with serving(app) as served:
        wire = await served.client()
        wire.get("/")
        status, fields, content = await wire.response()
        assert (status, fields["content-length"], fields["x-app"], content) == (201, "4", "yes", b"last")
        assert "transfer-encoding" not in fields
        wire.get("/chunks")
        status, fields, content = await wire.response()
        assert (status, fields["transfer-encoding"], content) == (201, "chunked", b"onelast")
        assert "content-length" not in fields


REPLIES = [
    (200, [(b"content-type", b"text/plain"), (b"content-length", b"4")]),
    (200, [(b"Content-Type", b"text/plain")]),
    (404, []),
    (200, [(b"connection", b"close")]),
    (200, [(b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"), (b"content-length", b"4")]),
    (200, [(b"content-length", b"5")]),
    (200, [[b"x-list", b"yes"]]),
    (200, [(b"x-split", b"a\r\nb")]),
    (204, []),
    (700, []),
]
REQUESTS = {
    b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n": True,
    b"GET /%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n": True,
    b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc": True,
    b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n": False,
    b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n": False,
    b"HEAD /%d HTTP/1.1\r\nHost: a\r\n\r\n": False,
    b"GET /%d HTTP/1.0\r\n\r\n": False,
}
"""Requests, and whether a response to them may go without a Response."""


@http_only
async def replies(scope: Scope, receive: Any, send: Any) -> None:
    status, headers = REPLIES[int(scope["path"][1:])]
    await answer(send, b"text", status, *headers)


async def _said(wanted: bytes, **options: Any) -> list[bytes]:
    """What the server says to a request, three times on connections of their own, without its Date."""
    said = []
    async with serving(replies, **options) as served:
        for _ in range(3):
            wire = await served.client()
            wire.send(wanted)
            wire.writer.write_eof()
            said.append(re.sub(rb"(?m)^date: (?!Sun, 06 Nov 1994)[^\r]*", b"date:", await wire.rest()))
    return said


@pytest.mark.parametrize(("wanted", "usual"), REQUESTS.items())
async def test_a_response_whose_head_is_known_is_the_one_that_is_made_step_by_step(
    wanted: bytes, usual: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bool] = []

    def respond_known(*given: Any, real: Any = Exchange.respond_known) -> bool:
        sent.append(real(*given))
        return sent[-1]

    monkeypatch.setattr(Exchange, "respond_known", respond_known)
    known = [await _said(wanted % number) for number in range(len(REPLIES))]
    assert any(sent) is usual
    monkeypatch.setattr(Exchange, "respond_known", lambda *given: False)
    assert known == [await _said(wanted % number) for number in range(len(REPLIES))]


async def test_the_first_piece_reaches_the_client_before_the_second_is_made() -> None:
    go_on = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"second"})

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        await wire.head()
        assert await wire.chunk() == b"first"
        go_on.set()
        assert await wire.chunk() == b"second"
        assert await wire.chunk() == b""


async def test_an_empty_first_body_sends_the_head_even_while_content_is_unread() -> None:
    go_on = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"event"})

    async with serving(app) as served:
        wire = await served.client()
        wire.get("/", "POST", "Content-Length: 1000000")
        assert (await wire.head())[0] == 200
        go_on.set()
        assert await wire.chunk() == b"event"


async def test_the_apps_length_stands_and_a_wrong_one_is_never_sent_as_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        length, *pieces = scope["path"][1:].split(",")
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length.encode())]}
        )
        for piece in pieces[:-1]:
            await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": pieces[-1].encode()})

    async with serving(app) as served:
        wire = await served.client()
        wire.get("/6,abc,def")
        status, fields, content = await wire.response()
        assert (status, fields["content-length"], content) == (200, "6", b"abcdef")
        assert "transfer-encoding" not in fields
        wire.get("/7,abcdef")
        assert (await wire.response())[0] == 500, "known before the head has left"
        for wrong in ("/7,abc,def", "/5,abc,def"):
            wire = await served.client()
            wire.get(wrong)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await wire.response()
                await wire.head()
    assert "content-length" in caplog.text


async def test_fields_of_the_connection_are_the_servers_own() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        given = [
            (b"Transfer-Encoding", b"chunked"),
            (b"Keep-Alive", b"timeout=5"),
            (b"Connection", b"keep-alive, upgrade"),
            (b"Upgrade", b"h2c"),
            (b"set-cookie", b"a=1"),
        ]
        await answer(send, b"x", 200, *given)

    async with serving(app) as served:
        wire = await served.client()
        for _ in range(2):
            wire.get()
            _, fields, content = await wire.response()
            assert content == b"x"
            assert not {"transfer-encoding", "keep-alive", "connection", "upgrade"} & set(fields)
            assert fields["set-cookie"] == "a=1"


async def test_an_app_may_ask_for_the_close() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, b"bye", 200, (b"Connection", b"Close"))

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        _, fields, content = await wire.response()
        assert (fields["connection"], content, await wire.rest()) == ("close", b"bye", b"")


@pytest.mark.parametrize("value", [b"a\r\nx-evil: 1", b"a\nb", b"a\0b"])
@pytest.mark.parametrize("path", ["/whole", "/stream"])
async def test_no_line_break_leaves_the_server_in_a_field(path: str, value: bytes) -> None:
    cut = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", value)]})
        try:
            while True:
                more = scope["path"] == "/stream"
                await send({"type": "http.response.body", "body": bytes(100_000), "more_body": more})
        except OSError:
            cut.set()
            raise

    async with serving(app) as served:
        wire = await served.client()
        wire.get(path)
        status, fields, _ = await wire.response()
        assert status == 500
        assert "x-evil" not in fields
        await asyncio.wait_for(cut.wait() if path == "/stream" else served.idle(), 20)


async def test_trailers_follow_the_last_chunk() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        assert "http.response.trailers" in scope["extensions"]
        await send({"type": "http.response.start", "status": 200, "trailers": True})
        await send({"type": "http.response.body", "body": b"data"})
        await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"42")], "more_trailers": True})
        await send({"type": "http.response.trailers", "headers": [(b"x-end", b"yes")]})

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        await wire.head()
        assert await wire.chunk() == b"data"
        assert await wire.chunk() == b""
        assert await wire.trailers() == ["x-sum: 42", "x-end: yes"]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("path", ["/whole", "/pieces"])
async def test_head_has_the_fields_of_get_and_no_content(path: str, method: str) -> None:
    done = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"300000")] if scope["path"] == "/whole" else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/pieces":
            for _ in range(3):
                await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
            await send({"type": "http.response.body"})
        else:
            await send({"type": "http.response.body", "body": bytes(300_000)})
        done.set()

    async with serving(app) as served:
        wire = await served.client()
        wire.get(path, method)
        status, fields = await wire.head()
        framing = ("content-length", "300000") if path == "/whole" else ("transfer-encoding", "chunked")
        assert (status, fields[framing[0]]) == (200, framing[1])
        if method == "HEAD":
            wire.get("/whole", "HEAD")
            status, fields = await wire.head()
            assert status == 200, "the next response stands right behind the head"
        await asyncio.wait_for(done.wait() if method == "HEAD" else wire.reader.readexactly(300_000), 20)


@pytest.mark.parametrize(
    ("status", "headers"), [(204, []), (304, [(b"etag", b'"1"')]), (204, [(b"content-length", b"0")])]
)
@pytest.mark.parametrize("pieces", [1, 2])
async def test_a_status_without_content_ends_with_its_head(status: int, headers: Any, pieces: int) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if pieces == 2:
            await send({"type": "http.response.body", "more_body": True})
        await send({"type": "http.response.body"})

    async with serving(app) as served:
        wire = await served.client()
        for _ in range(2):
            wire.get()
            answered, fields = await wire.head()
            assert answered == status
            assert not {"content-length", "transfer-encoding"} & set(fields)


async def test_an_http_1_0_client_gets_a_stream_until_close() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "more_body": True})
        await send({"type": "http.response.body", "body": b"old", "more_body": True})
        await send({"type": "http.response.body", "body": b" times"})

    async with serving(app) as served:
        wire = await served.client()
        wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        _, fields = await wire.head()
        assert fields["connection"] == "close"
        assert await wire.rest() == b"old times"


# -- what breaks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "what"),
    [
        ([], "the app returned; expected is http.response.start"),
        ([{"type": "http.response.body"}], "expected is http.response.start"),
        (
            [{"type": "http.response.start", "status": 200}],
            "the app returned; expected is http.response.body",
        ),
        ([{"type": "http.response.start", "status": 200}] * 2, "expected is http.response.body"),
        ([{"type": "http.response.start", "status": 99}, {"type": "http.response.body"}], "99"),
        (
            [{"type": "http.response.start", "status": 200}, {"type": "http.response.body", "body": "text"}],
            "give bytes",
        ),
    ],
)
async def test_an_app_that_breaks_the_protocol_is_a_500_and_a_line_in_the_log(
    messages: list[dict[str, Any]], what: str, caplog: pytest.LogCaptureFixture
) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        status, _, content = await wire.response()
        assert status == 500
        assert b"expected" not in content, "the client learns nothing of it"
        wire.get()
        assert (await wire.response())[0] == 500, "the connection persists"
    assert what in caplog.text


async def test_an_exception_before_the_start_is_a_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        raise LookupError("no such drawer")

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        assert (await wire.response())[0] == 500, "the response begins with its first body"
    assert "no such drawer" in caplog.text


@pytest.mark.parametrize("ending", ["raises", "returns"])
async def test_an_app_that_ends_in_mid_response_is_cut_off(
    ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await go_on.wait()
        if ending == "raises":
            raise LookupError("the other half")

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        await wire.head()
        assert await wire.chunk() == b"half"
        go_on.set()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await wire.chunk()
    assert ("the other half" if ending == "raises" else "the app returned") in caplog.text


async def test_an_exception_after_the_response_is_logged_and_hurts_no_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, b"fine")
        raise LookupError("too late")

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        assert (await wire.response())[2] == b"fine"
        await served.idle()
    assert "failed after its response" in caplog.text and "too late" in caplog.text


async def test_sending_after_the_end_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, b"fine")
        await send({"type": "http.response.body", "body": b"more"})

    async with serving(app) as served:
        wire = await served.client()
        wire.get()
        assert (await wire.response())[2] == b"fine"
        await served.idle()
    assert "expected is nothing: the response is complete" in caplog.text


async def test_an_app_that_fails_behind_a_head_alone_leaves_no_cancellation_behind() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            raise RuntimeError("in its first step")
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"whole"})

    async with serving(app, grace=0) as served:
        wire = await served.client()
        wire.get("/", "HEAD")
        assert (await wire.head())[0] == 200
        await asyncio.sleep(0)  # the timer of `grace` would be due by now
        wire.get()
        assert await wire.response() == (200, ANY, b"whole")
