"""The server of known cost, as a command with a free port."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

URL = "http://127.0.0.1:{port}/"
PROGRAM = Path(__file__).with_name("synthetic_server.py")


@pytest.fixture
def synthetic() -> Callable[..., list[str]]:
    """Give the command that starts the synthetic server with these options."""
    return lambda *options: [sys.executable, str(PROGRAM), "{port}", *map(str, options)]
