"""What a connection needs from its session: loop, poller, clock, deadlines, settings, TLS tickets, trace.

A connection gets this object and never sees the session. So the imports go one way: session → connection →
services.
"""

from __future__ import annotations

import asyncio
import random as random_module
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Mapping
from typing import Any

from netlab.client.config import PoolLimits, Timeouts
from netlab.client.timings import Step, Trace, TraceEvent
from netlab.http1.limits import Limits
from netlab.net.poller import Poller
from netlab.net.sweep import Sweep

# Tickets kept for resumption, one an origin.
TICKETS = 256

# Up to a tenth of a connection's lifetime is left to chance: connections opened together then end apart.
_JITTER = 0.1


class Tickets:
    """TLS sessions of earlier connections, and the context that they belong to. RFC 8446 §2.2"""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._sessions: OrderedDict[Hashable, ssl.SSLSession] = OrderedDict()

    @property
    def context(self) -> ssl.SSLContext:
        """The context of the session; one that trusts what the system trusts if none was given."""
        if self._context is None:
            self._context = _system_context()
        return self._context

    def get(self, origin: Hashable) -> ssl.SSLSession | None:
        """The session to resume, if an earlier connection to this origin left one."""
        return self._sessions.get(origin)

    def keep(self, origin: Hashable, sock: Any) -> None:
        """Remember the session of a connected TLS socket: the next handshake needs no certificate."""
        session = sock.session
        if session is not None and (session.has_ticket or session.id):
            self._sessions[origin] = session
            self._sessions.move_to_end(origin)
            if len(self._sessions) > TICKETS:
                self._sessions.popitem(last=False)


class Services:
    """Made when the session's first request runs: then the event loop is known."""

    def __init__(
        self,
        settings: PoolLimits,
        limits: Limits,
        timeouts: Timeouts,
        tickets: Tickets,
        trace: Trace | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
        resolve: Mapping[tuple[str, int], str] | None = None,
    ) -> None:
        self.resolve = resolve or {}
        """Addresses that stand in for a look-up, by host and port."""
        self.loop = asyncio.get_running_loop()
        self.poller = Poller(self.loop)
        self.sweep = Sweep(self.loop, clock=clock)
        self.settings = settings
        self.limits = limits
        self.timeouts = timeouts
        self.tickets = tickets
        self.trace = trace
        self.clock = clock
        self.closed = False
        """Has the session been closed?"""
        self._random = random
        self._tasks: set[asyncio.Task[Any]] = set()

    def deadline(self, seconds: float) -> float:
        """The deadline `seconds` from now, by the sweep's clock, which rests while the loop stands still."""
        return self.clock() - self.sweep.stood_still + seconds

    def lifetime(self) -> float:
        """Seconds that a new connection may be used for."""
        return self.settings.max_lifetime * (1 - _JITTER * self._random())

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that the session waits for when it closes."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def tell(self, step: Step, connection: Any, detail: object = None) -> None:
        """Tell the trace, if there is one."""
        if self.trace is not None:
            self.trace(TraceEvent(step, connection, detail))

    async def close(self) -> None:
        """Wait for the tasks, stop the sweep and the poller. The connections are closed already."""
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        self.sweep.close()
        self.poller.close()


_shared: list[ssl.SSLContext] = []


def _system_context() -> ssl.SSLContext:
    """One context for all sessions that name none: loading the system's roots costs tens of milliseconds."""
    if not _shared:
        from netlab.tls.context import client_context

        _shared.append(client_context())
    return _shared[0]
