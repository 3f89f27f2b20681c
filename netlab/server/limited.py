"""A handler that answers 503 while too many requests are under way. RFC 9110 §15.6.4.

A server without such a limit accepts work that it cannot do in time, and all its clients wait longer. What
bounds connections is `Server(max_connections=…)`: these wait in the kernel, without an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from netlab.server.request import Request
from netlab.server.response import Response

_BUSY = {"content-type": "text/plain; charset=utf-8", "retry-after": "1"}


class Limited:
    """The handler of an app with at most so many requests under way.

    A request is under way until the app has returned: an ASGI app's background work counts, too. `startup`
    and `shutdown` are the app's. Raises ValueError for a limit below 1.
    """

    def __init__(self, app: Callable[[Request], Awaitable[Response | None]], most: int) -> None:
        if most < 1:
            raise ValueError(f"most is {most!r}: give 1 or more")
        self._app = app
        self._most = most
        self.under_way = 0
        """Requests that the app is answering now."""

    async def __call__(self, request: Request) -> Response | None:
        """Answer one request."""
        if self.under_way >= self._most:
            return Response(503, "too many requests are under way\n", _BUSY)
        self.under_way += 1
        try:
            return await self._app(request)
        finally:
            self.under_way -= 1

    async def startup(self) -> None:
        """The app's own, if it has one."""
        await _hook(self._app, "startup")

    async def shutdown(self) -> None:
        """The app's own, if it has one."""
        await _hook(self._app, "shutdown")


async def _hook(app: Any, name: str) -> None:
    hook = getattr(app, name, None)
    if hook is not None:
        await hook()
