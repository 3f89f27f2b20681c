"""A pytest plugin for the users of netlab: real servers, raw bytes, certificates and slow links in a test.

Install netlab beside pytest and the fixtures are there; unused, they cost nothing. Where netlab is only on
the path, a conftest with `pytest_plugins = ["netlab.testing"]` does the same.

    def test_hello(netlab_live):                         # any test: sync, pytest-asyncio, anyio, under xdist
        server = netlab_live(app)                        # a netlab handler, an ASGI app, or a factory of one
        assert requests.get(f"{server.url}/hello").json() == {"hello": "world"}

    async def test_hello(netlab_server, netlab_session): # in the event loop of the test (pytest-asyncio)
        server = await netlab_server(app, tls=True)
        async with netlab_session.get(f"{server.url}/hello") as response:
            assert await response.json() == {"hello": "world"}

What each fixture shows that a TestClient cannot, since that calls the app without a connection:

| fixture | what it shows |
|---|---|
| netlab_live, netlab_server | a real server: keep-alive, limits, deadlines |
| netlab_session | a real client with a pool, which trusts the test's own authority |
| netlab_tls | a throw-away authority: chain, key, contexts for both sides |
| wire | raw bytes out, and what came back, byte by byte |
| slow_link | distance, bandwidth, a stall, a reset between client and server |
| client_leaves_after | a client that closes in the middle of a response: does the producer stop? |
| connections_used | how many connections the requests took: is the session really reused? |
| flat_memory | whether memory stays flat while a stream goes by |
| no_leaks | whether descriptors, threads or children are left behind |

`assert_preflight_allows` and `assert_preflight_denies` ask a server what a browser would ask, and judge its
answer by the Fetch standard. What a test started is stopped after it, failed or not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlab.testing.preflights import assert_preflight_allows, assert_preflight_denies

__all__ = ["assert_preflight_allows", "assert_preflight_denies"]

_FIXTURES = (
    "client_leaves_after", "connections_used", "flat_memory", "netlab_certificates", "netlab_live",
    "netlab_live_servers", "netlab_order", "netlab_server", "netlab_session", "netlab_tls", "no_leaks",
    "slow_link", "wire",
)  # fmt: skip


def __dir__() -> list[str]:
    """The fixtures alone. pytest takes every name that stands here when it starts, and so imports it."""
    return list(_FIXTURES)


def __getattr__(name: str) -> Any:
    if name in _FIXTURES:
        return getattr(importlib.import_module("netlab.testing.plugin"), name)
    if name in __all__:
        return getattr(importlib.import_module("netlab.testing.preflights"), name)
    raise AttributeError(f"module 'netlab.testing' has no attribute {name!r}")
