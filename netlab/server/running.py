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

from netlab.server.linelog import reopen_logs
from netlab.server.server import Handler, Server

# Producers that are not async and block at once, each in a thread; asyncio's own default is CPUs + 4, and a
# handful of clients of a slow disk would stall all others. A thread is only made when there is work for it.
THREADS = 64


class StartupFailed(Exception):
    """An app's `startup` says that it cannot serve: its own reason."""


def serve(app: Handler, *, ready: Callable[[Server], None] | None = None, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once.

    SIGHUP loads certificate and key anew, SIGUSR1 opens the log files anew, SIGUSR2 is ignored; a handler
    that the program has set for one of these three stays.

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

    async def bounded() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "netlab"))
        try:
            await work
        finally:
            last.start()

    everything = bounded()
    try:
        # What is imported by now lives as long as the process: the garbage collector need not look at it.
        gc.collect()
        gc.freeze()
        asyncio.run(everything)
    finally:
        last.cancel()
        # Ctrl-C may come before they have begun: Python warns of a coroutine that is never awaited.
        everything.close()
        work.close()


def _give_up() -> None:
    """A handler ignores its cancellation, or blocks a thread: end without it."""
    logging.getLogger("netlab.server").error("a handler does not end: it is cut off")
    os._exit(1)


async def _until_signalled(server: Server, ready: Callable[[Server], None] | None) -> None:
    loop = asyncio.get_running_loop()
    asked, hurry, terminal = asyncio.Event(), asyncio.Event(), with_terminal()

    def stop() -> None:
        (hurry if asked.is_set() else asked).set()

    def hang_up() -> None:
        if hung_up(terminal):
            stop()
        else:
            server.reload_certificate()

    orders = {signal.SIGTERM: stop, signal.SIGINT: stop}
    others = {signal.SIGHUP: hang_up, signal.SIGUSR1: reopen_logs, signal.SIGUSR2: _ignore}
    # None: a handler that was not set from Python, such as faulthandler's.
    unset = (signal.SIG_DFL, signal.SIG_IGN)
    orders |= {number: order for number, order in others.items() if signal.getsignal(number) in unset}
    for number, order in orders.items():
        loop.add_signal_handler(number, order)
    try:
        await live(server.app, lambda: server, ready, asked, hurry)
    finally:
        for number in orders:
            loop.remove_signal_handler(number)


def _ignore() -> None:
    """SIGUSR2 has no meaning here. Left to the system it would end the process without a drain."""


def with_terminal() -> bool:
    """Was this process started from a terminal, and is it to end with it (not so under nohup)?"""
    return os.isatty(0) and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN


def hung_up(terminal: bool) -> bool:
    """Does a SIGHUP say that the terminal is gone, rather than "load anew"? terminal: of `with_terminal`."""
    return terminal and not os.isatty(0)


async def live(
    app: Any,
    make: Callable[[], Server],
    ready: Callable[[Server], None] | None,
    asked: asyncio.Event,
    hurry: asyncio.Event,
) -> None:
    """A server's life: the app's startup, serving until `asked`, then the drain, cut short by `hurry`.

    make: gives the server when the app is ready for it; no client can connect before.
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
        if shutdown is _nothing:
            # An app that has a `shutdown` waits there for what it left in the background.
            await _unless(hurry, server.background.end(server.timeouts.drain))
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
