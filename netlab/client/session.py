"""What a user calls: Session. Names as in aiohttp and requests, which its users know.

    async with netlab.Session() as session:
        async with session.get("https://localhost:8443/") as response:
            print(response.status, await response.json())

Left out, frankly: redirects are not followed (a 3xx comes back as it is, its Location in the fields), cookies
are neither kept nor sent, content codings are neither asked for nor decoded, no proxy is looked up.

The way of a request: `outgoing` puts it together, `dispatch` gets it a connection from the `pool`,
`connection` carries it, and what comes back meets its reader in `exchange`.
"""

from __future__ import annotations

import asyncio
import math
import random as random_module
import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from netlab.client.call import Call
from netlab.client.config import DEFAULT_LIMITS, DEFAULT_TIMEOUTS, PoolLimits, Timeouts
from netlab.client.connection import Connection
from netlab.client.dispatch import Dispatch
from netlab.client.errors import InvalidRequest, SessionClosed, TimedOut
from netlab.client.outgoing import Data, FieldLines, Outgoing, build
from netlab.client.pool import Pool
from netlab.client.reasons import Opened, Reason
from netlab.client.response import ClientResponse
from netlab.client.services import Services, Tickets
from netlab.client.timings import Trace
from netlab.client.url import parse_url
from netlab.http1.limits import Limits
from netlab.net.sweep import NEVER

__all__ = ["ClientResponse", "Session"]

DEFAULT_FIELDS = (("User-Agent", "netlab/0.1"), ("Accept", "*/*"))


class Session:
    """Requests over a pool of persistent connections. Use it as an async context manager, or `close` it.

    limit: connections over all hosts, 0 for no limit. limit_per_host: to one of them. keepalive_timeout:
    seconds that one may be idle. max_lifetime: seconds after which it is not used again. drain: bytes of
    unread content read past. tls: a context from `netlab.tls.client_context`; None trusts what the system
    trusts. fields: sent with every request. trace: called with each TraceEvent. random, clock: for tests.
    Raises ValueError.
    """

    def __init__(
        self,
        limit: int = 100,
        limit_per_host: int = 0,
        keepalive_timeout: float = 30.0,
        *,
        tls: ssl.SSLContext | None = None,
        fields: FieldLines | None = None,
        max_lifetime: float = 3600.0,
        drain: int = 64 * 1024,
        limits: Limits = DEFAULT_LIMITS,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        trace: Trace | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._settings = PoolLimits(limit, limit_per_host, keepalive_timeout, max_lifetime, drain)
        self._limits, self._timeouts = limits, timeouts
        self._tickets = Tickets(tls)
        self._trace, self._clock, self._random = trace, clock, random
        self._fields = _defaults(fields)
        self.pool: Pool[Connection] = Pool(self._make, limit, limit_per_host)
        """The books: `repr(session.pool)` tells the counts, `.why_opened` and `.closed` the history."""
        self.closed = False
        self._opened = False

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
        seconds = self._timeouts.total if timeout is None else timeout
        self._check_open()
        if seconds == math.inf:
            return await self._send(request, NEVER)
        give_up = self.services.loop.time() + seconds
        try:
            async with asyncio.timeout_at(give_up):
                return await self._send(request, give_up)
        except TimeoutError as error:
            if isinstance(error, TimedOut):
                raise
            raise TimedOut(
                f"{request.method} {request.url} took longer than {seconds:g} s", "total"
            ) from None

    async def _send(self, request: Outgoing, give_up: float) -> ClientResponse:
        """Send a request; once more without Expect where the server does not know it (RFC 9110 §10.1.1)."""
        try:
            while True:
                exchange, connection = await self._dispatch.send_with_retry(request)
                response = ClientResponse(request.method, str(request.url), exchange, connection, give_up)
                if not (response.status == 417 and request.expects and request.replayable):
                    return response
                response.release()
                request.drop_expect()
        finally:
            if request.stream is not None and not request.begun:
                await request.close_stream()

    def _check_open(self) -> None:
        if self.closed:
            raise SessionClosed("the session is closed")
        if not self._opened:
            self._open()
        elif asyncio.get_running_loop() is not self.services.loop:
            raise RuntimeError("this session belongs to another event loop: make one in each")

    def _open(self) -> None:
        self.services = Services(
            self._settings,
            self._limits,
            self._timeouts,
            self._tickets,
            self._trace,
            self._clock,
            self._random,
        )
        self._dispatch = Dispatch(self.services, self.pool)
        self._opened = True

    def _make(self, origin: Any, why: Opened) -> Connection:
        return Connection(self.services, self.pool, origin, self.pool.opened, why)

    # -- the end --------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Close every connection; requests under way fail with SessionClosed. No error when closed."""
        if self.closed:
            return
        self.closed = True
        if not self._opened:
            return
        self.services.closed = True
        self._dispatch.close()
        for connection in list(self.pool.places):
            connection.close(Reason.SESSION_CLOSED)
        await self.services.close()

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


def _defaults(fields: FieldLines | None) -> tuple[tuple[str, str], ...]:
    given = tuple(fields.items() if isinstance(fields, Mapping) else fields or ())
    if not all(isinstance(part, str) for line in given for part in line):
        raise InvalidRequest("field names and values are text: give str")
    names = {name.lower() for name, _ in given}
    return (*(line for line in DEFAULT_FIELDS if line[0].lower() not in names), *given)
