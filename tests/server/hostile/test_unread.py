"""Whole small requests whose responses the client does not read: how many are answered, and what ends it.

The client's receive buffer is small, so its window is soon closed. Responses then pile up in our kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from netlab import Timeouts
from tests.kit.waiting import until
from tests.server.test_deadlines import GET, Timed, hello

pytestmark = pytest.mark.linux("TCP_NOTSENT_LOWAT and TCP_USER_TIMEOUT as Linux has them")

AHEAD = 5000
"""Requests that a client sends ahead: their responses are half a megabyte."""

MOST = 600
"""Responses that may be made for a client that reads none: 16 KiB, its window, and a turn."""


@contextlib.contextmanager
def unread_client(port: int) -> Iterator[socket.socket]:
    """A client with a small receive buffer, non-blocking."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        yield client


FEW = 200
"""Requests whose responses do not fit into the client's window, but into our kernel's buffer."""


def has_unsent(timed: Timed) -> bool:
    """Does a response wait that the kernel does not take?"""
    return any(each.transport.waiting for each in timed.server.connections)


async def test_requests_sent_ahead_wait_for_the_client_to_read_the_responses() -> None:
    async with Timed(hello) as timed:
        with unread_client(timed.server.port) as client:
            loop = asyncio.get_running_loop()
            sending = asyncio.create_task(loop.sock_sendall(client, GET * AHEAD))
            await until(lambda: has_unsent(timed))
            assert 16 < timed.server.requests < MOST
            # Nothing is lost: a client that reads gets every response.
            read = 0
            while read < AHEAD:
                read += (await loop.sock_recv(client, 1 << 16)).count(b"HTTP/1.1 200 OK")
            await sending
            assert timed.server.requests == read == AHEAD


async def test_a_client_that_sends_ahead_and_reads_nothing_is_dropped_after_30_seconds() -> None:
    async with Timed(hello) as timed:
        with unread_client(timed.server.port) as client:
            loop = asyncio.get_running_loop()
            sending = asyncio.create_task(loop.sock_sendall(client, GET * AHEAD))
            await until(lambda: has_unsent(timed))
            seconds = 0
            while timed.server.connections:
                timed.pass_time(1)
                seconds += 1
                await asyncio.sleep(0)
            assert 30 <= seconds < 40, "from the last byte that its kernel has confirmed"
            await asyncio.wait([sending])  # the kernel may have taken all of it
            with pytest.raises(ConnectionResetError):
                while await loop.sock_recv(client, 1 << 16):
                    pass


async def test_the_kernel_drops_a_client_that_asks_again_and_again_and_reads_nothing() -> None:
    """The server's own clock stands still: none of its deadlines can pass."""
    async with Timed(hello, timeouts=Timeouts(stall=0.2)) as timed:
        with unread_client(timed.server.port) as client:
            for count in range(1, FEW + 1):
                await until(lambda: timed.server.accepted == 1)
                client.send(GET)
                await until(lambda count=count: timed.server.requests == count)
            assert not has_unsent(timed), "the kernel has taken every response"
            await until(lambda: not timed.server.connections)


async def test_a_client_that_the_kernel_drops_has_had_as_long_as_the_server_gives() -> None:
    async with Timed(hello, timeouts=Timeouts(stall=12.5)) as timed:
        with unread_client(timed.server.port):
            await until(lambda: timed.server.connections)
            (connection,) = timed.server.connections
            option = connection.transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert option == 12_500
