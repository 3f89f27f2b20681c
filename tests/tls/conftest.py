"""Certificates, broken chains and independent programs for the tests of TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netlab.tls import authority, breakage, issue


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> authority.Certificates:
    """A minted folder, good now."""
    return authority.mint(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Files:
    """A broken chain as files."""

    chain: Path
    key: Path
    root: Path
    crls: Sequence[Path]


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> Callable[[breakage.Recipe], Files]:
    """A function that makes a breakage's files; all start from the same good hierarchy."""
    good = breakage.hierarchy(now)

    def write(recipe: breakage.Recipe) -> Files:
        folder = tmp_path_factory.mktemp("broken")
        files = Files(folder / "chain.pem", folder / "leaf.key", folder / "root.pem", [])
        served = recipe(good, now)
        files.chain.write_bytes(issue.pem(*served.chain))
        files.key.write_bytes(issue.key_pem(served.key))
        files.root.write_bytes(issue.pem(good.root.certificate))
        if served.crl is None:
            return files
        crl = folder / "issuer.crl"
        crl.write_bytes(issue.pem(served.crl))
        return Files(files.chain, files.key, files.root, [crl])

    return write


@pytest.fixture
def tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run an independent program of this machine; skip if it is not there (never with CI=true)."""

    def run(name: str, *arguments: object, feed: str = "") -> subprocess.CompletedProcess[str]:
        if shutil.which(name) is None:
            message = f"needs {name} (apt-get install {name})"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        command = [name, *map(str, arguments)]
        return subprocess.run(command, input=feed, capture_output=True, text=True, timeout=30, check=False)

    return run
