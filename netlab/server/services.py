"""What a connection needs of its server, and an exchange of its connection: two interfaces.

They stand here so that `server` imports `connection`, `connection` imports `exchange`, and nothing imports
back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from netlab.cors import Policy, Routes
from netlab.http1.forwarded import TrustedProxies
from netlab.http1.heads import RequestHeads
from netlab.http1.limits import Limits
from netlab.http1.messages import RequestHead
from netlab.http1.parser import RequestParser
from netlab.net.accepted import AcceptedTransport
from netlab.net.poller import Poller
from netlab.net.sockets import Ends
from netlab.net.sweep import Sweep
from netlab.net.transport import Transport
from netlab.server.background import Background
from netlab.server.config import Timeouts
from netlab.server.response import Response


class Client(Protocol):
    """What the access log is told of a client."""

    @property
    def peer(self) -> str:
        """Its address, such as "127.0.0.1:50412"; "" for a Unix socket."""


AccessLog = Callable[[Client, RequestHead, Response], object]


class Services(Protocol):
    """What a connection needs of its server. The server fills it in; attributes that change say so."""

    handle: Callable[[Any], Any]
    """The app, as it is called for each request."""
    cors: Policy | Routes | None
    limits: Limits
    heads: RequestHeads
    """The reader of request heads for these limits."""
    timeouts: Timeouts
    uds: str | None
    access_log: AccessLog | None
    forwarded: TrustedProxies | None
    loop: asyncio.AbstractEventLoop
    poller: Poller
    transport_class: type[AcceptedTransport]
    """The transport of each connection: plain, or one whose small writes leave together."""
    sweep: Sweep
    start_eagerly: Callable[[Coroutine[Any, Any, Any]], Any]
    """Takes the first step of a coroutine: gives its result, or the Task that goes on with it."""
    date: bytes
    """The Date field line, and what else each response carries. Rendered anew in each sweep."""
    plain_date: bytes
    """The same for a response that leaves without TLS, though the server speaks TLS."""
    idle_deadline: float
    """The deadline of a connection that becomes idle now. Computed anew in each sweep."""
    draining: bool
    """Set when the server stops: no connection persists from then on."""
    background: Background
    """Handlers that go on behind their responses."""
    requests: int
    """Requests answered. Counted by the connections."""
    refused: int
    """Heads refused. Counted by the connections."""

    def log_access(self, client: Client, head: RequestHead, response: Response) -> None:
        """Write a line of the access log. Only where `access_log` is set."""

    def report(self, head: RequestHead | None, error: BaseException) -> None:
        """Log a handler's failure."""

    def connection_closed(self, connection: Any) -> None:
        """A connection has ended."""

    def is_full(self) -> bool:
        """Is there no room for a further connection?"""


class Carrier(Protocol):
    """What an exchange and its body need of the connection that carries them."""

    exchange: Any
    """The request that is being answered, or None."""

    server: Services
    parser: RequestParser
    half_closed: bool
    """Set when the client has closed its sending side."""

    @property
    def transport(self) -> Transport:
        """The socket, non-blocking, plain or TLS."""

    @property
    def is_closed(self) -> bool:
        """Has the connection ended?"""

    @property
    def peer(self) -> str:
        """The client's address as text."""

    ends: Ends | None
    """The addresses, once `addresses` has asked for them."""

    @property
    def addresses(self) -> Ends:
        """The server's address and the client's, asked of the kernel once."""

    def advance(self) -> None:
        """Something has happened: go on as far as possible without waiting."""

    def flushed(self) -> None:
        """The kernel has taken what waited, or the connection has ended: wake the handler that waits."""

    def watch_send(self) -> None:
        """The kernel did not take all that was written: the client must take it at a minimum rate."""

    async def drained(self) -> None:
        """Wait until the kernel takes more."""

    def set_deadline(self) -> None:
        """A wait of the exchange has begun or ended."""

    def linger(self) -> None:
        """Close so that the client sees all that was sent."""

    def abort(self) -> None:
        """Close with a reset."""
