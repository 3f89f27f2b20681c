"""The servers that the boards compare, one to a process: `python -m netlab.live.idleserver NAME [FILES]`.

NAME: netlab, asyncio, uvicorn or nginx. FILES: a chain and a key, for TLS. NETLAB_LIVE_FILES=N lowers the
limit of descriptors. All answer every GET with a few octets and keep the connection. The first line
printed is the port. They end with their standard input. nginx keeps its files in the folder
NETLAB_LIVE_FOLDER.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import socket
import ssl
import sys
from typing import Any

from netlab.live.children import end_with_parent
from netlab.server.config import Timeouts
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server
from netlab.tls.context import server_context

CONTENT = b'{"hello":"world"}'
HOUR = 3600.0


async def hello(request: Request) -> Response:
    """The answer of netlab's server."""
    return Response(200, CONTENT)


async def netlab_server(files: list[str]) -> None:
    """netlab, with the contexts that it recommends."""
    tls = server_context(*files) if files else None
    async with Server(hello, tls=tls, timeouts=Timeouts(idle=HOUR)) as server:
        print(server.port, flush=True)
        await asyncio.get_running_loop().create_future()


async def asyncio_server(files: list[str]) -> None:
    """The least that asyncio's streams can do: no deadline, no limit but the reader's own."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(CONTENT), CONTENT)

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()
        writer.close()

    context = None
    if files:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
    # A full process would tell of every connection that it cannot accept.
    asyncio.get_running_loop().set_exception_handler(lambda loop, told: None)
    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().create_future()


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """The same answer, for uvicorn."""
    if scope["type"] != "http":
        return
    length = (b"content-length", b"%d" % len(CONTENT))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": CONTENT})


def _listener() -> socket.socket:
    """A listener that a child inherits. What it accepts sends at once: Nagle's algorithm would wait.

    uvicorn's loop does not set this on connections of a listener that it is given; accept(2) inherits it.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.set_inheritable(True)
    print(listener.getsockname()[1], flush=True)
    return listener


def exec_uvicorn(app: str, files: list[str], *options: str) -> None:
    """Become uvicorn, with the loop and the parser that it chooses by itself; its socket is ours.

    app: "module:name". files: a chain and a key for TLS, or none. The port is printed before uvicorn runs.
    """
    tls = ["--ssl-certfile", files[0], "--ssl-keyfile", files[1]] if files else []
    more = ["--fd", str(_listener().detach()), "--lifespan", "off", "--log-level", "critical"]
    os.execv(sys.executable, [sys.executable, "-m", "uvicorn", app, *more, *options, *tls])


NGINX = """
daemon off; {user} worker_processes 1; error_log stderr crit; pid {folder}/nginx.pid;
events {{ worker_connections {most}; }}
http {{
    access_log off; {options}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}{tls}; {locations} }}
}}
"""
NGINX_IDLE = (
    "keepalive_timeout 3600; keepalive_requests 1000000;",
    f"location / {{ return 200 '{CONTENT.decode()}'; }}",
)
NGINX_TLS = " ssl; ssl_certificate {0}; ssl_certificate_key {1}; ssl_protocols TLSv1.2 TLSv1.3"


def nginx_program() -> str:
    """Where nginx is, perhaps in a folder that only an administrator's PATH has; "" if nowhere."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or ""


def exec_nginx(files: list[str], most: int, options: str, locations: str) -> None:
    """Become nginx, with one worker. It finds its listener by NGINX, its own variable for an upgrade.

    files: a chain and a key for TLS, or none. most: its connections. options, locations: its configuration's.
    """
    folder = os.environ["NETLAB_LIVE_FOLDER"]
    listener = _listener()
    text = NGINX.format(
        # A root nginx runs its worker as an unprivileged user, whose memory not every root may read.
        user="user root;" if os.geteuid() == 0 else "",
        folder=folder,
        most=most,
        port=listener.getsockname()[1],
        tls=NGINX_TLS.format(*files) if files else "",
        options=options,
        locations=locations,
    )
    configuration = os.path.join(folder, "nginx.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(text)
    os.environ["NGINX"] = f"{listener.detach()};"
    program = nginx_program()
    os.execv(program, [program, "-c", configuration, "-p", folder, "-e", "stderr"])


def main(name: str, files: list[str]) -> None:
    """Become one of them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = int(os.environ.get("NETLAB_LIVE_FILES", hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if name == "uvicorn":
        exec_uvicorn("netlab.live.idleserver:asgi", files, "--timeout-keep-alive", "3600")
    if name == "nginx":
        exec_nginx(files, most, *NGINX_IDLE)
    end_with_parent()
    asyncio.run(netlab_server(files) if name == "netlab" else asyncio_server(files))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
