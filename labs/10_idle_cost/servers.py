"""The servers that lab 10 compares, one to a process: `python servers.py NAME --port N [--tls CHAIN KEY]`.

Each answers every GET with the same few octets and keeps the connection. Whatever closes idle connections is
set to an hour: on a slow machine nothing may leave while it is being weighed. What is not installed is not
shown. Not here: the weighing (measure.py).
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import functools
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.probes import hooks

CONTENT = b'{"hello":"world"}'
HOUR = 3600
_PR_SET_PDEATHSIG = 1


def default_context(options: argparse.Namespace) -> ssl.SSLContext | None:
    """The certificate in Python's own default context, as the documentation of asyncio shows it."""
    if not options.tls:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*options.tls)
    return context


def for_ever(start: Callable[[], Any]) -> None:
    """Run an event loop until the parent process ends this one."""

    async def main() -> None:
        kept = await start()
        await asyncio.get_running_loop().create_future()
        del kept

    asyncio.run(main())


def netlab_server(options: argparse.Namespace) -> None:
    """netlab, with the contexts that it recommends."""
    import netlab
    from netlab.tls.context import server_context

    async def app(request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, CONTENT)

    async def start() -> netlab.Server:
        tls = server_context(*options.tls) if options.tls else None
        server = netlab.Server(app, port=options.port, tls=tls, timeouts=netlab.Timeouts(idle=HOUR))
        await server.start()
        return server

    for_ever(start)


def asyncio_server(options: argparse.Namespace) -> None:
    """The least that asyncio's streams can do: read a head, write the answer, read the next head."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(CONTENT), CONTENT)

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    for_ever(
        functools.partial(asyncio.start_server, one, "127.0.0.1", options.port, ssl=default_context(options))
    )


def aiohttp_server(options: argparse.Namespace) -> None:
    """aiohttp.web."""
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=CONTENT)

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=HOUR)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", options.port, ssl_context=default_context(options)).start()
        return runner

    for_ever(start)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """The same answer, for ASGI servers."""
    if scope["type"] != "http":
        return
    length = (b"content-length", b"%d" % len(CONTENT))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": CONTENT})


def uvicorn_server(options: argparse.Namespace) -> None:
    """uvicorn, with the event loop and the parser that it chooses by itself."""
    import uvicorn

    chain, key = options.tls or (None, None)
    uvicorn.run(
        asgi,
        port=options.port,
        lifespan="off",
        log_level="warning",
        timeout_keep_alive=HOUR,
        ssl_certfile=chain,
        ssl_keyfile=key,
    )


def granian_server(options: argparse.Namespace) -> None:
    """granian: hyper, in Rust."""
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "critical"]
    if options.tls:
        command += ["--ssl-certificate", options.tls[0], "--ssl-keyfile", options.tls[1]]
    os.chdir(Path(__file__).parent)
    os.execv(sys.executable, [*command, "--port", str(options.port), "servers:asgi"])


_NGINX = """
daemon off;
{user}
worker_processes 1;
error_log stderr crit;
pid {folder}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_timeout {hour};
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} {tls};
        {certificate}
        location / {{ return 200 '{content}'; }}
    }}
}}
"""


def nginx_program() -> str:
    """Where nginx is, perhaps in a folder that only an administrator's PATH has; empty if nowhere."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or ""


def nginx_server(options: argparse.Namespace) -> None:
    """nginx, one worker, TLS 1.3 allowed like everywhere else."""
    certificate = ""
    if options.tls:
        chain, key = (os.path.abspath(path) for path in options.tls)
        certificate = f"ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"
    text = _NGINX.format(
        folder=options.scratch,
        # A root nginx runs its worker as an unprivileged user, whose memory not every root may read.
        user="user root;" if os.geteuid() == 0 else "",
        hour=HOUR,
        port=options.port,
        tls="ssl" if options.tls else "",
        certificate=certificate,
        content=CONTENT.decode(),
    )
    file = Path(options.scratch) / f"nginx-{options.port}.conf"
    file.write_text(text, "utf-8")
    program = nginx_program()
    os.execv(program, [program, "-c", str(file), "-p", options.scratch, "-e", "stderr"])


@dataclass(frozen=True, slots=True)
class Peer:
    """One program to weigh. `modules` is what it needs, the first being itself; `install` how to get it."""

    start: Callable[[argparse.Namespace], None]
    modules: tuple[str, ...] = ()
    install: str = ""

    @property
    def missing(self) -> str:
        """Empty, or "needs granian (.venv/bin/pip install granian)"."""
        if self.start is nginx_server:
            return "" if nginx_program() else f"needs nginx ({self.install})"
        absent = [module for module in self.modules if importlib.util.find_spec(module) is None]
        return f"needs {', '.join(absent)} ({self.install})" if absent else ""

    @property
    def version(self) -> str:
        """Which one this is."""
        if self.start is nginx_server:
            asked = subprocess.run([nginx_program(), "-v"], capture_output=True, text=True, check=False)
            return asked.stderr.strip().removeprefix("nginx version: nginx/")
        if self.start is asyncio_server:
            return sys.version.split()[0]
        return importlib.metadata.version(self.modules[0])


PEERS = {
    "netlab": Peer(netlab_server, ("netlab",)),
    "asyncio": Peer(asyncio_server),
    "aiohttp": Peer(aiohttp_server, ("aiohttp",), ".venv/bin/pip install aiohttp"),
    "uvicorn": Peer(uvicorn_server, ("uvicorn",), ".venv/bin/pip install uvicorn httptools uvloop"),
    "granian": Peer(granian_server, ("granian",), ".venv/bin/pip install granian"),
    "nginx": Peer(nginx_server, (), "apt-get install nginx"),
}


def end_with_parent() -> None:
    """The kernel ends us when the thread that started us is gone; a killed parent cannot. See prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> None:
    """Become one of them; the probe ends us."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls", nargs=2, metavar=("CHAIN", "KEY"))
    parser.add_argument("--scratch", help="a folder for the files of nginx")
    options = parser.parse_args()
    end_with_parent()
    hooks.offer()
    PEERS[options.name].start(options)


if __name__ == "__main__":
    main()
