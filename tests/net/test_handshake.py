"""What a server's handshake puts on the wire: as few segments as it can, nothing kept back, nothing lost."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import AsyncIterator

import pytest

from netlab import Request, Response, Server
from netlab.tls import Verify, authority, client_context, server_context

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO has its layout from Linux")

# struct tcp_info of linux/tcp.h: segments received that carried data.
DATA_SEGMENTS_IN = struct.Struct("=152xI")

ONE_SHOT = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    files = authority.ensure(tmp_path_factory.mktemp("certs"))
    return server_context(files.chain, files.leaf_key), client_context(verify=Verify.NOTHING)


@pytest.fixture
async def server(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[Server]:
    async def app(request: Request) -> Response:
        return Response(200, b"the answer")

    async with Server(app, tls=contexts[0]) as running:
        yield running


class Client:
    """TLS in memory over a socket: what the last flight of the handshake leaves with is up to the test."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.loop = asyncio.get_running_loop()
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)

    async def handshake(self, port: int) -> None:
        """All of it but sending the Finished."""
        await self.loop.sock_connect(self.sock, ("127.0.0.1", port))
        while True:
            try:
                return self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.send()
                self.incoming.write(await self.loop.sock_recv(self.sock, 1 << 16))

    async def send(self, more: bytes = b"") -> None:
        await self.loop.sock_sendall(self.sock, self.outgoing.read() + more)

    async def rest(self) -> bytes:
        """All that the server says until it ends, decrypted."""
        said = b""
        while True:
            try:
                piece = self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                received = await asyncio.wait_for(self.loop.sock_recv(self.sock, 1 << 16), 20)
                assert received, "the server ended TLS without close_notify"
                self.incoming.write(received)
                continue
            if not piece:
                return said
            said += piece

    def data_segments(self) -> int:
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, DATA_SEGMENTS_IN.size)
        return int(DATA_SEGMENTS_IN.unpack(info)[0])


@pytest.fixture
async def client(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[Client]:
    one = Client(contexts[1])
    yield one
    one.sock.close()


async def test_tickets_answer_and_close_notify_are_one_segment(server: Server, client: Client) -> None:
    await client.handshake(server.port)
    client.tls.write(ONE_SHOT)
    await client.send()
    assert (await client.rest()).endswith(b"the answer")
    # The flight from ServerHello to Finished, and the rest.
    assert client.data_segments() == 2


async def test_who_says_nothing_yet_has_the_tickets_all_the_same(server: Server, client: Client) -> None:
    await client.handshake(server.port)
    await client.send()
    (connection,) = server.connections
    while client.data_segments() < 2:
        await asyncio.sleep(0)
    assert connection.transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK) == 0


async def test_an_answer_is_not_lost_when_bytes_remain_unread(server: Server, client: Client) -> None:
    await client.handshake(server.port)
    client.tls.write(ONE_SHOT + b"what will not be read" * 4_000)
    await client.send()
    assert (await client.rest()).endswith(b"the answer")


async def test_the_alert_is_not_lost_when_bytes_remain_unread(server: Server, client: Client) -> None:
    await client.loop.sock_connect(client.sock, ("127.0.0.1", server.port))
    # A ClientHello of the length zero, and bytes behind it that the server does not read.
    await client.send(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00" + bytes(50_000))
    alert = await asyncio.wait_for(client.loop.sock_recv(client.sock, 100), 20)
    assert alert[:1] == b"\x15"
    assert alert[5:] == b"\x02\x32"  # fatal, decode_error (RFC 8446 §6)
    # What comes after it is read, too: a client that sends on sees the end, and no reset.
    await client.send(bytes(50_000))
    assert await asyncio.wait_for(client.loop.sock_recv(client.sock, 100), 20) == b""
    await client.send(bytes(50_000))
    (connection,) = server.connections
    client.sock.shutdown(socket.SHUT_WR)
    while server.connections:
        await asyncio.sleep(0)
    assert connection.is_closed
