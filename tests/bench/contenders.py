"""Who is measured: a table of servers, the command that starts each, and why some are not shown here.

One worker, one thread where that can be said, no access log, no Server field (netlab sends none), persistent
connections that are not cut after some number of requests or seconds. Everything else is as the server comes.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import netlab
from tests.bench import setups
from tests.bench.ccores import BESIDES, NEEDS, SERVERS
from tests.bench.machine import NotShown, Place, tool, tool_version
from tests.bench.setups import Setup, installed

OURS = "netlab"
BARE, EPOLL = "bare loop", "bare epoll loop"
_FOREVER = "3600"  # seconds that an idle connection may live: more than a run


@dataclass(frozen=True, slots=True)
class Start:
    """How a server is to start: where, on which port, plain or TLS, what it runs on, and which app it serves.

    app: module:name of the ASGI app for peers. ours: the app for netlab; empty: its demonstration app.
    """

    place: Place
    port: int
    tls: bool = False
    setup: Setup = field(default_factory=setups.usual)
    app: str = "tests.bench.apps:asgi"
    ours: str = ""

    def certificate(self, chain: str, key: str) -> list[str]:
        """The two options by which a server takes its certificate, or none of them."""
        files = self.place.certificates
        return [chain, str(files.chain), key, str(files.leaf_key)] if self.tls else []

    @property
    def files(self) -> list[str]:
        """Certificate and key as two words, for our own scripts."""
        files = self.place.certificates
        return [str(files.chain), str(files.leaf_key)] if self.tls else []


Command = Callable[[Start], list[str]]


@dataclass(frozen=True, slots=True)
class Contender:
    """One server.

    command: gives the words that start it in the foreground.
    packages: Python distributions it is made of; the first names it. program: or the tool that it is.
    runs_python: whether its answers come from a Python application.
    only: the scenarios in which it takes part, if not in all. speaks_asgi: whether it serves any ASGI app.
    overlay: whether its package is installed apart, since it must be built. is_persistent: whether it keeps
    connections.
    """

    name: str
    command: Command
    packages: tuple[str, ...] = ()
    program: str = ""
    runs_python: bool = True
    only: frozenset[str] | None = None
    speaks_asgi: bool = False
    overlay: bool = False
    is_persistent: bool = True

    @property
    def is_peer(self) -> bool:
        """Is it a server that people would deploy for a Python application?"""
        return self.runs_python and self.name not in (BARE, EPOLL)

    @property
    def label(self) -> str:
        """The name with versions: "uvicorn 0.30 (httptools 0.6, uvloop 0.19)"."""
        if self.overlay:
            return self.name
        if not self.is_peer and self.runs_python:
            return f"{self.name} (Python's own sockets and ssl)"
        if self.program:
            return f"{self.name} {tool_version(self.program)}"
        first, *others = (installed(package) or netlab.__version__ for package in self.packages or (OURS,))
        with_ = ", ".join(f"{p} {v}" for p, v in zip(self.packages[1:], others, strict=True))
        return f"{self.name} {first}" + (f" ({with_})" if with_ else "")

    def require(self) -> None:
        """Raise NotShown, with the way to mend it, unless this machine has it."""
        if self.program:
            tool(self.program)
        if self.overlay:
            overlay_of_core(self.name, setups.usual())
        missing = [package for package in self.packages if installed(package) is None]
        if missing:
            raise NotShown(f"needs {' '.join(missing)} (pip install {' '.join(missing)}; `make bench` does)")


def _netlab(start: Start) -> list[str]:
    words = [*start.setup.words, "-m", "netlab", "serve", *([start.ours] if start.ours else [])]
    return [*words, "--port", str(start.port), *start.certificate("--cert", "--key")]


def _uvicorn(start: Start) -> list[str]:
    words = [*start.setup.words, "-m", "uvicorn", start.app, "--port", str(start.port)]
    words += ["--loop", start.setup.loop, "--http", start.setup.parser, "--ws", "none", "--lifespan", "off"]
    words += ["--no-access-log", "--no-server-header", "--log-level", "warning"]
    words += ["--timeout-keep-alive", _FOREVER]
    return words + start.certificate("--ssl-certfile", "--ssl-keyfile")


def _granian(start: Start) -> list[str]:
    words = [*start.setup.words, "-m", "granian", start.app, "--interface", "asgi", "--port", str(start.port)]
    words += [
        "--http",
        "1",
        "--no-ws",
        "--loop",
        start.setup.loop,
        "--workers",
        "1",
        "--runtime-threads",
        "1",
    ]
    words += ["--blocking-threads", "1", "--backlog", "2048", "--log-level", "warning"]
    # As it comes it takes 2,048 connections at once, and cuts those that were idle for 30 s.
    words += ["--backpressure", "20000", "--http1-header-read-timeout", "60000"]
    return words + start.certificate("--ssl-certificate", "--ssl-keyfile")


def _aiohttp(start: Start) -> list[str]:
    return [*start.setup.words, "-m", "tests.bench.apps", start.setup.loop, str(start.port), *start.files]


_HYPERCORN = f"""
workers = 1
worker_class = "{{loop}}"
backlog = 2048
include_server_header = false
keep_alive_timeout = {_FOREVER}
keep_alive_max_requests = 1000000000
loglevel = "WARNING"
"""


def _hypercorn(start: Start) -> list[str]:
    settings = start.place.folder / f"hypercorn-{start.port}.toml"
    settings.write_text(_HYPERCORN.format(loop=start.setup.loop))
    words = [*start.setup.words, "-m", "hypercorn", start.app, "--config", str(settings)]
    return [*words, "--bind", f"127.0.0.1:{start.port}", *start.certificate("--certfile", "--keyfile")]


# TLS 1.3 is said out loud: Debian's nginx 1.22 speaks 1.2 unless it is told to.
_NGINX = """
daemon off;
worker_processes 1;
error_log stderr crit;
pid {folder}/nginx-{port}.pid;
{user}
events {{ worker_connections 16384; }}
http {{
    access_log off;
    server_tokens off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout {forever}s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/nginx-temp;
    proxy_temp_path {folder}/nginx-temp;
    fastcgi_temp_path {folder}/nginx-temp;
    uwsgi_temp_path {folder}/nginx-temp;
    scgi_temp_path {folder}/nginx-temp;
    server {{
        listen 127.0.0.1:{port} backlog=2048{ssl};
        {certificate}
        location = / {{ default_type application/json; return 200 '{{"hello":"world"}}'; }}
        location = /stream {{ default_type application/octet-stream; alias {folder}/stream; }}
    }}
}}
"""


def _nginx(start: Start) -> list[str]:
    place, port, tls, files = start.place, start.port, start.tls, start.place.certificates
    certificate = (
        f"ssl_certificate {files.chain}; ssl_certificate_key {files.leaf_key}; ssl_protocols TLSv1.3;"
    )
    settings = place.folder / f"nginx-{port}.conf"
    settings.write_text(
        _NGINX.format(
            folder=place.folder, port=port, forever=_FOREVER,
            ssl=" ssl" if tls else "", certificate=certificate if tls else "",
            # Started by root, its worker would become another user, who cannot read this folder.
            user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
        )
    )  # fmt: skip
    return [tool("nginx"), "-p", str(place.folder), "-c", str(settings)]


def _bare(start: Start) -> list[str]:
    return [*start.setup.words, "-m", "tests.bench.bare", str(start.port), *start.files]


def _epoll(start: Start) -> list[str]:
    return [*start.setup.words, "-m", "tests.bench.bareepoll", str(start.port), *start.files]


def overlay_of_core(name: str, setup: Setup) -> str:
    """Where a server with a core in C is installed for a Python. Raises NotShown with what it needs."""
    hint = f"needs {NEEDS[name]}; then `make bench` installs it"
    return setups.overlay_of(name, setup, hint, BESIDES.get(name, ()))


def _ccore(name: str) -> Command:
    def command(start: Start) -> list[str]:
        folder = overlay_of_core(name, start.setup)
        words = ["env", f"PYTHONPATH={folder}", start.setup.program, "-m", "tests.bench.ccores"]
        return [*words, name, str(start.port)]

    return command


CONTENDERS: dict[str, Contender] = {
    each.name: each
    for each in (
        Contender(OURS, _netlab),
        Contender("uvicorn", _uvicorn, ("uvicorn", "httptools", "uvloop"), speaks_asgi=True),
        Contender("granian", _granian, ("granian", "uvloop"), speaks_asgi=True),
        Contender("aiohttp", _aiohttp, ("aiohttp", "uvloop")),
        Contender("hypercorn", _hypercorn, ("hypercorn", "uvloop"), speaks_asgi=True),
        *(Contender(name, _ccore(name), only=frozenset({"get", "heads"}), overlay=True) for name in SERVERS),
        Contender("nginx", _nginx, program="nginx", runs_python=False),
        # It serves one connection at a time, and closes it after one answer.
        Contender(
            BARE, _bare, only=frozenset({"close", "handshake", "stream", "stream-tls"}), is_persistent=False
        ),
        # It serves many connections, and keeps them.
        Contender(EPOLL, _epoll, only=frozenset({"get", "heads", "tls"})),
    )
}


def available(names: Sequence[str]) -> tuple[list[Contender], list[str]]:
    """Those that this machine has, and one line for each that it has not."""
    found, lines = [], []
    for name in names:
        try:
            CONTENDERS[name].require()
            found.append(CONTENDERS[name])
        except NotShown as lack:
            lines.append(f"{name}: not shown on this machine: {lack}")
    return found, lines
