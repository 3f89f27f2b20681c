"""starlette, which we did not write, over the wire to httpx, which we did not write either."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.asgi.conftest import need_module, run, serving

need_module("starlette")
httpx = need_module("httpx")

from starlette.applications import Starlette  # noqa: E402
from starlette.background import BackgroundTask  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.middleware.base import BaseHTTPMiddleware  # noqa: E402
from starlette.middleware.gzip import GZipMiddleware  # noqa: E402
from starlette.requests import ClientDisconnect, Request  # noqa: E402
from starlette.responses import (  # noqa: E402
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route  # noqa: E402

MIB = 1 << 20


async def _body(request: Request) -> Response:
    content = await request.body()
    return JSONResponse({"size": len(content), "sum": sum(content), "agent": request.headers["x-agent"]})


async def _stream(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(int(request.query_params["n"])):
            yield b"%06d" % number
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="application/octet-stream")


async def _fail(request: Request) -> Response:
    raise LookupError("deliberate")


async def _text(request: Request) -> Response:
    return PlainTextResponse("héllo")


def _routes() -> list[Any]:
    return [
        Route("/body", _body, methods=["POST"]),
        Route("/stream", _stream),
        Route("/fail", _fail),
        Route("/text", _text),
    ]


async def test_starlette_reads_content_and_answers() -> None:
    async with serving(Starlette(routes=_routes())) as served, httpx.AsyncClient() as client:
        for size in (0, 5, 200_000, 5 * MIB):
            content = b"\1" * size
            answer = await client.post(
                f"{served.url}/body", content=content, headers={"x-agent": "é".encode("latin-1")}
            )
            assert answer.json() == {"size": size, "sum": size, "agent": "é"}
        assert (await client.get(f"{served.url}/nothing")).status_code == 404
        assert (await client.get(f"{served.url}/body")).status_code == 405


async def test_starlette_streams_in_chunks() -> None:
    async with serving(Starlette(routes=_routes())) as served, httpx.AsyncClient() as client:
        answer = await client.get(f"{served.url}/stream?n=5000")
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.content == b"".join(b"%06d" % number for number in range(5000))
        head = await client.head(f"{served.url}/stream?n=5000")
        assert (head.status_code, head.content) == (200, b"")
        assert (await client.get(f"{served.url}/stream?n=1")).content == b"000000"


def test_starlette_sends_a_file(tmp_path: Any) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(bytes(range(256)) * 4096)

    async def file(request: Request) -> Response:
        return FileResponse(path)

    async def main() -> None:
        async with serving(Starlette(routes=[Route("/", file)])) as served, httpx.AsyncClient() as client:
            whole = await client.get(served.url)
            assert whole.content == path.read_bytes()
            assert whole.headers["content-length"] == str(256 * 4096)
            part = await client.get(served.url, headers={"range": "bytes=250-259"})
            assert (part.status_code, part.content) == (206, path.read_bytes()[250:260])
            head = await client.head(served.url)
            assert (head.headers["content-length"], head.content) == (str(256 * 4096), b"")

    run(main())


async def test_middleware_of_both_kinds_wraps_whole_and_streamed_answers() -> None:
    async def mark(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers["x-marked"] = "yes"
        return response

    wraps = [Middleware(BaseHTTPMiddleware, dispatch=mark), Middleware(GZipMiddleware, minimum_size=100)]
    app = Starlette(routes=_routes(), middleware=wraps)
    async with serving(app) as served, httpx.AsyncClient() as client:
        text = await client.get(f"{served.url}/text")
        assert (text.text, text.headers["x-marked"]) == ("héllo", "yes")
        stream = await client.get(f"{served.url}/stream?n=1000")
        assert stream.content == b"".join(b"%06d" % number for number in range(1000))
        assert (stream.headers["content-encoding"], stream.headers["x-marked"]) == ("gzip", "yes")
        posted = await client.post(f"{served.url}/body", content=bytes(MIB), headers={"x-agent": "a"})
        assert posted.json()["size"] == MIB


async def test_an_exception_is_starlettes_500_and_our_log(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Starlette(routes=_routes())) as served, httpx.AsyncClient() as client:
        answer = await client.get(f"{served.url}/fail")
        assert (answer.status_code, answer.text) == (500, "Internal Server Error")
        await served.idle()
    assert "deliberate" in caplog.text


async def test_a_background_task_runs_after_its_answer() -> None:
    told: list[str] = []
    finish = asyncio.Event()

    async def work(what: str) -> None:
        await finish.wait()
        told.append(what)

    async def accept(request: Request) -> Response:
        return JSONResponse({}, 202, background=BackgroundTask(work, "done"))

    app = Starlette(routes=[Route("/", accept)])
    async with serving(app) as served, httpx.AsyncClient() as client:
        assert (await client.get(served.url)).status_code == 202
        assert told == []
        finish.set()
        await served.idle()
    assert told == ["done"]


async def test_a_client_that_leaves_a_stream_ends_its_generator() -> None:
    ended = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1 << 16)
        finally:
            ended.set()

    async def endless(request: Request) -> Response:
        return StreamingResponse(pieces())

    async with serving(Starlette(routes=[Route("/", endless)]), grace=30) as served:
        wire = await served.client()
        wire.get()
        await wire.head()
        wire.reset()
        await asyncio.wait_for(served.idle(), 30)
        # starlette leaves its generator to the collector, whose hook closes it in the loop.
        async with asyncio.timeout(30):
            while not ended.is_set():
                gc.collect()
                await asyncio.sleep(0)


async def test_starlette_sees_a_client_that_leaves_in_its_content() -> None:
    seen = asyncio.Event()

    async def read(request: Request) -> Response:
        try:
            await request.body()
        except ClientDisconnect:
            seen.set()
            raise
        return Response()

    async with serving(Starlette(routes=[Route("/", read, methods=["POST"])])) as served:
        wire = await served.client()
        wire.get("/", "POST", "Content-Length: 1000000")
        wire.send(b"only this")
        await wire.close()
        await asyncio.wait_for(seen.wait(), 30)
        await served.idle()


async def test_is_disconnected_tells_when_the_client_has_ended() -> None:
    answers: list[bool] = []
    left, polled = asyncio.Event(), asyncio.Event()

    async def poll(request: Request) -> Response:
        answers.append(await request.is_disconnected())
        polled.set()
        await left.wait()
        while not await request.is_disconnected():
            await asyncio.sleep(0)
        answers.append(True)
        return Response()

    async with serving(Starlette(routes=[Route("/", poll)])) as served:
        wire = await served.client()
        wire.get()
        await polled.wait()
        await wire.close()
        left.set()
        await asyncio.wait_for(served.idle(), 30)
    assert answers == [False, True]
