"""The servers that lab 14 lays siege to, each in a process of its own that may open DESCRIPTORS files.

    python siege_servers.py KIND [CODE CERTS]      KIND: netlab, netlab-tls, loop, uvicorn, http.server

All answer the same: /big with 4 MiB, a content with its length, anything else with "hello". netlab and the
loop get short deadlines, so that a siege of theirs fits into a second; the others have none to shorten. The
first line printed is the port; SIGTERM ends them as it would in earnest.
"""

from __future__ import annotations

import http.server
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

DESCRIPTORS = 128
SHORT = {"head": 0.2, "content": 0.2, "stall": 0.1, "linger": 0.2}  # seconds
BIG = bytes(4 << 20)
HELLO = b"hello"


def announce(port: int) -> None:
    """Tell the measurement where we are."""
    print(port, flush=True)


# -- netlab ----------------------------------------------------------------------------------------------


async def pieces() -> AsyncIterator[bytes]:
    """4 MiB, as they are taken."""
    for at in range(0, len(BIG), 1 << 16):
        yield BIG[at : at + (1 << 16)]


def netlab_server(certs: Path | None) -> None:
    """netlab, plain or over TLS."""
    import netlab
    from netlab.tls import server_context

    async def app(request: netlab.Request) -> netlab.Response:
        if request.path == "/big":
            return netlab.Response(200, stream=pieces())
        if request.method == "POST":
            return netlab.Response(200, str(sum([len(piece) async for piece in request.stream()])))
        return netlab.Response(200, HELLO)

    netlab.serve(
        app,
        ready=lambda server: announce(server.port),
        tls=server_context(certs / "chain.pem", certs / "leaf.key") if certs else None,
        timeouts=netlab.Timeouts(**SHORT),
    )


# -- the loop of this lab, with the reference's rules or yours -------------------------------------------


def loop_server(code: Path) -> None:
    """siege_loop.py under the rules of a solution."""
    from siege_loop import Loop

    from labs.runner import loader

    rules = loader.load(code)
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))

    def app(target: str, length: int) -> bytes:
        return BIG if target == "/big" else str(length).encode() if length else HELLO

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        announce(listener.getsockname()[1])
        timeouts = rules.Timeouts(**SHORT)
        Loop(rules, listener, app, rules.Gate(DESCRIPTORS), timeouts=timeouts).run(lambda: bool(asked))


# -- servers of others -----------------------------------------------------------------------------------


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The same app for uvicorn."""
    total, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        total += len(message.get("body", b""))
        more = message.get("more_body", False)
    content = str(total).encode() if total else HELLO
    big = scope["path"] == "/big"
    length = (b"content-length", str(len(BIG if big else content)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    if big:
        async for piece in pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        content = b""
    await send({"type": "http.response.body", "body": content})


def uvicorn_server() -> None:
    """uvicorn with its defaults, over httptools where it is installed."""
    import uvicorn

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        announce(listener.getsockname()[1])
        config = uvicorn.Config(asgi, log_level="critical", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


class Handler(http.server.BaseHTTPRequestHandler):
    """The same app for http.server."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """hello, or much."""
        self.answer(BIG if self.path == "/big" else HELLO)

    def do_POST(self) -> None:
        """The length of the content."""
        size = int(self.headers.get("content-length") or 0)
        while size > 0 and (data := self.rfile.read(min(size, 1 << 16))):
            size -= len(data)
        self.answer(self.headers.get("content-length", "0").encode())

    def answer(self, content: bytes) -> None:
        """A 200."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Quiet(http.server.ThreadingHTTPServer):
    """http.server, a thread for each connection; tracebacks of clients that left are not shown."""

    request_queue_size = 1024

    def handle_error(self, *_: Any) -> None:
        """A client has left."""


def standard_server() -> None:
    """The standard library's own."""
    with Quiet(("127.0.0.1", 0), Handler) as server:
        announce(server.server_address[1])
        server.serve_forever()


def main() -> None:
    """Serve until SIGTERM."""
    kind, *rest = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    if kind == "loop":
        loop_server(Path(rest[0]))
    elif kind == "uvicorn":
        uvicorn_server()
    elif kind == "http.server":
        standard_server()
    else:
        netlab_server(Path(rest[1]) if kind == "netlab-tls" else None)


if __name__ == "__main__":
    main()
