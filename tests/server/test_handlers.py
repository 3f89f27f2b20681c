"""Whatever a handler does, the client gets a correct answer or a cut connection, never a corrupt next one."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab import Request, Response, Server, Timeouts
from netlab.http1 import RequestParser

GET = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"


async def talk(server: Server, data: bytes, half_close: bool = True) -> bytes:
    """Send bytes, half-close, read to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        if half_close:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def returning(value: object) -> Callable[[Request], Awaitable[Response]]:
    async def handler(request: Request) -> Response:
        return value  # type: ignore[return-value]

    return handler


async def raises_at_once(request: Request) -> Response:
    raise RuntimeError("at once")


async def raises_later(request: Request) -> Response:
    await asyncio.sleep(0)
    raise RuntimeError("later")


async def cancels_itself(request: Request) -> Response:
    raise asyncio.CancelledError


def is_no_coroutine(request: Request) -> Response:
    return Response(200, b"not awaited")


NONSENSE = {
    "raises at once": raises_at_once,
    "raises later": raises_later,
    "cancels itself": cancels_itself,
    "is no coroutine": is_no_coroutine,
    "returns None": returning(None),
    "returns text": returning("hello"),
    "status 99": returning(Response(99)),
    "status 101": returning(Response(101)),
    "status as text": returning(Response("200")),  # type: ignore[arg-type]
    "CRLF in a value": returning(Response(200, b"", {"a": "b\r\nset-cookie: stolen=1"})),
    "LF in a value": returning(Response(200, b"", {"a": "b\nc: d"})),
    "NUL in a value": returning(Response(200, b"", {"a": "b\0"})),
    "CRLF in a name": returning(Response(200, b"", {"a\r\nb": "c"})),
    "colon in a name": returning(Response(200, b"", {"a:b": "c"})),
    "empty name": returning(Response(200, b"", {"": "c"})),
    "value beyond latin-1": returning(Response(200, b"", {"a": "ж"})),
    "value no text": returning(Response(200, b"", {"a": 5})),  # type: ignore[dict-item]
    "own transfer-encoding": returning(Response(200, b"", {"transfer-encoding": "chunked"})),
    "wrong content-length": returning(Response(200, b"abc", {"content-length": "5"})),
    "odd content-length": returning(Response(200, b"abc", {"content-length": "+3"})),
    "204 with content": returning(Response(204, b"abc")),
    "content and a stream": returning(Response(200, b"abc", stream=pieces(b"d"))),
    "CRLF in a trailer": returning(Response(200, stream=pieces(b"d"), trailers={"a": "b\r\nc: d"})),
}


@pytest.mark.parametrize("what", NONSENSE)
async def test_nonsense_becomes_a_500_and_the_next_request_is_answered(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(request: Request) -> Response:
        if request.path == "/good":
            return Response(200, b"good")
        result = NONSENSE[what](request)
        return await result if asyncio.iscoroutine(result) else result  # type: ignore[return-value]

    handler = app if what != "is no coroutine" else is_no_coroutine
    with caplog.at_level(logging.CRITICAL):
        async with Server(handler) as server:  # type: ignore[arg-type]
            answer = await talk(server, GET % b"/bad" + GET % b"/good")
    first, _, second = answer.partition(b"HTTP/1.1 ")[2].partition(b"HTTP/1.1 ")
    assert first.startswith(b"500 "), answer
    assert b"stolen" not in answer and b"c: d" not in answer
    assert second.startswith(b"500 " if what == "is no coroutine" else b"200 "), answer


async def test_a_stream_longer_than_it_said_cannot_reach_the_next_response(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)

    async def app(request: Request) -> Response:
        return Response(
            200, fields={"content-length": "4"}, stream=pieces(b"four", b"HTTP/1.1 200 OK\r\n\r\n")
        )

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET % b"/" * 2)
        try:
            answer = await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            answer = b"HTTP/1.1 "
        writer.close()
    assert answer.count(b"HTTP/1.1 ") <= 1


@pytest.mark.parametrize("kind", ["too short", "raises"])
async def test_a_stream_that_fails_is_aborted_so_that_no_client_takes_it_for_whole(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)

    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        if kind == "raises":
            raise RuntimeError("the disk is gone")

    async def app(request: Request) -> Response:
        return Response(
            200, fields={"content-length": "15"} if kind == "too short" else None, stream=broken()
        )

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET % b"/" * 2)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 20)
        writer.close()


async def test_a_producer_is_closed_when_its_client_has_gone() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1 << 16)
        finally:
            closed.set()

    async def app(request: Request) -> Response:
        return Response(200, stream=endless())

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET % b"/")
        await reader.readexactly(1000)
        writer.transport.abort()
        await asyncio.wait_for(closed.wait(), 20)
        assert server.stats()["open"] == 0


async def test_a_waiting_handler_is_cancelled_when_its_client_resets() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def app(request: Request) -> Response:
        started.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Response()

    async with Server(app) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET % b"/")
        await asyncio.wait_for(started.wait(), 20)
        # SO_LINGER with no time: close() sends a reset, as a killed client's kernel does.
        writer.get_extra_info("socket").setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()
        await asyncio.wait_for(cancelled.wait(), 20)


async def test_a_complete_request_is_answered_after_a_half_close() -> None:
    async def app(request: Request) -> Response:
        await asyncio.sleep(0.05)
        return Response(200, await request.read())

    async with Server(app) as server:
        answer = await talk(server, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    assert answer.endswith(b"\r\n\r\nabc")


async def test_pipelined_requests_are_answered_in_order_whatever_they_take() -> None:
    async def app(request: Request) -> Response:
        if request.path == "/slow":
            await asyncio.sleep(0.05)
        return Response(200, request.target)

    targets = [b"/slow" if n % 3 == 0 else b"/%d" % n for n in range(60)]
    async with Server(app) as server:
        answer = await talk(server, b"".join(GET % target for target in targets))
    assert [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 ")[1:]] == targets


async def test_the_first_step_of_a_handler_is_inside_a_task_and_a_context_of_its_own() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="clean")
    seen = []

    async def app(request: Request) -> Response:
        seen.append(variable.get())
        variable.set(request.path)
        task = asyncio.current_task()
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0.01 if request.path == "/slow" else 0))
        assert asyncio.current_task() is task and task is not None
        return Response(200, variable.get())

    async def quick(request: Request) -> Response:
        seen.append(variable.get())
        variable.set(request.path)
        assert asyncio.current_task() is not None
        return Response(200, variable.get())

    for handler in (app, quick):
        async with Server(handler) as server:
            for path in (b"/a", b"/slow", b"/b"):
                assert (await talk(server, GET % path)).endswith(path)
    assert set(seen) == {"clean"}


async def test_a_timeout_inside_the_handler_works_from_its_first_step() -> None:
    async def app(request: Request) -> Response:
        try:
            async with asyncio.timeout(0.02):
                await asyncio.sleep(3600)
        except TimeoutError:
            return Response(200, b"late")
        return Response(500)

    async with Server(app) as server:
        assert (await talk(server, GET % b"/")).endswith(b"late")


async def test_the_content_that_no_handler_read_is_no_request() -> None:
    handled = []

    async def app(request: Request) -> Response:
        handled.append(request.target)
        return Response(200, b"ok")

    inner = GET % b"/smuggled"
    post = b"POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner
    async with Server(app) as server:
        answer = await talk(server, post + GET % b"/next")
    assert handled == ["/post", "/next"] and answer.count(b"200 OK") == 2


async def test_a_large_content_that_no_handler_read_ends_the_connection_and_the_answer_survives() -> None:
    async def app(request: Request) -> Response:
        return Response(413, b"too much for me")

    async with Server(app, timeouts=Timeouts(linger=2)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n" + bytes(3_000_000))
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
    assert b"connection: close" in answer and answer.endswith(b"too much for me")


CHUNKED = b"POST /%b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def ignores_content(request: Request) -> Response:
    return Response(200, request.target)


async def test_chunks_that_come_behind_the_answer_and_that_no_handler_read_are_read_past() -> None:
    async with Server(ignores_content) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for number in (b"1", b"2"):
            writer.write(CHUNKED % number)
            assert b"connection: close" not in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            assert await reader.readexactly(2) == b"/" + number
            writer.write(b"25\r\n" + GET % b"/smuggled--" + b"\r\n0\r\n\r\n")
        writer.write(GET % b"/3")
        assert (await asyncio.wait_for(reader.readuntil(b"/3"), 20)).count(b"200 OK") == 1
        writer.close()


async def test_too_many_chunks_that_no_handler_read_end_the_connection() -> None:
    async with Server(ignores_content, timeouts=Timeouts(linger=0.2)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(CHUNKED % b"1")
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n/1"), 20)
        writer.write(b"20000\r\n" + bytes(0x20000) + b"\r\n0\r\n\r\n" + GET % b"/next")
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_handler_may_set_its_own_limit_of_content() -> None:
    async def app(request: Request) -> Response:
        return Response(200, await request.read(limit=10))

    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with Server(app) as server:
        fits = await talk(server, chunked + b"a\r\n0123456789\r\n0\r\n\r\n")
        beyond = await talk(server, chunked + b"b\r\n0123456789a\r\n0\r\n\r\n" + GET % b"/")
    assert fits.endswith(b"0123456789")
    assert beyond.startswith(b"HTTP/1.1 413 ") and beyond.count(b"HTTP/1.1") == 1


@given(st.text(alphabet="ab=&%20+;/?", max_size=20))
def test_a_query_reads_as_the_standard_library_reads_it(text: str) -> None:
    head = RequestParser().feed_head(f"GET /?{text} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert head is not None
    assert Request().begin(head).query == dict(parse_qsl(text, keep_blank_values=True))


async def test_another_app_may_answer_from_the_next_request_on() -> None:
    class Second:
        async def __call__(self, request: Request) -> Response:
            return Response(200, "the second app")

    async def first(request: Request) -> Response:
        return Response(200, "the first app")

    async with Server(first) as server:
        assert (await talk(server, GET % b"/")).endswith(b"the first app")
        server.app = second = Second()
        assert (await talk(server, GET % b"/")).endswith(b"the second app")
        assert server.app is second
