"""A small world for each test: pages on three origins, an API on a fourth, netlab over TLS, and a browser.

    async with stage(cors=policy) as w:
        [outcome] = await w.ask([PageRequest(page=w.app, url=w.url("/x"), method="PUT")])

The ports differ, so the origins do: `app` and `other` are localhost on two ports, `numeric` is the address
127.0.0.1, and a page that is sandboxed has the origin `null`. `ask` lets the pages send requests by script;
`Outcome` tells what the script saw, what the browser itself said (DevTools), and what reached the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

import netlab
from netlab.cors import PageRequest, Policy, Routes
from netlab.http1.fields import Fields
from netlab.tls import authority, server_context

NULL = "null"

BATCH = 200
"""Requests of one page at once: beyond about 1,350 Chromium has ERR_INSUFFICIENT_RESOURCES."""

PAGE = """<!doctype html><meta charset=utf-8><link rel=icon href="data:,"><title>a page</title><script>
// Sends one request. Only XMLHttpRequest can listen to an upload (Fetch: the use-CORS-preflight flag).
async function one({url, method, headers, credentials, mode, upload, body, redirect, cache}) {
  if (upload) return listened({url, method, headers, credentials, body});
  let request;
  try {
    request = new Request(url, {method, headers, credentials, mode, body, redirect, cache});
  } catch (error) { return {refused: String(error)}; }
  try {
    const response = await fetch(request);
    const text = await response.text();
    return {readable: response.type !== "opaque", type: response.type, status: response.status, text,
            headers: Object.fromEntries(response.headers)};
  } catch (error) { return {error: String(error)}; }
}
function listened({url, method, headers, credentials, body}) {
  return new Promise(resolve => {
    const xhr = new XMLHttpRequest();
    try {
      xhr.open(method, url);
      for (const [name, value] of headers) xhr.setRequestHeader(name, value);
    } catch (error) { resolve({refused: String(error)}); return; }
    xhr.withCredentials = credentials === "include";
    xhr.upload.onprogress = () => {};
    xhr.onload = () => resolve({readable: true, type: "cors", status: xhr.status, text: xhr.responseText,
      headers: Object.fromEntries(xhr.getAllResponseHeaders().trim().split("\\r\\n")
        .map(line => line.split(": ")))});
    xhr.onerror = () => resolve({error: "the request failed"});
    xhr.send(body === undefined ? new Uint8Array(4) : body);
  });
}
const all = list => Promise.all(list.map(one));
</script>"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the API's server saw it."""

    method: str
    path: str
    fields: Fields
    status: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: to the script, to the browser, to the server."""

    request: PageRequest
    script: dict[str, Any]
    """What the script got: readable, status, headers, text; or error; or refused (nothing was sent)."""
    error: str
    """The browser's own verdict, `corsErrorStatus.corsError`; empty if CORS did not stop it."""
    parameter: str
    seen: tuple[Seen, ...]

    @property
    def readable(self) -> bool:
        """The script may read the response."""
        return bool(self.script.get("readable"))

    @property
    def preflights(self) -> int:
        """CORS-preflight requests that reached the server."""
        return sum(1 for seen in self.seen if is_preflight(seen))

    @property
    def handled(self) -> int:
        """Requests that reached the handler."""
        return len(self.seen) - self.preflights


def is_preflight(seen: Seen) -> bool:
    """Fetch, "CORS-preflight request"."""
    return seen.method == "OPTIONS" and "access-control-request-method" in seen.fields


Stage = Callable[..., contextlib.AbstractAsyncContextManager["World"]]
Handler = Callable[[netlab.Request], Awaitable[netlab.Response]]


async def page(request: netlab.Request) -> netlab.Response:
    """The page; below /sandbox without an origin of its own (HTML standard, sandboxing)."""
    fields = {"content-type": "text/html; charset=utf-8"}
    if request.path.startswith("/sandbox"):
        fields["content-security-policy"] = "sandbox allow-scripts"
    return netlab.Response(200, PAGE, fields)


async def done(request: netlab.Request) -> netlab.Response:
    """An API whose every answer is the same."""
    return netlab.Response(200, b"done", {"content-type": "text/plain"})


@dataclass
class World:
    """The origins, the pages that are open, and what the API has seen."""

    driver: ModuleType
    context: Any
    root: Path
    """The certificate that the browser trusts, for other clients."""
    server: netlab.Server
    """The API's."""
    app: str
    other: str
    numeric: str
    api: str
    seen: dict[str, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    """By path and query."""
    pages: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def url(self, target: str) -> str:
        """A URL of the API."""
        return self.api + target

    async def open(self, origin: str) -> tuple[Any, Any]:
        """The page of that origin with its witness; opened at the first call."""
        if origin not in self.pages:
            where = f"{self.app}/sandbox" if origin == NULL else f"{origin}/"
            opened = await self.context.new_page()
            await opened.goto(where)
            assert await opened.evaluate("self.origin") == origin
            self.pages[origin] = opened, await self.driver.Witness.of(opened)
        return self.pages[origin]

    async def send(self, request: PageRequest, **options: Any) -> dict[str, Any]:
        """Let the page send it, to any URL and as often as wanted: what the script gets."""
        opened, _ = await self.open(request.page)
        script: dict[str, Any] = await opened.evaluate("one", _init(request, options))
        return script

    async def ask(self, requests: Sequence[PageRequest], **options: Any) -> list[Outcome]:
        """Let the pages send these requests, those of a page all at once. Each needs a URL of its own.

        options: what else the script gives `fetch`: body, redirect, cache.
        """
        scripts: dict[int, dict[str, Any]] = {}
        for origin in dict.fromkeys(request.page for request in requests):
            opened, _ = await self.open(origin)
            own = [n for n, request in enumerate(requests) if request.page == origin]
            for batch in (own[at : at + BATCH] for at in range(0, len(own), BATCH)):
                answers = await opened.evaluate("all", [_init(requests[n], options) for n in batch])
                scripts.update(zip(batch, answers, strict=True))
        return [await self._outcome(request, scripts[n]) for n, request in enumerate(requests)]

    async def curl(self, request: PageRequest) -> tuple[int, str]:
        """What curl gets for the same request, Origin and all (none for the page ""): status and content."""
        if (program := shutil.which("curl")) is None:
            without("needs curl (apt-get install curl)")
        headers = [*request.headers, *([("Origin", request.page)] if request.page else [])]
        method = ["--head"] if request.method == "HEAD" else ["-X", request.method]
        command = [
            str(program),
            "-sS",
            "--cacert",
            str(self.root),
            "-w",
            "\n%{http_code}",
            *method,
            request.url,
        ]
        command += [part for name, value in headers for part in ("-H", f"{name}: {value}")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            while child.poll() is None:
                await asyncio.sleep(0.01)  # the server that it talks to lives in this event loop
            printed, complaint = child.communicate()
        assert child.returncode == 0, complaint
        content, _, status = printed.rpartition("\n")
        return int(status), content

    async def _outcome(self, request: PageRequest, script: dict[str, Any]) -> Outcome:
        seen = tuple(self.seen[request.url.removeprefix(self.api)])
        if "refused" in script:
            return Outcome(request, script, "", "", seen)
        verdict = await self.pages[request.page][1].verdict(request.url)
        assert not verdict.network, f"{request}: {verdict.network}"
        return Outcome(request, script, verdict.error, verdict.parameter, seen)


def without(reason: str) -> NoReturn:
    """A test that cannot run here skips; in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _init(request: PageRequest, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": request.url,
        "method": request.method,
        "headers": [list(header) for header in request.headers],
        "credentials": request.credentials,
        "mode": request.mode,
        "upload": request.upload_listener,
        **options,
    }


@contextlib.asynccontextmanager
async def world(
    chromium: Any,
    driver: ModuleType,
    certificates: authority.Certificates,
    *,
    cors: Policy | Routes | Callable[[World], Policy | Routes] | None = None,
    app: Handler = done,
) -> AsyncIterator[World]:
    """Open the origins and a browser context; close them all. `cors`: a policy, or what makes it."""
    tls = server_context(certificates.chain, certificates.leaf_key)
    context = await chromium.new_context()

    def log(connection: Any, head: Any, response: netlab.Response) -> None:
        here.seen[head.target].append(Seen(head.method, head.target, head.fields, response.status))

    async with (
        netlab.Server(page, tls=tls) as first,
        netlab.Server(page, tls=tls) as second,
        netlab.Server(app, tls=tls, access_log=log) as api,
    ):
        here = World(
            driver,
            context,
            certificates.root,
            api,
            app=f"https://localhost:{first.port}",
            other=f"https://localhost:{second.port}",
            numeric=f"https://127.0.0.1:{first.port}",
            api=f"https://localhost:{api.port}",
        )
        api.cors = cors(here) if callable(cors) else cors
        try:
            yield here
        finally:
            await context.close()
            for server in (first, second, api):
                await server.stop(0)  # its only client has left: there is no client to wait for
