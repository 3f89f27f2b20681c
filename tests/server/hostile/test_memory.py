"""What hostile connections cost: memory in proportion to their number, never to what they send.

Slopes, in a fresh process each time: the server's memory with 20, 60 and 100 hostile connections, or before
and after they have sent their worst. All the while an honest client is answered.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
from pathlib import Path

import pytest

from netlab import Server
from netlab.server.connection import Connection
from tests.kit.waiting import until, wait_until

from .besieged import routes
from .child import Child
from .clients import ATTACKS, GET, ONES, POST, Attack, Honest, Horde, honest_connection, one_answer

pytestmark = pytest.mark.linux("/proc/PID/smaps_rollup")

KIB = 1024


def under(attack: Attack, certificates: Path) -> Child:
    """`python -m netlab serve`, with TLS if the attack is on TLS."""
    chain, key = certificates / "chain.pem", certificates / "leaf.key"
    return Child(*(("--cert", str(chain), "--key", str(key)) if attack.tls else ()))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_connection_costs_no_more_than_its_limits(
    name: str, certificates: Path, trusting: ssl.SSLContext
) -> None:
    attack = ATTACKS[name]
    with under(attack, certificates) as server, Horde(server.port, attack) as horde:
        memory = []
        for more in (20, 40, 40):
            horde.grow(more)
            horde.push(3)
            with Honest(server.port, trusting if attack.tls else None) as honest:
                honest.more(15)
            memory.append(server.memory)
        each = (memory[2] - memory[1]) / 40
        assert each <= attack.bound * KIB, f"{each / KIB:.1f} KiB for each, {attack.bound} at most"


@pytest.mark.soak
@pytest.mark.parametrize("name", ATTACKS)
def test_a_thousand_hostile_connections_leave_an_honest_client_alone(
    name: str, certificates: Path, trusting: ssl.SSLContext
) -> None:
    attack = ATTACKS[name]
    with under(attack, certificates) as server, Horde(server.port, attack) as horde:
        before = server.memory
        with Honest(server.port, trusting if attack.tls else None) as honest:
            for _ in range(10):
                horde.grow(100)
                horde.push()
                honest.more(10)
        each = (server.memory - before) / 1000
        assert each <= attack.bound * KIB, f"{each / KIB:.1f} KiB for each, {attack.bound} at most"


ENDLESS = {
    "chunks of one octet": ONES * 10_000,
    "large chunks": b"40000\r\n" + bytes(0x40000) + b"\r\n",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_content_that_a_handler_reads_passes_through_and_leaves_nothing(kind: str) -> None:
    with Child(app="routes") as server, honest_connection(server.port) as sock:
        sock.sendall(POST.replace(b"/echo", b"/count") + b"Transfer-Encoding: chunked\r\n\r\n")
        data = ENDLESS[kind]
        for _ in range(8):
            sock.sendall(data)
        before = server.memory
        for _ in range(32):
            sock.sendall(data)
        grown = server.memory - before
        assert 32 * len(data) > 3 * 512 * KIB
        assert grown <= 512 * KIB, f"{grown / KIB:.0f} KiB more for {32 * len(data) / KIB:.0f} KiB"


def test_heads_that_never_repeat_leave_no_trace() -> None:
    """Heads are remembered; what a client can make up without end must not be."""
    with Child() as server, honest_connection(server.port) as sock:

        def different(start: int, stop: int) -> None:
            for number in range(start, stop):
                sock.sendall(GET[:-2].replace(b"/ ", b"/%d " % number) + b"X: %0500d\r\n\r\n" % number)
                one_answer(sock)

        different(0, 1500)
        before = server.memory
        different(1500, 3500)
        assert server.memory - before <= 2000 * 500 / 4


def test_descriptors_come_back() -> None:
    with Child() as server:
        empty = server.descriptors
        for name in ("a head as large as may be", "a content that never comes", "pipelining without reading"):
            with Horde(server.port, ATTACKS[name]) as horde:
                horde.grow(50)
                wait_until(lambda: server.descriptors >= empty + 50, "fifty connections")
            wait_until(lambda: server.descriptors == empty, "their descriptors to come back")


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if not attack.tls])
async def test_nothing_of_a_connection_outlives_it(name: str) -> None:
    async with Server(routes) as server:
        before = len(asyncio.all_tasks())
        with Horde(server.port, ATTACKS[name]) as horde:
            horde.grow(10)
            while server.accepted < 10:
                await asyncio.sleep(0)
            for _ in range(5):
                horde.push()
                await asyncio.sleep(0.01)
        await until(lambda: not server.connections and len(asyncio.all_tasks()) == before)
        await asyncio.sleep(0.01)
        gc.collect()
        left = [found for found in gc.get_objects() if isinstance(found, Connection)]
        assert not any(connection.server is server for connection in left)
        assert not server.sweep.members
