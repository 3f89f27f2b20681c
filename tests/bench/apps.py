"""The peers' application, twice: raw ASGI (uvicorn, granian, hypercorn) and aiohttp. No framework in between.

The same routes as netlab's demonstration app, done the same way: content up to 64 KiB is read and answered
whole, more is echoed piece by piece as it comes. What can be built once is built once, in favour of the peer.
Run the second as `python -m tests.bench.apps LOOP PORT [CERTIFICATE KEY]`; LOOP is uvloop or asyncio.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

HELLO = b'{"hello":"world"}'
PIECE = bytes(1 << 20)
WHOLE = 64 * 1024

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def _head(kind: bytes, length: int | None = None) -> Message:
    lines = [(b"content-type", kind)]
    if length is not None:
        lines.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": 200, "headers": lines}


# ASGI.

_OCTETS = b"application/octet-stream"
_HELLO_HEAD = _head(b"application/json", len(HELLO))
_HELLO_BODY: Message = {"type": "http.response.body", "body": HELLO}
_LAST: Message = {"type": "http.response.body", "body": b""}


async def asgi(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"] == "/":
        await send(_HELLO_HEAD)
        await send(_HELLO_BODY)
    elif scope["path"] == "/echo":
        await _echo(scope, receive, send)
    elif scope["path"] == "/stream":
        await _stream(int(parse_qs(scope["query_string"])[b"mib"][0]), send)
    else:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send(_LAST)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _echo(scope: Message, receive: Receive, send: Send) -> None:
    length = int(dict(scope["headers"])[b"content-length"])
    if length > WHOLE:
        await send(_head(_OCTETS, length))
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})
        return
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    await send(_head(_OCTETS, length))
    await send({"type": "http.response.body", "body": b"".join(parts)})


async def _stream(mib: int, send: Send) -> None:
    await send(_head(_OCTETS))
    for _ in range(mib):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send(_LAST)


# aiohttp.


def _loop_of(name: str) -> asyncio.AbstractEventLoop:
    if name == "asyncio":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def _serve_aiohttp(loop: asyncio.AbstractEventLoop, port: int, tls: ssl.SSLContext | None) -> None:
    from aiohttp import web

    async def hello(request: web.Request) -> web.Response:
        return web.Response(body=HELLO, content_type="application/json")

    async def echo(request: web.Request) -> web.StreamResponse:
        length = request.content_length or 0
        if length <= WHOLE:
            return web.Response(body=await request.read(), content_type="application/octet-stream")
        answer = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        answer.content_length = length
        await answer.prepare(request)
        async for part in request.content.iter_any():
            await answer.write(part)
        return answer

    async def stream(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        for _ in range(int(request.query["mib"])):
            await answer.write(PIECE)
        return answer

    app = web.Application()
    app.add_routes([web.get("/", hello), web.post("/echo", echo), web.get("/stream", stream)])
    web.run_app(
        app, host="127.0.0.1", port=port, ssl_context=tls, access_log=None, print=None,
        keepalive_timeout=3600, backlog=2048, loop=loop,
    )  # fmt: skip


def main() -> None:
    """Serve with aiohttp: LOOP, PORT, and CERTIFICATE and KEY for TLS."""
    loop, port, *files = sys.argv[1:]
    tls = None
    if files:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*files)
    _serve_aiohttp(_loop_of(loop), int(port), tls)


if __name__ == "__main__":
    main()
