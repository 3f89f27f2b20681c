"""Reads and writes that go past `ssl.SSLSocket`: what its functions added holds all the same."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from netlab import Request, Response, Server
from netlab.net.tlsobject import is_regular_end, tls_object
from netlab.tls import Verify, authority, client_context, server_context
from netlab.tls.authority import Certificates

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return authority.ensure(tmp_path_factory.mktemp("certs"))


@pytest.fixture
async def socks() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        yield one, other


async def app(request: Request) -> Response:
    return Response(200, b"the answer")


class Counting(ssl.SSLSocket):
    """A user's own socket class: it sees each call."""

    reads = writes = handshakes = 0

    def read(self, *args: Any, **kwargs: Any) -> Any:
        Counting.reads += 1
        return super().read(*args, **kwargs)

    def write(self, data: Any) -> int:
        Counting.writes += 1
        return super().write(data)

    def do_handshake(self, block: bool = False) -> None:
        Counting.handshakes += 1
        super().do_handshake(block)


def _wrapped(files: Certificates, sock: socket.socket, kind: type[ssl.SSLSocket]) -> ssl.SSLSocket:
    context = server_context(files.chain, files.leaf_key)
    context.sslsocket_class = kind
    return context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)


async def test_an_ssl_socket_gives_openssls_own_object(
    files: Certificates, socks: tuple[socket.socket, socket.socket]
) -> None:
    with _wrapped(files, socks[0], ssl.SSLSocket) as sock:
        tls = tls_object(sock)
        assert tls is not sock
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()


async def test_a_socket_class_of_the_callers_own_keeps_its_methods(
    files: Certificates, socks: tuple[socket.socket, socket.socket]
) -> None:
    with _wrapped(files, socks[0], Counting) as sock:
        assert tls_object(sock) is sock


async def test_a_server_reads_and_writes_through_a_socket_class_of_its_context(files: Certificates) -> None:
    context = server_context(files.chain, files.leaf_key)
    context.sslsocket_class = Counting
    before = Counting.handshakes, Counting.reads, Counting.writes
    async with Server(app, tls=context) as server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=client_context(verify=Verify.NOTHING)
        )
        writer.write(GET)
        assert await reader.readuntil(b"the answer")
        writer.close()
        await writer.wait_closed()
    after = Counting.handshakes, Counting.reads, Counting.writes
    assert all(count > old for count, old in zip(after, before, strict=True)), (before, after)


async def test_an_end_without_close_notify_is_a_half_close(files: Certificates) -> None:
    """A request that came whole before it is answered, as on a plain connection."""
    context, loop = client_context(verify=Verify.NOTHING), asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    waits = asyncio.Event()

    async def slow(request: Request) -> Response:
        await waits.wait()
        return Response(200, b"the answer")

    async def more() -> None:
        if data := outgoing.read():
            await loop.sock_sendall(sock, data)
        incoming.write(data := await loop.sock_recv(sock, 1 << 16))
        assert data, "closed before the answer"

    async with Server(slow, tls=server_context(files.chain, files.leaf_key)) as server, asyncio.timeout(20):
        with socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, ("127.0.0.1", server.port))
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await more()
            tls.write(GET)
            await loop.sock_sendall(sock, outgoing.read())
            sock.shutdown(socket.SHUT_WR)
            while not any(each.half_closed for each in server.connections):
                await asyncio.sleep(0)
            waits.set()
            answer = b""
            while not answer.endswith(b"the answer"):
                try:
                    answer += tls.read(1 << 16)
                except ssl.SSLWantReadError:
                    await more()
            assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer


@pytest.mark.parametrize("suppresses", [True, False])
async def test_an_end_without_close_notify_is_regular_where_the_socket_says_so(
    suppresses: bool, files: Certificates, socks: tuple[socket.socket, socket.socket]
) -> None:
    context = server_context(files.chain, files.leaf_key)
    with context.wrap_socket(
        socks[0], server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=suppresses
    ) as sock:
        assert is_regular_end(ssl.SSLEOFError(), sock) is suppresses
        assert not is_regular_end(ssl.SSLError(), sock)
        assert not is_regular_end(ConnectionResetError(), sock)
