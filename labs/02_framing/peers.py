"""The programs that lab 02 compares, each behind one question: which requests do you see in these bytes?

Every server runs an application that answers `[saw TARGET OCTETS]` when it has read a request's content to
its end: what the client gets back tells where the server found requests. What is not installed is no peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import importlib.metadata
import importlib.util
import logging
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Sent behind every case: a server that has kept its place in the bytes answers it, and closes.
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
QUIET = 2.0  # seconds of silence after which a peer is taken to wait for more

Requests = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a program saw: (target, octets of content) of each request, the status if it refused one."""

    requests: Requests
    refused: int = 0
    closed: bool = False

    def differs(self, other: Reading) -> bool:
        """Did both read on, and find something else? To refuse, or to stop, is no other reading."""
        return any(mine != yours for mine, yours in zip(self.requests, other.requests, strict=False))

    def __str__(self) -> str:
        seen = " + ".join(f"{target} ({octets})" for target, octets in self.requests)
        if self.refused:
            return f"{seen}, then {self.refused}" if seen else str(self.refused)
        return seen or ("closes" if self.closed else "waits")


def told(received: bytes, closed: bool) -> Reading:
    """Read a peer's answers."""
    seen = re.findall(rb"\[saw (\S+) ([0-9]+)\]", received)
    errors = re.findall(rb"HTTP/1\.[01] ([45][0-9]{2})", received)
    requests = tuple((target.decode("latin-1"), int(octets)) for target, octets in seen if target != b"/last")
    return Reading(requests, int(errors[0]) if errors else 0, closed)


async def replay(port: int, wire: bytes) -> Reading:
    """Send the bytes over a connection of their own, and read until the peer closes or falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received, closed = b"", False
    try:
        writer.write(wire + LAST)
        while data := await asyncio.wait_for(reader.read(65536), QUIET):
            received += data
        closed = True
    except TimeoutError:
        pass
    except ConnectionError:
        closed = True
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return told(received, closed)


# --- servers: each yields the port it listens on ------------------------------------------------------


def saw(target: str, octets: int) -> str:
    """The application's whole answer."""
    return f"[saw {target} {octets}]"


@contextlib.asynccontextmanager
async def netlab_server() -> AsyncIterator[int]:
    """netlab itself."""
    import netlab

    async def app(request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, saw(request.target, len(await request.read())))

    async with netlab.Server(app, port=0) as server:
        yield server.port


class _Handler(http.server.BaseHTTPRequestHandler):
    """http.server leaves framing to its handler. This one does as most do: a POST by its Content-Length."""

    protocol_version = "HTTP/1.1"

    def _answer(self, octets: int) -> None:
        content = saw(self.path, octets).encode("latin-1")
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        """Content is not expected, and not read."""
        self._answer(0)

    def do_POST(self) -> None:
        """Read as many octets as Content-Length says."""
        self._answer(len(self.rfile.read(int(self.headers.get("Content-Length", 0)))))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _StandardServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # 5 by default: the kernel would make the others wait for a second

    def handle_error(self, *_: Any) -> None:
        """int() of a bad length raises in the handler; the client sees the connection close."""


@contextlib.asynccontextmanager
async def standard_library() -> AsyncIterator[int]:
    """http.server, in threads."""
    server = _StandardServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        await asyncio.to_thread(server.shutdown)
        thread.join()
        server.server_close()


@contextlib.asynccontextmanager
async def aiohttp_server() -> AsyncIterator[int]:
    """aiohttp with its usual parser (compiled, where its wheel has one)."""
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=saw(request.raw_path, len(await request.read())))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    # It logs each refusal with a traceback.
    log = logging.getLogger("aiohttp.server")
    spoke, log.disabled = log.disabled, True
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
        log.disabled = spoke


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """The same application for ASGI servers. Content that breaks off is never answered."""
    if scope["type"] != "http":
        return
    octets, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        octets += len(message.get("body", b""))
        more = message.get("more_body", False)
    content = saw(scope["path"], octets).encode()
    length = (b"content-length", b"%d" % len(content))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": content})


@contextlib.asynccontextmanager
async def uvicorn_server() -> AsyncIterator[int]:
    """uvicorn over httptools, in a thread of its own: in the main thread it takes the signals."""
    import uvicorn

    # Without log_config=None it would switch on every logger of this process.
    config = uvicorn.Config(asgi, http="httptools", log_config=None, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                await asyncio.sleep(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await asyncio.to_thread(thread.join)


@contextlib.asynccontextmanager
async def granian_server() -> AsyncIterator[int]:
    """granian: hyper, in Rust. It takes no listening socket, so a free port is looked up for it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "critical"]
    with subprocess.Popen(
        [*command, "--port", str(port), "peers:asgi"],
        cwd=Path(__file__).parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                await asyncio.sleep(0.05)
            yield port
        finally:
            child.terminate()


_NODE = """
require("http").createServer((request, response) => {
  let octets = 0;
  request.on("data", piece => { octets += piece.length; });
  request.on("end", () => response.end(`[saw ${request.url} ${octets}]`));
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });
"""


@contextlib.asynccontextmanager
async def node_server() -> AsyncIterator[int]:
    """Node's own http module: llhttp, in C."""
    with subprocess.Popen(["node", "-e", _NODE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            assert child.stdout is not None
            yield int(await asyncio.to_thread(child.stdout.readline))
        finally:
            child.kill()


# --- h11: a parser without a socket -------------------------------------------------------------------


def h11_reading(wire: bytes) -> Reading:
    """What h11 sees, as a server that answers each request and goes on."""
    import h11

    peer = h11.Connection(h11.SERVER)
    peer.receive_data(wire + LAST)
    seen: list[tuple[str, int]] = []
    target, octets = "", 0
    try:
        while True:
            event = peer.next_event()
            if isinstance(event, h11.Request):
                target, octets = event.target.decode("latin-1"), 0
            elif isinstance(event, h11.Data):
                octets += len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                seen.append((target, octets))
                peer.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                peer.send(h11.EndOfMessage())
                if peer.our_state is h11.MUST_CLOSE:
                    return _without_last(seen, closed=True)
                peer.start_next_cycle()
            else:
                return _without_last(seen, closed=False)
    except h11.RemoteProtocolError as error:
        return _without_last(seen, refused=error.error_status_hint, closed=True)


def _without_last(seen: list[tuple[str, int]], *, refused: int = 0, closed: bool = False) -> Reading:
    return Reading(tuple(found for found in seen if found[0] != "/last"), refused, closed)


# --- who is here --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Peer:
    """One program. `modules` or `command` is what it needs here, `install` how to get it."""

    name: str
    start: Callable[[], AbstractAsyncContextManager[int]] | None
    modules: tuple[str, ...] = ()
    command: str = ""
    install: str = ""
    own_version: Callable[[], str] = lambda: ""

    @property
    def missing(self) -> str:
        """ "" or: "not shown on this machine: needs X (.venv/bin/pip install X)"."""
        absent = [module for module in self.modules if importlib.util.find_spec(module) is None]
        if self.command and shutil.which(self.command) is None:
            absent.append(self.command)
        return f"not shown on this machine: needs {', '.join(absent)} ({self.install})" if absent else ""

    @property
    def version(self) -> str:
        """Which one this is."""
        if self.modules:
            return ", ".join(f"{module} {importlib.metadata.version(module)}" for module in self.modules)
        if self.command:
            asked = subprocess.run([self.command, "--version"], capture_output=True, text=True, check=False)
            return asked.stdout.strip()
        return self.own_version()


def _netlab_version() -> str:
    import netlab

    return netlab.__version__


def _python_version() -> str:
    return f"Python {sys.version.split()[0]}; it leaves the content to its handler, here the usual one"


PEERS = (
    Peer("netlab", netlab_server, own_version=_netlab_version),
    Peer("http.server", standard_library, own_version=_python_version),
    Peer("h11", None, modules=("h11",), install=".venv/bin/pip install h11"),
    Peer("aiohttp", aiohttp_server, modules=("aiohttp",), install=".venv/bin/pip install aiohttp"),
    Peer(
        "uvicorn",
        uvicorn_server,
        modules=("uvicorn", "httptools"),
        install=".venv/bin/pip install uvicorn httptools",
    ),
    Peer("granian", granian_server, modules=("granian",), install=".venv/bin/pip install granian"),
    Peer("node", node_server, command="node", install="apt-get install nodejs"),
)
