"""What a user calls: Session and ClientResponse. Names as in aiohttp and requests, which its users know.

    async with netlab.Session() as session:
        async with session.get("https://localhost:8443/") as response:
            print(response.status, await response.json())

Left out, frankly: redirects are not followed (a 3xx comes back as it is, its Location in the fields), cookies
are neither kept nor sent, content codings are neither asked for nor decoded, no proxy is looked up.

The way of a request: `outgoing` puts it together, `pool` gives it a connection, `connection` carries it, and
what comes back meets its reader in `exchange`.
"""

from __future__ import annotations

import asyncio
import math
import random as random_module
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Generator, Mapping
from functools import partial
from types import TracebackType
from typing import Any

from netlab.client.config import DEFAULT_LIMITS, DEFAULT_TIMEOUTS, PoolLimits, Timeouts
from netlab.client.connection import Connection
from netlab.client.errors import Disconnected, InvalidRequest, SessionClosed, TimedOut
from netlab.client.exchange import Exchange
from netlab.client.outgoing import Data, FieldLines, Outgoing, build
from netlab.client.pool import Pool, Waiter
from netlab.client.reasons import Reason
from netlab.client.response import ClientResponse
from netlab.client.timings import Step, Timings, Trace, TraceEvent
from netlab.client.url import Origin, parse_url
from netlab.http1.limits import Limits
from netlab.net.poller import Poller
from netlab.net.sweep import NEVER, Sweep

__all__ = ["ClientResponse", "Session"]

DEFAULT_FIELDS = (("User-Agent", "netlab/0.1"), ("Accept", "*/*"))

# Tickets kept for resumption, one an origin.
TICKETS = 256

# Up to a tenth of a connection's lifetime is left to chance.
_JITTER = 0.1


class Session:
    """Requests over a pool of persistent connections. Use it as an async context manager, or `close` it.

    limit: connections over all hosts, 0 for no limit. limit_per_host: to one of them. keepalive_timeout:
    seconds that one may be idle. lifetime: seconds after which it is not used again. drain: bytes of unread
    content read past. tls: a context from `netlab.tls.client_context`; None trusts what the system trusts.
    fields: sent with every request. trace: called with each TraceEvent. random, clock: for tests. Raises
    ValueError.
    """

    def __init__(
        self,
        limit: int = 100,
        limit_per_host: int = 0,
        keepalive_timeout: float = 30.0,
        *,
        tls: ssl.SSLContext | None = None,
        fields: FieldLines | None = None,
        lifetime: float = 3600.0,
        drain: int = 64 * 1024,
        limits: Limits = DEFAULT_LIMITS,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        trace: Trace | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        settings = PoolLimits(limit, limit_per_host, keepalive_timeout, lifetime, drain)
        self.keepalive_timeout = settings.keepalive_timeout
        self.drain = settings.drain
        self.limits = limits
        self.timeouts = timeouts
        self.trace = trace
        self.clock = clock
        self.pool: Pool[Connection] = Pool(self._make, limit, limit_per_host)
        """The books: `repr(session.pool)` tells the counts, `.opened` and `.closed` the history."""
        self.closed = False
        self._lifetime, self._random = settings.lifetime, random
        self._tls = tls
        self._tickets: OrderedDict[Origin, ssl.SSLSession] = OrderedDict()
        self._fields = _defaults(fields)
        self._opened = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Future[None]] = set()

    # -- asking ---------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        url: str,
        *,
        fields: FieldLines | None = None,
        headers: FieldLines | None = None,
        data: Data = None,
        json: Any = None,
        timeout: float | None = None,
        expect100: bool = False,
    ) -> Call:
        """Ask. `async with` the result, or `await` it and read or release the response.

        fields (or headers, the same): field lines. data: bytes, text, or an async iterable of bytes, sent
        chunked unless fields has a Content-Length. json: a value. timeout: seconds for all of it. expect100:
        send the content only when the server has said 100 (Continue). Raises InvalidURL and InvalidRequest at
        once; the result raises ClientError.
        """
        if fields is not None and headers is not None:
            raise InvalidRequest("fields= and headers= are two names for the same: give one of them")
        given = fields if headers is None else headers
        outgoing = build(method, parse_url(url), self._fields, given, data, json, expect100)
        return Call(self._perform(outgoing, timeout))

    def get(self, url: str, **options: Any) -> Call:
        """As `request`."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Any) -> Call:
        """As `request`."""
        return self.request("HEAD", url, **options)

    def post(self, url: str, **options: Any) -> Call:
        """As `request`."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> Call:
        """As `request`."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> Call:
        """As `request`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> Call:
        """As `request`."""
        return self.request("DELETE", url, **options)

    def options(self, url: str, **options: Any) -> Call:
        """As `request`."""
        return self.request("OPTIONS", url, **options)

    # -- a request's way ------------------------------------------------------------------------------------

    async def _perform(self, request: Outgoing, timeout: float | None) -> ClientResponse:
        seconds = self.timeouts.total if timeout is None else timeout
        if self.closed:
            raise SessionClosed("the session is closed")
        if not self._opened:
            self._open()
        elif asyncio.get_running_loop() is not self.loop:
            raise RuntimeError("this session belongs to another event loop: make one in each")
        if seconds == math.inf:
            return await self._carry(request, NEVER)
        give_up = self.loop.time() + seconds
        try:
            async with asyncio.timeout_at(give_up):
                return await self._carry(request, give_up)
        except TimeoutError as error:
            if isinstance(error, TimedOut):
                raise
            raise TimedOut(
                f"{request.method} {request.url} took longer than {seconds:g} s", "total"
            ) from None

    async def _carry(self, request: Outgoing, give_up: float) -> ClientResponse:
        """A connection, the exchange, and once more where that is safe."""
        timings = Timings()
        connection = await self._lease(request.url.origin, timings)
        while True:
            exchange = Exchange(self.loop, timings)
            reused = connection.requests > 0
            timings.reused = reused
            try:
                await connection.perform(request, exchange)
            except Disconnected:
                if not (reused and _may_repeat(request, exchange)):
                    connection.let_go()
                    raise
            except BaseException:
                if not exchange.ended:
                    connection.let_go()
                raise
            else:
                return ClientResponse(request.method, str(request.url), exchange, connection, give_up)
            if self.trace is not None:
                self.trace(TraceEvent(Step.RETRIED, connection))
            # Not another idle one: whatever made the server close this may have closed them all.
            connection = self._instead(connection, fresh=True)
            await self._connect(connection, timings)

    async def _lease(self, origin: Origin, timings: Timings) -> Connection:
        """A connection that is open, and ours to use."""
        if self.closed:
            raise SessionClosed("the session is closed")
        asked = self.clock()
        got = self.pool.ask(origin)
        if isinstance(got, Waiter):
            got = await self._wait(got)
            now = self.clock()
            timings.wait, asked = now - asked, now
        connection = got
        while connection.requests and (reason := connection.unfit(asked)) is not None:
            if self.trace is not None:
                self.trace(TraceEvent(Step.STALE, connection, reason))
            connection.close(reason)
            connection = self._instead(connection)
        if not connection.requests:
            await self._connect(connection, timings)
        elif self.trace is not None:
            self.trace(TraceEvent(Step.REUSED, connection))
        return connection

    async def _wait(self, waiter: Waiter[Connection]) -> Connection:
        """Stand in line until the pool grants a connection."""
        ready: asyncio.Future[None] = self.loop.create_future()
        waiter.wake = partial(_set, ready)
        self._waiting.add(ready)
        limit = self.timeouts.pool
        try:
            if limit == math.inf:
                await ready
            else:
                async with asyncio.timeout(limit):
                    await ready
        except BaseException as error:
            # Cancelled, though perhaps served in this very turn: then the next in line gets it.
            self.pool.withdraw(waiter)
            if isinstance(error, TimeoutError):
                raise TimedOut(f"no place in {self.pool!r} for {limit:g} s", "pool") from None
            raise
        finally:
            self._waiting.discard(ready)
        assert waiter.granted is not None
        return waiter.granted

    async def _connect(self, connection: Connection, timings: Timings) -> None:
        try:
            await connection.connect(timings)
        except BaseException:
            connection.close(Reason.CONNECT_FAILED)
            connection.let_go()
            raise
        self.pool.connected(connection)

    def _instead(self, connection: Connection, fresh: bool = False) -> Connection:
        connection.held = False
        return self.pool.instead(connection, connection.reason or Reason.BROKEN, fresh)

    # -- what connections ask of their session --------------------------------------------------------------

    def _open(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.poller = Poller(self.loop)
        self.sweep = Sweep(self.loop, clock=self.clock)
        self._opened = True

    def _make(self, origin: Any) -> Connection:
        return Connection(self, origin, self.pool.opened + 1)

    def deadline(self, seconds: float) -> float:
        """The deadline `seconds` from now, by the sweep's clock, which rests while the loop stands still."""
        return self.clock() - self.sweep.stood_still + seconds

    def lifetime(self) -> float:
        """Seconds for a new connection."""
        return self._lifetime * (1 - _JITTER * self._random())

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that ends with the session."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def tls_for(self, origin: Origin) -> tuple[ssl.SSLContext, ssl.SSLSession | None]:
        """The context, and the ticket of an earlier connection."""
        if self._tls is None:
            self._tls = _system_context()
        return self._tls, self._tickets.get(origin)

    def keep_ticket(self, origin: Origin, sock: Any) -> None:
        """Remember how to resume: the next handshake needs no certificate, no signature (RFC 8446 §2.2)."""
        ticket = sock.session
        if ticket is not None and (ticket.has_ticket or ticket.id):
            self._tickets[origin] = ticket
            self._tickets.move_to_end(origin)
            if len(self._tickets) > TICKETS:
                self._tickets.popitem(last=False)

    # -- the end --------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Close every connection; requests under way fail with SessionClosed. No error when closed."""
        if self.closed:
            return
        self.closed = True
        for ready in list(self._waiting):
            if not ready.done():
                ready.set_exception(SessionClosed("the session was closed"))
        for connection in list(self.pool.places):
            connection.close(Reason.SESSION_CLOSED)
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        if self._opened:
            self.sweep.close()
            self.poller.close()

    async def __aenter__(self) -> Session:
        if self.closed:
            raise SessionClosed("the session is closed")
        if not self._opened:
            self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Session {'closed' if self.closed else 'open'}, {self.pool!r}>"


class Call(Coroutine[Any, Any, ClientResponse]):
    """A request that was put together: `await` it for the response, or enter it, which also releases that.

    A coroutine like any other: asyncio.create_task and TaskGroup take it, too.
    """

    __slots__ = ("_response", "_work")

    def __init__(self, work: Coroutine[Any, Any, ClientResponse]) -> None:
        self._work = work
        self._response: ClientResponse | None = None

    def __await__(self) -> Generator[Any, None, ClientResponse]:
        return self._work.__await__()

    def send(self, value: Any) -> Any:
        """As every coroutine."""
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:
        """As every coroutine."""
        return self._work.throw(*error)

    def close(self) -> None:
        """As every coroutine: it is not wanted any more."""
        self._work.close()

    async def __aenter__(self) -> ClientResponse:
        self._response = response = await self._work
        return response

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._response is not None
        self._response.release()


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _may_repeat(request: Outgoing, exchange: Exchange) -> bool:
    """May it be sent again after the connection ended? Never once a byte of a response has come.

    RFC 9110 §9.2.2: if the method is idempotent, or if the request surely was not carried out.
    """
    return not exchange.responded and (request.repeatable or (exchange.unsent and request.stream is None))


def _defaults(fields: FieldLines | None) -> tuple[tuple[str, str], ...]:
    given = tuple(fields.items() if isinstance(fields, Mapping) else fields or ())
    if not all(isinstance(part, str) for line in given for part in line):
        raise InvalidRequest("field names and values are text: give str")
    names = {name.lower() for name, _ in given}
    return (*(line for line in DEFAULT_FIELDS if line[0].lower() not in names), *given)


_shared: list[ssl.SSLContext] = []


def _system_context() -> ssl.SSLContext:
    """One context for all sessions that name none: loading the system's roots costs tens of milliseconds."""
    if not _shared:
        from netlab.tls.context import client_context

        _shared.append(client_context())
    return _shared[0]
