"""The machine's own Chromium, trusting our root, and what it says itself of every request that a page makes.

A script on a page learns only "TypeError: Failed to fetch"; the reason is none of its business. DevTools are
told it: `Network.loadingFailed` carries `corsErrorStatus.corsError`, the browser's own name of its verdict.
`Witness` collects these names, and the preflights, which no script ever sees either.

What pages and servers are asked stands elsewhere; here is only the browser. Needs Chromium and playwright
(which drives it; its own `playwright install` is not needed).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, CDPSession, Frame, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# No sandbox: containers and root have none to offer, and only our own pages are opened. The others keep it
# from talking to anybody but us.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

PATIENCE = 20.0
"""Seconds to wait for an event that must come: generous, it is only reached when something is broken."""


class Missing(Exception):
    """The browser cannot be had here. The text says what it needs: "needs Chromium (apt-get install …)"."""


def find() -> str:
    """The path of the machine's Chromium. Raises Missing, with the line that installs what is not there."""
    try:
        import playwright.async_api  # noqa: F401
    except ImportError:
        raise Missing("needs playwright (.venv/bin/pip install playwright)") from None
    for program in PROGRAMS:
        if found := shutil.which(program):
            return found
    raise Missing("needs Chromium (apt-get install chromium)")


@contextlib.asynccontextmanager
async def browser(root: Path | None, *, headless: bool = True) -> AsyncIterator[Browser]:
    """Chromium, with a fresh profile that trusts the certificate in `root` (PEM) and what it signs.

    root: None for a browser that trusts no further root. Raises Missing.
    """
    program = find()
    from playwright.async_api import async_playwright

    with tempfile.TemporaryDirectory(prefix="netlab-chromium-", ignore_cleanup_errors=True) as home:
        if root is not None:
            await _trust(Path(home), root)
        # A HOME of its own: there Chromium looks for certificates to trust, and finds nothing of its user's.
        elsewhere = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
        environment = {name: value for name, value in os.environ.items() if name not in elsewhere}
        async with async_playwright() as driver:
            started = await driver.chromium.launch(
                executable_path=program,
                headless=headless,
                args=list(ARGUMENTS),
                env={**environment, "HOME": home},
            )
            try:
                yield started
            finally:
                await started.close()


async def _trust(home: Path, root: Path) -> None:
    """Let `trust.py` write the database of trusted certificates. Raises Missing."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("trust.py")),
        str(home),
        str(root),
        stderr=subprocess.PIPE,
    )
    _, complaint = await child.communicate()
    if child.returncode:
        said = (complaint.decode().strip().splitlines() or ["it said nothing"])[-1]
        raise Missing(f"needs libnss3, to make Chromium trust our root (apt-get install libnss3): {said}")


@dataclass
class Verdict:
    """What the browser itself reports of one request of a page."""

    error: str = ""
    """`corsErrorStatus.corsError` of DevTools; empty if CORS did not stop it."""
    parameter: str = ""
    """What the error is about: a header's name, an origin."""
    network: str = ""
    """Another failure, such as net::ERR_CONNECTION_REFUSED."""
    preflights: int = 0
    """CORS-preflight requests that were sent for it."""
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)


class Witness:
    """Listens to a page's DevTools and keeps the verdict on each URL; `forget` it before the next."""

    def __init__(self) -> None:
        self.verdicts: dict[str, Verdict] = {}
        self._urls: dict[str, str] = {}
        self._sessions: list[CDPSession] = []

    @classmethod
    async def of(cls, page: Page | Frame) -> Witness:
        """A witness of everything that happens in `page` from now on (or in a frame with its own process)."""
        witness = cls()
        await witness.listen(page)
        return witness

    async def listen(self, page: Page | Frame) -> None:
        """Listen to one more page or frame."""
        context: BrowserContext = page.context if hasattr(page, "context") else page.page.context
        session = await context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.responseReceived", self._received)
        session.on("Network.loadingFailed", self._failed)
        session.on("Audits.issueAdded", self._issue)
        await session.send("Network.enable")
        await session.send("Audits.enable")
        self._sessions.append(session)

    async def verdict(self, url: str) -> Verdict:
        """The browser's verdict on the request to `url`, once it is there. Raises TimeoutError."""
        verdict = self._of(url)
        async with asyncio.timeout(PATIENCE):
            await verdict.ended.wait()
        return verdict

    def forget(self, url: str) -> None:
        """The next request to that URL gets a verdict of its own."""
        self.verdicts.pop(url, None)

    def _of(self, url: str) -> Verdict:
        return self.verdicts.setdefault(url, Verdict())

    def _sent(self, event: Mapping[str, Any]) -> None:
        url = event["request"]["url"]
        if event["initiator"]["type"] == "preflight":
            self._of(url).preflights += 1
        else:
            self._urls.setdefault(event["requestId"], url)  # a redirect keeps its id: the first URL counts

    def _received(self, event: Mapping[str, Any]) -> None:
        """The response is the page's: whether it may read it was decided before."""
        if url := self._urls.get(event["requestId"]):
            self._of(url).ended.set()

    def _failed(self, event: Mapping[str, Any]) -> None:
        if not (url := self._urls.get(event["requestId"])):
            return  # a preflight: the request that it was for fails as well
        verdict, cors = self._of(url), event.get("corsErrorStatus")
        if cors:
            verdict.error, verdict.parameter = cors["corsError"], cors["failedParameter"]
        elif not verdict.ended.is_set():  # the page also aborts a response that it reads no further
            verdict.network = event["errorText"]
        verdict.ended.set()

    def _issue(self, event: Mapping[str, Any]) -> None:
        """What is refused before anything is sent (mode same-origin) is a request to no DevTools panel."""
        details = event["issue"]["details"].get("corsIssueDetails")
        if details and not details["isWarning"] and "requestId" not in details["request"]:
            verdict = self._of(details["request"]["url"])
            verdict.error = details["corsErrorStatus"]["corsError"]
            verdict.ended.set()
