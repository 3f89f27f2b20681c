"""A refusal reaches its client: however much the client still sends, it reads the answer whole, and no reset.

The clients here are of the simple kind that most libraries are: all of the request first, then the answer.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .child import Child
from .clients import GET, POST, honest_connection, rest

MIB = 1 << 20
CONTENT = bytes(2 * MIB)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

# What is sent, as a head and what follows it; and the status of the answer.
REFUSED = {
    "content above the limit": (POST + b"Content-Length: 2097152\r\n\r\n", CONTENT, 413),
    "a chunk above the limit": (CHUNKED + b"200000\r\n", CONTENT, 413),
    "no handler reads the content": (
        POST.replace(b"echo", b"unread") + b"Content-Length: 1048576\r\n\r\n", CONTENT[:MIB], 404
    ),
    "no handler reads the chunks": (
        POST.replace(b"echo", b"unread") + b"Transfer-Encoding: chunked\r\n\r\n200000\r\n",
        CONTENT + b"\r\n0\r\n\r\n", 404,
    ),
    "a broken chunk, and much behind it": (CHUNKED + b"0x10\r\n", CONTENT, 400),
    "an endless line": (b"GET /", b"a" * 2 * MIB, 414),
    "5,000 field lines": (GET[:-2], b"a: b\r\n" * 5000 + b"\r\n", 431),
    "endless fields": (GET[:-2], b"a: " + b"b" * 2 * MIB, 431),
    "no request at all": (b"\x16\x03\x01 hello\r\n", CONTENT, 400),
    "garbage behind a good request": (GET.replace(b"/ ", b"/unread ") + b"\0", CONTENT, 404),
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Child]:
    """A server that takes 1 MiB of content."""
    with Child(app="routes", limits={"content": MIB}) as child:
        yield child


@pytest.fixture(scope="module")
def secure(certificates: Path) -> Iterator[Child]:
    """The same over TLS."""
    with Child(app="routes", limits={"content": MIB}, tls=str(certificates)) as child:
        yield child


def answer(port: int, head: bytes, content: bytes, tls: ssl.SSLContext | None) -> bytes:
    """Everything that a client reads that sends all it has first. A reset raises."""
    with honest_connection(port, tls) as client:
        client.sendall(head)
        client.sendall(content)
        return rest(client)


def play(port: int, what: str, tls: ssl.SSLContext | None, times: int) -> None:
    """Four clients at once, so that reads and closes fall together in every order."""
    head, content, status = REFUSED[what]
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda _: answer(port, head, content, tls), range(times)))
    for text in answers:
        assert text.startswith(b"HTTP/1.1 %d " % status), text
        assert b"\r\nconnection: close\r\n" in text or text.count(b"HTTP/1.1 ") == 2, text


@pytest.mark.parametrize("what", REFUSED)
def test_the_answer_is_read_whole(what: str, server: Child) -> None:
    play(server.port, what, None, 12)


@pytest.mark.parametrize("what", ["content above the limit", "no handler reads the chunks", "endless fields"])
def test_the_answer_is_read_whole_over_tls(what: str, secure: Child, trusting: ssl.SSLContext) -> None:
    play(secure.port, what, trusting, 8)


@pytest.mark.soak
@pytest.mark.parametrize("what", REFUSED)
def test_the_answer_is_read_whole_many_times(
    what: str, server: Child, secure: Child, trusting: ssl.SSLContext
) -> None:
    play(server.port, what, None, 300)
    play(secure.port, what, trusting, 100)
