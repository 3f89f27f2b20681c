"""A server as a process: run until a signal, then drain. POSIX signals; no socket is touched here."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from netlab.server.server import Handler, Server


def serve(app: Handler, *, ready: Callable[[Server], None] | None = None, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once.

    ready: called when the server listens. options: those of Server. Blocks. Raises OSError when the address
    cannot be had.
    """
    asyncio.run(_serve(Server(app, **options), ready))


async def _serve(server: Server, ready: Callable[[Server], None] | None) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    hurry = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: hurry.set() if asked.is_set() else asked.set())
    await server.start()
    if ready is not None:
        ready(server)
    await asked.wait()
    stopping = asyncio.create_task(server.stop())
    hurried = asyncio.create_task(hurry.wait())
    await asyncio.wait((stopping, hurried), return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if not stopping.done():
        stopping.cancel()
        await server.cut()
    await asyncio.gather(stopping, hurried, return_exceptions=True)
