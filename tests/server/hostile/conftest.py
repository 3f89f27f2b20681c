"""Certificates for the sieges of TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest


@pytest.fixture
def trusting(certificates: Path) -> ssl.SSLContext:
    """A client's context that trusts them."""
    from netlab.tls import client_context

    return client_context(certificates / "root.pem")
