"""What the client's tests share: certificates, and the keeper of sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlab.tls import authority


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> authority.Certificates:
    """A minted folder, good now."""
    return authority.mint(Path(tmp_path_factory.mktemp("certs")))
