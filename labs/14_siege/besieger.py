"""A siege: hostile connections, honest clients, and what becomes of both. Bounded, and on 127.0.0.1 alone.

Hostile connections are sockets in a list, looked at every TICK: a client that the server closed connects
again. Honest clients are threads: newcomers, each with a connection of its own, and one regular, whose
connection was open before the siege began.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import statistics
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil

from netlab.probes import process

HOST = "127.0.0.1"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
TICK = 0.1  # seconds between two drips
WARM_UP = 3  # ticks until the hostile connections stand
BETWEEN = 0.03  # seconds between two newcomers
COMEBACKS = 12  # times that a hostile connection may come again, on average


@dataclass(frozen=True, slots=True)
class Attack:
    """What each hostile connection sends: its opening, and a drip every TICK. It reads nothing."""

    name: str
    opening: bytes = b""
    drip: bytes = b""
    tls: bool = False


@dataclass
class Outcome:
    """What one siege came to. Times in seconds; None for an honest client without an answer."""

    newcomers: list[float | None] = field(default_factory=list)
    regular: list[float | None] = field(default_factory=list)
    thrown_out: int = 0
    """Hostile connections that the server has ended."""
    descriptors: int = 0
    """The most that the server held."""
    memory: int = 0
    """The most bytes that it had written more than before."""
    busy: float = 0.0
    """Seconds of processor time it took in each second of the siege."""

    @property
    def answered(self) -> float:
        """Percent of the newcomers."""
        return 100 * sum(each is not None for each in self.newcomers) / max(1, len(self.newcomers))

    @property
    def latency(self) -> float | None:
        """The median of those who were answered."""
        times = [each for each in self.newcomers if each is not None]
        return statistics.median(times) if times else None


def ask(sock: socket.socket, until: float) -> None:
    """One request, one answer that ends with "hello". OSError when it has not come by then."""
    seen = b""
    sock.settimeout(max(0.001, until - time.monotonic()))
    sock.sendall(GET)
    while not seen.endswith(b"hello"):
        sock.settimeout(max(0.001, until - time.monotonic()))
        data = sock.recv(4096)
        if not data:
            raise ConnectionError("the end came before the answer")
        seen += data


def newcomer(port: int, tls: ssl.SSLContext | None, patience: float) -> float | None:
    """An honest client with a connection of its own: seconds until its answer, or None."""
    started = time.monotonic()
    until = started + patience
    try:
        with socket.create_connection((HOST, port), timeout=patience) as sock:
            if tls is None:
                ask(sock, until)
            else:
                with tls.wrap_socket(sock, server_hostname="localhost") as secured:
                    ask(secured, until)
    except OSError:
        return None
    return time.monotonic() - started


class Siege:
    """One attack on one server, which runs in the process `pid` and listens at `port`."""

    def __init__(self, port: int, pid: int, attack: Attack, count: int, tls: ssl.SSLContext | None) -> None:
        self.port, self.pid, self.attack, self.count, self.tls = port, pid, attack, count, tls
        self.outcome = Outcome()
        self._hostile: list[socket.socket] = []
        self._left = count * (1 + COMEBACKS)
        self._settled, self._over = threading.Event(), threading.Event()

    def run(self, newcomers: int, patience: float) -> Outcome:
        """Besiege until every newcomer has an answer or has lost patience (seconds)."""
        regular = threading.Thread(target=self._regular, args=(patience,))
        before = process.glance(self.pid).written or 0
        regular.start()
        self._settled.wait(patience)
        busy, started = cpu(self.pid), time.monotonic()
        with ThreadPoolExecutor(newcomers) as pool:
            coming: list[Future[float | None]] = []
            try:
                next_tick, ticks = started, 0
                while len(coming) < newcomers or not all(each.done() for each in coming):
                    if time.monotonic() >= next_tick:
                        self._tick(before)
                        next_tick, ticks = time.monotonic() + TICK, ticks + 1
                    if ticks > WARM_UP and len(coming) < newcomers:
                        coming.append(pool.submit(newcomer, self.port, self.tls, patience))
                    time.sleep(BETWEEN)
            finally:
                self._over.set()
                self.outcome.busy = (cpu(self.pid) - busy) / (time.monotonic() - started)
                self.outcome.newcomers = [each.result() for each in coming]
                regular.join()
                for sock in self._hostile:
                    sock.close()
        return self.outcome

    def _tick(self, before: int) -> None:
        """Come again, drip, and look at what it costs."""
        self._hostile = [sock for sock in self._hostile if self._stands(sock)]
        while len(self._hostile) < self.count and self._left > 0:
            self._left -= 1
            self._hostile.append(self._recruit())
        now = process.glance(self.pid)
        self.outcome.descriptors = max(self.outcome.descriptors, now.fds or 0)
        self.outcome.memory = max(self.outcome.memory, (now.written or 0) - before)

    def _recruit(self) -> socket.socket:
        sock = socket.socket()
        # Who reads nothing should not have much read for it by its kernel.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        sock.settimeout(0.2)
        with contextlib.suppress(OSError):
            sock.connect((HOST, self.port))
            sock.sendall(self.attack.opening)
        sock.setblocking(False)
        return sock

    def _stands(self, sock: socket.socket) -> bool:
        """Drip. False when the server has ended this connection."""
        try:
            if self.attack.drip:
                sock.send(self.attack.drip)
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and sock.recv(1, socket.MSG_PEEK):
                return True
        except BlockingIOError:
            return True
        except OSError:
            pass
        self.outcome.thrown_out += 1
        sock.close()
        return False

    def _regular(self, patience: float) -> None:
        """The client that was there before: a request now and then on its one connection."""
        with contextlib.ExitStack() as stack:
            try:
                sock = stack.enter_context(socket.create_connection((HOST, self.port), timeout=patience))
                if self.tls is not None:
                    sock = stack.enter_context(self.tls.wrap_socket(sock, server_hostname="localhost"))
                while not self._over.is_set():
                    started = time.monotonic()
                    ask(sock, started + patience)
                    self.outcome.regular.append(time.monotonic() - started)
                    self._settled.set()
                    time.sleep(BETWEEN)
            except OSError:
                self.outcome.regular.append(None)
                self._settled.set()


def swallow(port: int, opening: bytes, more: bytes, most: int) -> tuple[int, int | None]:
    """How much of an endless head a server takes before it answers, up to `most` bytes; and its status."""
    sent = 0
    with socket.create_connection((HOST, port), timeout=2) as sock, contextlib.suppress(OSError):
        data = opening
        while sent < most:
            sock.sendall(data)
            sent += len(data)
            data = more
            if select.select([sock], [], [], 0.003)[0]:
                status = sock.recv(4096).split(b" ")[1:2]
                return sent, int(status[0]) if status else None
    return sent, None


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used so far."""
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


@dataclass
class Drain:
    """What became of the requests of busy clients while the server was told to stop."""

    served: int = 0
    lost: int = 0
    """A busy client asked on an open connection and got no answer."""
    refused: int = 0
    """A new connection was not let in: the server had stopped."""


def load(port: int, clients: int, drain: Drain) -> list[threading.Thread]:
    """Clients that ask as fast as they are answered, until the server accepts no more."""

    def client() -> None:
        while True:
            try:
                with socket.create_connection((HOST, port), timeout=5) as sock:
                    converse(sock)
            except OSError:
                drain.refused += 1
                return

    def converse(sock: socket.socket) -> None:
        answered = False
        while True:
            try:
                sock.sendall(GET)
                answer = b""
                while not answer.endswith(b"hello"):
                    data = sock.recv(4096)
                    if not data:
                        raise ConnectionError
                    answer += data
            except OSError:
                drain.lost += answered
                if not answered:
                    raise  # as good as refused
                return
            answered = True
            drain.served += 1
            if b"connection: close" in answer.lower():
                return

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    return threads
