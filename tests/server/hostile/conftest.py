"""Certificates for the sieges of TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with root.pem, chain.pem and leaf.key, minted for this run."""
    from netlab.tls.authority import mint

    folder = tmp_path_factory.mktemp("certs")
    mint(folder)
    return folder


@pytest.fixture
def trusting(certificates: Path) -> ssl.SSLContext:
    """A client's context that trusts them."""
    from netlab.tls import client_context

    return client_context(certificates / "root.pem")
