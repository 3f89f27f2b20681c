"""ASGI apps of ours: what they are told, what they may send, how an exchange ends when something breaks."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

import pytest

from tests.asgi.conftest import answer, http_only, read_all, serving

Scope = dict[str, Any]


# -- the scope ------------------------------------------------------------------------------------------


async def test_the_scope_tells_the_request_as_the_specification_has_it() -> None:
    seen: list[Scope] = []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(scope)
        await answer(send)

    async with serving(app) as served:
        wire = await served.client()
        wire.get("/a%20b/%C3%A9?q=1%202", "DELETE", "X-Mixed: One", "x-mixed: Two")
        assert (await wire.response())[0] == 200
        scope = seen[0]
        assert scope["client"] == wire.writer.get_extra_info("sockname")
        assert scope["server"] == ("127.0.0.1", served.server.port)
    assert scope["asgi"]["version"] == "3.0"
    assert (scope["http_version"], scope["method"], scope["scheme"]) == ("1.1", "DELETE", "http")
    assert (scope["path"], scope["raw_path"]) == ("/a b/é", b"/a%20b/%C3%A9")
    assert (scope["query_string"], scope["root_path"]) == (b"q=1%202", "")
    assert scope["headers"] == [(b"host", b"localhost"), (b"x-mixed", b"One"), (b"x-mixed", b"Two")]


async def test_an_absolute_form_target_overrides_host() -> None:
    seen: list[Scope] = []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(scope)
        await answer(send)

    async with serving(app) as served:
        wire = await served.client()
        wire.send(b"GET http://example.test:81/x HTTP/1.1\r\nHost: other.test\r\n\r\n")
        assert (await wire.response())[0] == 200
    hosts = [value for name, value in seen[0]["headers"] if name == b"host"]
    assert hosts == [b"example.test:81"], "RFC 9112 §3.2.2: the target's authority replaces Host"
    assert seen[0]["raw_path"] == b"/x"


async def test_a_unix_socket_has_a_path_and_no_client_address(tmp_path: Any) -> None:
    seen: list[Scope] = []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(scope)
        await answer(send)

    path = str(tmp_path / "s")
    async with serving(app, uds=path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()
    assert (seen[0]["server"], seen[0]["client"], seen[0]["http_version"]) == ((path, None), None, "1.0")


async def test_over_tls_the_scheme_is_https(certificates: Any) -> None:
    from netlab.tls import client_context, server_context

    seen: list[Scope] = []

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(scope)
        await answer(send, b"safe")

    context = server_context(certificates / "chain.pem", certificates / "leaf.key")
    async with serving(app, tls=context) as served:
        trust: ssl.SSLContext = client_context(certificates / "root.pem")
        reader, writer = await asyncio.open_connection("localhost", served.server.port, ssl=trust)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"safe")
        writer.close()
        await writer.wait_closed()
    assert seen[0]["scheme"] == "https"


# -- the request's content ------------------------------------------------------------------------------


async def _echo(scope: Scope, receive: Any, send: Any) -> None:
    await answer(send, await read_all(receive))


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 3_000_000])
async def test_content_of_any_size_arrives_whole(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with serving(http_only(_echo)) as served:
        wire = await served.client()
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + body)
        assert (await wire.response())[2] == body
        wire.get()
        assert (await wire.response())[2] == b"", "the connection persists behind it"


async def test_chunked_content_arrives_as_it_is_sent() -> None:
    told: list[dict[str, Any]] = []
    first = asyncio.Event()

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        told.append(await receive())
        first.set()
        told.append(await receive())
        told.append(await receive())
        await answer(send)

    async with serving(app) as served:
        wire = await served.client()
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await first.wait()
        wire.send(b"3\r\ntwo\r\n0\r\n\r\n")
        assert (await wire.response())[0] == 200
    assert [(m["body"], m["more_body"]) for m in told] == [(b"one", True), (b"two", True), (b"", False)]


async def test_the_client_is_asked_to_continue_when_the_app_reads() -> None:
    async with serving(http_only(_echo)) as served:
        wire = await served.client()
        wire.get("/", "POST", "Expect: 100-continue", "Content-Length: 2")
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(b"ok")
        assert (await wire.response())[2] == b"ok"


async def test_a_broken_chunk_is_the_clients_mistake_whatever_the_app_makes_of_it() -> None:
    async with serving(http_only(_echo)) as served:
        wire = await served.client()
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        status, _, content = await wire.response()
        assert status == 400, content
        assert await wire.rest() == b"", "and the connection closes behind the refusal"


async def test_a_read_that_is_cancelled_loses_no_content() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receive(), 0)
        waiting.set()
        await answer(send, await read_all(receive))

    waiting = asyncio.Event()
    async with serving(app) as served:
        wire = await served.client()
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await waiting.wait()
        wire.send(b"4\r\nkept\r\n0\r\n\r\n")
        assert (await wire.response())[2] == b"kept"


async def test_reading_and_sending_at_once_do_not_disturb_each_other() -> None:
    """Both wait for the same connection: the content trickles, and the client reads later than it sends."""
    size, reads = 4 << 20, 0

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        async def read() -> None:
            nonlocal reads
            while (await receive())["more_body"]:
                reads += 1

        reading = asyncio.create_task(read())
        await send({"type": "http.response.start", "status": 200})
        for _ in range(size >> 16):
            await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})
        await reading
        await send({"type": "http.response.body", "body": b"end"})

    async with serving(app) as served:
        wire = await served.client()
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await wire.head()
        taken = 0
        while taken < size:
            taken += len(await wire.chunk())
            wire.send(b"1\r\nb\r\n")
        wire.send(b"0\r\n\r\n")
        assert await wire.chunk() == b"end"
        assert await wire.chunk() == b""
        assert await wire.trailers() == []
        wire.get()
    assert taken == size and reads


async def test_what_comes_after_the_response_belongs_to_the_next_request() -> None:
    """An app that still waits in `receive` must not swallow the next request's head."""

    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        listening = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await answer(send, scope["raw_path"])
        assert (await listening)["type"] == "http.disconnect"
        told.append(scope["path"])

    told: list[str] = []
    async with serving(app) as served:
        wire = await served.client()
        for path in ("/1", "/2", "/3"):
            wire.get(path)
            assert (await wire.response())[2] == path.encode()
        await served.idle()
    assert told == ["/1", "/2", "/3"]


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
