"""The ASGI bridge: what an app is told of a request, and how it reads the content."""

from __future__ import annotations

import asyncio
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
