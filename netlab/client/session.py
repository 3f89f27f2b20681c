"""What a user calls: Session. Names as in aiohttp and requests, which its users know.

    async with netlab.Session() as session:
        async with session.get("https://localhost:8443/") as response:
            print(response.status, await response.json())

The way of a request: `outgoing` puts it together, `dispatch` gets it a connection from the `pool`,
`connection` carries it, and what comes back meets its reader in `exchange`. `redirects` and `cookies` decide
what the next request is and what it carries.
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

from netlab.client.authentication import authorization
from netlab.client.bodies import Data, encode_pairs, prepare
from netlab.client.call import Call
from netlab.client.config import DEFAULT_LIMITS, DEFAULT_TIMEOUTS, PoolLimits, Timeouts
from netlab.client.connection import Connection
from netlab.client.cookies import CookieJar
from netlab.client.decoding import decoder_for
from netlab.client.dispatch import Dispatch
from netlab.client.errors import SessionClosed, TimedOut, TooManyRedirects
from netlab.client.options import (
    USUAL,
    Options,
    SessionFields,
    check_kinds,
    default_fields,
    one_name,
    pairs,
    with_auth,
)
from netlab.client.outgoing import FieldLines, Lines, Outgoing, assemble
from netlab.client.pool import Pool
from netlab.client.proxies import parse_proxy, proxy_from_environment
from netlab.client.reasons import Opened, Reason
from netlab.client.redirects import MOST, Following, following
from netlab.client.response import ClientResponse
from netlab.client.services import Services, Tickets
from netlab.client.statistics import Statistics
from netlab.client.timings import Trace
from netlab.client.url import URL, Proxy, parse_url, resolve_url, with_query
from netlab.http1.limits import Limits
from netlab.net.sweep import NEVER

__all__ = ["ClientResponse", "Session"]

# What the content of one response may grow to when it is decoded, in bytes.
MOST_DECODED = 1 << 30

Params = Mapping[str, Any] | list[tuple[str, Any]] | str | None


class Session:
    """Requests over a pool of persistent connections. Use it as an async context manager, or `close` it.

    limit: connections over all hosts, 0 for no limit. limit_per_host: to one of them. keepalive_timeout:
    seconds that one may be idle. max_lifetime: seconds after which it is not used again. drain: bytes of
    unread content read past. tls: a context from `netlab.tls.client_context`; None trusts what the system
    trusts. fields (or headers, the same): sent with every request; None as a value leaves ours out. base_url:
    what relative URLs are relative to. auth: a pair (name, password) for Basic authentication, for the origin
    of base_url if there is one. raise_for_status: raise StatusError for 400 and above. cookies: a CookieJar;
    None keeps none. decompress: ask for content codings and take them away; max_decoded: bytes that one
    response may grow to. proxy: a URL such as http://name:password@host:3128; trust_env: ask the environment
    for one. resolve: addresses that stand in for a look-up, by (host, port). http10: send HTTP/1.0. trace:
    called with each TraceEvent.
    random, clock: for tests. Raises ValueError, and TypeError for a value of another kind.
    """

    def __init__(
        self,
        limit: int = 100,
        limit_per_host: int = 0,
        keepalive_timeout: float = 30.0,
        *,
        tls: ssl.SSLContext | None = None,
        fields: SessionFields | None = None,
        headers: SessionFields | None = None,
        base_url: str | None = None,
        auth: tuple[str, str] | None = None,
        raise_for_status: bool = False,
        cookies: CookieJar | None = None,
        decompress: bool = True,
        max_decoded: int = MOST_DECODED,
        proxy: str | None = None,
        trust_env: bool = False,
        resolve: Mapping[tuple[str, int], str] | None = None,
        http10: bool = False,
        max_lifetime: float = 3600.0,
        drain: int = 64 * 1024,
        limits: Limits = DEFAULT_LIMITS,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        trace: Trace | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        check_kinds(tls=tls, cookies=cookies, timeouts=timeouts, base_url=base_url)
        self._settings = PoolLimits(limit, limit_per_host, keepalive_timeout, max_lifetime, drain)
        self._limits, self._timeouts = limits, timeouts
        self._tickets = Tickets(tls)
        self._trace, self._clock, self._random = trace, clock, random
        self._fields = default_fields(one_name(fields, headers), decompress)
        self._base_url = base_url
        self._base = None if base_url is None else parse_url(base_url)
        self._auth = None if auth is None else ("Authorization", authorization(auth))
        self._raise_for_status, self._decompress, self._max_decoded = (
            raise_for_status,
            decompress,
            max_decoded,
        )
        self._usual = Options(None, True, False, raise_for_status, decompress, None)
        self._proxy = None if proxy is None else parse_proxy(proxy)
        self._trust_env, self._resolve, self._http10 = trust_env, resolve, http10
        self.cookies = cookies
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
        params: Params = None,
        fields: FieldLines | None = None,
        headers: FieldLines | None = None,
        data: Data = None,
        json: Any = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        expect100: bool = False,
        allow_redirects: bool = True,
        allow_downgrade: bool = False,
        raise_for_status: bool | None = None,
        decompress: bool | None = None,
        proxy: str | None = None,
    ) -> Call:
        """Ask. `async with` the result, or `await` it and read or release the response.

        params: names and values for the query. fields (or headers, the same): field lines. data: bytes, text,
        form fields, files, FormData, or an iterable of bytes, sent chunked unless fields has a Content-Length
        (see `bodies`). json: a value. auth: (name, password). timeout: seconds for all of it. expect100: send
        the content only when the server has said 100 (Continue). allow_redirects: follow up to 10;
        allow_downgrade: even from https to http. raise_for_status, decompress, proxy: as for the session.
        Raises InvalidURL and InvalidRequest at once; the result raises ClientError.
        """
        if headers is not None:
            fields = one_name(fields, headers)
        place = resolve_url(self._base_url, url)
        if params is not None:
            place = with_query(place, params if isinstance(params, str) else encode_pairs(pairs(params)))
        given = list(pairs(fields))
        if auth is not None:
            given = with_auth(given, auth)
        options = self._usual
        if (timeout, allow_redirects, allow_downgrade, raise_for_status, decompress, proxy) != USUAL:
            options = Options(
                timeout,
                allow_redirects,
                allow_downgrade,
                self._raise_for_status if raise_for_status is None else raise_for_status,
                self._decompress if decompress is None else decompress,
                None if proxy is None else parse_proxy(proxy),
            )
        body = None if data is None and json is None else prepare(data, json)
        defaults = self._defaults_for(method, place, given, self._fields)
        via = self._proxy_for(place, options)
        outgoing = assemble(method, place, defaults, given, body, expect100, via)
        if self._http10:
            outgoing.speak_http10()
        seconds = self._timeouts.total if options.timeout is None else options.timeout
        if seconds == math.inf:
            return Call(self._follow(outgoing, options, NEVER))
        return Call(self._follow_within(seconds, outgoing, options))

    def get(self, url: str, **options: Any) -> Call:
        """As `request`."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Any) -> Call:
        """As `request`; a redirect is not followed unless allow_redirects=True."""
        return self.request("HEAD", url, **{"allow_redirects": False, **options})

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

    def _defaults_for(
        self, method: str, url: URL, given: list[tuple[str, str]], defaults: Lines, followed: bool = False
    ) -> Lines:
        """The session's field lines for a request to this URL: with its cookies, and its auth.

        followed: a redirect led there, and `redirects` has decided about auth.
        """
        if (
            self._auth is not None
            and not followed
            and (self._base is None or url.origin == self._base.origin)
        ):
            defaults = (*defaults, self._auth)
        if self.cookies is not None and method != "TRACE" and (cookie := self.cookies.header(url)):
            defaults = (*defaults, ("Cookie", cookie))
        if given and self._decompress and any(name in ("Range", "range") for name, _ in given):
            # A range of a compressed content could not be decoded: ask for the content as it is.
            defaults = tuple(line for line in defaults if line[0] != "Accept-Encoding")
        return defaults

    def _proxy_for(self, url: URL, options: Options) -> Proxy | None:
        if options.proxy is not None:
            return options.proxy
        if self._proxy is not None:
            return self._proxy
        return proxy_from_environment(url) if self._trust_env else None

    # -- a request's way ------------------------------------------------------------------------------------

    async def _follow_within(self, seconds: float, request: Outgoing, options: Options) -> ClientResponse:
        self._check_open()
        give_up = self.services.loop.time() + seconds
        try:
            async with asyncio.timeout_at(give_up):
                return await self._follow(request, options, give_up)
        except TimeoutError as error:
            if isinstance(error, TimedOut):
                raise
            raise TimedOut(
                f"{request.method} {request.url} took longer than {seconds:g} s", "total"
            ) from None

    async def _follow(self, request: Outgoing, options: Options, give_up: float) -> ClientResponse:
        """Send a request and those that its redirects ask for."""
        self._check_open()
        history: list[ClientResponse] = []
        while True:
            response = await self._send(request, options, give_up)
            if self.cookies is not None:
                self.cookies.store(request.url, response.fields)
            head = response.head
            if head.status >= 300 and options.allow_redirects:
                try:
                    next_one = following(request, head, options.allow_downgrade)
                    if next_one is not None and len(history) == MOST:
                        raise TooManyRedirects(f"{history[0].url} led to more than {MOST} redirects")
                except BaseException:
                    response.release()
                    raise
                if next_one is not None:
                    response.release()
                    history.append(response)
                    request = self._assemble_next(next_one, options)
                    continue
            response.history = tuple(history)
            if options.raise_for_status:
                response.raise_for_status()
            return response

    def _assemble_next(self, next_one: Following, options: Options) -> Outgoing:
        method, url, defaults, given, body, expect100 = next_one
        if self.cookies is not None:
            # Those of the jar are chosen anew for each URL.
            defaults = tuple(line for line in defaults if line[0] != "Cookie")
        lines = self._defaults_for(method, url, given, defaults, followed=True)
        outgoing = assemble(method, url, lines, given, body, expect100, self._proxy_for(url, options))
        if self._http10:
            outgoing.speak_http10()
        return outgoing

    async def _send(self, request: Outgoing, options: Options, give_up: float) -> ClientResponse:
        """Send a request; once more without Expect where the server does not know it (RFC 9110 §10.1.1)."""
        try:
            while True:
                exchange, connection = await self._dispatch.send_with_retry(request)
                response = ClientResponse(request.method, request.url, exchange, connection, give_up)
                head = response.head
                if head.status == 417 and request.expects and request.replayable:
                    response.release()
                    request.drop_expect()
                    request.rewind()
                    continue
                coding = head.fields.get("content-encoding") if options.decompress else None
                # 206 is a part of the encoded content, of which no decoder could make anything.
                if coding is not None and head.status != 206 and request.method != "HEAD":
                    response.decode_with(decoder_for(coding, self._max_decoded, response.url))
                return response
        finally:
            if request.stream is not None and not request.begun:
                await request.close_stream()

    # -- the pool -------------------------------------------------------------------------------------------

    async def warm_up(self, url: str, connections: int = 1) -> int:
        """Open connections before they are needed: the next requests to this URL's host find them idle.

        Returns how many were opened: limits may leave room for fewer. Raises ClientError if one fails.
        """
        self._check_open()
        place = resolve_url(self._base_url, url)
        options = Options(None, False, False, False, False, None)
        probe = assemble("GET", place, (), [], None, False, self._proxy_for(place, options))
        return await self._dispatch.warm_up(probe.route, connections)

    def statistics(self) -> Statistics:
        """What the session has done so far, in numbers with their reasons."""
        sent = self._dispatch if self._opened else None
        return Statistics(
            0 if sent is None else sent.requests,
            0 if sent is None else sent.reused,
            0 if sent is None else sent.retried,
            **self.pool.counts(),
            opened=dict(self.pool.why_opened),
            closed=dict(self.pool.closed),
        )

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
            self._resolve,
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
