"""The servers of the siege, one to a process: `python -m netlab.live.siegeserver NAME [ARGUMENTS]`.

NAME: netlab, uvicorn, nginx, asyncio or loop. ARGUMENTS: a chain and a key, for TLS; for the loop, lab 14's
siege_servers.py and the file with the rules. Each may open DESCRIPTORS files, and answers /big with 4 MiB, a
body with its length, anything else with "hello". netlab's deadlines are SHORT, as the lab's are for its loop.
The first line printed is the port; netlab then prints its own counts as JSON. All end with their standard
input. nginx keeps its files in the folder NETLAB_LIVE_FOLDER.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import runpy
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from netlab.live.children import end_with_parent
from netlab.live.idleserver import exec_nginx, exec_uvicorn
from netlab.server.config import Timeouts
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server
from netlab.tls.context import server_context

DESCRIPTORS = 128
SHORT = Timeouts(head=0.2, content=0.2, stall=0.1, linger=0.2)
"""netlab's deadlines in seconds, so that a siege fits into a minute."""

BIG = bytes(4 << 20)
PIECE = 1 << 16
HELLO = b"hello"
PERIOD = 0.25
"""Seconds between two lines of netlab's own counts."""


async def pieces() -> AsyncIterator[bytes]:
    """4 MiB, as they are taken."""
    for at in range(0, len(BIG), PIECE):
        yield BIG[at : at + PIECE]


async def app(request: Request) -> Response:
    """The answer of netlab's server."""
    if request.path == "/big":
        return Response(200, stream=pieces())
    if request.method == "POST":
        return Response(200, b"%d" % sum([len(piece) async for piece in request.stream()]))
    return Response(200, HELLO)


async def netlab_server(files: list[str]) -> None:
    """netlab, with the contexts that it recommends."""
    async with Server(app, tls=server_context(*files) if files else None, timeouts=SHORT) as server:
        print(server.port, flush=True)
        while True:
            await asyncio.sleep(PERIOD)
            print(json.dumps(server.stats()), flush=True)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """The same for uvicorn."""
    total, more = 0, scope["type"] == "http"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        total += len(message.get("body", b""))
        more = message.get("more_body", False)
    big = scope.get("path") == "/big"
    content = b"" if big else b"%d" % total if total else HELLO
    length = (b"content-length", b"%d" % (len(BIG) if big else len(content)))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    if big:
        async for piece in pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": content})


async def _streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection of a server that waits for its clients without a bound."""
    with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        while head := (await reader.readuntil(b"\r\n\r\n")).lower():
            _, _, length = head.partition(b"content-length:")
            size = int(length.split(b"\r\n")[0] or 0)
            content = BIG if b" /big " in head else HELLO
            if size:
                content = b"%d" % len(await reader.readexactly(size))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
            await writer.drain()
            if b"connection: close" in head:
                break
    writer.close()


async def asyncio_server(files: list[str]) -> None:
    """The least that asyncio's streams can do: no deadline, and no limit but the stream reader's own."""
    context = None
    if files:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
    # A full process would tell of every connection that it cannot accept.
    asyncio.get_running_loop().set_exception_handler(lambda loop, told: None)
    server = await asyncio.start_server(_streams, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().create_future()


def loop(script: str, code: str) -> None:
    """The loop of lab 14 under the rules in the file `code`, in this process."""
    folder = Path(script).parent
    sys.path[:0] = [str(folder), str(folder.parents[1])]
    sys.argv = [script, "loop", code]
    runpy.run_path(script, run_name="__main__")


def nginx(files: list[str]) -> None:
    """Become nginx, with its defaults. It closes idle connections, too, when it has none left."""
    folder = Path(os.environ["NETLAB_LIVE_FOLDER"])
    (folder / "big").write_bytes(BIG)
    locations = f"root {folder}; location = /big {{}} location / {{ return 200 '{HELLO.decode()}'; }}"
    exec_nginx(files, DESCRIPTORS, "", locations)


def main(name: str, rest: list[str]) -> None:
    """Become one of them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
    if name == "uvicorn":
        exec_uvicorn("netlab.live.siegeserver:asgi", rest)
    if name == "nginx":
        nginx(rest)
    end_with_parent()
    if name == "loop":
        loop(*rest)
    else:
        asyncio.run(netlab_server(rest) if name == "netlab" else asyncio_server(rest))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
