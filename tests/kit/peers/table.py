"""The servers: a table of the commands that start them, what each needs, how an upload is proven there."""

from __future__ import annotations

import contextlib
import getpass
import importlib.metadata
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from netlab.probes.launch import Server
from netlab.tls.authority import Certificates
from netlab.tls.context import client_context
from tests.kit.peers import settings
from tests.kit.peers.world import LINES

ASGI_APP = "tests.kit.peers.programs.asgi:app"
PROGRAMS = Path(__file__).parent / "programs"
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # where Debian keeps servers, and only root's PATH looks


class Lacking(Exception):
    """This machine has not got the server: "needs nginx (apt-get install nginx-light)"."""


class Upload(Enum):
    """How a server proves what it received."""

    DIGEST = "POST /digest answers the SHA-256"
    ECHO = "POST /echo sends the content back"
    FILE = "PUT /upload/NAME writes www/upload/NAME"


@dataclass(frozen=True, slots=True)
class Site:
    """What a command is made for."""

    folder: Path
    certificates: Certificates
    tls: bool
    port: int

    @property
    def files(self) -> tuple[str, str]:
        """Chain and key."""
        return str(self.certificates.chain), str(self.certificates.leaf_key)

    def fill(self, template: str, **values: str) -> str:
        """A template with its folder, port and certificates."""
        chain, key = self.files
        return template.format(folder=self.folder, chain=chain, key=key, port=self.port, **values)

    def write(self, name: str, text: str) -> str:
        """Write a file of this run. Returns its path."""
        file = self.folder / name
        file.write_text(text)
        return str(file)

    @property
    def arguments(self) -> list[str]:
        """What the programs of ours take: FOLDER PORT [CHAIN KEY]."""
        return [str(self.folder), str(self.port), *(self.files if self.tls else ())]


@dataclass(frozen=True, slots=True)
class Peer:
    """A server. program: what must be on PATH, and the Debian package that has it; or package: of Python.

    command: the words that start it. version: the words that ask for its version. slow_start:
    it is compiled first, which takes seconds.
    """

    name: str
    command: Callable[[Site], list[str]]
    program: str = ""
    install: str = ""
    package: str = ""
    version: tuple[str, ...] = ("--version",)
    upload: Upload = Upload.DIGEST
    slow_start: bool = False

    def require(self) -> None:
        """Raise Lacking, with what to install, unless this machine has it."""
        if self.program:
            find(self.program, self.install)
        if self.package and self._installed() is None:
            raise Lacking(f"needs {self.package} (pip install {self.package})")

    def _installed(self) -> str | None:
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return None

    @property
    def label(self) -> str:
        """Its name and version."""
        if self.package:
            return f"{self.name} {self._installed()}"
        if not self.program:
            return f"{self.name} {sys.version.split()[0]}"
        said = subprocess.run(
            [find(self.program, self.install), *self.version], capture_output=True, text=True
        )
        found = re.search(r"\d+(?:\.\d+)+", said.stdout + said.stderr)
        return f"{self.name} {found.group() if found else ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. pid: of its process group; folder: `www/` in it is what it serves."""

    peer: Peer
    url: str
    port: int
    pid: int
    folder: Path


def find(program: str, package: str) -> str:
    """The path of a program. Raises Lacking."""
    path = shutil.which(program) or shutil.which(program, path=_SBIN)
    if path is None:
        raise Lacking(f"needs {program} (apt-get install {package})")
    return path


@contextlib.contextmanager
def start(peer: Peer, certificates: Certificates, *, tls: bool = False) -> Iterator[Running]:
    """Start a server in a folder of its own; end it and remove the folder with the block.

    Raises Lacking, ProbeError.
    """
    peer.require()
    with tempfile.TemporaryDirectory(prefix="netlab-peer-") as name:
        folder = Path(name)
        _lay_out(folder)
        site = Site(folder, certificates, tls, _free_port())
        url = f"{'https' if tls else 'http'}://localhost:{site.port}"
        trust = client_context(certificates.root) if tls else None
        with Server(peer.command(site), url + "/", tls=trust, patience=60.0) as server:
            yield Running(peer, url, site.port, server.pid, folder)


def _lay_out(folder: Path) -> None:
    """The folders that servers write to and serve from. Apache reads them as another user than root."""
    folder.chmod(0o755)
    for name in ("www/upload", "temp", "caddy"):
        (folder / name).mkdir(parents=True)
    (folder / "temp").chmod(0o777)
    (folder / "www" / "hello").write_bytes(b"hello")
    (folder / "www" / "chunked.txt").write_bytes(LINES)
    for name in ("digest.cgi", "chunked.cgi"):
        shutil.copy(PROGRAMS / name, folder / "www" / name)
        (folder / "www" / name).chmod(0o755)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# -- the commands -------------------------------------------------------------------------------------------


def _nginx(site: Site) -> list[str]:
    text = site.fill(
        settings.NGINX,
        listen=" ssl" if site.tls else "",
        tls=site.fill(settings.NGINX_TLS) if site.tls else "",
        run_as=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
    )
    return [find("nginx", "nginx-light"), "-p", str(site.folder), "-c", site.write("nginx.conf", text)]


def _apache(site: Site) -> list[str]:
    names = [*settings.APACHE_MODULES, *(["ssl", "socache_shmcb"] if site.tls else [])]
    text = site.fill(
        settings.APACHE,
        modules="\n".join(f"LoadModule {n}_module {settings.APACHE_FOLDER}/mod_{n}.so" for n in names),
        tls=site.fill(settings.APACHE_TLS) if site.tls else "",
        # Apache refuses to serve as root.
        run_as="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
    )
    return [find("apache2", "apache2"), "-DFOREGROUND", "-f", site.write("apache.conf", text)]


def _lighttpd(site: Site) -> list[str]:
    text = site.fill(
        settings.LIGHTTPD,
        module=', "mod_openssl"' if site.tls else "",
        tls=site.fill(settings.LIGHTTPD_TLS) if site.tls else "",
    )
    return [find("lighttpd", "lighttpd"), "-D", "-f", site.write("lighttpd.conf", text)]


def _caddy(site: Site) -> list[str]:
    text = site.fill(
        settings.CADDY,
        scheme="https" if site.tls else "http",
        tls=site.fill(settings.CADDY_TLS) if site.tls else "",
    )
    file = site.write("Caddyfile", text)
    # It keeps its last configuration and its state in folders that the environment names.
    own = [f"XDG_CONFIG_HOME={site.folder}/caddy", f"XDG_DATA_HOME={site.folder}/caddy"]
    return ["env", *own, find("caddy", "caddy"), "run", "--adapter", "caddyfile", "--config", file]


def _node(site: Site) -> list[str]:
    return [find("node", "nodejs"), str(PROGRAMS / "server.mjs"), *site.arguments]


def _go(site: Site) -> list[str]:
    built = site.folder / "server"
    cache = {"GOCACHE": str(Path(tempfile.gettempdir()) / "netlab-go-cache"), "GO111MODULE": "off"}
    subprocess.run(
        [find("go", "golang-go"), "build", "-o", str(built), str(PROGRAMS / "server.go")],
        check=True, env={**os.environ, **cache},
    )  # fmt: skip
    return [str(built), *site.arguments]


def _java(site: Site) -> list[str]:
    words = [
        find("java", "default-jdk-headless"),
        str(PROGRAMS / "Server.java"),
        str(site.folder),
        str(site.port),
    ]
    if not site.tls:
        return words
    store, password = site.folder / "keys.p12", secrets.token_hex(8)
    leaf, *others = x509.load_pem_x509_certificates(site.certificates.chain.read_bytes())
    key = serialization.load_pem_private_key(site.certificates.leaf_key.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(password.encode())
    store.write_bytes(pkcs12.serialize_key_and_certificates(b"leaf", key, leaf, others, encryption))  # type: ignore[arg-type]
    return [*words, str(store), password]


def _standard(site: Site) -> list[str]:
    return [sys.executable, "-m", "tests.kit.peers.programs.standard", *site.arguments]


def _asgi(site: Site, module: str, *options: str, certificate: str, key: str) -> list[str]:
    chain, leaf_key = site.files
    tls = [certificate, chain, key, leaf_key] if site.tls else []
    # The app reads where its files lie from the environment: no server passes arguments on.
    words = ["env", f"PEER_FOLDER={site.folder}", sys.executable, "-m", module, ASGI_APP]
    return [*words, *(option.replace("PORT", str(site.port)) for option in options), *tls]


def _uvicorn(site: Site) -> list[str]:
    options = ("--port", "PORT", "--log-level", "warning")
    return _asgi(site, "uvicorn", *options, certificate="--ssl-certfile", key="--ssl-keyfile")


def _hypercorn(site: Site) -> list[str]:
    return _asgi(site, "hypercorn", "--bind", "127.0.0.1:PORT", certificate="--certfile", key="--keyfile")


def _granian(site: Site) -> list[str]:
    options = ("--interface", "asgi", "--port", "PORT", "--log-level", "warning")
    return _asgi(site, "granian", *options, certificate="--ssl-certificate", key="--ssl-keyfile")


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("nginx", _nginx, "nginx", "nginx-light", version=("-v",), upload=Upload.FILE),
        Peer("Apache", _apache, "apache2", "apache2", version=("-v",)),
        Peer("lighttpd", _lighttpd, "lighttpd", "lighttpd", version=("-v",)),
        Peer("Caddy", _caddy, "caddy", "caddy", version=("version",), upload=Upload.ECHO),
        Peer("Node", _node, "node", "nodejs"),
        Peer("Go", _go, "go", "golang-go", version=("version",), slow_start=True),
        Peer("Java", _java, "java", "default-jdk-headless", slow_start=True),
        Peer("http.server", _standard),
        Peer("uvicorn", _uvicorn, package="uvicorn"),
        Peer("hypercorn", _hypercorn, package="hypercorn"),
        Peer("granian", _granian, package="granian"),
    )
}
