"""Several processes on one port: a supervisor that starts workers, and starts them again when they end.

Here live processes, signals and the shared port. What one worker does is in `worker`; when a worker that has
ended starts again is decided in `backoff`. Each worker keeps counts of its own.

Theory of operation. Workers are forked before there is a loop or a thread: the app is imported once, and a
TLS context, which cannot be pickled, is simply there. Each worker listens on a socket of its own, and Linux
spreads connections over them (SO_REUSEPORT): no lock, no thundering herd. The supervisor holds a socket that
is bound to the same port and never listens, so that the port stays ours. A Unix socket cannot be bound
twice: there all workers accept from one that the supervisor has opened.

A worker is commanded through a socket pair, not by signals: Ctrl-C and service managers signal the whole
group, and a worker that also got the supervisor's would count two. When the supervisor ends, however that
comes, so does the pair: the worker drains, and no process is orphaned.

Through the same pair a worker's event loop sends a beat twice a second. A worker without a beat for
`worker_timeout` seconds hangs: a handler blocks it. It gets SIGQUIT, at which Python prints where it hangs, a
little later SIGKILL, and is replaced.
"""

from __future__ import annotations

import faulthandler
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

from netlab.prefork.backoff import Backoff
from netlab.prefork.beats import Beats
from netlab.prefork.sharing import Address
from netlab.prefork.wire import BEAT, DRAIN, HURRY, RELOAD, REOPEN
from netlab.prefork.worker import Worker
from netlab.server.config import DEFAULT_TIMEOUTS, Timeouts
from netlab.server.linelog import flush_logs, reopen_logs
from netlab.server.running import StartupFailed, hung_up, run, with_terminal
from netlab.server.server import Handler, Server
from netlab.tls.context import ConfigurationError, ServerContext

# Seconds from SIGQUIT to SIGKILL for a worker that hangs: time to print where.
PRINTING = 2.0

_STOP = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = {*_STOP, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}

log = logging.getLogger("netlab.workers")


def serve_workers(
    app: Handler,
    workers: int,
    *,
    ready: Callable[[str], None] | None = None,
    each: Callable[[Server], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    worker_timeout: float | None = 60.0,
    **options: Any,
) -> None:
    """Serve with so many processes until SIGTERM or SIGINT; then all drain. A second signal ends all at once.

    SIGHUP loads certificate and key anew, SIGUSR1 opens the log files anew, SIGUSR2 is ignored.

    ready: called once with the URL, in the supervisor, when all workers listen. each: called in each worker,
    with its server. worker_timeout: seconds without a turn of its event loop after which a worker is
    replaced; None: never. options: those of Server. Blocks; call it in the main thread, before there is a
    loop or another thread. Raises OSError when the address cannot be had, StartupFailed when a worker has
    failed several times before it ever served.
    """
    with Address(options) as address:
        _Supervisor(app, workers, address, options, ready, each, clock, worker_timeout).run()


class _Place:
    """A place for one worker: the process that has it now, or the moment when the next one starts."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.backoff = Backoff()
        # When to start a process, on the supervisor's clock. None: one runs, or none may start.
        self.due: float | None = 0.0
        self.pid: int | None = None
        self.line: socket.socket | None = None  # our end of the pair
        self.said = b""  # the beginning of a line
        self.serving = False
        self.reason = ""  # why it could not start, in its own words
        self.kill_at: float | None = None  # when it gets SIGKILL: set with SIGQUIT


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
        worker_timeout: float | None,
    ) -> None:
        self._app = app
        self._address = address
        self._options = options
        self._ready = ready
        self._each = each
        self._clock = clock
        self._timeouts: Timeouts = options.get("timeouts", DEFAULT_TIMEOUTS)
        self._places = [_Place(number + 1) for number in range(workers)]
        self._beats: Beats[_Place] = Beats(worker_timeout)
        self._selector = selectors.DefaultSelector()
        self._commanded = b""  # DRAIN or HURRY, once all have been told
        self._kill_at: float | None = None
        self._failure: StartupFailed | None = None
        self._terminal = with_terminal()

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
                self._end_hung()
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
        return bool(self._commanded) and all(place.pid is None for place in self._places)

    def _start_due(self) -> None:
        now = self._clock()
        for place in self._places:
            if place.due is not None and place.due <= now and not self._commanded:
                self._start(place, now)

    def _wait(self) -> None:
        """Until a worker speaks, a signal comes, or something is due."""
        timeout = self._time_left()
        before = self._clock()
        events = self._selector.select(timeout)
        for key, _ in events:
            if key.data is None:
                self._signalled(self._wake[1].recv(64))
            else:
                self._hear(key.data)
        self._beats.waited(self._clock() - before - (timeout or 0.0) if not events else 0.0, self._clock())

    def _time_left(self) -> float | None:
        moments = [self._kill_at, self._beats.next_due()]
        moments += [place.kill_at for place in self._places]
        if not self._commanded:
            moments += [place.due for place in self._places]
        due = [moment for moment in moments if moment is not None]
        return max(0.0, min(due) - self._clock()) if due else None

    # -- signals and commands -------------------------------------------------------------------------------

    def _signalled(self, numbers: bytes) -> None:
        for number in numbers:
            if number in _STOP or (number == signal.SIGHUP and hung_up(self._terminal)):
                self._stop()
            elif number == signal.SIGHUP:
                self._reload()
            elif number == signal.SIGUSR1:
                reopen_logs()
                self._tell(REOPEN)

    def _stop(self) -> None:
        """The first signal drains, a second hurries, a third kills."""
        if self._commanded == HURRY:
            self._kill_at = self._clock()
        else:
            self._command(HURRY if self._commanded else DRAIN)

    def _reload(self) -> None:
        """Load the certificate here first, for the workers to come; a bad one is told once, and no worker."""
        context = self._options.get("tls")
        if isinstance(context, ServerContext):
            try:
                context.reload()
            except ConfigurationError as error:
                log.error("the certificate was not loaded anew, the old one stays: %s", error)
            else:
                self._tell(RELOAD)
        else:
            log.warning("no certificate was loaded anew: the TLS context, if any, does not know its files")

    def _command(self, command: bytes) -> None:
        self._commanded = command
        self._address.close()
        if command == HURRY:
            # Its handlers get `linger` to end, and so do the threads that they have blocked.
            self._kill_at = self._clock() + 2 * self._timeouts.linger + 1
        self._tell(command)

    def _tell(self, command: bytes) -> None:
        for place in self._places:
            if place.line is not None:
                try:
                    place.line.send(command)
                except OSError:
                    pass  # it has ended, and will be reaped; or it hangs

    # -- what workers say, and how they end -----------------------------------------------------------------

    def _hear(self, place: _Place) -> None:
        """Lines of a worker: beats, and how its start went. The end of its line says nothing new."""
        assert place.line is not None
        try:
            data = place.line.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(place.line)
        *lines, place.said = (place.said + data).split(b"\n")
        for line in lines:
            if line != BEAT:
                place.reason = json.loads(line)
                self._started(place)
        if lines and place.serving:
            self._beats.heard(place, self._clock())

    def _started(self, place: _Place) -> None:
        if not place.reason and not place.serving:
            place.serving = True
            place.backoff.served()
            if self._ready is not None and all(each.serving for each in self._places):
                self._ready(self._address.name.url(bool(self._options.get("tls"))))
                self._ready = None

    def _reap(self) -> None:
        """Forget the workers that have ended; decide when each starts again."""
        for place in self._places:
            if place.pid is None:
                continue
            pid, status = os.waitpid(place.pid, os.WNOHANG)
            if not pid:
                continue
            if place.line is not None and place.line.fileno() in self._selector.get_map():
                self._hear(place)  # what it said last
            self._clear(place)
            if not self._commanded:
                self._plan_restart(place, _how(status))

    def _clear(self, place: _Place) -> None:
        assert place.line is not None
        if place.line.fileno() in self._selector.get_map():
            self._selector.unregister(place.line)
        place.line.close()
        place.line = place.pid = place.kill_at = None
        place.serving = False
        self._beats.forget(place)

    def _plan_restart(self, place: _Place, how: str) -> None:
        now = self._clock()
        delay = place.backoff.ended(now)
        if delay is None:
            times = place.backoff.attempts
            reason = place.reason or f"a worker has ended {times} times before it served, {how}"
            self._failure = StartupFailed(reason)
            self._command(HURRY)
        else:
            place.due = now + delay
            when = f"in {delay:g} s" if delay else "now"
            # Of one that has not served yet the last failure tells enough.
            level = logging.WARNING if place.backoff.has_served else logging.INFO
            log.log(level, "worker %d has ended, %s; it starts again %s", place.number, how, when)

    def _end_hung(self) -> None:
        now = self._clock()
        for place in self._beats.late(now):
            self._beats.forget(place)
            if place.pid is not None:
                seconds = self._beats.timeout
                log.error("worker %d has not answered for %g s: it is ended", place.number, seconds)
                os.kill(place.pid, signal.SIGQUIT)
                place.kill_at = now + PRINTING
        for place in self._places:
            if place.kill_at is not None and place.kill_at <= now and place.pid is not None:
                os.kill(place.pid, signal.SIGKILL)
                place.kill_at = None

    def _kill_late(self) -> None:
        if self._kill_at is not None and self._clock() >= self._kill_at:
            self._kill()

    def _kill(self) -> None:
        """End every worker that is left, and wait for each."""
        for place in self._places:
            if place.pid is not None:
                os.kill(place.pid, signal.SIGKILL)
        for place in self._places:
            if place.pid is not None:
                os.waitpid(place.pid, 0)
                self._clear(place)

    # -- the start of a worker ------------------------------------------------------------------------------

    def _start(self, place: _Place, now: float) -> None:
        place.backoff.started(now)
        place.due, place.said, place.reason = None, b"", ""
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
            self._plan_restart(place, f"not started: {error.strerror}")
            return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            theirs.close()
        ours.setblocking(False)
        place.pid, place.line = pid, ours
        self._selector.register(ours, selectors.EVENT_READ, place)

    def _live(self, ours: socket.socket, theirs: socket.socket) -> None:
        """The whole life of a worker, from the fork to its exit. Does not return."""
        status = 1
        try:
            ours.close()
            self._forget()
            faulthandler.register(signal.SIGQUIT, chain=True)  # prints where a worker hangs, then ends it
            worker = Worker(self._app, self._address, self._options, self._each, theirs)
            run(worker.work(), self._timeouts.linger)
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
            flush_logs()
            os._exit(status)

    def _forget(self) -> None:
        """In a worker: close what is the supervisor's, above all the other workers' lines."""
        signal.set_wakeup_fd(-1)
        # A terminal and many a service manager signal the whole group; the supervisor says what it means.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for sock in (*self._wake, *(place.line for place in self._places)):
            if sock is not None:
                sock.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _how(status: int) -> str:
    """How a process has ended, in words."""
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"with exit status {os.WEXITSTATUS(status)}"
