"""A site of its own for each test, and one Chromium for them all, which trusts the root of this run.

async with opened("handshake") as board:
    await board.start(way="resume")
    await board.ended()
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from netlab.live.board import Board
from netlab.live.registry import boards
from netlab.live.site import Site
from netlab.server.server import Server
from netlab.tls.authority import Certificates
from netlab.tls.context import server_context
from tests.cors.browser.conftest import certificates, driver  # noqa: F401
from tests.cors.browser.world import without

from .opened import Opened, opened_board


@contextlib.asynccontextmanager
async def running(minted: Certificates, *shown: Board) -> AsyncIterator[tuple[Site, str, Server]]:
    """A site with these boards, its address, and its server."""
    tls = server_context(minted.chain, minted.leaf_key)
    site = Site(shown or boards(), tls)
    async with Server(site, tls=tls) as server:
        await site.startup()
        try:
            yield site, site.open_at(server.port), server
        finally:
            await site.shutdown()
            await server.stop(0)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Refused preflights and broken experiments are what these tests are about."""
    caplog.set_level(logging.CRITICAL, "netlab")


@pytest.fixture
def site_of(minted: Certificates) -> Callable[..., Any]:
    """`async with site_of(board, …) as (site, address, server)`; without boards: all of them."""
    return functools.partial(running, minted)


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def session_loop() -> None:
    """The loop of the session stands before any test begins: so its descriptors are no test's leftover."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(driver: Any, minted: Certificates) -> AsyncIterator[Any]:  # noqa: F811
    """The browser."""
    try:
        async with driver.browser(minted.root) as started:
            yield started
    except driver.Missing as missing:
        without(str(missing))


@pytest.fixture
def opened(chromium: Any, minted: Certificates) -> Callable[..., Any]:
    """`async with opened("wire", view="phone") as board`: its page in a window; see Opened."""

    @contextlib.asynccontextmanager
    async def open_one(name: str, view: str = "light") -> AsyncIterator[Opened]:
        async with (
            running(minted) as (site, address, _),
            opened_board(chromium, site, address, name, view) as o,
        ):
            yield o

    return open_one
