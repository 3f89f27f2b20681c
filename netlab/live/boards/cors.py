"""The board of the border guard: a page's request to an API of another origin, for real, and its explanation.

The visitor's own browser sends the request from one of three origins; the API's policy is the form's. What
browser and server make of it step by step comes from `netlab.cors.explain`, and so does the first change of
the policy that helps. The servers of the board live as long as the site: `Border`.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import resources
from typing import Any

from netlab.cors import Explanation, PageRequest, Policy, PolicyError, explain
from netlab.http1.messages import RequestHead
from netlab.live.board import Action, Board, Choice, Companion, Number, Refused, Switch, Text
from netlab.live.liverun import LiveRun
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server

OURS, STRANGER, SANDBOXED = "ours", "stranger", "sandboxed"

PATIENCE = 8.0
"""Seconds for which the page's script may wait for its request."""

ARRIVING = 0.1
"""Seconds after which a request that the script knows to be over has been noted by the API, too."""

FRAME = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>A page of another origin</title>"
    '<script type=module src="/asks.js"></script></html>'
)

Heard = Callable[[dict[str, Any]], None]


class Border:
    """The API, and a stranger's site. heard: is told of each request that reaches the API."""

    def __init__(self) -> None:
        self.api_origin = self.stranger = self.ours = ""
        self.heard: Heard | None = None
        self._open = AsyncExitStack()
        self._api: Server | None = None

    async def open(self, site: str, tls: ssl.SSLContext) -> list[str]:
        """See Companion."""
        if self._api is None:
            self.ours = site
            self._api = Server(_api, tls=tls, access_log=self._log)
            await self._open.enter_async_context(self._api)
            other = await self._open.enter_async_context(Server(self._frame, tls=tls))
            self.api_origin = f"https://127.0.0.1:{self._api.port}"
            self.stranger = f"https://localhost:{other.port}"
        return [self.api_origin, self.stranger]

    async def close(self) -> None:
        """See Companion."""
        if self._api is not None:
            self._api = None
            await self._open.aclose()

    def admit(self, policy: Policy) -> None:
        """The API follows this policy from now on."""
        if self._api is not None:
            self._api.cors = policy

    def origin(self, page: str) -> str:
        """The origin of a page."""
        return {OURS: self.ours, STRANGER: self.stranger, SANDBOXED: "null"}[page]

    def _log(self, connection: Any, head: RequestHead, response: Response) -> None:
        if self.heard is not None:
            names = ("origin", "cookie", "access-control-request-method", "access-control-request-headers")
            self.heard(
                {
                    "method": head.method,
                    "target": head.target,
                    "status": response.status,
                    "fields": [[name, head.fields[name]] for name in names if name in head.fields],
                }
            )

    async def _frame(self, request: Request) -> Response:
        """The stranger's page; it can be framed by the site alone."""
        fields = {"cross-origin-resource-policy": "cross-origin", "cache-control": "no-store"}
        if request.path == "/asks.js":
            script = (resources.files("netlab.live") / "static" / "asks.js").read_bytes()
            # A module is fetched with CORS, and a sandboxed frame's origin is null.
            fields |= {"content-type": "text/javascript", "access-control-allow-origin": "*"}
            return Response(200, script, fields)
        if request.path == "/":
            policy = (
                f"default-src 'none'; script-src {self.stranger}; connect-src {self.api_origin}; "
                f"frame-ancestors {self.ours}"
            )
            kind = "text/html; charset=utf-8"
            return Response(200, FRAME, {**fields, "content-type": kind, "content-security-policy": policy})
        return Response(404)


async def _api(request: Request) -> Response:
    """The API: it takes everything, and sets a cookie."""
    await request.read(1 << 16)
    return Response(
        200,
        '{"items":["figs"]}',
        {
            "content-type": "application/json",
            "cache-control": "no-store",
            "x-total": "1",
            "set-cookie": "user=ada; Secure; HttpOnly; SameSite=None; Path=/",
        },
    )


async def experiment(run: LiveRun) -> None:
    """Set the policy, let the page send its request, and tell all that is known of it."""
    border = run.companion
    assert isinstance(border, Border)
    policy, request = _policy(run, border), _request(run, border)
    heard: list[dict[str, Any]] = []
    target = request.url.removeprefix(border.api_origin)

    def hear(seen: dict[str, Any]) -> None:
        if seen["target"] == target:
            heard.append(seen)
            run.show("heard", list(heard))

    border.admit(policy)
    border.heard = hear
    run.show("heard", [])
    run.show("stranger", border.stranger)
    try:
        run.show("send", _to_send(run, request))
        script = await _sent(run)
        await asyncio.sleep(ARRIVING)
    finally:
        border.heard = None
    run.show("told", _told(explain(policy, request), request))
    run.say(f"{request.method} from {request.page}: the script {script}; requests at the API: {len(heard)}.")


async def _sent(run: LiveRun) -> str:
    """Wait until the page's script knows what became of its request. Raises Refused."""
    try:
        async with asyncio.timeout(PATIENCE):
            return (await run.action()).partition(" ")[2]
    except TimeoutError:
        raise Refused(
            "the page has not sent it: a frame of another origin needs a browser that trusts the root"
        ) from None


def _policy(run: LiveRun, border: Border) -> Policy:
    origins = []
    for word in _words(run.text("origins")):
        origins.append(border.origin(word) if word in (OURS, STRANGER, SANDBOXED) else word)
    try:
        return Policy(
            origins=origins,
            methods=_words(run.text("methods")),
            request_headers=_words(run.text("request_headers")),
            expose_headers=_words(run.text("expose_headers")),
            credentials=bool(run.values["allow_credentials"]),
            max_age=int(run.number("max_age")),
        )
    except PolicyError as error:
        raise Refused(str(error)) from None


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _request(run: LiveRun, border: Border) -> PageRequest:
    headers = []
    for line in filter(None, map(str.strip, run.text("headers").splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            raise Refused(f"the header {line!r} has no colon: write NAME: VALUE, one a line")
        headers.append((name.strip(), value.strip()))
    # Each request has a URL of its own, so that no cache of preflights answers instead of the API.
    url = f"{border.api_origin}/items?n={time.monotonic_ns()}"
    return PageRequest(
        page=border.origin(run.text("page")),
        url=url,
        method=run.text("method"),
        headers=tuple(headers),
        credentials=run.text("credentials"),
        mode=run.text("mode"),
    )


def _to_send(run: LiveRun, request: PageRequest) -> dict[str, Any]:
    """What the page's script gives `fetch`."""
    body = None if request.method in ("GET", "HEAD") else '["figs"]'
    init: dict[str, Any] = {"method": request.method, "headers": [list(each) for each in request.headers]}
    init |= {"credentials": request.credentials, "mode": request.mode}
    if body is not None:
        init["body"] = body
    return {"page": run.text("page"), "origin": request.page, "url": request.url, "init": init}


def _told(told: Explanation, request: PageRequest) -> dict[str, Any]:
    """The explanation for the page; a change also as values for the form."""
    change = told.first_change
    return {
        "steps": [[step.side, step.section, step.question, step.outcome, step.passed] for step in told.steps],
        "readable": told.readable,
        "handled": told.handled,
        "preflight": told.preflight,
        "error": told.error,
        "change": str(change) if change is not None else "",
        "settings": {name: _field(value) for name, value in change.settings} if change is not None else {},
    }


def _field(value: object) -> object:
    """A setting as the form holds it."""
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    return " ".join(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else str(value)


def _border() -> Companion:
    return Border()


BOARD = Board(
    name="cors",
    title="The border guard",
    look_for="Does the server's handler run although the page may not read the answer? Then the browser "
    "guards, and not the server.",
    lab="04_browser",
    controls=(
        Choice("page", "Which page asks", (OURS, STRANGER, SANDBOXED), OURS,
               ("this page", "a stranger's page", "a sandboxed page")),
        Choice("method", "Method", ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"), "GET"),
        Choice("credentials", "Credentials mode", ("omit", "same-origin", "include"), "same-origin"),
        Choice("mode", "Mode", ("cors", "no-cors"), "cors"),
        Text("headers", "Headers that the script sets, one a line", "", 1000, 2),
        Text("origins", "Policy: origins (ours, stranger, sandboxed, *, or URLs)", "ours", 500),
        Text("methods", "Policy: methods", "PUT", 200),
        Text("request_headers", "Policy: request headers", "Content-Type", 500),
        Text("expose_headers", "Policy: response headers to expose", "", 500),
        Number("max_age", "Policy: max age of a preflight's answer", 0, 600, 0, 10, "s"),
        Switch("allow_credentials", "Policy: allow credentials"),
    ),
    actions=(Action("sent", "The request is over", by_page=True),),
    seconds=15,
    start="Send the request",
    companion=_border,
    experiment=experiment,
)  # fmt: skip
