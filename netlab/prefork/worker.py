"""One worker: a server that obeys its supervisor, and tells it that its event loop still turns.

The process itself, from the fork to the exit, is the supervisor's affair.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from typing import Any

from netlab.net.synfilter import refuse_handshakes
from netlab.prefork.sharing import Address
from netlab.prefork.wire import BEAT, BEAT_INTERVAL, DRAIN, HURRY, RELOAD, REOPEN
from netlab.server.linelog import reopen_logs
from netlab.server.running import live
from netlab.server.server import Handler, Server

# Seconds from the last handshake that may begin until the listener closes: what has begun needs a round trip.
SETTLE = 0.1


class Worker:
    """What runs in a worker process.

    each: called with the server when it listens. line: the worker's end of the socket pair.
    """

    def __init__(
        self,
        app: Handler,
        address: Address,
        options: dict[str, Any],
        each: Callable[[Server], None] | None,
        line: socket.socket,
    ) -> None:
        self._app = app
        self._address = address
        self._options = options
        self._each = each
        self._line = line
        self._listener: socket.socket | None = None
        self._server: Server | None = None
        self._obey: dict[bytes, Callable[[], None]] = {
            DRAIN: self._drain,
            HURRY: self._hurry,
            RELOAD: self._reload,
            REOPEN: reopen_logs,
        }

    async def work(self) -> None:
        """Serve until the supervisor says so or is gone, or until this process gets a SIGTERM."""
        self._loop = loop = asyncio.get_running_loop()
        self._asked, self._hurried = asyncio.Event(), asyncio.Event()
        self._line.setblocking(False)
        loop.add_reader(self._line, self._hear)
        loop.add_signal_handler(signal.SIGTERM, self._drain)
        beating = loop.create_task(self._beat())
        try:
            await live(self._app, self._make, self._ready, self._asked, self._hurried)
        finally:
            beating.cancel()
            loop.remove_reader(self._line)

    def _make(self) -> Server:
        self._listener = self._address.listen()
        self._server = Server(self._app, sock=self._listener, host=self._address.host, **self._options)
        return self._server

    def _ready(self, server: Server) -> None:
        if self._each is not None:
            self._each(server)
        self._line.send(b'""\n')

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(OSError):  # the supervisor is busy, or gone: `_hear` learns of that
                self._line.send(BEAT + b"\n")
            await asyncio.sleep(BEAT_INTERVAL)

    # -- commands -------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        said = self._line.recv(64)
        if not said:  # the supervisor has died
            self._loop.remove_reader(self._line)
            self._drain()
        for command in said:
            self._obey[bytes((command,))]()

    def _drain(self) -> None:
        listener = self._listener
        if listener is not None and not self._address.shared and listener.fileno() >= 0:
            refuse_handshakes(listener)
        self._loop.call_later(SETTLE, self._asked.set)

    def _hurry(self) -> None:
        self._asked.set()
        self._hurried.set()

    def _reload(self) -> None:
        if self._server is not None:
            self._server.reload_certificate()
