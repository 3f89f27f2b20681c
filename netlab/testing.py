"""A pytest plugin for the users of netlab: real servers, a session, certificates, for one test at a time.

In the conftest.py of your tests (with pytest and pytest-asyncio installed):

    pytest_plugins = ["netlab.testing"]

and in a test, which runs in the same event loop as its servers:

    async def test_hello(netlab_server, netlab_session):
        server = await netlab_server(app, tls=True)
        async with netlab_session.get(f"{server.url}/hello") as response:
            assert await response.json() == {"hello": "world"}

What a test started is stopped after it, failed or not: nothing is left behind.
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from netlab.client.session import Session
from netlab.server.server import Handler, Server
from netlab.tls.context import client_context, server_context

if TYPE_CHECKING:
    from netlab.tls.authority import Certificates

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Seconds that exchanges under way have when their test is over: it has seen what it wanted to see.
PATIENCE = 0.1


def _fixture(plugin: str, scope: str) -> Callable[[_Function], _Function]:
    """The decorator of pytest, or of pytest-asyncio.

    pytest loads this module, and netlab never does: so pytest is no dependency of netlab.
    """
    decorator: Callable[[_Function], _Function] = importlib.import_module(plugin).fixture(scope=scope)
    return decorator


class ServerFactory(Protocol):
    """What the fixture netlab_server gives: a function that starts servers."""

    def __call__(
        self, app: Handler, *, tls: ssl.SSLContext | bool | None = None, **options: Any
    ) -> Awaitable[Server]:
        """Start a server on a free port of 127.0.0.1.

        app: a netlab handler, or `AsgiHandler(app)`; its `startup` and `shutdown` are called. tls: True for
        the certificates of netlab_certificates, or a context. options: those of Server. Raises what Server
        raises, and what the app's `startup` raises.
        """


class _Started:
    """The servers of one test, in the order of their start."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates
        self._loop = asyncio.get_running_loop()
        self._running: list[tuple[Handler, Server | None]] = []

    async def start(
        self, app: Handler, *, tls: ssl.SSLContext | bool | None = None, **options: Any
    ) -> Server:
        """See ServerFactory."""
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "netlab_server and its test run in two event loops: set asyncio_default_fixture_loop_scope "
                "to the loop_scope of the test"
            )
        if tls is True:
            tls = server_context(self._certificates.chain, self._certificates.leaf_key)
        server = Server(app, tls=tls or None, **options)
        self._running.append((app, None))
        await _hook(app, "startup")
        await server.start()
        self._running[-1] = (app, server)
        return server

    async def stop(self) -> None:
        """Stop all of them, the last first."""
        while self._running:
            app, server = self._running.pop()
            if server is not None:
                await server.stop(PATIENCE)
            await _hook(app, "shutdown")


async def _hook(app: Handler, name: str) -> None:
    hook = getattr(app, name, None)
    if hook is not None:
        await hook()


@_fixture("pytest", "session")
def netlab_certificates(tmp_path_factory: Any) -> Certificates:
    """A root, an intermediate and a leaf for localhost, 127.0.0.1 and ::1, minted once a session.

    Paths: root, chain (what a server sends), leaf_key, and more: see netlab.tls.Certificates.
    """
    from netlab.tls.authority import mint

    return mint(tmp_path_factory.mktemp("netlab_certificates"))


@_fixture("pytest_asyncio", "function")
async def netlab_server(netlab_certificates: Certificates) -> AsyncIterator[ServerFactory]:
    """`server = await netlab_server(app, tls=True, …)`: a running Server, stopped after the test."""
    started = _Started(netlab_certificates)
    try:
        yield started.start
    finally:
        await started.stop()


@_fixture("pytest_asyncio", "function")
async def netlab_session(netlab_certificates: Certificates) -> AsyncIterator[Session]:
    """A Session that trusts the root of netlab_certificates alone, closed after the test."""
    async with Session(tls=client_context(netlab_certificates.root)) as session:
        yield session
