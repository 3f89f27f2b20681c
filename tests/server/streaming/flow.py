"""Bytes in bulk, and the memory of a process while they flow.

The clients are plain sockets in threads of the test: what they hold is not the server's, and their reading
leaves Python's lock to others. They know just enough of HTTP: the connection ends with the response.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from netlab.probes import process

KIB, MIB = 1 << 10, 1 << 20

READ = 256 * KIB  # bytes taken in one read
EVERY = 0.01  # seconds between two looks at the memory

HEAD = "{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n"


def weight(pid: int | None = None) -> int:
    """Bytes of a process's own memory that it has written.

    USS without the pages of program files: those become private and shared again as *other* programs end and
    start, by more than these tests allow.
    """
    seen = process.glance(pid).written
    assert seen is not None
    return seen


@dataclass
class Course:
    """The memory of a process over time, in bytes above its first reading."""

    pid: int | None
    readings: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Read once more."""
        self.readings.append(weight(self.pid))

    @property
    def rise(self) -> float:
        """From the first reading to the last, in MiB."""
        return (self.readings[-1] - self.readings[0]) / MIB

    @property
    def peak(self) -> float:
        """From the first reading to the highest, in MiB."""
        return (max(self.readings) - self.readings[0]) / MIB


def watched(pid: int, *clients: Callable[[], object]) -> Course:
    """Run the clients at once, each in a thread, and follow the process until they are done."""
    course = Course(pid)
    course.look()
    with ThreadPoolExecutor(len(clients)) as pool:
        running: set[Future[object]] = {pool.submit(client) for client in clients}
        while running:
            done, running = wait(running, EVERY, FIRST_EXCEPTION)
            for each in done:
                each.result()
            course.look()
    return course


def connect(port: int, tls: ssl.SSLContext | None = None, receive: int = 0) -> socket.socket:
    """A connection, its TLS handshake done. receive: how many bytes its kernel may take ahead of it."""
    plain = socket.socket()
    plain.settimeout(30)
    if receive:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    plain.connect(("127.0.0.1", port))
    return plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")


def drain(port: int, target: str, tls: ssl.SSLContext | None = None) -> int:
    """GET and read to the end: how many bytes came, head and framing included."""
    with connect(port, tls) as client:
        client.sendall(HEAD.format(f"GET {target}", "").encode())
        return _rest(client)


def pour(port: int, target: str, size: int, tls: ssl.SSLContext | None = None) -> bytes:
    """POST so many bytes and return the response."""
    piece = b"x" * READ
    with connect(port, tls) as client:
        client.sendall(HEAD.format(f"POST {target}", f"Content-Length: {size}\r\n").encode())
        for _ in range(size // READ):
            client.sendall(piece)
        answer = b""
        while data := client.recv(READ):
            answer += data
    return answer


def pour_and_drain(port: int, target: str, size: int, tls: ssl.SSLContext | None = None) -> int:
    """POST so many bytes and read, at the same time, what comes back: how many bytes, head included."""
    piece = b"x" * READ
    with connect(port, tls) as client, ThreadPoolExecutor(1) as reader:
        client.sendall(HEAD.format(f"POST {target}", f"Content-Length: {size}\r\n").encode())
        received = reader.submit(_rest, client)
        for _ in range(size // READ):
            client.sendall(piece)
        return received.result()


def _rest(client: socket.socket) -> int:
    buffer = bytearray(READ)
    total = 0
    while size := client.recv_into(buffer):
        total += size
    return total
