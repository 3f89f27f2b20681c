"""A client that leaves: its producer is closed within a turn of the loop, whatever it was doing."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from netlab import Request, Response, Server

from .flow import KIB, connect
from .stall import GET, Producer, apart, contexts, stalled

# Turns from the moment at which the connection has left the server's books: in the next one its task is
# cancelled, and in the one after that the task's `finally` runs.
TURNS = 2


async def turns(gone: Callable[[], bool], closed: Callable[[], bool]) -> int:
    """Turns of the loop between the two. Each `sleep(0)` is one."""
    async with asyncio.timeout(20):
        while not gone():
            await asyncio.sleep(0)
    count = 0
    while not closed():
        await asyncio.sleep(0)
        count += 1
        assert count <= 100, "the producer goes on"
    return count


def reset(client: socket.socket) -> None:
    """Close with a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["close", "reset"])
async def test_a_stalled_client_that_leaves_closes_the_producer(
    way: str, certificates: Path, leave: Callable[[socket.socket], None]
) -> None:
    async with stalled(way, certificates, 64 * KIB, 0) as found:
        made = found.producer.made
        leave(found.client)
        count = await turns(lambda: not found.server.connections, lambda: found.producer.closed)
        assert count <= TURNS
        assert found.producer.made == made, "it made a piece for a client that has left"


async def test_a_client_that_leaves_in_full_flow_closes_the_producer(way: str, certificates: Path) -> None:
    producer = Producer(64 * KIB)

    async def app(request: Request) -> Response:
        return Response(stream=producer.pieces())

    tls, trusting = contexts(way, certificates)
    async with Server(app, tls=tls) as server:
        client = await apart(connect, server.port, trusting)
        await apart(flood, client)
        assert await turns(lambda: not server.connections, lambda: producer.closed) <= TURNS


def flood(client: socket.socket) -> None:
    """Take 8 MiB as fast as they come, and leave."""
    client.sendall(GET)
    taken = 0
    while taken < 8192 * KIB:
        taken += len(client.recv(256 * KIB))
    reset(client)


@pytest.mark.linux("SO_MEMINFO")
async def test_a_producer_that_waits_for_its_own_source_is_closed_too(way: str, certificates: Path) -> None:
    closed = False

    async def waiting() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            closed = True

    async def app(request: Request) -> Response:
        return Response(stream=waiting())

    tls, trusting = contexts(way, certificates)
    async with Server(app, tls=tls) as server:
        client = await apart(connect, server.port, trusting)
        await apart(client.sendall, GET)
        seen = b""
        while b"first" not in seen:
            seen += await apart(client.recv, 4096)
        reset(client)
        assert await turns(lambda: not server.connections, lambda: closed) <= TURNS
