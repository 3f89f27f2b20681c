"""Waiting until a condition holds. The patience guards against a hang alone: it decides nothing else."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import sys
import termios
import time
from collections.abc import Callable

from netlab.net.sockets import unconfirmed

PATIENCE = 40.0


async def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Let the event loop turn until the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.001)


async def settled(value: Callable[[], object], patience: float = PATIENCE) -> None:
    """Let the event loop turn until a value has been the same at ten looks in a row.

    For what comes to rest and has no condition of its own, as when the kernel's buffers fill. Ten turns, and
    not a time alone: a machine that stands still changes nothing either. Raises TimeoutError.
    """
    async with asyncio.timeout(patience):
        before, same = value(), 0
        while same < 10:
            await asyncio.sleep(0.02)
            now = value()
            before, same = now, same + 1 if now == before else 0


def unread(sock: socket.socket) -> int:
    """Bytes that have reached the kernel of this end, and that its program has not read."""
    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)


async def until_read(client: socket.socket, server: socket.socket) -> None:
    """Let the event loop turn until the server's program has read all that the client has sent."""
    await until(lambda: server.fileno() < 0 or (not unconfirmed(client) and not unread(server)))


def wait_until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait until the condition holds, in a test without an event loop. `what` names it in a failure."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience:g} s"
        time.sleep(0.01)
