"""What the client's tests share: certificates, and the keeper of sessions."""

from __future__ import annotations

import pytest

from netlab.tls import authority


@pytest.fixture(scope="session")
def certificates(minted: authority.Certificates) -> authority.Certificates:
    """Root, intermediate and leaf of this run, good now."""
    return minted
