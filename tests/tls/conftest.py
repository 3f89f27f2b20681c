"""Certificates, broken chains and independent programs for the tests of TLS."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest

from netlab.tls import authority, breakage, cases
from tests.kit.programs import missing


@pytest.fixture(scope="session")
def certificates(minted: authority.Certificates) -> authority.Certificates:
    """Root, intermediate and leaf of this run, good now."""
    return minted


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def good(now: datetime) -> breakage.Hierarchy:
    """The good authorities that every case is made from."""
    return breakage.hierarchy(now)


LaidOut = tuple[breakage.Served, cases.Files]


@pytest.fixture(scope="session")
def laid_out(
    tmp_path_factory: pytest.TempPathFactory, now: datetime, good: breakage.Hierarchy
) -> Callable[[breakage.Recipe], LaidOut]:
    """A function that makes a case and its files; the same recipe gives the same case."""

    @cache
    def write(recipe: breakage.Recipe) -> LaidOut:
        served = recipe(good, now)
        return served, cases.write(served, good, tmp_path_factory.mktemp("case"))

    return write


@pytest.fixture
def tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run an independent program of this machine; skip if it is not there (never with CI=true)."""

    def run(name: str, *arguments: object, feed: str = "") -> subprocess.CompletedProcess[str]:
        if shutil.which(name) is None:
            missing(f"needs {name} (apt-get install {name})")
        command = [name, *map(str, arguments)]
        return subprocess.run(command, input=feed, capture_output=True, text=True, timeout=30, check=False)

    return run
