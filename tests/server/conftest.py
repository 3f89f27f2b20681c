"""Servers to talk to: the real command as a process, plain or TLS; a raw client that shows all it sees."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.tls.authority import Certificates

ROOT = Path(__file__).parent.parent.parent


def need(tool: str, package: str) -> str:
    """The path of a program that we did not write; without it the test skips, in CI it fails."""
    found = shutil.which(tool)
    if found is None:
        reason = f"needs {tool} (apt-get install {package})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class Process:
    """`python -m netlab serve …` as a child, its URL read from its first line."""

    def __init__(self, *arguments: str, cwd: Path | str = ROOT, env: dict[str, str] | None = None) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "netlab", "serve", *arguments],
            cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )  # fmt: skip
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        assert line.startswith("netlab serving "), (line, self.child.stderr and self.child.stderr.read())
        self.url = line.split()[-1]
        self.port = int(self.url.rpartition(":")[2]) if "://" in self.url else 0

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Signal it and wait: exit status, what it printed, what it complained of."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        out, err = self.child.communicate(timeout=40)
        # Behind its first line a server prints what it serves, and how to ask for it.
        printed = "".join(line for line in out.splitlines(True) if not line.startswith("  "))
        return self.child.returncode, printed, err


@pytest.fixture(scope="session")
def certificates(minted: Certificates) -> Path:
    """The folder with root.pem, chain.pem and leaf.key of this run."""
    return minted.root.parent


@pytest.fixture(scope="module")
def plain() -> Iterator[Process]:
    """The demonstration app without TLS."""
    server = Process()
    yield server
    status, _, complaints = server.stop()
    assert status == 0, complaints


@pytest.fixture(scope="module")
def secure(certificates: Path) -> Iterator[Process]:
    """The demonstration app with TLS."""
    server = Process("--cert", str(certificates / "chain.pem"), "--key", str(certificates / "leaf.key"))
    yield server
    status, _, complaints = server.stop()
    assert status == 0, complaints


class Raw:
    """A blocking client socket that sends what it is told and shows what comes back."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.seen = b""

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def until(self, mark: bytes) -> bytes:
        """Read through `mark` and hand out what came up to its end."""
        while mark not in self.seen:
            data = self.socket.recv(65536)
            assert data, f"the connection ended before {mark!r}; it said {self.seen!r}"
            self.seen += data
        end = self.seen.index(mark) + len(mark)
        taken, self.seen = self.seen[:end], self.seen[end:]
        return taken

    def rest(self) -> bytes:
        """Everything until the server closes."""
        while data := self.socket.recv(65536):
            self.seen += data
        taken, self.seen = self.seen, b""
        return taken

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """One response with a Content-Length: status, fields in lower case, content."""
        head = self.until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        fields = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        size = int(fields.get("content-length", "0"))
        while len(self.seen) < size:
            data = self.socket.recv(65536)
            assert data, f"the connection ended {size - len(self.seen)} bytes early"
            self.seen += data
        content, self.seen = self.seen[:size], self.seen[size:]
        return int(first.split()[1]), fields, content

    def shut(self) -> None:
        """Half-close: no more will be sent, answers are still read."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close."""
        self.socket.close()


@pytest.fixture
def raw() -> Iterator[Callable[..., Raw]]:
    """Makes raw clients and closes them after the test."""
    made: list[Raw] = []

    def make(port: int, tls: ssl.SSLContext | None = None) -> Raw:
        made.append(Raw(port, tls))
        return made[-1]

    yield make
    for client in made:
        client.close()
