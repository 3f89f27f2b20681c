"""`serve --reload`: start the server anew when a Python file changes. For development.

Theory of operation. This process opens the listening socket and keeps it. The server runs in a child that
inherits the socket (`--fd`). When a file changes, the child gets SIGTERM, drains and ends, and a new child
takes the socket. In between no client is refused: its connection waits in the kernel.

A child that ends by itself (an error in the app) is not started again until the next change.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from netlab.cli.errors import UserError
from netlab.server.running import hung_up, with_terminal

# Seconds that a child has to end: its drain is cut short by a second signal after that.
PATIENCE = 3.0

# Connections that wait in the kernel while no child runs.
BACKLOG = 128


def run_reloading(host: str, port: int, folders: Sequence[str], argv: Sequence[str]) -> int:
    """Watch and serve until SIGTERM or SIGINT. Raises UserError without watchfiles, OSError without the port.

    folders: what to watch; empty for the current one. argv: the arguments of `serve`.
    """
    watch = _watcher()
    missing = [folder for folder in folders if not os.path.isdir(folder)]
    if missing:
        raise UserError(f"--reload-dir {missing[0]} is no folder")
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    def hand_on(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and hung_up(terminal):
            stop.set()
        else:
            for each in children:
                each.hand_on(number)

    terminal, children = with_terminal(), list[_Child]()
    orders = dict.fromkeys((signal.SIGTERM, signal.SIGINT), end)
    orders |= dict.fromkeys((signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2), hand_on)
    before = {number: signal.signal(number, order) for number, order in orders.items()}
    try:
        with _listening(host, port) as listener:
            child = _Child(listener.fileno(), argv)
            children.append(child)
            try:
                for changes in watch(folders or ["."], stop):
                    names = sorted({Path(path).name for path in changes})
                    print(
                        f"netlab: changed: {', '.join(names[:5])}; starting anew", file=sys.stderr, flush=True
                    )
                    child.end()
                    child.start()
            finally:
                child.end()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _watcher() -> Callable[[Sequence[str], threading.Event], Iterable[Iterable[str]]]:
    """watchfiles' `watch`, which gives the paths of Python files that have changed."""
    try:
        watchfiles: Any = importlib.import_module("watchfiles")
    except ImportError:
        raise UserError("--reload needs watchfiles: pip install 'netlab[reload]'") from None

    def watch(folders: Sequence[str], stop: threading.Event) -> Iterable[Iterable[str]]:
        for changes in watchfiles.watch(
            *folders,
            watch_filter=watchfiles.PythonFilter(),
            stop_event=stop,
            rust_timeout=500,
            debounce=200,
            raise_interrupt=False,
        ):
            yield {path for _, path in changes}

    return watch


def _listening(host: str, port: int) -> socket.socket:
    """The listening socket, which a child may inherit. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


class _Child:
    """The process that serves, and its successors."""

    def __init__(self, fd: int, argv: Sequence[str]) -> None:
        self._fd = fd
        self._command = [sys.executable, "-m", "netlab", "serve", *argv, "--fd", str(fd)]
        self.start()

    def start(self) -> None:
        """Start a process. Its output is ours; Ctrl-C reaches us alone, and we end it."""
        self._process = subprocess.Popen(self._command, pass_fds=[self._fd], start_new_session=True)

    def hand_on(self, number: int) -> None:
        """Hand a signal on. No error when the process has ended."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Drain, then cut short, then kill."""
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
                try:
                    self._process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    continue
