"""Every proxy of the table stands in front of netlab with the configuration that a reader can copy."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.interop import page
from tests.interop.proxies import CONFIGURATIONS, PROXIES
from tests.interop.relaying import observe
from tests.kit.peers import Lacking


@pytest.mark.soak
@pytest.mark.parametrize("name", PROXIES)
def test_behind_the_proxy_netlab_keeps_its_promises(name: str) -> None:
    # Not in pytest's own folder: Squid and Varnish give up root's rights, and could not read there.
    with tempfile.TemporaryDirectory(prefix="netlab-interop-") as scratch:
        Path(scratch).chmod(0o755)
        try:
            told = observe(PROXIES[name], Path(scratch))
        except Lacking as lacking:
            if os.environ.get("CI"):
                pytest.fail(str(lacking))
            pytest.skip(str(lacking))
    assert told.broken == []
    assert told.cells["client leaves a stream"] == "told"


def test_the_page_names_every_client_and_proxy_and_each_configuration_is_one_of_a_proxy() -> None:
    text = page.PAGE.read_text("utf-8")
    for name in page.subjects():
        assert f"| {name}" in text or f"- {name}: not tried" in text, f"{name}: run make interop"
    files = {path.name for path in CONFIGURATIONS.iterdir()}
    assert files == {proxy.configuration for proxy in PROXIES.values()}
    assert all(f"`{name}`" in text for name in files)
    assert "BROKEN" not in text and "| no: " not in text
