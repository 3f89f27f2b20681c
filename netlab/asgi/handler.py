"""The netlab handler that runs an ASGI app: what a server calls at start, for each request, at its end."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Literal

from netlab.asgi.call import DONE, AppCall
from netlab.asgi.lifespan import Lifespan, end
from netlab.asgi.scope import App, Mount, Scope, Scopes
from netlab.server.calling import direct
from netlab.server.request import Request


class AsgiHandler:
    """A netlab handler that runs an ASGI app.

    app: an ASGI 3 callable. root_path: the prefix that it is mounted under; a proxy may strip it or not.
    lifespan: "auto" runs an app that does not know the lifespan protocol without it, "on" refuses to start
    such an app, "off" does not ask. grace: seconds that the app may go on when its client has left in the
    middle of an exchange; then its task is cancelled. Less than a server that stops waits for its handlers.
    drain: seconds that background tasks have at shutdown. Raises ValueError for another `lifespan`.

    `startup` and `shutdown` speak the lifespan protocol, once a server: `netlab.serve` calls them. Where you
    start a Server yourself, use the handler as an async context manager around it.
    """

    postpones_writes = True
    """The server sends small responses of one turn together: an app's clients sleep meanwhile (FAST.md)."""

    def __init__(
        self,
        app: App,
        *,
        root_path: str = "",
        lifespan: Literal["auto", "on", "off"] = "auto",
        grace: float = 2.0,
        drain: float = 30.0,
    ) -> None:
        if lifespan not in ("auto", "on", "off"):
            raise ValueError(f"lifespan is {lifespan!r}: give 'auto', 'on' or 'off'")
        self.app = app
        self._call: App = direct(app)
        mount = Mount(root_path)
        self.root_path = mount.root_path
        self._scopes = Scopes(mount)
        self.lifespan = lifespan
        self.grace = grace
        self.drain = drain
        self.tasks: set[asyncio.Task[Any]] = set()
        """The tasks of apps that have had to wait, background tasks included. Kept by the exchanges."""
        self._lifespan: Lifespan | None = None
        self._state: Scope | None = None  # what the lifespan keeps for requests

    async def __call__(self, request: Request) -> None:
        """Answer one request by `respond` or `start_response`.

        Raises what the app raises before its response is complete.
        """
        call = AppCall()
        call.begin(request)
        request.grace = self.grace
        request.tasks = self.tasks
        run = self._call
        scope = self._scopes.scope(request, self._state)
        try:
            await run(scope, call.receive, call.send)
        except BaseException as error:
            call.failed(error)
        else:
            if call.stage is not DONE:
                call.ended()

    async def startup(self) -> None:
        """Lifespan startup. Raises StartupFailed when the app says that it cannot start."""
        if self.lifespan == "off":
            return
        self._lifespan = Lifespan(self.app, required=self.lifespan == "on")
        self._state = self._lifespan.state
        await self._lifespan.startup()

    async def shutdown(self) -> None:
        """Let background tasks finish, then lifespan shutdown. Cancelled, it cancels them and returns."""
        lifespan, self._lifespan, self._state = self._lifespan, None, None
        try:
            await end(self.tasks, self.drain)
            if lifespan is not None:
                await lifespan.shutdown()
        finally:
            await end(self.tasks, 0)
            if lifespan is not None:
                await lifespan.end(0)

    async def __aenter__(self) -> AsgiHandler:
        await self.startup()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()
