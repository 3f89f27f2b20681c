"""Servers that we did not write: http.server of the standard library, aiohttp, uvicorn's h11."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from aiohttp import web

import netlab
from netlab.client import Reason


class Handler(BaseHTTPRequestHandler):
    """Echoes content; speaks the version that its server has."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"until close")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(params=["HTTP/1.0", "HTTP/1.1"])
def standard_library(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Its version, its URL."""
    kind = type("Versioned", (Handler,), {"protocol_version": request.param})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield request.param, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


async def test_http_server_of_the_standard_library(standard_library: tuple[str, str]) -> None:
    version, url = standard_library
    async with netlab.Session() as session:
        for size in (0, 10, 200_000):
            async with session.post(url, data=bytes(size)) as response:
                assert await response.read() == bytes(size)
        assert session.pool.opened == (1 if version == "HTTP/1.1" else 3)
        async with session.get(url) as response:
            assert await response.read() == b"until close"
        assert response.connection.reason is Reason.UNTIL_CLOSE


async def test_aiohttp() -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece)
        await response.write_eof()
        return response

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield bytes(20_000)

    app = web.Application()
    app.router.add_post("/", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with netlab.Session() as session:
            for data in (b"", b"x" * 10, bytes(1_000_000), pieces()):
                async with session.post(url, data=data, expect100=len(str(data)) < 20) as response:
                    size = len(await response.read())
                    assert size == (1_000_000 if not isinstance(data, bytes) else len(data))
            assert session.pool.opened == 1
            replies = await asyncio.gather(*(session.post(url, data=b"y") for _ in range(20)))
            assert {await reply.read() for reply in replies} == {b"y"}
    finally:
        await runner.cleanup()
