"""Peers that vanish are noticed by the kernel's probes. RFC 9293 §3.8.4."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from netlab import Request, Response, Server
from netlab.net import keepalive

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LINUX = pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="needs TCP_KEEPIDLE (Linux)")


async def hello(request: Request) -> Response:
    return Response(200, b"hello")


@LINUX
@pytest.mark.parametrize("given", [False, True], ids=["its own listener", "a listener that was given"])
async def test_every_accepted_socket_inherits_the_probes(given: bool) -> None:
    listener = socket.create_server(("127.0.0.1", 0)) if given else None
    async with Server(hello, sock=listener) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while not server.connections:
            await asyncio.sleep(0)
        (connection,) = server.connections
        ours = connection.transport.socket
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        found = [ours.getsockopt(socket.IPPROTO_TCP, option) for option in options]
        assert found == [keepalive.IDLE, keepalive.INTERVAL, keepalive.PROBES]
        writer.close()


async def test_a_unix_socket_needs_none(tmp_path: Path) -> None:
    async with Server(hello, uds=str(tmp_path / "s")) as server:
        reader, writer = await asyncio.open_unix_connection(server.uds)
        writer.write(GET)
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.close()


@LINUX
@pytest.mark.soak
async def test_a_handler_whose_client_has_closed_is_cancelled_when_the_probes_fail() -> None:
    """The client asks, closes, and forgets the connection; the handler would wait for an hour."""
    cancelled = asyncio.Event()

    async def app(request: Request) -> Response:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()
        return Response(200)

    async with Server(app) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            if not hasattr(socket, "TCP_LINGER2"):
                pytest.skip("needs TCP_LINGER2 (Linux)")
            # Its kernel forgets the closed connection after a second, and answers a probe with a reset then.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 1)
            client.sendall(GET)
            while not server.stats()["active"]:
                await asyncio.sleep(0)
            (connection,) = server.connections
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
                connection.transport.socket.setsockopt(socket.IPPROTO_TCP, option, 1)
            client.close()
            await asyncio.sleep(0.5)
            assert not cancelled.is_set(), "a FIN alone is no leave: the client may still read"
        await asyncio.wait_for(cancelled.wait(), 20)
