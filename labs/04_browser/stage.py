"""The stage: the lab's application on its origins, all over TLS, and a browser that opens its pages.

    ours        the pages that the API belongs to
    stranger    the same pages on another port, which is another origin to a browser
    sandboxed   a page of ours without an origin: `null`

`ask` lets one of these pages send a request by script, and tells all that can be known of it: what the script
got, what the browser itself said, what the server saw. What is asked stands in `measure.py` and `serve.py`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chromium

import netlab
from netlab.cors import PageRequest, Policy, Routes
from netlab.tls import server_context

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

NULL = "null"

SEND = """async ({url, ...init}) => {
  try {
    const response = await fetch(url, init);
    return {type: response.type, status: response.status, text: await response.text(),
            headers: Object.fromEntries(response.headers)};
  } catch (error) { return {error: String(error)}; }
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as a server saw it."""

    at: float
    method: str
    preflight: bool
    status: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request."""

    script: dict[str, Any]
    """What the script got: type, status, text, headers; or error."""
    error: str
    """The browser's own name for what CORS kept from the script; empty if it kept nothing."""
    parameter: str
    seen: tuple[Seen, ...]

    @property
    def reads(self) -> bool:
        """The script may read the response (an opaque one says nothing, not even its status)."""
        return "status" in self.script and self.script["type"] != "opaque"

    @property
    def asked(self) -> bool:
        """The browser sent a preflight."""
        return any(seen.preflight for seen in self.seen)

    @property
    def ran(self) -> bool:
        """The request itself reached the handler."""
        return any(not seen.preflight for seen in self.seen)


@dataclass
class Log:
    """What the servers saw, by URL; `note` is a server's access log."""

    seen: dict[str, list[Seen]] = field(default_factory=dict)

    def of(self, base: str) -> Any:
        """An access log for the server at `base`, such as https://localhost:1234."""

        def note(_: Any, head: Any, response: netlab.Response) -> None:
            preflight = head.method == "OPTIONS" and "access-control-request-method" in head.fields
            seen = Seen(time.monotonic(), head.method, preflight, response.status)
            self.seen.setdefault(base + head.target, []).append(seen)

        return note


class Stage:
    """Servers and pages, open for the length of a measurement."""

    def __init__(self, code: Any, certs: Path, browser: Browser, context: BrowserContext) -> None:
        self.code = code
        self.browser = browser
        self.log = Log()
        self._context = context
        self._tls = server_context(certs / "chain.pem", certs / "leaf.key")
        self._open = contextlib.AsyncExitStack()
        self._pages: dict[str, tuple[Page, chromium.Witness]] = {}
        self.ours = self.stranger = ""

    async def __aenter__(self) -> Stage:
        self.ours = await self.serve(self.code.pages)
        self.stranger = await self.serve(self.code.pages)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def serve(self, app: Any, cors: Policy | Routes | None = None) -> str:
        """Open a server on a port of its own; its origin."""
        server = netlab.Server(app, tls=self._tls, cors=cors)
        await server.start()
        self._open.push_async_callback(server.stop, 0)
        origin = f"https://localhost:{server.port}"
        server.access_log = self.log.of(origin)
        return origin

    async def enter(self, manager: Any) -> Any:
        """Keep something else open as long as the stage is."""
        return await self._open.enter_async_context(manager)

    async def page(self, origin: str) -> tuple[Page, chromium.Witness]:
        """The open page of that origin, and who listens to what the browser says of it."""
        if origin not in self._pages:
            page = await self._context.new_page()
            await page.goto(f"{self.ours}/sandbox" if origin == NULL else f"{origin}/")
            self._pages[origin] = page, await chromium.Witness.of(page)
        return self._pages[origin]

    async def ask(self, request: PageRequest, **options: Any) -> Outcome:
        """Let the page of the request's origin send it. options: body, cache. One at a time for each URL."""
        page, witness = await self.page(request.page)
        witness.forget(request.url)
        before = len(self.log.seen.get(request.url, ()))
        script = await page.evaluate(SEND, {
            "url": request.url, "method": request.method, "headers": [list(line) for line in request.headers],
            "credentials": request.credentials, "mode": request.mode, **options,
        })  # fmt: skip
        verdict = await witness.verdict(request.url)
        seen = tuple(self.log.seen.get(request.url, ())[before:])
        return Outcome(script, verdict.error, verdict.parameter, seen)


@contextlib.asynccontextmanager
async def stage(code: Any, certs: Path) -> AsyncIterator[Stage]:
    """Set the stage for the code under measure. Raises chromium.Missing."""
    async with chromium.browser(certs / "root.pem") as browser:
        context = await browser.new_context()
        try:
            async with Stage(code, certs, browser, context) as ready:
                yield ready
        finally:
            await context.close()
