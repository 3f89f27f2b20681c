"""The fixtures. Each imports what it needs when a test asks for it: unused, they cost one small module.

pytest loads this module and netlab never does, so pytest is no dependency of netlab.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from netlab.client.session import Session
    from netlab.relay import Relay
    from netlab.testing.authority import Authority
    from netlab.testing.live import LiveServer, LiveServers
    from netlab.testing.rawclient import RawConnection
    from netlab.testing.started import ServerFactory
    from netlab.tls.authority import Certificates

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _fixture(plugin: str, scope: str) -> Callable[[_Function], _Function]:
    """The decorator of pytest, or of pytest-asyncio; without pytest-asyncio, pytest's (anyio runs those)."""
    try:
        module = importlib.import_module(plugin)
    except ImportError:
        module = importlib.import_module("pytest")
    decorator: Callable[[_Function], _Function] = module.fixture(scope=scope)
    return decorator


def _ask_for_asyncio(fixture: str) -> None:
    """Raises RuntimeError where the test runs in trio."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            f"{fixture} needs asyncio, and the test runs in another library: use netlab_live, or let the "
            "fixture anyio_backend return 'asyncio'"
        ) from None


@_fixture("pytest", "session")
def netlab_tls(tmp_path_factory: Any) -> Authority:
    """A throw-away authority, minted once a session: root, chain, key, server_context(), client_context()."""
    from netlab.testing.authority import Authority

    return Authority(tmp_path_factory.mktemp("netlab_tls"))


@_fixture("pytest", "session")
def netlab_certificates(netlab_tls: Authority) -> Certificates:
    """The files of netlab_tls: root, chain, leaf_key, and more (netlab.tls.Certificates)."""
    return netlab_tls.certificates


@_fixture("pytest", "function")
def netlab_order(request: Any) -> None:
    """Sets up no_leaks first where a test asks for it, so that it looks when every server has stopped."""
    if "no_leaks" in request.fixturenames:
        request.getfixturevalue("no_leaks")


@_fixture("pytest_asyncio", "function")
async def netlab_server(netlab_order: None, netlab_tls: Authority) -> AsyncIterator[ServerFactory]:
    """`server = await netlab_server(app, tls=True, …)`: a Server in the test's own event loop."""
    from netlab.testing.started import Started

    _ask_for_asyncio("netlab_server")
    started = Started(netlab_tls)
    try:
        yield started.start
    finally:
        await started.stop()


@_fixture("pytest_asyncio", "function")
async def netlab_session(netlab_order: None, netlab_tls: Authority) -> AsyncIterator[Session]:
    """A Session that trusts netlab_tls alone, closed after the test."""
    from netlab.client.session import Session

    _ask_for_asyncio("netlab_session")
    async with Session(tls=netlab_tls.client_context()) as session:
        yield session


@_fixture("pytest", "function")
def netlab_live_servers(netlab_order: None, netlab_tls: Authority) -> Iterator[LiveServers]:
    """What netlab_live and slow_link start in; stopped after the test."""
    from netlab.testing.live import LiveServers

    servers = LiveServers(netlab_tls)
    try:
        yield servers
    finally:
        servers.stop()


@_fixture("pytest", "function")
def netlab_live(netlab_live_servers: LiveServers) -> Callable[..., LiveServer]:
    """`server = netlab_live(app, tls=False, …)`: a server in a thread, for any kind of test and client."""
    return netlab_live_servers.start


@_fixture("pytest", "function")
def wire(netlab_order: None) -> Iterator[Callable[..., RawConnection]]:
    """`connection = wire(server)`: raw bytes out with `send`, what came back with `expect` and `until`.

    An https server is spoken to in TLS, as its `root` is trusted. tls: another context, or False for none.
    """
    from netlab.testing.rawclient import RawConnection

    opened: list[RawConnection] = []

    def connect(server: Any, *, tls: ssl.SSLContext | bool | None = None) -> RawConnection:
        opened.append(RawConnection(server, tls))
        return opened[-1]

    try:
        yield connect
    finally:
        for connection in opened:
            connection.close()


@_fixture("pytest", "function")
def slow_link(netlab_live_servers: LiveServers) -> Callable[..., SlowLink]:
    """`link = slow_link(server, delay=0.05, rate=100_000)`: use link.url in place of server.url.

    delay: seconds one way. rate: bytes a second. link.stall(), link.resume() and link.reset() at any moment.
    """
    from netlab.relay import Relay
    from netlab.testing.rawclient import address_of

    def connect(server: Any, *, delay: float = 0.0, rate: float | None = None) -> SlowLink:
        host, port = address_of(server)
        relay = netlab_live_servers.link(Relay(host, port, delay, rate=rate))
        return SlowLink(netlab_live_servers, relay, server)

    return connect


class SlowLink:
    """A stretch of wire between clients and a server. url, host, port: where clients connect."""

    def __init__(self, servers: LiveServers, relay: Relay, server: Any) -> None:
        self._servers, self.relay = servers, relay
        self.host, self.port = relay.host, relay.port
        target = server if isinstance(server, str) else str(getattr(server, "url", "http:"))
        self.url = f"{target.partition(':')[0]}://{self.host}:{self.port}"
        self.root = getattr(server, "root", None)

    def stall(self) -> None:
        """Let nothing through, until `resume`."""
        self._servers.background.run(self._do("stall"))

    def resume(self) -> None:
        """End the stall."""
        self._servers.background.run(self._do("resume"))

    def reset(self) -> None:
        """Reset every connection."""
        self._servers.background.run(self._do("reset"))

    async def _do(self, action: str) -> None:
        getattr(self.relay, action)()


@_fixture("pytest", "function")
def client_leaves_after() -> Callable[..., bytes]:
    """`client_leaves_after(n_bytes, server, path="/")`: read so much of a response, then close."""
    from netlab.testing.leaving import leave_after

    def leave(
        n_bytes: int, server: Any, path: str = "/", *, reset: bool = False, tls: ssl.SSLContext | None = None
    ) -> bytes:
        return leave_after(server, n_bytes, path, reset=reset, context=tls)

    return leave


@_fixture("pytest", "function")
def no_leaks() -> Iterator[None]:
    """After the test: the same file descriptors, threads and child processes as before it."""
    from netlab.testing.watching import Belongings

    before = Belongings()
    yield
    left = before.left()
    assert not left, "the test left behind: " + ", ".join(left)


@_fixture("pytest", "function")
def flat_memory() -> Callable[..., AbstractContextManager[Callable[[], float]]]:
    """`with flat_memory(8): …` holds that memory (USS) grows by at most 8 MiB; `pid=` for another process."""
    from netlab.testing.watching import flat

    return flat


@_fixture("pytest", "function")
def connections_used() -> Callable[[Any], AbstractContextManager[Callable[[], int]]]:
    """`with connections_used(server) as used: …; assert used() == 1`: connections that the requests took."""
    from netlab.testing.watching import connections

    return connections
