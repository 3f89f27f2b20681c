"""How one request gets its connection and its response's head: acquire, connect, send, and once more if safe.

acquire   a lease from the pool; waits while the pool is full           deadline: pool
check     a connection that was idle may be closed by now: replace it
connect   if the connection is new (`opening`)                          deadlines: connect, handshake
perform   the request out, the final head in (`connection`)             deadlines: stall, head
retry     on a new connection, if the used one was closed before any byte of a response came, and the
          request may be sent twice (RFC 9110 §9.2.2)
"""

from __future__ import annotations

import asyncio
import math
from functools import partial

from netlab.client.connection import Connection
from netlab.client.errors import Disconnected, SessionClosed, TimedOut
from netlab.client.exchange import Exchange
from netlab.client.outgoing import Outgoing
from netlab.client.pool import Lease, Pool, Waiter
from netlab.client.reasons import Reason, State
from netlab.client.services import Services
from netlab.client.timings import Step, Timings
from netlab.client.url import Origin


class Dispatch:
    """Sends requests over the connections of a pool."""

    def __init__(self, services: Services, pool: Pool[Connection]) -> None:
        self._services = services
        self._pool = pool
        self._waiting: set[asyncio.Future[None]] = set()
        self.requests = self.reused = self.retried = 0
        """How many requests were sent, on a used connection, a second time."""

    async def send_with_retry(self, request: Outgoing) -> tuple[Exchange, Connection]:
        """Send a request until its final head has come. Raises ClientError."""
        services, timings = self._services, Timings()
        lease = await self._acquire(request.route, timings)
        while True:
            connection = lease.connection
            exchange = Exchange(services.loop, timings)
            timings.reused = reused = connection.requests > 0
            self.requests += 1
            self.reused += reused
            try:
                await connection.perform(request, exchange)
            except Disconnected:
                if not (reused and _may_repeat(request, exchange)):
                    lease.drop(Reason.ABANDONED)
                    raise
            except BaseException:
                lease.drop(Reason.ABANDONED)
                raise
            else:
                return exchange, connection
            services.tell(Step.RETRIED, connection)
            self.retried += 1
            request.rewind()
            # Not another idle one: what made the server close this one may have closed them all.
            lease.replace(fresh=True)
            await self._connect(lease, timings)

    async def _acquire(self, origin: Origin, timings: Timings) -> Lease[Connection]:
        """A lease of a connection that is open."""
        services = self._services
        if services.closed:
            raise SessionClosed("the session is closed")
        asked = services.clock()
        lease = self._pool.acquire(origin)
        if isinstance(lease, Waiter):
            lease = await self._wait(lease)
            now = services.clock()
            timings.wait, asked = now - asked, now
        connection = lease.connection
        while connection.state is not State.CONNECTING and (reason := connection.unfit(asked)) is not None:
            services.tell(Step.STALE, connection, reason)
            connection.close(reason)
            connection = lease.replace()
        if connection.state is State.CONNECTING:
            await self._connect(lease, timings)
        elif services.trace is not None:
            services.tell(Step.REUSED, connection)
        return lease

    async def _wait(self, waiter: Waiter[Connection]) -> Lease[Connection]:
        """Wait until the pool grants a connection."""
        loop, limit = self._services.loop, self._services.timeouts.pool
        ready: asyncio.Future[None] = loop.create_future()
        waiter.wake = partial(_set, ready)
        self._waiting.add(ready)
        try:
            if limit == math.inf:
                await ready
            else:
                async with asyncio.timeout(limit):
                    await ready
        except BaseException as error:
            # Cancelled, though perhaps served in this very turn: then the next waiter gets it.
            self._pool.cancel_wait(waiter)
            if isinstance(error, TimeoutError):
                raise TimedOut(f"no place in {self._pool!r} for {limit:g} s", "pool") from None
            raise
        finally:
            self._waiting.discard(ready)
        assert waiter.granted is not None
        return waiter.granted

    async def _connect(self, lease: Lease[Connection], timings: Timings) -> None:
        connection = lease.connection
        self._services.tell(Step.OPENING, connection, connection.why_opened)
        try:
            await connection.connect(timings)
        except BaseException:
            lease.drop(Reason.CONNECT_FAILED)
            raise
        self._pool.connected(connection)

    async def warm_up(self, origin: Origin, connections: int) -> int:
        """Open connections that no request waits for. How many were opened. Raises ClientError."""
        asked = [self._pool.open_extra(origin) for _ in range(connections)]
        leases = [lease for lease in asked if lease is not None]
        opening = (self._open_idle(lease) for lease in leases)
        done = await asyncio.gather(*opening, return_exceptions=True)
        for error in done:
            if isinstance(error, BaseException):
                raise error
        return len(leases)

    async def _open_idle(self, lease: Lease[Connection]) -> None:
        await self._connect(lease, Timings())
        connection = lease.connection
        if connection.reason is None:
            lease.release()
            connection.rest_unused()
        else:
            lease.drop(connection.reason)

    def close(self) -> None:
        """The requests in the wait queue fail with SessionClosed."""
        for ready in list(self._waiting):
            if not ready.done():
                ready.set_exception(SessionClosed("the session was closed"))


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _may_repeat(request: Outgoing, exchange: Exchange) -> bool:
    """May it be sent again after the connection ended? Never once a byte of a response has come.

    RFC 9110 §9.2.2: if the method is idempotent, or if the request surely was not carried out.
    """
    return not exchange.responded and (request.repeatable or (exchange.unsent and request.stream is None))
