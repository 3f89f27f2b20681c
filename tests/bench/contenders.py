"""Who is measured: a table of servers, the command that starts each, and why some are not shown here.

One worker, one thread where that can be said, no access log, no Server field (netlab sends none), persistent
connections that are not cut after some number of requests or seconds. Everything else is as the server comes.
"""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import netlab
from tests.bench.machine import NotShown, Place, tool, tool_version

OURS = "netlab"
BARE = "bare loop"
_FOREVER = "3600"  # seconds that an idle connection may live: more than a run
_APP = "tests.bench.apps:asgi"

Command = Callable[[Place, int, bool], list[str]]


@dataclass(frozen=True, slots=True)
class Contender:
    """One server.

    command: gives the words that start it in the foreground on a port, plain or TLS.
    packages: Python distributions it is made of; the first names it. program: or the tool that it is.
    runs_python: whether its answers come from a Python application.
    only: the scenarios in which it takes part, if not in all.
    """

    name: str
    command: Command
    packages: tuple[str, ...] = ()
    program: str = ""
    runs_python: bool = True
    only: frozenset[str] | None = None

    @property
    def is_peer(self) -> bool:
        """Is it a server that people would deploy for a Python application?"""
        return self.runs_python and self.name != BARE

    @property
    def label(self) -> str:
        """The name with versions: "uvicorn 0.30 (httptools 0.6, uvloop 0.19)"."""
        if self.name == BARE:
            return f"{self.name} (Python's own sockets and ssl)"
        if self.program:
            return f"{self.name} {tool_version(self.program)}"
        first, *others = (_version(package) or netlab.__version__ for package in self.packages or (OURS,))
        with_ = ", ".join(f"{p} {v}" for p, v in zip(self.packages[1:], others, strict=True))
        return f"{self.name} {first}" + (f" ({with_})" if with_ else "")

    def require(self) -> None:
        """Raise NotShown, with the way to mend it, unless this machine has it."""
        if self.program:
            tool(self.program)
        missing = [package for package in self.packages if _version(package) is None]
        if missing:
            raise NotShown(f"needs {' '.join(missing)} (pip install {' '.join(missing)}; `make bench` does)")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _tls_options(place: Place, tls: bool, certificate: str, key: str) -> list[str]:
    """The two options by which a server takes its certificate, or none of them."""
    files = place.certificates
    return [certificate, str(files.chain), key, str(files.leaf_key)] if tls else []


def _netlab(place: Place, port: int, tls: bool) -> list[str]:
    words = [sys.executable, "-m", "netlab", "serve", "--port", str(port)]
    return words + _tls_options(place, tls, "--cert", "--key")


def _uvicorn(place: Place, port: int, tls: bool) -> list[str]:
    words = [sys.executable, "-m", "uvicorn", _APP, "--port", str(port), "--loop", "uvloop"]
    words += ["--http", "httptools", "--ws", "none", "--lifespan", "off", "--no-access-log"]
    words += ["--no-server-header", "--log-level", "warning", "--timeout-keep-alive", _FOREVER]
    return words + _tls_options(place, tls, "--ssl-certfile", "--ssl-keyfile")


def _granian(place: Place, port: int, tls: bool) -> list[str]:
    words = [sys.executable, "-m", "granian", _APP, "--interface", "asgi", "--port", str(port)]
    words += ["--http", "1", "--no-ws", "--loop", "uvloop", "--workers", "1", "--runtime-threads", "1"]
    words += ["--blocking-threads", "1", "--backlog", "2048", "--log-level", "warning"]
    # As it comes it takes 2,048 connections at once, and cuts those that were idle for 30 s.
    words += ["--backpressure", "20000", "--http1-header-read-timeout", "60000"]
    return words + _tls_options(place, tls, "--ssl-certificate", "--ssl-keyfile")


def _aiohttp(place: Place, port: int, tls: bool) -> list[str]:
    files = place.certificates
    words = [sys.executable, "-m", "tests.bench.apps", str(port)]
    return words + ([str(files.chain), str(files.leaf_key)] if tls else [])


_HYPERCORN = f"""
workers = 1
worker_class = "uvloop"
backlog = 2048
include_server_header = false
keep_alive_timeout = {_FOREVER}
keep_alive_max_requests = 1000000000
loglevel = "WARNING"
"""


def _hypercorn(place: Place, port: int, tls: bool) -> list[str]:
    settings = place.folder / "hypercorn.toml"
    settings.write_text(_HYPERCORN)
    words = [sys.executable, "-m", "hypercorn", _APP, "--config", str(settings)]
    words += ["--bind", f"127.0.0.1:{port}"]
    return words + _tls_options(place, tls, "--certfile", "--keyfile")


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


def _nginx(place: Place, port: int, tls: bool) -> list[str]:
    files = place.certificates
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


def _bare(place: Place, port: int, tls: bool) -> list[str]:
    files = place.certificates
    words = [sys.executable, "-m", "tests.bench.bare", str(port)]
    return words + ([str(files.chain), str(files.leaf_key)] if tls else [])


CONTENDERS: dict[str, Contender] = {
    each.name: each
    for each in (
        Contender(OURS, _netlab),
        Contender("uvicorn", _uvicorn, ("uvicorn", "httptools", "uvloop")),
        Contender("granian", _granian, ("granian", "uvloop")),
        Contender("aiohttp", _aiohttp, ("aiohttp", "uvloop")),
        Contender("hypercorn", _hypercorn, ("hypercorn", "uvloop")),
        Contender("nginx", _nginx, program="nginx", runs_python=False),
        # It serves one connection at a time, and closes it after one answer.
        Contender(BARE, _bare, only=frozenset({"close", "handshake", "stream", "stream-tls"})),
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
