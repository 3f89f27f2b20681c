"""The processes of lab 09: netlab, plain and over TLS; the learner's server; relays that stand for distance.

    python servers.py mine SOLUTION             a thread for each connection, each with the learner's `serve`
    python servers.py relays PORT:DELAY …       a relay to each port, DELAY seconds each way

Either prints one line of JSON, its ports, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from labs.runner.serving import serving

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
HELLO = b'{"hello":"world"}'


@contextlib.contextmanager
def netlab_server(*arguments: str) -> Iterator[int]:
    """`python -m netlab serve` on a free port: the port."""
    with serving("-m", "netlab", "serve", "--port", "0", *arguments) as server:
        yield int(server.line.rpartition(":")[2])


@contextlib.contextmanager
def mine(code: ModuleType) -> Iterator[int]:
    """The learner's server: its port."""
    with serving(HERE / "servers.py", "mine", str(code.__file__)) as server:
        yield server.port


@contextlib.contextmanager
def relays(lines: list[tuple[int, float]]) -> Iterator[list[int]]:
    """A relay for each (port, seconds each way): their ports."""
    wanted = [f"{port}:{delay!r}" for port, delay in lines]
    with serving(HERE / "servers.py", "relays", *wanted) as server:
        yield server.ports


class Accepted:
    """How many connections a server has accepted: asked over one connection of its own, kept open."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        if context is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        else:
            self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)

    def __call__(self) -> int:
        self._connection.request("GET", "/stats")
        return int(json.loads(self._connection.getresponse().read())["accepted"])

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


# -- the children -------------------------------------------------------------------------------------------


def run_mine(path: Path) -> None:
    """Accept for ever; a thread carries each connection through the learner's `serve`."""
    from labs.runner.loader import load

    code, accepted = load(path), 0

    def app(request: object) -> object:
        if request.target == "/stats":  # type: ignore[attr-defined]
            return code.Response(200, json.dumps({"accepted": accepted}).encode())
        return code.Response(200, HELLO, [("Content-Type", "application/json")])

    def accept() -> None:
        nonlocal accepted
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted += 1
            threading.Thread(target=code.serve, args=(sock, code.Connection(app)), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


async def run_relays(lines: list[str]) -> None:
    """Relays that charge each connection the round trip of a SYN, which they cannot delay."""
    from netlab.relay import Relay

    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for line in lines:
            port, _, delay = line.partition(":")
            relay = Relay("127.0.0.1", int(port), delay=float(delay), charge_connect=True)
            ports.append((await stack.enter_async_context(relay)).port)
        print(*ports, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    if sys.argv[1] == "mine":
        run_mine(Path(sys.argv[2]))
    else:
        asyncio.run(run_relays(sys.argv[2:]))
