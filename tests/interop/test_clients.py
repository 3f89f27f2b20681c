"""Every client of the table talks to netlab's server, plain and over TLS; the server counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netlab.tls.authority import Certificates
from tests.interop.clients import CLIENTS
from tests.interop.judging import observe
from tests.kit.peers import Lacking

pytestmark = pytest.mark.soak

# npm packages are not installed by CI: without them the page says what is needed.
OPTIONAL = {"axios"}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("name", CLIENTS)
def test_the_client_and_netlab_understand_each_other(
    name: str, tls: bool, tmp_path: Path, minted: Certificates
) -> None:
    try:
        observed = observe(CLIENTS[name], tmp_path, minted, tls)
    except Lacking as lacking:
        if os.environ.get("CI") and name not in OPTIONAL:
            pytest.fail(str(lacking))
        pytest.skip(str(lacking))
    assert observed.wrong == ()
    assert observed.requests >= len(CLIENTS[name].steps)
