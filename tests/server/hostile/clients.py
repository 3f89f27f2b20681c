"""Who stands before the server: hostile connections of every kind, and honest clients that keep count."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.kit.waiting import wait_until

HOST = "127.0.0.1"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"
ONES = b"1\r\na\r\n"


def client_hello() -> bytes:
    """A ClientHello as OpenSSL writes it, in one TLS record."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@dataclass(frozen=True, slots=True)
class Attack:
    """One kind of hostile connection."""

    opening: bytes = b""
    """What it sends first."""
    more: bytes = b""
    """What it goes on sending, as long as the server takes it."""
    bound: int = 0
    """KiB that one of them may cost the server, from the limits in force."""
    tls: bool = False


HELLO = client_hello()

# The bounds: a connection and its handler a few KiB; a head 32 KiB of fields and its buffer's growth of an
# eighth; a pipeline 64 KiB and the read of 64 KiB that crossed it; a stream the piece of 1 MiB it is at.
ATTACKS: dict[str, Attack] = {
    "says nothing": Attack(bound=4),
    "a head that never ends": Attack(GET[:-2] + b"X: " + b"x" * 1000, bound=16),
    "a head as large as may be": Attack(GET[:-2] + b"X: " + b"x" * 32_000, bound=80),
    "a content that never comes": Attack(POST + b"Content-Length: 1000000\r\n\r\nx", bound=24),
    "endless chunks of one octet": Attack(
        POST + b"Transfer-Encoding: chunked\r\n\r\n", ONES * 500, bound=224
    ),
    "pipelining without reading": Attack(GET * 20, GET * 200, bound=224),
    "asks for much and reads nothing": Attack(GET.replace(b"/ ", b"/stream?mib=64 ", 1), bound=1100),
    "half a ClientHello": Attack(HELLO[: len(HELLO) // 2], bound=80, tls=True),
    "a handshake left half open": Attack(HELLO, bound=80, tls=True),
}


def connect(port: int) -> socket.socket:
    """A blocking connection with a small receive buffer: who reads nothing should fill it soon."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(20)
    sock.connect((HOST, port))
    return sock


class Horde:
    """Hostile connections, all of one kind. A context manager that lets go of them."""

    def __init__(self, port: int, attack: Attack) -> None:
        self._port = port
        self._attack = attack
        self.sockets: list[socket.socket] = []

    def __enter__(self) -> Horde:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self.sockets:
            sock.close()

    def grow(self, count: int) -> None:
        """Add connections; each sends its opening."""
        for _ in range(count):
            sock = connect(self._port)
            self.sockets.append(sock)
            sock.sendall(self._attack.opening)
            sock.setblocking(False)

    def push(self, rounds: int = 1) -> int:
        """Let each send more, as far as the server takes it: how many bytes went."""
        sent = 0
        for sock in self.sockets * rounds:
            # Refused already, or its window is closed.
            with contextlib.suppress(OSError):
                sent += sock.send(self._attack.more)
        return sent


@dataclass
class Honest:
    """A client that asks, reads the answer and asks again, in a thread; a new connection for every ten."""

    port: int
    tls: ssl.SSLContext | None = None
    served: int = 0
    failed: list[str] = field(default_factory=list)

    def __enter__(self) -> Honest:
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._live, name="honest client")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()

    def more(self, count: int) -> None:
        """Return when that many further requests have been answered."""
        goal = self.served + count
        wait_until(lambda: self.served >= goal or bool(self.failed), f"{count} answers to an honest client")
        assert not self.failed, self.failed

    def _live(self) -> None:
        while not self._leave.is_set() and not self.failed:
            try:
                with honest_connection(self.port, self.tls) as sock:
                    for _ in range(10):
                        sock.sendall(GET)
                        answer = one_answer(sock)
                        if not answer.startswith(b"HTTP/1.1 200 "):
                            self.failed.append(f"answered {answer!r}")
                        self.served += 1
            except OSError as error:
                self.failed.append(repr(error))


@contextlib.contextmanager
def honest_connection(port: int, tls: ssl.SSLContext | None = None) -> Iterator[socket.socket]:
    """A connection like anybody's."""
    with socket.create_connection((HOST, port), timeout=20) as sock:
        if tls is None:
            yield sock
            return
        with tls.wrap_socket(sock, server_hostname="localhost") as secured:
            yield secured


def one_answer(sock: socket.socket) -> bytes:
    """One response with a Content-Length. Raises ConnectionError when the connection ends before it does."""
    seen = b""
    while (end := seen.find(b"\r\n\r\n")) < 0 or len(seen) < end + 4 + _length(seen[:end]):
        data = sock.recv(65536)
        if not data:
            raise ConnectionError(f"the connection ended after {seen!r}")
        seen += data
    return seen


def _length(head: bytes) -> int:
    found = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return int(found or 0)


def rest(sock: socket.socket) -> bytes:
    """Everything until the server ends the connection; a reset raises."""
    seen = bytearray()
    while data := sock.recv(65536):
        seen += data
    return bytes(seen)
