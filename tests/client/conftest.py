"""What the client's tests share: certificates, and `netlab fetch` run in this process."""

from __future__ import annotations

import io
import sys

import pytest

from netlab.__main__ import main
from netlab.tls import authority
from tests.client.canned import Fetch


@pytest.fixture(scope="session")
def certificates(minted: authority.Certificates) -> authority.Certificates:
    """Root, intermediate and leaf of this run, good now."""
    return minted


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Fetch:
    """Run the command: exit status, standard output, standard error. Its waits before a retry are short."""

    def run(*arguments: str) -> tuple[int, bytes, str]:
        out = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, write_through=True))
        status = main(["fetch", *arguments])
        return status, out.getvalue(), capfd.readouterr().err

    monkeypatch.setattr("netlab.cli.fetch._FIRST_WAIT", 0.01)
    return run
