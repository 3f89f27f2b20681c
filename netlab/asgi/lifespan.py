"""An app's start and its end: one call of it for as long as the server lives.

Source: the ASGI specification, "Lifespan Protocol" 2.0.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from netlab.asgi.scope import App, InvalidMessage, Message
from netlab.server.running import StartupFailed

VERSION = {"version": "3.0", "spec_version": "2.0"}

# Seconds that the call may go on after its last message.
ENDING = 2.0

log = logging.getLogger("netlab.asgi")


class Lifespan:
    """One call of the app for as long as the server lives.

    required: an app that does not know the protocol cannot start; otherwise it goes without.
    """

    def __init__(self, app: App, required: bool = False) -> None:
        self._app = app
        self._required = required
        self._asked: asyncio.Queue[str] = asyncio.Queue()
        self._answer: asyncio.Future[Message] | None = None
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}
        """What the app keeps for its requests: each gets a shallow copy."""

    async def startup(self) -> None:
        """Raises StartupFailed. An app that does not know lifespan fails at its scope, or returns at once."""
        self._task = asyncio.create_task(self._run())
        try:
            answer = await self._ask("lifespan.startup")
        except BaseException:
            await self.end(0)
            raise
        if answer is None:
            error = await self.end(0)
            if self._required:
                reason = "it returned" if error is None else f"{type(error).__name__}: {error}"
                raise StartupFailed(f"the app does not speak the lifespan protocol ({reason})")
            log.info("the app does not speak the lifespan protocol: %r", error)
        elif answer["type"] == "lifespan.startup.failed":
            await self.end(ENDING)
            raise StartupFailed(answer.get("message") or "it gave no reason")

    async def shutdown(self) -> None:
        """Ask the app to let go of what it holds. Its failure is logged: no request is left to tell."""
        if self._task is None:
            return
        answer = await self._ask("lifespan.shutdown")
        error = await self.end(ENDING)
        if answer is None:
            log.error("the app's lifespan ended before its shutdown", exc_info=error)
        elif answer["type"] == "lifespan.shutdown.failed":
            log.error("the app's shutdown failed: %s", answer.get("message", ""))

    async def end(self, patience: float) -> BaseException | None:
        """End the call, after some seconds for what it does last. What it failed with is returned."""
        task, self._task = self._task, None
        if task is None:
            return None
        await end((task,), patience)
        return None if task.cancelled() else task.exception()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": VERSION, "state": self.state}
        await self._app(scope, self._receive, self._send)

    async def _ask(self, event: str) -> Message | None:
        """The app's answer to an event; None when its call ended without one."""
        assert self._task is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._asked.put_nowait(event)
        await asyncio.wait((self._task, self._answer), return_when=asyncio.FIRST_COMPLETED)
        return self._answer.result() if self._answer.done() else None

    async def _receive(self) -> Message:
        return {"type": await self._asked.get()}

    async def _send(self, message: Message) -> None:
        if self._answer is None or self._answer.done():
            raise InvalidMessage(f"the app sent {message['type']!r}; nothing was asked")
        self._answer.set_result(message)


async def end(tasks: Iterable[asyncio.Task[Any]], patience: float) -> None:
    """Give tasks some seconds to end, then cancel them; their `finally` has run when this returns."""
    left = {task for task in tasks if not task.done()}
    if left and patience:
        _, left = await asyncio.wait(left, timeout=patience)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
