"""Several processes on one port: a supervisor that starts workers, and starts them again when they die.

Here live processes, signals and the shared port. What one worker does is what `running` does in a single
process; when a dead worker starts again is decided in `backoff`. Each worker keeps counts of its own.

Theory of operation. Workers are forked before there is a loop or a thread: the app is imported once, and a
TLS context, which cannot be pickled, is simply there. Each worker listens on a socket of its own, and Linux
spreads connections over them (SO_REUSEPORT): no lock, no thundering herd. The supervisor holds a socket that
is bound to the same port and never listens, so that the port stays ours. A Unix socket cannot be bound
twice: there all workers accept from one that the supervisor has opened.

A worker is commanded through a socket pair, not by signals: Ctrl-C and service managers signal the whole
group, and a worker that also got the supervisor's would count two. When the supervisor ends, however that
comes, so does the pair: the worker drains, and nothing is orphaned.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from netlab.net.synfilter import refuse_handshakes
from netlab.prefork.backoff import Backoff
from netlab.prefork.sharing import Address
from netlab.server.config import DEFAULT_TIMEOUTS, Timeouts
from netlab.server.running import StartupFailed, live, run
from netlab.server.server import Handler, Server

# What the supervisor says to a worker: each is one octet.
DRAIN, HURRY = b"d", b"h"

# Seconds from the last handshake that may begin until the listener closes: what has begun needs a round trip.
SETTLE = 0.1

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}

log = logging.getLogger("netlab.workers")


def serve_workers(
    app: Handler,
    workers: int,
    *,
    ready: Callable[[str], None] | None = None,
    each: Callable[[Server], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    **options: Any,
) -> None:
    """Serve with so many processes until SIGTERM or SIGINT; then all drain. A second signal ends all at once.

    ready: called once with the URL, in the supervisor, when all workers listen. each: called with its server
    in each worker. options: those of Server. Blocks; call it in the main thread, before there is a loop or
    another thread. Raises OSError when the address cannot be had, StartupFailed when a worker has failed
    several times before it ever served.
    """
    with Address(options) as address:
        _Supervisor(app, workers, address, options, ready, each, clock).run()


# -- the supervisor -----------------------------------------------------------------------------------------


class _Worker:
    """A place for one worker: the process that has it now, or the moment when the next one starts."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.backoff = Backoff()
        self.due: float | None = (
            0.0  # when to start it, on the supervisor's clock; None: it runs, or must not
        )
        self.pid: int | None = None
        self.line: socket.socket | None = None  # our end of the pair
        self.said = b""
        self.serving = False
        self.reason = ""  # why it could not start, in its own words


class _Supervisor:
    """Starts, watches and ends the workers. Nothing of HTTP happens here."""

    def __init__(
        self,
        app: Handler,
        workers: int,
        address: Address,
        options: dict[str, Any],
        ready: Callable[[str], None] | None,
        each: Callable[[Server], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._address = address
        self._options = options
        self._ready = ready
        self._each = each
        self._clock = clock
        self._timeouts: Timeouts = options.get("timeouts", DEFAULT_TIMEOUTS)
        self._workers = [_Worker(number + 1) for number in range(workers)]
        self._selector = selectors.DefaultSelector()
        self._commanded = b""  # the last command that all have been given
        self._kill_at: float | None = None
        self._failure: StartupFailed | None = None

    def run(self) -> None:
        """Until a signal, or until a worker cannot be started."""
        inner, outer = socket.socketpair()
        inner.setblocking(False)
        outer.setblocking(False)
        # Signals become octets in a socket: they are read in the loop below, one after the other.
        before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        signal.set_wakeup_fd(inner.fileno(), warn_on_full_buffer=False)
        self._selector.register(outer, selectors.EVENT_READ, None)
        self._wake = (inner, outer)
        gc.freeze()  # a collection in a worker must not touch, and so copy, what all share
        try:
            while not self._ended():
                self._start_due()
                self._wait()
                self._reap()
                self._kill_late()
        finally:
            self._kill()
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)
            gc.unfreeze()
            self._selector.close()
            inner.close()
            outer.close()
        if self._failure is not None:
            raise self._failure

    def _ended(self) -> bool:
        return bool(self._commanded) and all(worker.pid is None for worker in self._workers)

    def _start_due(self) -> None:
        now = self._clock()
        for worker in self._workers:
            if worker.due is not None and worker.due <= now and not self._commanded:
                self._start(worker, now)

    def _wait(self) -> None:
        """Until a worker speaks, a signal comes, or something is due."""
        moments = [worker.due for worker in self._workers if worker.due is not None and not self._commanded]
        if self._kill_at is not None:
            moments.append(self._kill_at)
        timeout = max(0.0, min(moments) - self._clock()) if moments else None
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                self._signalled(key.fileobj.recv(64))  # type: ignore[union-attr]
            else:
                self._hear(key.data)

    def _signalled(self, numbers: bytes) -> None:
        """The first signal drains, a second hurries, a third kills."""
        for number in numbers:
            if number == signal.SIGCHLD:
                continue
            if self._commanded == HURRY:
                self._kill_at = self._clock()
            else:
                self._command(HURRY if self._commanded else DRAIN)

    def _command(self, command: bytes) -> None:
        self._commanded = command
        self._address.close()
        if command == HURRY:
            # Its handlers get `linger` to end, and so do the threads that they have blocked.
            self._kill_at = self._clock() + 2 * self._timeouts.linger + 1
        for worker in self._workers:
            if worker.line is not None:
                try:
                    worker.line.send(command)
                except OSError:
                    pass  # it has died; it will be reaped

    def _hear(self, worker: _Worker) -> None:
        """A worker says how its start went: one line of JSON. The end of its line says nothing new."""
        assert worker.line is not None
        try:
            data = worker.line.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(worker.line)
        worker.said += data
        if not data.endswith(b"\n"):
            return
        worker.reason = json.loads(worker.said.splitlines()[-1])
        if not worker.reason and not worker.serving:
            worker.serving = True
            worker.backoff.served()
            if self._ready is not None and all(each.serving for each in self._workers):
                self._ready(self._address.name.url(bool(self._options.get("tls"))))
                self._ready = None

    def _reap(self) -> None:
        """Bury the workers that have ended; decide when each starts again."""
        for worker in self._workers:
            if worker.pid is None:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            if worker.line is not None and worker.line.fileno() in self._selector.get_map():
                self._hear(worker)  # its last words
            self._bury(worker)
            if not self._commanded:
                self._mourn(worker, _how(status))

    def _bury(self, worker: _Worker) -> None:
        assert worker.line is not None
        if worker.line.fileno() in self._selector.get_map():
            self._selector.unregister(worker.line)
        worker.line.close()
        worker.line = worker.pid = None
        worker.serving = False

    def _mourn(self, worker: _Worker, how: str) -> None:
        now = self._clock()
        delay = worker.backoff.ended(now)
        if delay is None:
            times = worker.backoff.attempts
            reason = worker.reason or f"a worker has ended {times} times before it served, {how}"
            self._failure = StartupFailed(reason)
            self._command(HURRY)
        else:
            worker.due = now + delay
            when = f"in {delay:g} s" if delay else "now"
            # Of one that has not served yet the last failure tells enough.
            level = logging.WARNING if worker.backoff.has_served else logging.INFO
            log.log(level, "worker %d has ended, %s; it starts again %s", worker.number, how, when)

    def _kill_late(self) -> None:
        if self._kill_at is not None and self._clock() >= self._kill_at:
            self._kill()

    def _kill(self) -> None:
        """The end of every worker that is left, and their burial."""
        for worker in self._workers:
            if worker.pid is not None:
                os.kill(worker.pid, signal.SIGKILL)
        for worker in self._workers:
            if worker.pid is not None:
                os.waitpid(worker.pid, 0)
                self._bury(worker)

    # -- a worker's birth -----------------------------------------------------------------------------------

    def _start(self, worker: _Worker, now: float) -> None:
        worker.backoff.started(now)
        worker.due, worker.said, worker.reason = None, b"", ""
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal between the fork and the worker's own handlers would be written into our wake-up socket.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if not pid:
                self._live(ours, theirs)
        except OSError as error:
            ours.close()
            self._mourn(worker, f"unborn: {error.strerror}")
            return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            theirs.close()
        ours.setblocking(False)
        worker.pid, worker.line = pid, ours
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _live(self, ours: socket.socket, theirs: socket.socket) -> None:
        """The whole life of a worker, from the fork to its exit. Does not return."""
        status = 1
        try:
            ours.close()
            self._forget()
            work = _work(self._app, self._address, self._options, self._each, theirs)
            run(work, self._timeouts.linger)
            status = 0
        except (StartupFailed, OSError) as error:
            theirs.setblocking(True)
            theirs.sendall(json.dumps(str(error) or repr(error)).encode() + b"\n")
        except BaseException:
            traceback.print_exc()
        finally:
            # Nothing of the supervisor's may run here: neither its `finally` nor its exit handlers.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _forget(self) -> None:
        """In a worker: let go of what is the supervisor's, above all of the other workers' lines."""
        signal.set_wakeup_fd(-1)
        # Ctrl-C reaches everybody in the terminal; the supervisor says what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for sock in (*self._wake, *(worker.line for worker in self._workers)):
            if sock is not None:
                sock.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _how(status: int) -> str:
    """How a process has ended, in words."""
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"with exit status {os.WEXITSTATUS(status)}"


# -- a worker --------------------------------------------------------------------------------------------


async def _work(
    app: Handler,
    address: Address,
    options: dict[str, Any],
    each: Callable[[Server], None] | None,
    line: socket.socket,
) -> None:
    """Serve until the supervisor says so, or is gone, or somebody sends this process a SIGTERM."""
    loop = asyncio.get_running_loop()
    asked, hurry = asyncio.Event(), asyncio.Event()
    line.setblocking(False)
    listener: socket.socket | None = None

    def drain() -> None:
        if listener is not None and listener.family != socket.AF_UNIX and listener.fileno() >= 0:
            refuse_handshakes(listener)
        loop.call_later(SETTLE, asked.set)

    def hear() -> None:
        said = line.recv(16)
        if HURRY in said:
            asked.set()
            hurry.set()
        else:
            drain()
        if not said:  # the supervisor has died
            loop.remove_reader(line)

    def make() -> Server:
        nonlocal listener
        listener = address.listen()
        return Server(app, sock=listener, host=address.host, **options)

    def ready(server: Server) -> None:
        if each is not None:
            each(server)
        line.send(b'""\n')

    loop.add_reader(line, hear)
    loop.add_signal_handler(signal.SIGTERM, drain)
    await live(app, make, ready, asked, hurry)
    loop.remove_reader(line)
