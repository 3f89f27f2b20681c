"""One real Chromium for all tests of this folder, which trusts the root that was minted for them.

Browser and servers live in one event loop, that of the session. Each test opens servers and a browser context
of its own (`world.world`), and closes them.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

from labs.runner import loader
from netlab.tls import authority

from .world import Stage, without, world

LAB = Path(__file__).resolve().parents[3] / "labs" / "04_browser"


@pytest.fixture(scope="session")
def certificates(minted: authority.Certificates) -> authority.Certificates:
    """Root, intermediate and leaf of this run, good now."""
    return minted


@pytest.fixture(scope="session")
def driver() -> ModuleType:
    """Lab 04's own way to start Chromium and to hear its verdicts."""
    return loader.load(LAB / "chromium.py", "chromium")


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def chromium(driver: ModuleType, certificates: authority.Certificates) -> AsyncIterator[Any]:
    """The browser, running before any test begins: so it is no test's leftover."""
    try:
        async with driver.browser(certificates.root) as started:
            yield started
    except driver.Missing as missing:
        without(str(missing))


@pytest.fixture(scope="session")
def stage(chromium: Any, driver: ModuleType, certificates: authority.Certificates) -> Stage:
    """`async with stage(cors=…, app=…) as w`: see `world.world`."""
    return functools.partial(world, chromium, driver, certificates)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Denials and crashes are what these tests are about: their log would bury a failure's own words."""
    caplog.set_level(logging.CRITICAL, "netlab")
