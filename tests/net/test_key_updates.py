"""TLS 1.3 peers that send messages of the handshake after it: no busy loop, no read without an end."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import cast

import pytest

from netlab import Request, Response, Server
from netlab.net import watchdog
from netlab.net.poller import READABLE, WRITABLE, Ready
from netlab.net.watchdog import Watchdog
from netlab.server.connection import Connection
from netlab.tls import authority, server_context
from tests.net.rekeying import HANDSHAKE, WANTS_NO_REPLY, WANTS_REPLY, Rekeying

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    files = authority.ensure(tmp_path_factory.mktemp("certs"))
    return server_context(files.chain, files.leaf_key)


@pytest.fixture
async def server(context: ssl.SSLContext) -> AsyncIterator[Server]:
    async def app(request: Request) -> Response:
        return Response(200, b"the answer")

    async with Server(app, tls=context) as running:
        yield running


@pytest.fixture
async def client(server: Server, tmp_path: Path) -> AsyncIterator[Rekeying]:
    """Connected, with a receive buffer that is soon full."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.port))
        client = Rekeying(sock, tmp_path / "keys")
        await client.handshake()
        yield client


class Counted:
    """Stands before a member of the poller and counts its events."""

    def __init__(self, server: Server, connection: Connection) -> None:
        self.turns = 0
        self._member: Ready = connection.transport
        server.poller._members[connection.transport.fd] = self

    def ready(self, events: int) -> None:
        self.turns += 1
        self._member.ready(events)


async def _only_connection(server: Server) -> Connection:
    while not server.connections:
        await asyncio.sleep(0)
    (connection,) = server.connections
    return connection


async def _is_quiet(counted: Counted, turns: int = 50) -> bool:
    """Do turns of the loop pass without an event? A busy loop has one in each turn.

    The kernel may still have some on their way, more of them on a machine that is busy.
    """
    for _ in range(20):
        before = counted.turns
        for _ in range(turns):
            await asyncio.sleep(0)
        if counted.turns == before:
            return True
    return False


async def test_replies_that_the_client_never_reads_make_no_busy_loop(
    server: Server, client: Rekeying
) -> None:
    connection = await _only_connection(server)
    connection.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    counted = Counted(server, connection)
    for _ in range(50):
        # Each asks for a reply of 27 bytes; after some hundreds of them the server cannot write.
        client.sock.send(client.key_updates(40, WANTS_REPLY))
        for _ in range(5):
            await asyncio.sleep(0)
        if connection.transport._events == WRITABLE:
            break
    client.sock.send(client.key_updates(1))  # unread bytes: watched for reading, too, it would be reported
    assert await _is_quiet(counted)
    assert connection.transport._events == WRITABLE and not connection.transport.closed


async def test_a_write_that_needs_the_rest_of_a_message_watches_for_reading_alone(
    server: Server, client: Rekeying
) -> None:
    connection = await _only_connection(server)
    # Its header alone: OpenSSL will not write before it has read the rest.
    client.sock.send(client.record(WANTS_NO_REPLY[:4], HANDSHAKE))
    for _ in range(20):
        await asyncio.sleep(0)
    counted = Counted(server, connection)
    assert not connection.transport.write(b"not yet"), "OpenSSL must read first"
    assert await _is_quiet(counted)
    assert connection.transport._events == READABLE
    client.sock.send(client.record(WANTS_NO_REPLY[4:], HANDSHAKE))
    client.updated()
    while connection.transport.waiting:
        await asyncio.sleep(0)
    client.sock.send(client.record(GET))
    while not server.requests:
        await asyncio.sleep(0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watchdog that needs a tenth of the usual time, so that a short flood will do."""
    monkeypatch.setattr(watchdog, "BUSY", 0.001)
    monkeypatch.setattr(watchdog, "INTERVAL", 0.001)
    monkeypatch.setattr(watchdog, "IDLE_INTERVAL", 0.001)
    monkeypatch.setattr(watchdog, "CLOSER", 0.001)


async def test_a_stream_of_key_updates_is_ended_and_others_are_served(
    impatient: None, server: Server, client: Rekeying
) -> None:
    connection, dog = await _only_connection(server), server.poller._watchdog
    assert dog is not None
    loop = asyncio.get_running_loop()
    sending = loop.create_task(_send_all(loop, client.sock, client.key_updates(6000)))
    async with asyncio.timeout(20):
        while connection in server.connections:
            await asyncio.sleep(0)
    await sending
    assert dog.ended == 1
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=ssl._create_unverified_context()
    )
    writer.write(GET)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()


async def _send_all(loop: asyncio.AbstractEventLoop, sock: socket.socket, data: bytes) -> None:
    try:
        await loop.sock_sendall(sock, data)
    except ConnectionError:
        pass  # the reset that is wanted


def _frame(code: object, name: str = "") -> FrameType:
    return cast(FrameType, SimpleNamespace(f_code=code, f_locals={"self": name}))


def test_the_watchdog_ends_a_call_that_uses_the_processor_and_no_other() -> None:
    now, ended = 0.0, list[object]()
    dog = Watchdog(clock=lambda: now, end=ended.append)
    read, other = ssl.SSLSocket.read.__code__, test_a_stream_of_key_updates_is_ended_and_others_are_served
    stuck = _frame(read, "stuck")
    for seconds, frame in (
        (0.0, _frame(read, "short")),
        (1.0, _frame(read, "another call, a second later")),
        (2.0, _frame(other.__code__, "a handler at work")),
        (3.0, None),
        (4.0, stuck),
        (5.0, stuck),
        (5.0 + watchdog.BUSY / 2, stuck),
    ):
        now = seconds
        dog.look(frame)
        assert ended == []
    now = 5.0 + 2 * watchdog.BUSY
    dog.look(stuck)
    assert ended == ["stuck"] and dog.ended == 1


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_watchdog_runs_where_there_can_be_key_updates(
    newest: ssl.TLSVersion, tmp_path: Path
) -> None:
    files = authority.ensure(tmp_path)
    context = server_context(files.chain, files.leaf_key, maximum=newest)

    async def app(request: Request) -> Response:
        return Response(200)

    async with Server(app, tls=context) as server:
        assert server.poller._watchdog is None
        _, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=ssl._create_unverified_context()
        )
        assert (server.poller._watchdog is not None) == (newest is ssl.TLSVersion.TLSv1_3)
        writer.close()
        await writer.wait_closed()


def test_the_watchdog_looks_less_often_at_a_loop_that_rests() -> None:
    now = 0.0
    dog = Watchdog(clock=lambda: now)
    now = 1.0
    assert dog.look(None) == watchdog.INTERVAL, "it has worked"
    assert dog.look(None) == watchdog.IDLE_INTERVAL, "it has not"
    assert dog.look(_frame(ssl.SSLSocket.read.__code__)) == watchdog.CLOSER


def test_the_watchdog_holds_no_call_that_it_has_seen_once() -> None:
    dog = Watchdog(clock=lambda: 0.0)
    frame = _frame(ssl.SSLSocket.read.__code__)
    references = sys.getrefcount(frame)
    dog.look(frame)
    assert sys.getrefcount(frame) == references
