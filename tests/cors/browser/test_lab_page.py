"""The page of `make serve-04`, used as a person would: choose who asks, press a button, read."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import LAB

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = """() => Object.fromEntries(["yours", "chromium", "server", "trace", "change", "curl"].map(
    id => [id, document.getElementById(id).textContent]))"""


@pytest.fixture(scope="module")
def address(chromium: Any) -> Iterator[str]:
    """The server, as `make serve-04` runs it, with a hidden browser of its own."""
    command = [sys.executable, str(LAB / "serve.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line.startswith("the page   http://localhost:"), child.stderr and child.stderr.read()
        yield line.split()[2]
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=30) == 0
        assert child.stderr is not None and not child.stderr.read()


@pytest.mark.parametrize(
    ("who", "story", "expected"),
    [
        ("ours", "replace them, JSON with a token",
         {"yours": "reads: 204", "chromium": "none", "server": "OPTIONS → 204",
          "change": "Nothing to change"}),
        ("stranger", "replace them, JSON with a token",
         {"yours": "reads nothing", "chromium": "PreflightMissingAllowOriginHeader",
          "server": "OPTIONS → 403", "trace": "is not allowed", "change": "origins = ["}),
        ("stranger", "give feedback, as a form could",
         {"yours": "TypeError", "chromium": "MissingAllowOriginHeader",
          "server": "POST → 201  the handler ran", "curl": "-d 'well done'"}),
        ("sandboxed", "read the items",
         {"chromium": "MissingAllowOriginHeader", "server": "GET → 200", "change": "no change should"}),
        ("sandboxed", "the same in mode no-cors",
         {"yours": "opaque", "chromium": "none", "change": "No change of the policy helps"}),
        ("ours", "what is for all, with cookies",
         {"yours": "reads nothing", "chromium": "WildcardOriginNotAllowed", "change": "credentials = true"}),
    ],
)  # fmt: skip
async def test_a_button_shows_the_trace_beside_the_browsers_own_error(
    chromium: Any, address: str, who: str, story: str, expected: dict[str, str]
) -> None:
    context = await chromium.new_context()
    try:
        page = await context.new_page()
        await page.goto(address)
        await page.click(f"#who-{who}")
        await page.click(f"#asks button:has-text('{story}')")
        await page.wait_for_selector("#result:not([hidden])")
        shown = await page.evaluate(READ)
    finally:
        await context.close()
    for card, words in expected.items():
        assert words in shown[card], f"{card}: {shown[card]}"
