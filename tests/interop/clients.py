"""The clients: how each is told to make the same requests, and what it cannot do.

A client's command prints one line for each step that it took: `hello LENGTH`, `head LENGTH`, `stream LENGTH`,
`upload ANSWER`, `continue ANSWER`, `range CONTENT`. A tool that prints nothing of its own is wrapped by
programs/lines.sh or judged by the server alone. `steps` are those that the client has; the others are "–".
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.kit.peers import Lacking
from tests.kit.peers.table import find

PROGRAMS = Path(__file__).parent / "programs"
ALL = frozenset({"hello", "head", "stream", "upload", "continue", "range"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What a command is made for. root: the certificate to trust; scratch: a folder of its own."""

    url: str
    root: str
    scratch: Path


@dataclass(frozen=True, slots=True)
class Client:
    """A client. command: its words. program, install: what must be on PATH, and the package that has it.

    package: of Python. steps: what it can do. connections: at most so many for all its requests.
    lines: does its output tell each step?
    """

    name: str
    command: Callable[[Ask], list[str]]
    steps: frozenset[str] = ALL
    program: str = ""
    install: str = ""
    package: str = ""
    version: tuple[str, ...] = ("--version",)
    connections: int = 1
    lines: bool = True
    tls: bool = True

    def require(self) -> None:
        """Raise Lacking, with what to install, unless this machine has it."""
        if self.program:
            find(self.program, self.install)
        if self.package:
            try:
                importlib.metadata.version(self.package)
            except importlib.metadata.PackageNotFoundError:
                raise Lacking(f"needs {self.package} (pip install {self.package})") from None
        if self.name == "axios" and not _axios_folder().exists():
            raise Lacking("needs axios (npm install axios, and NODE_PATH=…/node_modules)")

    @property
    def label(self) -> str:
        """Its name and version."""
        if self.package:
            return f"{self.name} {importlib.metadata.version(self.package)}"
        if not self.program:
            return f"{self.name} ({sys.version.split()[0]})"
        if self.name == "axios":
            package = json.loads((_axios_folder() / "package.json").read_text("utf-8"))
            return f"axios {package['version']}"
        words = [find(self.program, self.install), *self.version]
        said = subprocess.run(words, capture_output=True, text=True)
        found = re.search(r"\d+(?:\.\d+)+", said.stdout + said.stderr)
        return f"{self.name} {found.group() if found else ''}".rstrip()


def _axios_folder() -> Path:
    """Where NODE_PATH has axios; a path that does not exist when it has not."""
    folders = [
        Path(folder) / "axios" for folder in os.environ.get("NODE_PATH", "").split(os.pathsep) if folder
    ]
    return next((folder for folder in folders if (folder / "index.js").exists()), Path("no axios"))


def _python(library: str) -> Callable[[Ask], list[str]]:
    return lambda ask: [sys.executable, str(PROGRAMS / "standard.py"), library, ask.url, ask.root]


def _node(library: str) -> Callable[[Ask], list[str]]:
    def command(ask: Ask) -> list[str]:
        words = ["node", str(PROGRAMS / "client.mjs"), library, ask.url]
        found = _axios_folder() / "index.js"
        return ["env", f"NODE_EXTRA_CA_CERTS={ask.root}", f"AXIOS={found}", *words]

    return command


def _shell(name: str) -> Callable[[Ask], list[str]]:
    return lambda ask: ["sh", str(PROGRAMS / f"{name}.sh"), ask.url, ask.root, str(ask.scratch)]


def _java(ask: Ask) -> list[str]:
    return ["java", str(PROGRAMS / "Client.java"), ask.url, ask.root]


def _go(ask: Ask) -> list[str]:
    return ["go", "run", str(PROGRAMS / "client.go"), ask.url, ask.root]


def _chromium(ask: Ask) -> list[str]:
    return [
        shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu",
        "--ignore-certificate-errors", f"--user-data-dir={ask.scratch / 'profile'}", "--timeout=20000",
        "--virtual-time-budget=20000", "--dump-dom", f"{ask.url}/page",
    ]  # fmt: skip


_NO_EXPECT = ALL - {"continue"}
_LOAD = frozenset({"hello"})

CLIENTS = {
    client.name: client
    for client in (
        Client("curl", _shell("curl"), program="curl", install="curl"),
        Client("wget", _shell("wget"), frozenset({"hello", "head", "stream", "range"}), "wget", "wget",
               connections=4),
        Client("http.client", _python("http.client"), _NO_EXPECT),
        Client("requests", _python("requests"), _NO_EXPECT, package="requests"),
        Client("httpx", _python("httpx"), _NO_EXPECT, package="httpx"),
        Client("aiohttp", _python("aiohttp"), package="aiohttp"),
        Client("urllib3", _python("urllib3"), _NO_EXPECT, package="urllib3"),
        Client("node:http", _node("http"), program="node", install="nodejs"),
        # It opens a new connection after HEAD and after an upload whose length it did not know.
        Client("fetch (undici)", _node("fetch"), _NO_EXPECT, program="node", install="nodejs", connections=3),
        Client("axios", _node("axios"), _NO_EXPECT, program="node", install="nodejs"),
        Client("java.net.http", _java, program="java", install="default-jdk-headless"),
        Client("Go net/http", _go, program="go", install="golang-go", version=("version",)),
        Client("Chromium", _chromium, frozenset({"hello", "head", "stream", "range"}), "chromium", "chromium",
               connections=6),
        Client("ffmpeg", _shell("ffmpeg"), frozenset({"range"}), "ffmpeg", "ffmpeg",
               version=("-version",), connections=3, lines=False),
        Client("ab", _shell("ab"), _LOAD, "ab", "apache2-utils", version=("-V",), lines=False),
        Client("wrk", _shell("wrk"), _LOAD, "wrk", "wrk", version=("-v",), connections=3, lines=False),
        Client("h2load --h1", _shell("h2load"), _LOAD, "h2load", "nghttp2-client", lines=False),
    )
}  # fmt: skip
