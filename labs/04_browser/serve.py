"""Lab 04 by hand: `make serve-04` prints the address of a page with a button for each request.

The page's requests go to the lab's API from three real origins. For each one it shows what your browser's
script got, what Chromium's DevTools say of the same request (a browser without a window sends it again, over
TLS), what the API saw, and the decision trace of `netlab.cors.explain`. Without Chromium its part is empty.

These servers speak plain HTTP, for your browser does not know our root; http://localhost counts as secure.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shlex
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import chromium  # noqa: E402
from stage import NULL, Log, Stage, stage  # noqa: E402

import netlab  # noqa: E402
from labs.runner import loader  # noqa: E402
from netlab.cors import PageRequest, explain  # noqa: E402
from netlab.tls import authority  # noqa: E402

JSON, TEXT = ("Content-Type", "application/json"), ("Content-Type", "text/plain")
TOKEN = ("Authorization", "Bearer abc")
HTML = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
PAGES = {"ours": "our page", "stranger": "a stranger’s page", "sandboxed": "a sandboxed page"}


class Ask(NamedTuple):
    """A button: what a script asks of the API."""

    story: str
    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    credentials: str = "same-origin"
    mode: str = "cors"

    def request(self, page: str, url: str) -> PageRequest:
        """The request, for `explain`."""
        return PageRequest(
            page=page, url=url, method=self.method, headers=self.headers, credentials=self.credentials,
            mode=self.mode,
        )  # fmt: skip

    def init(self) -> dict[str, Any]:
        """What `fetch` takes."""
        given = {"method": self.method, "headers": self.headers, "credentials": self.credentials}
        return {**given, "mode": self.mode, **({} if self.body is None else {"body": self.body})}


ASKS = (
    Ask("read the items", "/items"),
    Ask("replace them, JSON with a token", "/items", "PUT", (JSON, TOKEN), '["figs"]'),
    Ask("delete: a method not listed", "/items", "DELETE"),
    Ask("send a header not listed", "/items", headers=(("X-Debug", "1"),)),
    Ask("read a 500", "/items/crash"),
    Ask("make yourself known", "/me", "PUT", body="ada", credentials="include"),
    Ask("who am I? with the cookie", "/me", credentials="include"),
    Ask("what is for all", "/status"),
    Ask("what is for all, with cookies", "/status", credentials="include"),
    Ask("give feedback, as a form could", "/feedback", "POST", (TEXT,), "well done"),
    Ask("the same in mode no-cors", "/feedback", "POST", (TEXT,), "well done", mode="no-cors"),
    Ask("order, JSON", "/orders", "POST", (JSON,), '{"figs": 2}'),
    Ask("order, JSON that calls itself text", "/orders", "POST", (TEXT,), '{"figs": 9}'),
    Ask("a path without a policy", "/admin"),
)


@dataclass
class Hidden:
    """Chromium without a window, on a stage of its own; one request at a time."""

    on: Stage | None
    api: str
    missing: str = ""

    async def play(self, ask: Ask, who: str, lock: asyncio.Lock) -> dict[str, Any]:
        """What its DevTools say of the request."""
        if self.on is None:
            return {"missing": self.missing}
        page = {"ours": self.on.ours, "stranger": self.on.stranger, "sandboxed": NULL}[who]
        async with lock:
            options = {} if ask.body is None else {"body": ask.body}
            outcome = await self.on.ask(ask.request(page, self.api + ask.path), cache="no-store", **options)
        said = "reads nothing"
        if outcome.reads:
            said = f"reads a {outcome.script['status']}"
        elif "type" in outcome.script:
            said = "gets an opaque response"
        version = self.on.browser.version
        return {"error": outcome.error, "parameter": outcome.parameter, "said": said, "version": version}


class Desk:
    """The servers that your own browser talks to, and the answers that the page shows."""

    def __init__(self, code: Any, hidden: Hidden) -> None:
        self.code, self.hidden = code, hidden
        self.log = Log()
        self.lock = asyncio.Lock()
        self.ours = self.stranger = self.api = ""

    async def open(self, things: contextlib.AsyncExitStack) -> None:
        """Open three origins. Raises OSError."""
        pages = [await things.enter_async_context(netlab.Server(self.page)) for _ in range(2)]
        self.ours, self.stranger = (f"http://localhost:{server.port}" for server in pages)
        self.shop = self.code.Shop(self.ours)
        self.policies = self.code.policies(self.ours)
        api = await things.enter_async_context(netlab.Server(self.shop, cors=self.policies))
        self.api = f"http://localhost:{api.port}"
        api.access_log = self.log.of(self.api)

    def origin(self, who: str) -> str:
        return {"ours": self.ours, "stranger": self.stranger, "sandboxed": NULL}[who]

    async def page(self, request: netlab.Request) -> netlab.Response:
        """The page, its frames, and what they ask for."""
        match request.method, request.path:
            case "GET", "/":
                text = (HERE / "page.html").read_text("utf-8")
                return netlab.Response(200, text.replace("/*STAGE*/null", self.setting()), HTML)
            case "GET", "/frame":
                return netlab.Response(200, (HERE / "frame.html").read_bytes(), HTML)
            case "POST", "/play" if request.fields.get("origin") == self.ours:
                return await self.play(json.loads(await request.read()))
        return netlab.Response(404)

    def setting(self) -> str:
        """What the page has to know, as JSON that is safe inside a script element."""
        frames = {"ours": "", "stranger": f"{self.stranger}/frame", "sandboxed": "/frame"}
        pages = {
            who: {"title": title, "origin": self.origin(who), "frame": frames[who]}
            for who, title in PAGES.items()
        }
        asks = [
            {"story": ask.story, "path": ask.path, "method": ask.method, "init": ask.init()} for ask in ASKS
        ]
        return json.dumps({"api": self.api, "pages": pages, "asks": asks}).replace("<", "\\u003c")

    async def play(self, chosen: dict[str, Any]) -> netlab.Response:
        """All that is known of the request that the page has just sent."""
        ask, url = ASKS[chosen["number"]], self.api + chosen["target"]
        told = explain(self.policies, ask.request(self.origin(chosen["who"]), url))
        answer = {
            "chromium": await self.hidden.play(ask, chosen["who"], self.lock),
            "seen": [asdict(seen) for seen in self.log.seen.pop(url, ())],
            "counts": f"taken so far: {count(self.shop.feedback, 'piece')} of feedback, "
            f"{count(self.shop.orders, 'order')}",
            "readable": told.readable,
            "steps": [asdict(step) for step in told.steps],
            "change": str(told.first_change) if told.first_change else "",
            "curl": curl(ask, self.api + ask.path, self.origin(chosen["who"])),
        }
        return netlab.Response(200, json.dumps(answer), {"Content-Type": "application/json"})


def count(things: list[Any], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def curl(ask: Ask, url: str, origin: str) -> str:
    """The command that sends the same request."""
    parts = ["curl", "-i", url, *(["-X", ask.method] if ask.method != "GET" else [])]
    for name, value in (*ask.headers, ("Origin", origin)):
        parts += ["-H", f"{name}: {value}"]
    return shlex.join(parts + (["-d", ask.body] if ask.body is not None else []))


async def hide(code: Any, things: contextlib.AsyncExitStack) -> Hidden:
    """Start the browser without a window, and an API for it; or say why there is none."""
    folder = HERE.parents[1] / "certs"
    authority.ensure(folder)
    try:
        on = await things.enter_async_context(stage(code, folder))
    except chromium.Missing as missing:
        return Hidden(None, "", str(missing))
    api = await on.serve(code.Shop(on.ours), code.policies(on.ours))
    return Hidden(on, api)


async def main() -> None:
    """Serve until Ctrl-C."""
    logging.getLogger("netlab").setLevel(logging.CRITICAL)  # the page tells it better
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    code = loader.load(HERE / "solution.py", "solution")
    async with contextlib.AsyncExitStack() as things:
        hidden = await hide(code, things)
        desk = Desk(code, hidden)
        await desk.open(things)
        print(f"the page   {desk.ours}/    (open it in a browser; Ctrl-C ends it)")
        print(f"the API    {desk.api}")
        print(f"Chromium   {hidden.missing or 'plays every request once more, over TLS'}", flush=True)
        await ended.wait()
        # Ctrl-C in a terminal ends the browser's driver as well, which asyncio would tell at length.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    asyncio.run(main())
