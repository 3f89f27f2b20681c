"""Listen, accept, drain: the server as a whole. The first step of a request's way begins here.

One connection's life stands in `connection`; processes and signals in `running`.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from heapq import nsmallest
from types import TracebackType
from typing import Any

from netlab.cors import Policy, Routes
from netlab.http1.forwarded import TrustedProxies
from netlab.http1.heads import request_heads
from netlab.http1.limits import DEFAULT_LIMITS, Limits
from netlab.http1.messages import RequestHead
from netlab.http1.serializer import date_line
from netlab.net.accepted import wrapped
from netlab.net.eagerstart import eager_start
from netlab.net.listening import BACKLOG, acceptor
from netlab.net.poller import READABLE, Poller
from netlab.net.postponing import transport_for
from netlab.net.sweep import Sweep
from netlab.net.synfilter import refuse_handshakes
from netlab.net.window import give_up_after
from netlab.server.address import place_of
from netlab.server.background import Background
from netlab.server.calling import direct
from netlab.server.config import DEFAULT_TIMEOUTS, Timeouts
from netlab.server.connection import Connection
from netlab.server.descriptors import room
from netlab.server.filecontent import FileContent
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.services import AccessLog, Client
from netlab.server.states import State
from netlab.tls.context import ConfigurationError, ServerContext

Handler = Callable[[Request], Awaitable[Response | None]]

# Connections accepted in one turn of the loop; then those that are open get theirs.
ACCEPT = 64

# Seconds for which a stop leaves idle connections open, for the requests that are on their way.
GRACE = 0.25

# Idle connections that a full server closes at once for the clients that wait in its backlog.
EVICT_BATCH = 32

# Of these `accept` failures the remedy is to wait: descriptors or memory are used up.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = logging.getLogger("netlab.server")


class Server:
    """An HTTP/1.1 server. Use it as an async context manager, or `start` and `stop` it.

    app: an async function from Request to Response. tls: a context from `netlab.tls.server_context`, or None
    for plain HTTP. cors: a Policy, or Routes from paths to policies. host, port: the address; port 0 takes a
    free port. uds: path of a Unix socket instead of them, uds_mode its permissions, such as 0o660. sock: a
    socket that listens already, instead of all these; it is closed at the end. forwarded: the proxies that
    are believed when they tell of their clients; None believes no peer. hsts: seconds for which browsers are
    to use https alone for this host (RFC 6797), sent over TLS only. Raises ValueError, naming every
    argument about the address that cannot be used and its repair.
    """

    # What each request asks for. A slot is found faster than one of more than thirty attributes (FAST.md).
    __slots__ = (
        "__dict__", "__weakref__", "access_log", "cors", "date", "draining", "handle", "idle_deadline",
        "requests", "start_eagerly",
    )  # fmt: skip

    def __init__(
        self,
        app: Handler,
        *,
        host: str | None = None,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        cors: Policy | Routes | None = None,
        limits: Limits = DEFAULT_LIMITS,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        uds: str | os.PathLike[str] | None = None,
        uds_mode: int | None = None,
        sock: socket.socket | None = None,
        access_log: AccessLog | None = None,
        forwarded: TrustedProxies | None = None,
        hsts: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        max_connections: int | None = None,
    ) -> None:
        uds = os.fspath(uds) if uds is not None else None
        self._place, self._opens = place_of(host, port, uds, uds_mode, sock)
        self.app = app
        self.transport_class = transport_for(app)
        self.host, self.port = host if host is not None else "127.0.0.1", port
        self.tls, self.cors = tls, cors
        self.limits, self.timeouts, self.heads = limits, timeouts, request_heads(limits)
        self.uds = uds
        self.access_log, self.forwarded = access_log, forwarded
        self.accepted = 0
        """Connections accepted since the start."""
        self.requests = 0
        """Requests that were read whole enough to be answered."""
        self.refused = 0
        """Requests answered with a broken rule."""
        self.draining = False
        # One book, not two: the sweep's members are the connections (50 bytes each for a second entry).
        self.connections: set[Connection] = set()
        self._descriptors = room()
        self.background = Background()
        """Handlers that go on behind their responses. `stop` does not wait for them; `serve` does."""
        self.max_connections = max_connections or self._descriptors
        self.date = self.plain_date = b""
        self._hsts = hsts if tls is not None else None
        self.idle_deadline = 0.0
        self._clock = clock
        self._listener: socket.socket | None = None
        self._accepting = False
        self._warn_again = 0.0
        self._evicted_at = -math.inf
        self._empty: asyncio.Event | None = None
        self._ended = False

    @property
    def app(self) -> Callable[[Request], Any]:
        """What answers the requests. Another one answers from the next request on."""
        return self._app

    @app.setter
    def app(self, app: Callable[[Request], Any]) -> None:
        self._app, self.handle = app, direct(app)

    # -- start ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen and serve in the running event loop. Raises OSError when the address cannot be had."""
        self._listener = self._place.listen()
        give_up_after(self._listener, self.timeouts.stall)
        self._accept = acceptor(self._listener)
        self._name = self._place.name(self._listener)
        self.host, self.port, self.uds = self._name
        self.loop = asyncio.get_running_loop()
        self.poller = Poller(self.loop)
        interval = min(0.25, self.timeouts.shortest / 4)
        self.sweep = Sweep(self.loop, interval, self._clock, self._each_sweep, self.connections)
        self._idle_time = self.timeouts.idle + interval  # a deadline is never early
        self._each_sweep()
        self._eager = eager_start(self.loop, self.poller)
        self.start_eagerly: Callable[[Coroutine[Any, Any, Any]], Any] = self._eager.start
        self._resume_accepting()

    @property
    def url(self) -> str:
        """Where the server answers, such as "http://127.0.0.1:8080"; "unix:PATH" for a Unix socket."""
        return self._name.url(self.tls is not None)

    def __repr__(self) -> str:
        if self._ended:
            return "<netlab.Server, stopped>"
        if self._listener is None and not self.draining:
            return "<netlab.Server, not started>"
        state = ", draining" if self.draining else ""
        return f"<netlab.Server {self.url}, {len(self.connections)} connections{state}>"

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(0 if error is not None else None)

    # -- step 1 of a request's way: accept until it would block ---------------------------------------------

    def ready(self, events: int) -> None:
        """The listening socket is readable: connections wait to be accepted."""
        if self.is_full():
            self._evict_idle()
        accept, connections = self._accept, self.connections
        self.sweep.start()
        deadline = self.sweep.deadline(self.timeouts.head)
        for _ in range(min(ACCEPT, self._free_places())):
            try:
                sock = accept()
                sock.setblocking(False)
                if self.tls is not None:
                    sock = wrapped(sock, self.tls)
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue  # the client left between its SYN and our accept, or before its handshake
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                # Left in the poller, a listener that cannot accept is reported for ever: a busy loop.
                self._pause_accepting()
                return
            self.accepted += 1
            connection = Connection()
            connections.add(connection)
            connection.start(self, sock, deadline)
        if self.is_full():
            self._pause_accepting()

    def is_full(self) -> bool:
        """Is there no descriptor for a further connection?"""
        return self._free_places() <= 0

    def _free_places(self) -> int:
        """So many further connections have a descriptor. A file that is being sent takes one, too."""
        return min(self.max_connections, self._descriptors - FileContent.open_files) - len(self.connections)

    def _evict_idle(self) -> None:
        """A client waits in the backlog of a full server: close some of the longest-idle connections.

        Those that have been idle for less than the time for a head stay: a flood must not drive out clients
        that come again and again. A request that has begun to come is answered.
        """
        if self._evicted_at == self.sweep.now:
            return  # no connection has become idle for longer since then
        self._evicted_at = self.sweep.now
        since = self.sweep.deadline(self.timeouts.idle - self.timeouts.head)
        idle = [each for each in self.connections if each.is_between_requests and each.deadline <= since]
        count = min(EVICT_BATCH, len(idle) // 8 + 1)
        for connection in nsmallest(count, idle, key=lambda each: each.deadline):
            connection.close_if_idle()

    def _pause_accepting(self) -> None:
        if self._accepting and self._listener is not None:
            self._accepting = False
            self.poller.unregister(self._listener.fileno())
            if self._clock() >= self._warn_again:
                # Once a minute: a flood must not fill the log, too.
                self._warn_again = self._clock() + 60
                log.warning("no descriptor left for a further connection: %d are open", len(self.connections))
            if not self.connections:
                # There is no sweep then, which would look again.
                self.loop.call_later(self.timeouts.shortest / 4, self._resume_accepting)

    def _resume_accepting(self) -> None:
        if not self._accepting and not self.draining and self._listener is not None:
            self._accepting = True
            self.poller.register(self._listener.fileno(), self)

    def connection_closed(self, connection: Connection) -> None:
        """A connection has ended: forget it."""
        self.connections.discard(connection)
        if not self._accepting:
            self._resume_accepting()
        if self._empty is not None and not self.connections:
            self._empty.set()

    def _each_sweep(self) -> None:
        """Compute what each response needs and what changes with time alone: a few times a second."""
        self._render_date()
        self.idle_deadline = self.sweep.now + self._idle_time
        # Other parts of the process may have freed descriptors.
        self._resume_accepting()

    def _render_date(self) -> None:
        """The field lines of every response: rendered a few times a second, not for each one.

        `plain_date` is for a client of a TLS server that spoke plain HTTP: RFC 6797 §7.2 forbids HSTS there.
        """
        self.plain_date = date_line(time.time())
        self.date = self.plain_date
        if self._hsts is not None:
            self.date += b"strict-transport-security: max-age=%d\r\n" % self._hsts

    # -- drain ----------------------------------------------------------------------------------------------

    async def stop(self, timeout: float | None = None) -> None:
        """Stop accepting, let the exchanges under way finish, close everything.

        timeout: seconds for that, instead of `timeouts.drain`; then connections are cut. No error when
        stopped already.
        """
        if self._listener is None:
            return
        patience = self.timeouts.drain if timeout is None else timeout
        self.draining = True
        if self._opens and self.uds is None:
            # Not on a socket that was handed over: the filter would stay on it, for our successor.
            refuse_handshakes(self._listener)
        if self.connections:
            # A client that has just had its answer may be sending its next request: it is answered, with
            # "close". A connection that stays silent is closed.
            await asyncio.sleep(min(GRACE, patience / 2))
        self._stop_listening()
        self._empty = self._empty or asyncio.Event()
        # In a turn of their own: a request that has just come starts its handler, which no task may do.
        for connection in list(self.connections):
            self.loop.call_soon(connection.drain)
        await asyncio.sleep(0)
        if self.connections:
            try:
                await asyncio.wait_for(self._empty.wait(), patience)
            except TimeoutError:
                pass
        await self.cut()

    def _stop_listening(self) -> None:
        """Accept what the kernel has completed, then close the listening socket."""
        if self._listener is None:
            return  # `cut` was faster
        self._accept_rest()
        self._close_listener()

    def _close_listener(self) -> None:
        assert self._listener is not None
        if self._accepting:
            self._accepting = False
            self.poller.unregister(self._listener.fileno())
        self._place.release()
        self._listener.close()
        self._listener = None

    def _accept_rest(self) -> None:
        """Connections that the kernel has completed already: closing the listener would reset them."""
        for _ in range(BACKLOG // ACCEPT):
            before = self.accepted
            if self._accepting:
                self.ready(READABLE)
            if self.accepted == before:
                return

    async def cut(self) -> None:
        """End now: reset what is still open, cancel its handlers. No error when ended already."""
        self.draining = True
        if self._listener is not None:
            self._close_listener()
        exchanges = [each.exchange for each in self.connections if each.exchange is not None]
        tasks = [exchange.task for exchange in exchanges if exchange.task is not None]
        for connection in list(self.connections):
            connection.abort()
        if tasks:
            # Their `finally` runs before we return.
            await asyncio.wait(tasks, timeout=self.timeouts.linger)
        if not self._ended:
            self._ended = True
            self.sweep.close()
            self.poller.close()
            await self._eager.close()

    # -- certificates ---------------------------------------------------------------------------------------

    def reload_certificate(self) -> None:
        """Load certificate and key from their files again, for the connections that come from now on.

        A failed load is logged, and the old ones stay. The context must be one of
        `netlab.tls.server_context`, which knows its files.
        """
        if not isinstance(self.tls, ServerContext):
            log.warning("no certificate was loaded anew: the TLS context, if any, does not know its files")
            return
        try:
            self.tls.reload()
        except ConfigurationError as error:
            log.error("the certificate was not loaded anew, the old one stays: %s", error)
        else:
            log.info("the certificate was loaded anew")

    def renew_ticket_keys(self) -> None:
        """Encrypt session tickets with new keys from now on: older tickets are no longer resumed.

        Python has no way to set the keys, so the context is made anew (`ServerContext.remade`), which also
        loads the certificate again. A failure is logged, and the old context stays.
        """
        if isinstance(self.tls, ServerContext):
            try:
                self.tls = self.tls.remade()
            except ConfigurationError as error:
                log.error("the keys of session tickets were not renewed: %s", error)

    # -- what may be asked ----------------------------------------------------------------------------------

    def stats(self) -> dict[str, int]:
        """Counts: connections open, idle, active and ever accepted; requests served and refused."""
        states = [connection.state for connection in self.connections]
        return {
            "open": len(states),
            "idle": states.count(State.IDLE),
            "active": states.count(State.EXCHANGE),
            "accepted": self.accepted,
            "requests": self.requests,
            "refused": self.refused,
        }

    def log_access(self, client: Client, head: RequestHead, response: Response) -> None:
        """A log that cannot be written (its reader has left, the disk is full) costs no client its answer."""
        assert self.access_log is not None
        try:
            self.access_log(client, head, response)
        except Exception as error:
            self.report(head, error)

    def report(self, head: RequestHead | None, error: BaseException) -> None:
        """Log a handler's failure; a refusal of ours without traceback. The client gets the status alone."""
        what = f"{head.method} {head.target}" if head else "a request"
        ours = isinstance(error, ValueError) and type(error).__module__.startswith("netlab.")
        if ours and error.__traceback__ is not None:
            log.error("%s: %s", what, error)
        else:
            log.error("%s: the handler failed", what, exc_info=error)
