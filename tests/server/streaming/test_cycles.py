"""A connection that has ended is gone at once: it does not wait for the garbage collector.

Ten thousand that idled for long would: they are old by then, and full collections are rare. Each TLS
connection keeps 15 KiB of OpenSSL's.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from netlab import Request, Response, Server
from netlab.net.transport import Transport
from netlab.server.connection import Connection
from tests.kit.living import living

from .flow import connect
from .stall import apart, contexts

LINES = b"HTTP/1.1\r\nHost: a\r\n"
REQUESTS = {
    "silence": b"",
    "half a head": b"GET / HTTP/1.1\r\nHo",
    "at once": b"GET / " + LINES + b"\r\n",
    "waiting": b"GET /waiting " + LINES + b"\r\n",
    "stream": b"GET /stream " + LINES + b"\r\n",
    "refused": b"GET / HTTP/1.1\r\n\r\n",
    "broken content": b"POST /content " + LINES + b"Transfer-Encoding: chunked\r\n\r\n5\n\r\n\r\n",
    "content": b"POST /content " + LINES + b"Content-Length: 5\r\n\r\nhello",
}


async def two() -> AsyncIterator[bytes]:
    """Two pieces with a pause between them."""
    yield b"one"
    await asyncio.sleep(0)
    yield b"two"


async def app(request: Request) -> Response:
    """Each way to answer."""
    if request.path == "/waiting":
        await asyncio.sleep(0)
    if request.path == "/stream":
        return Response(stream=two())
    return Response(200, await request.read())


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What lives in a cycle lives on."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_a_connection_that_has_ended_is_gone(
    way: str, certificates: Path, request_: bytes, no_collector: None
) -> None:
    tls, trusting = contexts(way, certificates)
    async with Server(app, tls=tls) as server:
        client = await apart(talk, server.port, trusting, request_)
        assert living(Connection) == living(Transport) == 1
        client.close()
        async with asyncio.timeout(20):
            while server.connections:
                await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)  # the loop's own last references
        assert living(Connection) == living(Transport) == 0, "it waits for the garbage collector"


def talk(port: int, tls: ssl.SSLContext | None, request: bytes) -> socket.socket:
    """Connect, send, read what is there of the answer."""
    client = connect(port, tls)
    client.sendall(request)
    if request.endswith((b"\r\n\r\n", b"hello")):
        client.recv(65536)
    return client
