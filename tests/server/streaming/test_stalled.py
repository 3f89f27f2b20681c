"""A reader that stalls: the producer stops, and what the server's machine holds for it is bounded.

The kernel's part is the larger one, and no figure of the process shows it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from pathlib import Path

import pytest

from netlab import Request, Response, Server, Timeouts
from netlab.probes import kernel

from . import flow
from .conftest import APP, Start
from .stall import GET, apart, contexts, stalled

pytestmark = pytest.mark.linux("SO_MEMINFO")

KIB, MIB = flow.KIB, flow.MIB
BOUND = 512 * KIB
FAST = 32 * MIB  # read before the stall: by then the kernel has widened its buffers as far as it goes


@pytest.mark.parametrize("read", [0, FAST], ids=["at once", "after 32 MiB"])
@pytest.mark.parametrize("size", [64 * KIB, MIB], ids=["64 KiB", "1 MiB"])
async def test_the_producer_stops_within_a_bounded_number_of_bytes(
    way: str, certificates: Path, size: int, read: int
) -> None:
    # A piece is the handler's choice: of a large one, the part that the kernel does not take waits here.
    large = size if size > 64 * KIB else 0
    async with stalled(way, certificates, size, read) as found:
        transport = found.connection.transport
        assert transport.waiting <= size + 64
        held = kernel.socket_memory(transport.socket).total
        assert held + transport.waiting <= BOUND + large
        assert found.ahead <= BOUND + large


async def test_the_kernel_s_part_is_held_down_by_notsent_lowat(way: str, certificates: Path) -> None:
    """The control: a listener without the option."""
    most = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    if most < 2 * MIB:
        pytest.skip(f"the kernel gives a socket {most} bytes at most (sysctl net.ipv4.tcp_wmem)")
    held = {}
    for option in (True, False):
        listener = None if option else socket.create_server(("127.0.0.1", 0))
        async with stalled(way, certificates, 64 * KIB, 0, listener) as found:
            held[option] = kernel.socket_memory(found.connection.transport.socket).total
    assert held[False] > 4 * held[True]


def test_twenty_stalled_readers_cost_their_bound_each_the_process_included(
    serving: Start, trusting: ssl.SSLContext | None
) -> None:
    server = serving(APP)
    target, readers = f"/fresh?mib=100&size={64 * KIB}", 20
    flow.drain(server.port, target, trusting)
    start = flow.weight(server.child.pid)
    clients = [flow.connect(server.port, trusting) for _ in range(readers)]
    try:
        for client in clients:
            client.sendall(flow.HEAD.format(f"GET {target}", "").encode())
            client.recv(64 * KIB)
        before, held = -1, 0
        while held != before:  # until all their producers have stopped
            before = held
            time.sleep(0.1)
            held = flow.weight(server.child.pid) - start + kernel.port_memory(server.port).total
        assert held / readers <= BOUND
        assert held / readers > 32 * KIB, "they do not stall"
    finally:
        for client in clients:
            client.close()


async def test_a_slow_reader_is_not_cut(way: str, certificates: Path) -> None:
    """It takes 256 KiB in the time after which one that takes nothing is dropped, 16 times over."""
    size, step = 8 * MIB, 256 * KIB
    now = 1000.0

    async def app(request: Request) -> Response:
        return Response(200, bytes(size))

    timeouts = Timeouts(idle=1e6)  # it is idle before the client has read what the kernel holds
    tls, trusting = contexts(way, certificates)
    async with Server(app, tls=tls, timeouts=timeouts, clock=lambda: now) as server:
        client = await apart(flow.connect, server.port, trusting, 64 * KIB)
        with client:
            while not server.connections:
                await asyncio.sleep(0)
            server.sweep.close()  # the one below alone: between a reading and the jump there is no news
            await apart(client.sendall, GET)
            for _ in range(size // step):
                await apart(take, client, step)
                now += timeouts.stall + 1
                server.sweep.sweep()
                assert server.connections, "cut, though it reads"
            await apart(take, client, 64)


def take(client: socket.socket, size: int) -> None:
    """Read at least so many bytes."""
    while size > 0:
        data = client.recv(min(size, 16 * KIB))
        assert data, "the connection ended"
        size -= len(data)
