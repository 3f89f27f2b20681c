"""The app of the site: the index, a page for each board, its events, and what its buttons ask for.

The way of a request: (1) the guard checks it; (2) the rest of the path names a file, a board, or a board's
action; (3) events go out over one response that lasts as long as the page.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib import resources
from typing import Any

from netlab.live import pages
from netlab.live.board import Board, Refused
from netlab.live.feed import Page
from netlab.live.guard import FIELDS, HOSTS, Guard, TurnedAway, content_security_policy, new_token
from netlab.live.runs import Lane
from netlab.server.request import Request
from netlab.server.response import Response

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

HEARTBEAT = 5.0
"""Seconds of silence after which a comment is sent: so a page that is gone without a FIN is noticed."""

FRAME = 1 / 60
"""Seconds between two messages, at least."""

PAGES = 8
"""Pages of one board at once."""

LONGEST = 64 << 10
"""Bytes of a request's body."""

LONGEST_VALUE = 200
"""Characters that a board's script can send with a press."""

TEXT = {"content-type": "text/plain; charset=utf-8"}


class Site:
    """The app. `startup` and `shutdown` are called by `netlab.serve`; `open_at` when the port is known."""

    def __init__(self, boards: Sequence[Board], tls: ssl.SSLContext) -> None:
        """Make it. tls: the context of its server, which boards use for servers of their own."""
        self.token, self.origin, self._tls = new_token(), "", tls
        self.guard = Guard(self.token, 0)
        self.lanes = {board.name: Lane(board, self._running) for board in boards}
        self.files = _files()

    async def startup(self) -> None:
        """Nothing to do: experiments start when they are asked for."""

    async def shutdown(self) -> None:
        """End every experiment."""
        await asyncio.gather(*(lane.close() for lane in self.lanes.values()))

    def open_at(self, port: int) -> str:
        """The site listens on this port from now on. Returns its address, with the token."""
        self.guard = Guard(self.token, port)
        self.origin = f"https://{HOSTS[0]}:{port}"
        return f"{self.origin}/{self.token}/"

    def _running(self) -> list[str]:
        """The titles of the boards whose experiments run."""
        return [lane.board.title for lane in self.lanes.values() if lane.running]

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        try:
            rest = self.guard.check(request.method, request.path, request.fields)
            return await self._answer(request, rest)
        except TurnedAway as reason:
            return _response(reason.status, f"{reason}\n", TEXT)

    async def _answer(self, request: Request, rest: str) -> Response:
        if request.method == "POST":
            return await self._order(request, rest)
        if request.method not in ("GET", "HEAD"):
            raise TurnedAway(405, f"{request.method} is not answered here: GET, HEAD and POST are")
        if rest == "":
            return _response(307, "", {"location": f"/{self.token}/"})
        if rest == "/":
            html = pages.index([lane.board for lane in self.lanes.values()])
            return _page(html, content_security_policy())
        kind, _, name = rest[1:].rpartition("/")
        if kind == "static" and name in self.files:
            content, content_type = self.files[name]
            return _response(200, content, {"content-type": content_type})
        if kind == "events" and name in self.lanes:
            return self._events(request, self.lanes[name])
        if not kind and name in self.lanes:
            return await self._board(self.lanes[name])
        raise TurnedAway(404, f"there is no page {rest[:80]!r} here: the index is at /{{token}}/")

    async def _board(self, lane: Lane) -> Response:
        others: list[str] = []
        if lane.companion is not None:
            others = await lane.companion.open(self.origin, self._tls)
        html = pages.board(lane.board, [each.board for each in self.lanes.values()])
        return _page(html, content_security_policy(others))

    # -- events

    def _events(self, request: Request, lane: Lane) -> Response:
        if len(lane.feed.pages) >= PAGES:
            raise TurnedAway(503, f"{PAGES} pages of this board are open already: close one")
        if request.method == "HEAD":
            return _response(200, "", {"content-type": "text/event-stream"})
        page = lane.enter()
        return Response(
            200,
            stream=messages(request, page),
            fields={**FIELDS, "content-type": "text/event-stream"},
            on_close=lambda: lane.leave(page),
        )

    # -- orders

    async def _order(self, request: Request, rest: str) -> Response:
        """POST /BOARD/start, /BOARD/stop, /BOARD/press: JSON in; 204, or a line that says what is wrong."""
        name, _, order = rest[1:].partition("/")
        lane = self.lanes.get(name)
        if lane is None or order not in ("start", "stop", "press"):
            raise TurnedAway(404, f"there is nothing at {rest[:80]!r} that takes a POST")
        if request.fields.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise TurnedAway(415, "the content must be application/json")
        given = _object(await request.read(LONGEST))
        try:
            if order == "start":
                await lane.start(lane.board.checked(given))
            elif order == "stop":
                await lane.stop()
            else:
                _press(lane, given.get("name"), given.get("value", ""))
        except ValueError as error:
            raise TurnedAway(422, str(error)) from None
        except Refused as error:
            raise TurnedAway(409, str(error)) from None
        return _response(204, "", {})


def _press(lane: Lane, name: Any, value: Any) -> None:
    if not isinstance(value, str) or len(value) > LONGEST_VALUE:
        raise ValueError(f"the value of a press is text of at most {LONGEST_VALUE} characters")
    if name not in [action.name for action in lane.board.actions]:
        raise ValueError(f"there is no button {name!r}")
    if lane.run is None or not (lane.running or lane.run.afterwards):
        raise Refused("no experiment is running: start it first")
    lane.run.press(name, value)


def _object(content: bytes) -> dict[str, Any]:
    try:
        given = json.loads(content)
    except ValueError as error:
        raise TurnedAway(400, f"the content is not JSON: {error}") from None
    except RecursionError:
        raise TurnedAway(400, "the content is JSON with too many brackets inside one another") from None
    if not isinstance(given, dict):
        raise TurnedAway(400, "the content must be a JSON object")
    return given


async def messages(
    request: Request, page: Page, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[bytes]:
    """A page's events, as server-sent events (HTML standard, "Server-sent events").

    The next message is made when the kernel has taken the last one, and not before FRAME is over: what comes
    meanwhile is coalesced. sleep: waits so many seconds.
    """
    over = asyncio.ensure_future(_news(request))
    try:
        yield b"retry: 1000\n\n"
        while not over.done():
            due = asyncio.ensure_future(page.due(HEARTBEAT))
            try:
                await asyncio.wait((due, over), return_when=asyncio.FIRST_COMPLETED)
            finally:
                due.cancel()
            if over.done():
                return
            if due.result():
                text = json.dumps(page.take(), ensure_ascii=False, separators=(",", ":"))
                # Half of a surrogate pair, which JSON may hold and UTF-8 may not, becomes a question mark.
                yield b"data: " + text.encode(errors="replace") + b"\n\n"
                await sleep(FRAME)
            else:
                yield b": still here\n\n"
    finally:
        over.cancel()


async def _news(request: Request) -> None:
    await request.disconnected


def _response(status: int, content: bytes | str, fields: dict[str, str]) -> Response:
    return Response(status, content, {**FIELDS, **fields})


def _page(html: str, policy: str) -> Response:
    fields = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
    return _response(200, html, fields)


def _files() -> dict[str, tuple[bytes, str]]:
    """The files of static/: name → content and type. They are read once."""
    folder = resources.files("netlab.live") / "static"
    found = {}
    for file in folder.iterdir():
        kind = KINDS.get("." + file.name.rpartition(".")[2])
        if kind is not None:
            found[file.name] = (file.read_bytes(), kind)
    return found
