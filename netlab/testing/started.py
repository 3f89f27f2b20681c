"""Servers in the event loop of the test that started them; stopped when it is over."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Protocol

from netlab.server.server import Handler, Server
from netlab.testing.apps import as_handler

if TYPE_CHECKING:
    from netlab.testing.authority import Authority

# Seconds that exchanges under way have when their test is over: it has seen what it wanted to see.
PATIENCE = 0.1


class ServerFactory(Protocol):
    """What the fixture netlab_server gives: a function that starts servers."""

    def __call__(
        self, app: Any, *, tls: ssl.SSLContext | bool | None = None, **options: Any
    ) -> Awaitable[Server]:
        """Start a server on a free port of 127.0.0.1.

        app: a netlab handler, an ASGI app, or a factory of one; its `startup` and `shutdown` are called. tls:
        True for the certificates of netlab_tls, or a context. options: those of Server. Raises what Server
        raises, and what the app's `startup` raises.
        """


class Started:
    """The servers of one test, in the order of their start."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._loop = asyncio.get_running_loop()
        self._running: list[tuple[Handler, Server | None]] = []

    async def start(self, app: Any, *, tls: ssl.SSLContext | bool | None = None, **options: Any) -> Server:
        """See ServerFactory."""
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "netlab_server and its test run in two event loops: set asyncio_default_fixture_loop_scope "
                "to the loop_scope of the test"
            )
        if tls is True:
            tls = self._authority.server_context()
        handler = as_handler(app)
        server = Server(handler, tls=tls or None, **options)
        self._running.append((handler, None))
        await start_app(handler)
        await server.start()
        self._running[-1] = (handler, server)
        return server

    async def stop(self) -> None:
        """Stop all of them, the last first."""
        while self._running:
            app, server = self._running.pop()
            if server is not None:
                await server.stop(PATIENCE)
            await stop_app(app)


async def start_app(app: Handler) -> None:
    """Call the app's `startup`, if it has one."""
    await _hook(app, "startup")


async def stop_app(app: Handler) -> None:
    """Call the app's `shutdown`, if it has one."""
    await _hook(app, "shutdown")


async def _hook(app: Handler, name: str) -> None:
    hook = getattr(app, name, None)
    if hook is not None:
        await hook()
