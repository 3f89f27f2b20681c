"""The proxies: how each is started with the configuration that a reader can copy, and what each promises.

The configurations are in configurations/. A word in @ there is what differs from one run to the next: the
folder for files of its own, its port, netlab's port.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from netlab.probes.launch import Server
from tests.kit.peers.table import find

CONFIGURATIONS = Path(__file__).parent / "configurations"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. configuration: its file; command: its words, from that file's path, its folder and its port.

    unbuffered: the path prefix under which it hands uploads on as they come.
    """

    name: str
    configuration: str
    command: Callable[[str, Path, int], list[str]]
    program: str
    install: str
    version: tuple[str, ...] = ("-v",)
    unbuffered: str = ""

    def require(self) -> None:
        """Raise Lacking, with what to install, unless this machine has it."""
        find(self.program, self.install)

    @property
    def label(self) -> str:
        """Its name and version."""
        words = [find(self.program, self.install), *self.version]
        said = subprocess.run(words, capture_output=True, text=True)
        found = re.search(r"\d+(?:\.\d+)+", said.stdout + said.stderr)
        return f"{self.name} {found.group() if found else ''}".rstrip()


def _words(program: str, *words: str) -> Callable[[str, Path, int], list[str]]:
    """A command: the program, these words, the configuration file."""
    return lambda file, folder, port: [find(program, program), *words, file]


def _apache(file: str, folder: Path, port: int) -> list[str]:
    return [find("apache2", "apache2"), "-DFOREGROUND", "-f", file]


def _varnish(file: str, folder: Path, port: int) -> list[str]:
    return [
        find("varnishd", "varnish"), "-F", "-f", file, "-a", f"127.0.0.1:{port}",
        "-n", str(folder / "varnish"), "-s", "malloc,16m", "-p", "backend_idle_timeout=60",
    ]  # fmt: skip


def _squid(file: str, folder: Path, port: int) -> list[str]:
    # Its name in shared memory: another Squid of this machine has another.
    return [find("squid", "squid"), "-n", f"netlab{port}", "-N", "-f", file]


PROXIES = {
    proxy.name: proxy
    for proxy in (
        Proxy("nginx", "nginx.conf", _words("nginx", "-c"), "nginx", "nginx-light", unbuffered="/unbuffered"),
        Proxy("HAProxy", "haproxy.cfg", _words("haproxy", "-db", "-f"), "haproxy", "haproxy"),
        Proxy("Apache", "apache.conf", _apache, "apache2", "apache2"),
        Proxy(
            "Caddy",
            "Caddyfile",
            _words("caddy", "run", "--adapter", "caddyfile", "--config"),
            "caddy",
            "caddy",
            ("version",),
        ),
        Proxy("Varnish", "varnish.vcl", _varnish, "varnishd", "varnish", ("-V",)),
        Proxy("Squid", "squid.conf", _squid, "squid", "squid"),
    )
}


def configured(proxy: Proxy, folder: Path, port: int, upstream: int) -> str:
    """The configuration file with its words filled in."""
    text = (CONFIGURATIONS / proxy.configuration).read_text("utf-8")
    values = {
        "folder": str(folder),
        "port": str(port),
        "upstream": str(upstream),
        "user": "proxy" if os.geteuid() == 0 else getpass.getuser(),
        "modules": "/usr/lib/apache2/modules",
    }
    return re.sub("@([a-z]+)@", lambda word: values[word[1]], text)


@contextmanager
def relayed(proxy: Proxy, folder: Path, upstream: int) -> Iterator[int]:
    """The proxy in front of a port of this machine. Its own port. Raises Lacking without the proxy."""
    proxy.require()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)  # Squid and Varnish give up root's rights
    file = folder / proxy.configuration
    file.write_text(configured(proxy, folder, port, upstream), "utf-8")
    with Server(proxy.command(str(file), folder, port), f"http://127.0.0.1:{port}/", patience=30):
        yield port
