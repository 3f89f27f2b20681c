"""Programs of this machine that a test needs: where they are, and what happens without them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def missing(message: str) -> None:
    """Skip, and say what to install; with CI=true: fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def python_of(version: str) -> Path:
    """The interpreter of another Python: on the path, or where pyenv puts it."""
    found = shutil.which(f"python{version}")
    beside = sorted(
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}*/bin")
    )
    for path in [*([Path(found)] if found else []), *(folder / "python" for folder in beside)]:
        if subprocess.run([path, "-c", "import ssl"], capture_output=True, check=False).returncode == 0:
            return path
    missing(f"needs Python {version} (pyenv install {version})")
    raise AssertionError("missing() has raised")
