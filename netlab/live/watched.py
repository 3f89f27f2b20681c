"""A server under watch: a command whose listening port is found, and what each connection costs it.

The command runs as a child (see `children`). Figures of a connection come from the kernel: which descriptor
of which process is its socket, and the memory that the kernel holds for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import psutil

from netlab.live.board import Refused
from netlab.live.children import Child, child
from netlab.probes.errors import ProbeError
from netlab.probes.kernel import port_memory
from netlab.probes.process import family

PATIENCE = 20.0
"""Seconds for which a command may take until it listens."""

ENDING = 1.0
"""Seconds until a listener that was killed has closed its port, at most."""

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[^ -~\xa0-\U0010ffff]")
"""A terminal's escape sequence, or a control character: a page shows neither."""

PORT = "{port}"
"""In a command this stands for a free port."""


class Watched:
    """A running server: its first process, and where it listens."""

    def __init__(self, server: Child, host: str, port: int, last: deque[str]) -> None:
        self.pid, self.host, self.port = server.pid, host, port
        self._server, self._last = server, last

    def ended(self) -> str:
        """How the command has ended, in a sentence with its last words; "" while it runs."""
        return f"the command ended {_how(self._server, self._last)}" if self._server.ended else ""

    def figures(self) -> dict[str, Any]:
        """What the server's processes hold together; None where the system does not show it."""
        try:
            snapshot = family(self.pid)
        except ProbeError:
            return {"fds": None, "uss": None, "processes": 0}
        return {"fds": snapshot.fds, "uss": snapshot.uss, "processes": snapshot.processes}

    def of_connections(self, client_ports: Iterable[int]) -> dict[int, dict[str, Any]]:
        """By the client's port the server's end: process, descriptor, TCP state, and bytes in the kernel."""
        found: dict[int, dict[str, Any]] = {
            port: {"pid": None, "fd": None, "state": "gone", "kernel": None} for port in client_ports
        }
        for process in _processes(self.pid) if found else ():
            for each in _connections(process):
                if each.raddr and each.raddr.port in found and each.laddr.port == self.port:
                    found[each.raddr.port] |= {"pid": process.pid, "fd": each.fd, "state": each.status}
        for port, end in found.items():
            with contextlib.suppress(ProbeError):
                ends = port_memory(port, remote=True).sockets
                if end["fd"] is not None and ends:
                    end["kernel"] = sum(each.total for each in ends)
        return found


@contextlib.asynccontextmanager
async def watched(command: Sequence[str]) -> AsyncIterator[Watched]:
    """Start a command and wait until it listens. Raises Refused, with its last words.

    At the end the process that listens has ended, too, though it may have left the command's group.
    """
    wanted = _free_port() if any(PORT in word for word in command) else None
    words = [word.replace(PORT, str(wanted)) for word in command]
    listener: psutil.Process | None = None
    try:
        async with child(words) as server:
            last: deque[str] = deque(maxlen=20)
            reading = asyncio.create_task(_read(server, last))
            try:
                listener, host, port = await _listening(server, wanted, last)
                yield Watched(server, host, port, last)
            finally:
                reading.cancel()
                await asyncio.wait([reading])
    finally:
        with contextlib.suppress(psutil.Error):
            if listener is not None and listener.is_running():
                listener.kill()
                listener.wait(ENDING)


async def _read(server: Child, last: deque[str]) -> None:
    """Take what it prints, for ever: a full pipe would stop it."""
    try:
        async for line in server.lines():
            if words := _CONTROL.sub("", line).strip():
                last.append(words[:200])
    except ValueError:
        last.append("(a line of more than 1 MiB)")


async def _listening(server: Child, wanted: int | None, last: deque[str]) -> tuple[psutil.Process, str, int]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.ended:
            await asyncio.sleep(0.05)  # for its last line
            raise Refused(f"the command ended before it listened, {_how(server, last)}")
        for process in _processes(server.pid):
            for each in _connections(process):
                if each.status == psutil.CONN_LISTEN and wanted in (None, each.laddr.port):
                    return process, _reachable(each.laddr.ip), each.laddr.port
        await asyncio.sleep(0.05)
    raise Refused(silent(last))


def silent(last: Sequence[str]) -> str:
    """What is said of a command that listens nowhere. last: the lines that it has printed."""
    said = f"it printed last: {last[-1]}" if last else "it printed nothing"
    return f"the command listens on no TCP port after {PATIENCE:g} s ({said}); {PORT} in it is a free port"


def _how(server: Child, last: deque[str]) -> str:
    """How it has ended, with its last words."""
    code = server.process.returncode or 0
    how = f"with status {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
    words = last[-1] if last else "it printed nothing"
    if not code:
        words += ". If it goes on in the background, start it in the foreground (nginx -g 'daemon off;')"
    return f"{how}: {words}"


def _reachable(address: str) -> str:
    """The address at which a listener on all addresses is reached."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)


def _processes(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _connections(process: psutil.Process) -> list[Any]:
    try:
        # net_connections from psutil 6, connections before.
        ask = getattr(process, "net_connections", None) or process.connections
        return list(ask("tcp"))
    except psutil.Error:
        return []


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
