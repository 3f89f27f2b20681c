"""A server in an event loop and thread of its own: for any test, sync or async, under any plugin.

The test and the server share nothing but sockets, so a client that blocks, such as requests, reaches it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from netlab.testing.apps import as_handler
from netlab.testing.started import PATIENCE, start_app, stop_app

if TYPE_CHECKING:
    from netlab.relay import Relay
    from netlab.server.server import Handler, Server
    from netlab.testing.authority import Authority

_Result = TypeVar("_Result")

# Seconds that a start, a stop or a question to the loop may take before the test fails.
PATIENCE_WITH_LOOP = 30.0


class BackgroundLoop:
    """An event loop in a thread. `run` carries out a coroutine there and waits for it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="netlab.testing", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """The coroutine's result; raises what it raises, and TimeoutError."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_WITH_LOOP)

    def close(self) -> None:
        """End the loop and its thread."""
        self.run(self._settle())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_WITH_LOOP)
        self.loop.close()

    async def _settle(self) -> None:
        """Cancel what is still under way; close generators and the executor's threads."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()


class LiveServer:
    """A running server.

    url: "http://127.0.0.1:PORT" or https. root: the PEM file that clients must trust, for requests'
    `verify=` and httpx's `ssl.create_default_context(cafile=…)`; None without TLS.
    """

    def __init__(self, background: BackgroundLoop, app: Handler, server: Server, root: Path | None) -> None:
        self._background = background
        self._app = app
        self.server = server
        self.root = root
        self.url: str = server.url
        self.port: int = server.port
        self.host = "127.0.0.1"

    def stats(self) -> dict[str, Any]:
        """What `/stats` of the demonstration says: connections open, idle and accepted, requests served."""
        return self._background.run(self._stats())

    async def _stats(self) -> dict[str, Any]:
        return dict(self.server.stats())

    async def stop(self) -> None:
        """Stop in the server's own loop; `LiveServers.stop` calls it."""
        await self.server.stop(PATIENCE)
        await stop_app(self._app)


class LiveServers:
    """The servers and links of one test."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._background: BackgroundLoop | None = None
        self._servers: list[LiveServer] = []
        self._relays: list[Relay] = []

    @property
    def background(self) -> BackgroundLoop:
        """The loop, made when it is first needed."""
        if self._background is None:
            self._background = BackgroundLoop()
        return self._background

    def start(self, app: Any, *, tls: bool = False, **options: Any) -> LiveServer:
        """Start a server on a free port of 127.0.0.1.

        app: a netlab handler, an ASGI app or a factory. tls: with the certificates of netlab_tls. options:
        those of netlab.Server. Raises TypeError for another app, and what the server or the app's startup
        raises.
        """
        handler = as_handler(app)
        context = self._authority.server_context() if tls else None

        async def begin() -> Server:
            from netlab.server.server import Server

            server = Server(handler, tls=context, **options)
            await start_app(handler)
            await server.start()
            return server

        server = self.background.run(begin())
        self._servers.append(
            LiveServer(self.background, handler, server, self._authority.root if tls else None)
        )
        return self._servers[-1]

    def link(self, relay: Relay) -> Relay:
        """Start a relay in the same loop; it ends with the test."""
        self.background.run(relay.__aenter__())
        self._relays.append(relay)
        return relay

    def stop(self) -> None:
        """Stop all of them, the last first."""
        if self._background is None:
            return
        try:
            while self._relays:
                self._background.run(self._relays.pop().__aexit__())
            while self._servers:
                self._background.run(self._servers.pop().stop())
        finally:
            self._background.close()
            self._background = None
