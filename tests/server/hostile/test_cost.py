"""What hostile input costs the whole server, sockets and all: four times as much takes four times as long.

Processor time of the server's own process, to the nanosecond, and a generous bound: a complexity, not a
speed. tests/http1/test_cost.py asserts the same of the parser alone, construct by construct.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from .child import Child
from .clients import GET, ONES, POST, honest_connection, rest

pytestmark = pytest.mark.linux("/proc/PID/schedstat counts CPU time")

CHUNKED = POST.replace(b"/echo", b"/count") + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789"


def at_once(data: bytes) -> list[bytes]:
    """In as few pieces as it takes."""
    return [data]


def in_drops(data: bytes) -> list[bytes]:
    """Three octets at a time, each in a packet of its own."""
    return [data[at : at + 3] for at in range(0, len(data), 3)]


# How it is sent, what is sent for a size n, and a suitable n. What must be answered ends with a request
# that says "close".
KINDS: dict[str, tuple[Callable[[bytes], list[bytes]], Callable[[int], bytes], int]] = {
    "pipelined requests": (at_once, lambda n: GET * n, 1500),
    "pipelined content that no handler reads": (at_once, lambda n: SIZED * n, 800),
    "chunks of one octet": (at_once, lambda n: CHUNKED + ONES * n + b"0\r\n\r\n", 5000),
    "one content in drops": (
        in_drops, lambda n: POST + b"Content-Length: %d\r\n\r\n" % n + b"x" * n, 30_000
    ),
    "chunks in drops": (in_drops, lambda n: CHUNKED + ONES * n + b"0\r\n\r\n", 3000),
    "pipelined requests in drops": (in_drops, lambda n: GET * n, 500),
    "what follows a refusal": (at_once, lambda n: b"BAD\r\n" + bytes(n), 8_000_000),
}  # fmt: skip

LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def cost(server: Child, pieces: list[bytes]) -> float:
    """Seconds of the server's processor time for one connection."""
    before = server.worked
    with honest_connection(server.port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            sock.sendall(piece)
        rest(sock)
    return server.worked - before


@pytest.fixture(scope="module")
def server() -> Iterator[Child]:
    """One for all: what it has done before does not count."""
    with Child(app="routes") as child:
        yield child


@pytest.mark.parametrize("kind", KINDS)
def test_cost_is_linear(kind: str, server: Child) -> None:
    way, make, n = KINDS[kind]
    cost(server, way(make(n // 4) + LAST))  # everything has been used once
    found = []
    # On a busy machine the kernel joins drops now and then: some runs are cheap. A square is one always.
    while len(found) < 3:
        small = min(cost(server, way(make(n) + LAST)) for _ in range(2))
        large = min(cost(server, way(make(4 * n) + LAST)) for _ in range(2))
        if large / (small + 0.001) < 9:
            return
        found.append(f"4n takes {large:.3f} s, n {small:.3f} s")
    pytest.fail(f"{'; '.join(found)}: 4 times is linear, 16 quadratic")
