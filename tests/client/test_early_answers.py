"""An answer that comes before the request is sent whole, and the reset behind it. RFC 9112 §9.5, §9.6."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import ssl
import sys
import termios
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

import netlab
from netlab.client import Disconnected, Truncated
from netlab.tls import authority, client_context, server_context
from tests.kit.waiting import until

ANSWER = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"


class Refusing:
    """Answers GET with 200, anything else with `answer` before it has read the content; then it closes."""

    def __init__(self, answer: bytes, tls: ssl.SSLContext | None) -> None:
        self.answer, self.tls, self.asked = answer, tls, list[str]()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(20)
            # Without it, the kernel may hold the answer back until the close, which drops it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(OSError):
                self._answer(self.tls.wrap_socket(sock, server_side=True) if self.tls else sock)

    def _answer(self, sock: socket.socket) -> None:
        with sock:
            while True:
                got = b""
                while b"\r\n\r\n" not in got:
                    got += sock.recv(1024)
                    if not got:
                        return
                self.asked.append(got.split(b" ")[0].decode())
                if self.asked[-1] != "GET":
                    # Some of the content has come: bytes that are unread make the close a reset.
                    socket.socket.recv(sock, 1, socket.MSG_PEEK)
                    sock.sendall(self.answer)
                    return
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@contextmanager
def refusing(answer: bytes = ANSWER, tls: ssl.SSLContext | None = None) -> Iterator[Refusing]:
    server = Refusing(answer, tls)
    server.thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.thread.join()
        server.listener.close()


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(300):
        yield b"x" * 10_000


async def busy() -> AsyncIterator[bytes]:
    """A producer that works between two pieces: meanwhile the answer and the reset have both come."""
    for _ in range(3):
        yield b"y" * 50_000
        time.sleep(0.02)


CONTENTS: dict[str, tuple[Any, dict[str, str]]] = {
    "bytes": (lambda: b"x" * 3_000_000, {}),
    "few bytes": (lambda: b"x" * 30_000, {}),
    "stream": (pieces, {}),
    "stream of known length": (pieces, {"content-length": "3000000"}),
    "busy producer": (busy, {}),
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("content", CONTENTS)
async def test_the_answer_to_a_refused_upload_is_read(
    content: str, scheme: str, certificates: authority.Certificates
) -> None:
    make, fields = CONTENTS[content]
    tls = server_context(certificates.chain, certificates.leaf_key) if scheme == "https" else None
    with refusing(tls=tls) as server:
        context = client_context(certificates.root) if tls else None
        for _ in range(3):
            async with netlab.Session(tls=context) as session:
                url = f"{scheme}://localhost:{server.port}/"
                async with session.post(url, data=make(), fields=fields) as response:
                    assert (response.status, await response.read()) == (413, b"big")
    assert server.asked == ["POST"] * 3


async def test_an_answered_put_is_not_uploaded_again_on_a_used_connection() -> None:
    with refusing() as server:
        async with netlab.Session() as session:
            url = f"http://127.0.0.1:{server.port}/"
            await (await session.get(url)).read()
            assert (await session.put(url, data=b"x" * 3_000_000)).status == 413
    assert server.asked == ["GET", "PUT"]


async def test_a_put_that_was_not_answered_is_sent_again_on_a_new_connection() -> None:
    with refusing(b"") as server:
        async with netlab.Session() as session:
            url = f"http://127.0.0.1:{server.port}/"
            await (await session.get(url)).read()
            with pytest.raises(Disconnected):
                await session.put(url, data=b"x" * 3_000_000)
    assert server.asked == ["GET", "PUT", "PUT"]


async def test_half_an_answer_before_a_reset_is_truncated_and_not_asked_again() -> None:
    with refusing(ANSWER[:-2]) as server:
        async with netlab.Session() as session:
            url = f"http://127.0.0.1:{server.port}/"
            await (await session.get(url)).read()
            response = await session.put(url, data=b"x" * 3_000_000)
            with pytest.raises(Truncated):
                await response.read()
    assert server.asked == ["GET", "PUT"]


async def test_an_answer_until_close_that_ends_with_a_reset_is_truncated() -> None:
    with refusing(b"HTTP/1.0 413 Too Large\r\n\r\nbig") as server:
        async with netlab.Session() as session:
            response = await session.post(f"http://127.0.0.1:{server.port}/", data=b"x" * 3_000_000)
            assert response.status == 413
            with pytest.raises(Truncated):
                await response.read()


async def test_a_stream_stops_when_its_connection_breaks_and_its_producer_is_closed() -> None:
    closed = []

    async def producer() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 50_000
                await asyncio.sleep(0)
        finally:
            closed.append(True)

    with refusing(b"") as server:
        async with netlab.Session() as session:
            with pytest.raises(Disconnected):
                await session.post(f"http://127.0.0.1:{server.port}/", data=producer())
            await until(lambda: closed)


@pytest.mark.linux("TIOCOUTQ of a socket")
async def test_a_paused_reader_gets_what_its_kernel_had_when_the_server_resets() -> None:
    """The server sends 3 MB and resets: the paused reader reads all that was acknowledged."""
    acknowledged = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    sent = 0

    def serve() -> None:
        nonlocal sent
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(20)
            sock.recv(65536)
            sock.settimeout(0.3)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            with suppress(TimeoutError):
                while True:
                    sent += sock.send(bytes(65536))
            # What our own kernel still holds was not acknowledged, and a reset drops it.
            sent -= int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        acknowledged.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        async with netlab.Session() as session:
            response = await session.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            await until(acknowledged.is_set)
            await asyncio.sleep(0.01)  # the reset is there
            got = 0
            with pytest.raises(Truncated, match="broke in the middle"):
                async for piece in response.stream():
                    got += len(piece)
            assert got == sent > 256 * 1024
    finally:
        thread.join()
        listener.close()
