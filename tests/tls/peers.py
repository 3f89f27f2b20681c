"""`openssl s_server` and `openssl s_client`, with a wire between them that keeps every byte.

What Python's ssl can't do: choose a suite of TLS 1.3, early data, KeyUpdate, renegotiation, DHE, record
padding.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netlab.tls.tracing.values import Side
from tests.tls.conversing import Wire, identity

_EFFECTS = {b"K\n": b"KEYUPDATE\n", b"k\n": b"KEYUPDATE\n", b"R\n": b"RENEGOTIATING\n"}
_PATIENCE = 30.0  # seconds for a line of a peer; a good machine needs milliseconds


def needs(tool: str) -> None:
    """Skip without a tool; fail under CI."""
    if shutil.which(tool) is None:
        message = f"needs {tool} (apt-get install {tool})"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


class Peer:
    """A child that talks in lines."""

    def __init__(self, *command: str) -> None:
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.told = b""

    def wait_for(self, text: bytes) -> None:
        """Read until text was told, once more for each call."""
        assert self._child.stdout is not None
        end = time.monotonic() + _PATIENCE
        while text not in self.told:
            left = end - time.monotonic()
            ready = select.select([self._child.stdout], [], [], max(0.0, left))[0]
            part = os.read(self._child.stdout.fileno(), 1 << 16) if ready else b""
            assert part, f"{text!r} did not come; what came: {self.told[-2000:]!r}"
            self.told += part
        self.told = self.told.partition(text)[2]

    def line(self) -> bytes:
        """The rest of the line after what was waited for."""
        before = self.told
        while b"\n" not in before:
            assert self._child.stdout is not None
            before += os.read(self._child.stdout.fileno(), 1 << 16)
        found, _, self.told = before.partition(b"\n")
        return found

    def say(self, text: bytes) -> None:
        """Write to its standard input."""
        assert self._child.stdin is not None
        self._child.stdin.write(text)
        self._child.stdin.flush()

    def stop(self, patience: float = 0.0) -> None:
        """End it, however it is; patience: seconds in which it may end by itself."""
        assert self._child.stdin is not None and self._child.stdout is not None
        with contextlib.suppress(OSError):
            self._child.stdin.close()
        if self._child.stdout.closed:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=patience)
        self._child.kill()
        self._child.wait()
        self._child.stdout.close()


class _Between:
    """One connection from a client to a port, every byte kept."""

    def __init__(self, port: int) -> None:
        self.wire = Wire()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._target = port
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        if self._stopped in select.select([self._listener, self._stopped], [], [])[0]:
            return
        client, _ = self._listener.accept()
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            others = {client: (Side.CLIENT, server), server: (Side.SERVER, client)}
            while others:
                ready = select.select([*others, self._stopped], [], [])[0]
                if self._stopped in ready:
                    return
                for one in ready:
                    side, other = others[one]
                    with contextlib.suppress(OSError):
                        if data := one.recv(1 << 16):
                            self.wire.sent.append((side, data))
                            other.sendall(data)
                            continue
                    del others[one]
                    with contextlib.suppress(OSError):
                        other.shutdown(socket.SHUT_WR)

    def close(self) -> Wire:
        self._stop.send(b"x")
        self._thread.join()
        for each in (self._listener, self._stop, self._stopped):
            each.close()
        return self.wire


@dataclass
class Server:
    """An s_server at work."""

    port: int
    peer: Peer


@contextlib.contextmanager
def server(folder: Path, *options: str, reverse: bool = True) -> Iterator[Server]:
    """An s_server that sends each line back, reversed; or one that only prints what it gets."""
    pem = folder / "identity.pem"
    if not pem.exists():
        pem.write_bytes(identity("rsa"))
    given = ["-cert", str(pem)] if "-cert" not in options else []
    given += ["-rev"] if reverse else []
    peer = Peer("openssl", "s_server", "-accept", "127.0.0.1:0", *given, *options)
    try:
        peer.wait_for(b"ACCEPT 127.0.0.1:")
        yield Server(int(peer.line()), peer)
    finally:
        peer.stop()


def client(
    folder: Path, to: Server, *options: str, script: tuple[bytes, ...] = (), reverse: bool = True
) -> Wire:
    """One s_client: "hello", then each line of script ("K": KeyUpdate, "R": renegotiate), then "again"."""
    between, log = _Between(to.port), folder / "keys.log"
    log.unlink(missing_ok=True)
    address = f"127.0.0.1:{between.port}"
    peer = Peer("openssl", "s_client", "-connect", address, "-keylogfile", str(log), *options)
    try:
        said = [b"hello\n", *script, b"again\n"]
        for line in said:
            peer.say(line)
            # s_client takes a command only at the start of what it reads: so each waits for its effect.
            if not reverse:
                to.peer.wait_for(line)
            else:
                peer.wait_for(_EFFECTS.get(line, line.strip()[::-1]))
        peer.say(b"Q\n")
        peer.stop(patience=2.0)
    finally:
        peer.stop()
        wire = between.close()
    wire.log = log.read_bytes() if log.exists() else b""
    wire.said[Side.CLIENT] = b"hello\nagain\n"
    wire.said[Side.SERVER] = b"olleh\nniaga\n" if reverse else b""
    return wire
