"""A server as a process: run until a signal, then drain. POSIX signals; no socket is touched here."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from netlab.server.server import Handler, Server

# Producers that are not async and block at once, each in a thread; asyncio's own default is CPUs + 4, and a
# handful of clients of a slow disk would stall all others. A thread is only made when there is work for it.
THREADS = 64


class StartupFailed(Exception):
    """An app's `startup` says that it cannot serve: its own reason."""


def serve(app: Handler, *, ready: Callable[[Server], None] | None = None, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once.

    ready: called when the server listens. options: those of Server. An app that has `startup` and `shutdown`
    (async, no arguments) is told before the first connection and after the last. Blocks. Raises OSError when
    the address cannot be had, StartupFailed from an app's `startup`.
    """
    server = Server(app, **options)
    run(_until_signalled(server, ready), server.timeouts.linger)


def run(work: Coroutine[Any, Any, None], patience: float) -> None:
    """`asyncio.run`, which in the end waits for every task and every thread of the executor; not for ever.

    patience: seconds of that. Then the process exits, with status 1.
    """
    last = threading.Timer(patience, _give_up)
    last.daemon = True

    # What is imported by now lives as long as the process: the garbage collector need not look at it again.
    gc.collect()
    gc.freeze()

    async def bounded() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "netlab"))
        try:
            await work
        finally:
            last.start()

    try:
        asyncio.run(bounded())
    finally:
        last.cancel()


def _give_up() -> None:
    """A handler ignores its cancellation, or blocks a thread: end without it."""
    logging.getLogger("netlab.server").error("a handler does not end: it is cut off")
    os._exit(1)


async def _until_signalled(server: Server, ready: Callable[[Server], None] | None) -> None:
    loop = asyncio.get_running_loop()
    asked, hurry = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: hurry.set() if asked.is_set() else asked.set())
    await live(server.app, lambda: server, ready, asked, hurry)


async def live(
    app: Any,
    make: Callable[[], Server],
    ready: Callable[[Server], None] | None,
    asked: asyncio.Event,
    hurry: asyncio.Event,
) -> None:
    """A server's life: the app's startup, serving until `asked`, then the drain, cut short by `hurry`.

    make: gives the server when the app is ready for it; nobody can connect before.
    """
    startup, shutdown = (getattr(app, name, _nothing) for name in ("startup", "shutdown"))
    try:
        if not await _unless(asked, startup()):
            return
        server = make()
        await server.start()
        if ready is not None:
            ready(server)
        await asked.wait()
        if not await _unless(hurry, server.stop()):
            await server.cut()
    finally:
        await _unless(hurry, shutdown())


async def _nothing() -> None:
    """What an app without a hook does at it."""


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work` to its end, or cancel it when the event comes first. True when it has ended by itself."""
    working = asyncio.create_task(work)
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
    ended = working.done()
    (waiting if ended else working).cancel()
    await asyncio.wait((working, waiting))
    if ended:
        working.result()
    return ended
