"""From the wish for a connection to a transport that is ready: name look-up, TCP, TLS.

One `Opening` for each connection. Deadlines: `connect` for look-up and TCP (in `dialing`), `handshake` for
TLS.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from netlab.client import securing
from netlab.client.dialing import dial, resolve
from netlab.client.errors import ClientError, Disconnected, SessionClosed, TimedOut
from netlab.client.proxies import open_tunnel
from netlab.client.services import Services
from netlab.client.timings import Step, Timings
from netlab.client.url import Origin
from netlab.net.salvaging import SalvagingTransport
from netlab.net.sweep import NEVER


class Opening:
    """Opens one connection. It is the transport's owner until the connection takes over."""

    def __init__(self, services: Services, origin: Origin, connection: Any, timings: Timings) -> None:
        self._services = services
        self._origin = origin
        self._connection = connection  # for the trace
        self._timings = timings
        self._dialing: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._transport: SalvagingTransport | None = None
        self._unusable = False  # the server has closed, or sent bytes, before any request
        self.deadline = NEVER
        self.tls: securing.TLSInfo | None = None
        """What the handshake agreed on."""

    @property
    def phase(self) -> str:
        """What is being done, in words."""
        return "connecting" if self._ready is None else "in the TLS handshake"

    async def run(self) -> SalvagingTransport:
        """Look up, connect, shake hands. Raises ConnectFailed and its kin, TimedOut, SessionClosed."""
        services = self._services
        if services.closed:
            raise SessionClosed("the session was closed")
        # A task of its own, which `cancel` can end: a server that never answers must not outlive the session.
        self._dialing = dialing = services.start(self._dial())
        await asyncio.wait((dialing,))
        self._dialing = None  # its error leads back to us
        if dialing.cancelled():
            raise SessionClosed("the session was closed")
        dialing.result()
        if self._ready is not None:
            try:
                await self._ready
            finally:
                services.sweep.discard(self)
        transport = self._transport
        assert transport is not None
        if self._unusable:
            transport.close()
            raise Disconnected(f"{self._origin.authority} closed the connection after the handshake")
        return transport

    async def _dial(self) -> None:
        """Name look-up and TCP."""
        services, timings = self._services, self._timings
        timeout, start = services.timeouts.connect, services.clock()
        proxy = self._origin.proxy
        first = self._origin if proxy is None else proxy.origin
        instead = services.resolve.get((first.host, first.port)) if services.resolve else None
        looked_up = first if instead is None else first._replace(host=instead)
        addresses = await resolve(services.loop, looked_up, timeout)
        resolved = services.clock()
        timings.dns = resolved - start
        services.tell(Step.RESOLVED, self._connection, [address[0] for _, address in addresses])
        sock, address = await dial(services.loop, first, addresses, timeout)
        try:
            services.tell(Step.CONNECTED, self._connection, address)
            if proxy is not None:
                await open_tunnel(services.loop, sock, self._origin, proxy, services.limits, timeout)
                services.tell(Step.TUNNELLED, self._connection, first)
        except BaseException:
            sock.close()
            raise
        timings.connect = services.clock() - resolved
        self._secure(sock)

    def _secure(self, sock: socket.socket) -> None:
        services, origin = self._services, self._origin
        if origin.secure:
            sock = securing.wrap(sock, origin, services.tickets.context, services.tickets.get(origin))
            self._ready = services.loop.create_future()
            self._started = services.clock()
            self.deadline = services.deadline(services.timeouts.handshake)
            services.sweep.add(self)
        self._transport = SalvagingTransport()
        self._transport.attach(sock, services.poller, self)
        if origin.secure:
            self._transport.open()

    def cancel(self) -> None:
        """End it, whatever is under way: `run` raises SessionClosed."""
        if self._dialing is not None and not self._dialing.cancel() and not self._dialing.cancelled():
            self._dialing.exception()  # seen: no caller waits for it any more
        self._fail(SessionClosed("the session was closed"))

    def _fail(self, error: ClientError) -> None:
        self.deadline = NEVER
        if self._transport is not None:
            self._transport.close()
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # seen: `run` may have been cancelled already

    # -- what the sweep and the transport tell --------------------------------------------------------------

    def expire(self) -> None:
        """The handshake took too long."""
        seconds = self._services.timeouts.handshake
        line = f"the TLS handshake with {self._origin.authority} took longer than {seconds:g} s"
        self._fail(TimedOut(line, "handshake"))

    def connected(self) -> None:
        """The TLS handshake is done."""
        assert self._transport is not None
        self.deadline = NEVER
        self.tls = securing.agreed(self._transport.socket)
        self._timings.tls = self._services.clock() - self._started
        self._services.tell(Step.SECURED, self._connection, self.tls)
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def received(self, data: bytes) -> None:
        """Bytes before any request: no HTTP server sends them."""
        self._unusable = True

    def ended(self) -> None:
        """The server has closed before any request."""
        self._unusable = True

    def flushed(self) -> None:
        """Nothing is written before the connection takes over."""

    def lost(self, error: Exception | None) -> None:
        """The connection broke: in the handshake, or right behind it."""
        self._unusable = True
        self._fail(securing.failure(self._origin, error))
