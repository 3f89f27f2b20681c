"""How lab 13 measures: a server in a process of its own, readers here, its memory while they read.

The readers are plain sockets in threads: they take what comes and throw it away. Not here: what follows from
the figures (measure.py), and what is served (servers.py).
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs.runner.evidence import Run
from labs.runner.serving import serving
from netlab.probes import kernel, process
from netlab.tls import client_context

KIB, MIB = 1 << 10, 1 << 20
READ = 256 * KIB  # bytes taken in one read
EVERY = 0.02  # seconds between two looks at the server's memory
SETTLED = 0.15  # seconds without a change, after which a stream has stalled


@dataclass
class Bed:
    """A running server: its process, its port, and the port where its witness speaks."""

    pid: int
    port: int
    witness_port: int
    tls: ssl.SSLContext | None = None

    def connect(self, port: int | None = None) -> socket.socket:
        """A connection to it, ready for a request."""
        plain = socket.create_connection(("127.0.0.1", port or self.port), timeout=60)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain if self.tls is None else self.tls.wrap_socket(plain, server_hostname="localhost")

    def ask(self, target: str, port: int | None = None) -> socket.socket:
        """A connection on which the target has been asked for."""
        client = self.connect(port)
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return client

    def get(self, target: str, pause: float = 0.0) -> int:
        """Read a response to its end, and rest so many seconds after each read: bytes behind the head."""
        with self.ask(target) as client:
            return drain(client, pause=pause)

    def witness(self, since: float = 0.0) -> dict[str, Any]:
        """What became of the last stream's pieces."""
        with self.ask(f"/witness?since={since!r}", self.witness_port) as client:
            answer = b""
            while data := client.recv(READ):
                answer += data
        told: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return told


def drain(client: socket.socket, most: float = float("inf"), pause: float = 0.0) -> int:
    """Read to the end, or at least `most` bytes: how many came behind the head. The rest is thrown away."""
    beginning = b""
    while b"\r\n\r\n" not in beginning:
        data = client.recv(READ)
        if not data:
            raise RuntimeError("the connection ended within the head")
        beginning += data
    if not beginning.split(b" ", 2)[1].startswith(b"20"):
        raise RuntimeError(f"the answer is {beginning[:60]!r}")
    buffer = bytearray(READ)
    total = len(beginning) - beginning.index(b"\r\n\r\n") - 4
    while total < most and (size := client.recv_into(buffer)):
        total += size
        if pause:
            time.sleep(pause)
    return total


@contextlib.contextmanager
def bed(run: Run, film: Path, kind: str = "netlab", *, tls: bool = False, **options: int) -> Iterator[Bed]:
    """Start a server of servers.py with the code under measure; it ends with its standard input."""
    given = ["--code", str(run.code.__file__), "--film", str(film)]
    given += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    if tls:
        given += ["--tls", str(run.certs / "chain.pem"), str(run.certs / "leaf.key")]
    with serving(run.folder / "servers.py", kind, *given) as server:
        context = client_context(run.certs / "root.pem") if tls else None
        yield Bed(server.pid, server.ports[0], server.ports[-1], context)


# --- memory over time -----------------------------------------------------------------------------------


@dataclass
class Course:
    """A process's own memory while its clients read: bytes above the same server before its first request."""

    name: str
    content: int = 0  # bytes that all the clients took together
    seconds: float = 0.0
    points: list[tuple[float, int]] = field(default_factory=list)  # (seconds, bytes)

    @property
    def peak(self) -> int:
        """The highest."""
        return max(held for _, held in self.points)

    @property
    def drift(self) -> int:
        """By how much the second half's highest is above that of the first: what would go on growing."""
        middle = self.points[-1][0] / 2
        early = max(held for at, held in self.points if at <= middle)
        return max([held for at, held in self.points if at > middle], default=early) - early

    @property
    def rate(self) -> float:
        """MiB a second."""
        return self.content / MIB / self.seconds


def follow(name: str, server: Bed, clients: Sequence[Callable[[], int]]) -> Course:
    """Let the clients read at once, and look at the server's memory until they are done."""
    course = Course(name)
    base = _written(server.pid)
    start = time.monotonic()
    with ThreadPoolExecutor(len(clients)) as pool:
        reading = [pool.submit(client) for client in clients]
        while not all(each.done() for each in reading):
            course.points.append((time.monotonic() - start, _written(server.pid) - base))
            time.sleep(EVERY)
        course.content = sum(each.result() for each in reading)
    course.seconds = time.monotonic() - start
    course.points.append((course.seconds, _written(server.pid) - base))
    return course


def _written(pid: int) -> int:
    """USS without the pages of program files: they change sides as other programs end and start."""
    seen = process.glance(pid).written
    assert seen is not None
    return seen


# --- a reader that stalls -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stall:
    """Readers that have stopped reading; bytes for each of them."""

    name: str
    kernel: float  # held by the kernel on the server's side
    process: float  # by which the server's memory rose
    beyond: float  # held by the reader's own kernel: on its own machine, that is


def stall(name: str, server: Bed, readers: int, first: int) -> Stall:
    """Each reads its first bytes fast, so that the kernel widens its buffers, and then no more."""
    server.get(f"/film?count={4 * MIB}")
    base = _written(server.pid)
    clients = [server.ask("/film") for _ in range(readers)]
    try:
        for client in clients:
            drain(client, first)
        held = _steady(lambda: kernel.port_memory(server.port).total)
        rise = _written(server.pid) - base
        beyond = sum(each.received for each in kernel.port_memory(server.port, remote=True).connections)
    finally:
        for client in clients:
            client.close()
    return Stall(name, held / readers, max(0, rise) / readers, beyond / readers)


def _steady(read: Callable[[], int], patience: float = 5.0) -> int:
    """Read until nothing changes any more, or patience ends."""
    ends = time.monotonic() + patience
    before = -1
    while (now := read()) != before and time.monotonic() < ends:
        before = now
        time.sleep(SETTLED)
    return now


# --- a client that leaves -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaving:
    """What happened after a client had left: seconds until the producer was closed, pieces made by then."""

    name: str
    seconds: float
    pieces: int
    bytes: int


def leave(name: str, server: Bed, target: str, first: int, pause: float = 0.0) -> Leaving:
    """Read the first bytes, wait, and break the connection; then ask the witness what was made after that."""
    client = server.ask(target)
    drain(client, first)
    time.sleep(pause)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone = time.monotonic()
    client.close()
    ends = gone + 10
    while not (seen := server.witness(gone))["closed"] and time.monotonic() < ends:
        time.sleep(0.005)
    closed = max(0.0, seen["closed"] - gone) if seen["closed"] else float("inf")
    return Leaving(name, closed, seen["pieces"], seen["bytes"])


# --- a producer that sleeps -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Sleep:
    """One way to wait: what another client's requests took meanwhile, and many viewers at once; seconds."""

    name: str
    latencies: list[tuple[float, float]]  # (when, how long)
    alone: float  # one stream from its first byte asked to its last
    crowd: float  # the last of all the viewers' streams

    @property
    def worst(self) -> float:
        """The other client's longest wait."""
        return max(taken for _, taken in self.latencies)


def sleep(name: str, server: Bed, how: str, count: int, wait: float, viewers: int) -> Sleep:
    """One slow stream and another client that asks for something quick; then many slow streams at once."""
    server.get("/quick")
    latencies: list[tuple[float, float]] = []
    done = threading.Event()
    target = f"/slow?how={how}&count={count}&wait={wait}"
    start = time.monotonic()

    def other() -> None:
        while not done.is_set():
            begun = time.monotonic()
            server.get("/quick")
            latencies.append((begun - start, time.monotonic() - begun))
            done.wait(0.005)

    with ThreadPoolExecutor(1) as beside:
        asking = beside.submit(other)
        try:
            server.get(target)
            alone = time.monotonic() - start
        finally:
            done.set()
        asking.result()
    begun = time.monotonic()
    with ThreadPoolExecutor(viewers) as pool:
        for each in [pool.submit(server.get, target) for _ in range(viewers)]:
            each.result()
    return Sleep(name, latencies, alone, time.monotonic() - begun)
