"""The attacks of the siege, in one process: `python -m netlab.live.siegeattack NAME COUNT SECONDS PORT…`.

COUNT hostile connections to each port of 127.0.0.1 are looked at every TICK, without ever waiting for one. A
connection that the server has ended comes back after PAUSE. Every PERIOD a line of JSON is printed: for each
port what its hostile connections came to. The process ends after SECONDS, or with its standard input.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import socket
import ssl
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from netlab.live.children import end_with_parent
from netlab.probes.clients import raise_descriptor_limit

TICK = 0.1
PERIOD = 0.25
PAUSE = 0.2
MOST = 200
"""Hostile connections to one port, at most."""

_RST_ON_CLOSE = b"\1\0\0\0\0\0\0\0"
_STATUS = re.compile(rb"HTTP/1\.1 ([45]\d\d [A-Za-z -]{1,40})")
_WAITING = (errno.EAGAIN, errno.EINPROGRESS, errno.ENOTCONN)
"""What a socket says that is not connected yet, or has nothing to read."""

_WORDS = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset"}

_GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
_LINES = b"a: b\r\n" * 683
_POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


@dataclass(frozen=True, slots=True)
class Attack:
    """What each hostile connection sends: its opening, then a drip every TICK. reads: what comes back.

    words: what it sends, for a reader. lesson: what ends it, shown with the verdict.
    """

    label: str
    words: str
    lesson: str
    opening: bytes = b""
    drip: bytes = b""
    reads: bool = True
    tls: bool = False
    """The servers speak TLS, and the opening is a ClientHello."""


ATTACKS = {
    "head": Attack(
        "Slow head (slowloris)",
        "one byte of a field line every 0.1 s, without an end",
        "A deadline for the whole head ends it, because no byte buys more time.",
        _GET + b"X: ",
        b"a",
    ),
    "body": Attack(
        "Slow body",
        "one byte of a body of 1 MB every 0.1 s",
        "A least rate for bodies ends it: a slow upload passes, a stopped one does not.",
        _POST + b"Content-Length: 1000000\r\n\r\n",
        b"x",
    ),
    "reader": Attack(
        "Slow reader",
        "a request for 4 MiB, and it reads nothing of the response",
        "A deadline for a client that takes nothing ends it, with a reset.",
        b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n",
        reads=False,
    ),
    "silent": Attack(
        "Silence",
        "nothing at all: it only connects",
        "The deadline for the head begins with the connection, so that silence ends, too.",
    ),
    "idle": Attack(
        "Idle connections",
        "one whole request; then it stays connected and sends nothing",
        "Idle connections are allowed. A full server has room for others only if it closes those that have "
        "been idle for longest.",
        _GET + b"\r\n",
    ),
    "endless": Attack(
        "Head without an end",
        "40 KiB of field lines at once and 4 KiB more every 0.1 s",
        "A limit on the size of a head refuses it before its end; the server waits for nothing.",
        _GET + _LINES * 10,
        _LINES,
    ),
    "pipeline": Attack(
        "Pipelining flood",
        "100 whole requests every 0.1 s, and it reads no response",
        "Every request is whole, so that each costs work. A small limit on responses that the kernel cannot "
        "send ends it: the next request then waits for the client to read, and a deadline runs.",
        b"",
        (_GET + b"\r\n") * 100,
        reads=False,
    ),
    "handshake": Attack(
        "TLS handshake without an end",
        "a ClientHello, and nothing after it",
        "The deadline for the head begins before the handshake, so that it covers both.",
        tls=True,
    ),
}


def client_hello() -> bytes:
    """The first bytes of a TLS client; nothing follows them."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@dataclass
class Hostile:
    """One hostile connection. unsent: what the kernel has not taken yet."""

    sock: socket.socket
    unsent: bytes
    failed: int = 0
    """The error of connecting, if it came at once."""
    status: str = ""
    """The last error that the server answered."""


@dataclass
class Force:
    """The hostile connections to one port."""

    port: int
    attack: Attack
    count: int
    tried: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    """Connections that the server has ended, by the way it did."""
    _standing: list[Hostile] = field(default_factory=list)
    _coming: list[float] = field(default_factory=list)
    """When each of the missing connections may come."""

    def __post_init__(self) -> None:
        self._opening = client_hello() if self.attack.tls else self.attack.opening
        self._coming = [0.0] * self.count

    def tick(self, now: float) -> None:
        """Look at every connection, send what is due, and let those come back whose pause is over."""
        standing = []
        for each in self._standing:
            if why := self._ended(each):
                self.ended[why] += 1
                self._coming.append(now + PAUSE)
                each.sock.close()
            else:
                standing.append(each)
        self._standing = standing
        due = [moment for moment in self._coming if moment <= now]
        self._coming = [moment for moment in self._coming if moment > now]
        for _ in due:
            self._standing.append(self._new())
            self.tried += 1

    def told(self) -> dict[str, object]:
        """What came of it so far, as the board reads it."""
        connected = sum(_is_connected(each.sock) for each in self._standing)
        return {"connected": connected, "tried": self.tried, "ended": dict(self.ended)}

    def close(self) -> None:
        """Leave: nothing stays behind, not even in TIME_WAIT."""
        while self._standing:
            self._standing.pop().sock.close()

    def _new(self) -> Hostile:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        if not self.attack.reads:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        failed = sock.connect_ex(("127.0.0.1", self.port))
        return Hostile(sock, self._opening, 0 if failed in _WAITING else failed)

    def _ended(self, each: Hostile) -> str:
        """How the server has ended this connection; "" while it stands. Sends what is due."""
        failed = each.failed or each.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            return _failure(failed, each.status)
        try:
            data = each.sock.recv(1 << 16, 0 if self.attack.reads else socket.MSG_PEEK)
            if found := _STATUS.findall(data):
                each.status = found[-1].decode()
            if not data:
                return each.status or "closed without an error response"
        except OSError as error:
            if error.errno not in _WAITING:
                return _failure(error.errno or 0, each.status)
        return self._send(each)

    def _send(self, each: Hostile) -> str:
        each.unsent = each.unsent or self.attack.drip
        try:
            if each.unsent:
                each.unsent = each.unsent[each.sock.send(each.unsent) :]
        except OSError as error:
            if error.errno not in _WAITING:
                return _failure(error.errno or 0, each.status)
        return ""


def _failure(number: int, status: str) -> str:
    return status or _WORDS.get(number) or os.strerror(number).lower()


def _is_connected(sock: socket.socket) -> bool:
    try:
        return bool(sock.getpeername())
    except OSError:
        return False


def main(name: str, count: int, seconds: float, ports: list[int]) -> None:
    """Attack, tell, and end."""
    end_with_parent()
    room = raise_descriptor_limit()
    count = min(count, MOST, room // len(ports))
    forces = [Force(port, ATTACKS[name], count) for port in ports]
    began = now = time.monotonic()
    tell = began
    while now < began + seconds:
        for force in forces:
            force.tick(now)
        if now >= tell:
            tell = now + PERIOD
            print(json.dumps([force.told() for force in forces]), flush=True)
        now = time.monotonic()
        time.sleep(TICK - (now - began) % TICK)
        now = time.monotonic()
    print(json.dumps([force.told() for force in forces]), flush=True)
    for force in forces:
        force.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), [int(port) for port in sys.argv[4:]])
