"""Servers as processes, plain or TLS, and the clients' side of their certificates."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from netlab.tls.context import client_context
from tests.server.conftest import Process, certificates

__all__ = ["certificates"]

APP = "tests.server.streaming.app:app"

Start = Callable[..., Process]


@pytest.fixture(params=["plain", "tls"])
def way(request: pytest.FixtureRequest) -> str:
    """Plain HTTP, or TLS."""
    return str(request.param)


@pytest.fixture
def trusting(way: str, certificates: Path) -> ssl.SSLContext | None:
    """The context of a client that trusts our root; None for plain."""
    return client_context(certificates / "root.pem") if way == "tls" else None


@pytest.fixture
def serving(way: str, certificates: Path) -> Iterator[Start]:
    """Start `python -m netlab serve …`, with TLS if asked. All end with the test, without a word."""
    secure = ("--cert", str(certificates / "chain.pem"), "--key", str(certificates / "leaf.key"))
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(_running(*arguments, *(secure if way == "tls" else ())))


@contextmanager
def _running(*arguments: str) -> Iterator[Process]:
    server = Process(*arguments)
    try:
        yield server
    finally:
        status, _, complaints = server.stop()
    assert (status, complaints) == (0, "")
