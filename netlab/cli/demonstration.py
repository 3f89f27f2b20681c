"""The demonstration app of `python -m netlab serve`: small handlers, each of which shows one thing.

It is an ordinary netlab app; the table at its end is the whole routing.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from netlab.probes.process import glance
from netlab.server.request import Request
from netlab.server.response import Response

if TYPE_CHECKING:
    from netlab.server.server import Server

MIB = 1 << 20

# One piece for all streams: what waits for their readers are views of it.
PIECE = bytes(MIB)
JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain; charset=utf-8"}
OCTETS = {"content-type": "application/octet-stream"}

HELLO = b'{"hello":"world"}'

# Content up to this size is read whole and answered whole, unless its client pauses; beyond, it streams.
WHOLE = 64 * 1024
PAUSE = 0.1  # seconds

# media-type = type "/" subtype parameters, a quoted value without escapes          RFC 9110 §8.3.1
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_VALUE = rf"""(?:{_TOKEN}|"[\t \x21\x23-\x5b\x5d-\x7e]*+")"""
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(?:[ \t]*+;[ \t]*+(?:{_TOKEN}={_VALUE})?+)*+")

# The methods of RFC 9110 §9.3, and PATCH (RFC 5789); any other is 501.
KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})

Handler = Callable[[Request], Awaitable[Response]]


class Demonstration:
    """The app, and the server that it tells about in /stats once `server` is set."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.routes: Mapping[str, tuple[Handler, frozenset[str]]] = {
            "/": (self.hello, frozenset({"GET", "HEAD"})),
            "/echo": (self.echo, frozenset({"POST"})),
            "/stream": (self.stream, frozenset({"GET", "HEAD"})),
            "/sleep": (self.sleep, frozenset({"GET", "HEAD"})),
            "/stats": (self.stats, frozenset({"GET", "HEAD"})),
        }

    def __call__(self, request: Request) -> Awaitable[Response]:
        """Route one request."""
        route = self.routes.get(request.path)
        if route is not None and request.method in route[1]:
            return route[0](request)
        return self.otherwise(request)

    async def otherwise(self, request: Request) -> Response:
        """What has no handler of its own."""
        method = request.method
        if method not in KNOWN:
            return Response(501, f"{method[:40]} is no method this server knows\n", TEXT)
        if request.target == "*":
            return Response(204, b"", {"allow": "GET, HEAD, OPTIONS, POST"})
        route = self.routes.get(request.path)
        if route is None:
            return Response(404, "nothing here; try /, /echo, /stream?mib=1, /sleep?s=1 or /stats\n", TEXT)
        _, methods = route
        allow = {"allow": ", ".join(sorted(methods | {"OPTIONS"}))}
        if method == "OPTIONS":
            return Response(204, b"", allow)
        # Without the method's name: HEAD must not tell another length than GET (RFC 9110 §8.6).
        return Response(
            405, "this method is not allowed here; Allow names those that are\n", {**TEXT, **allow}
        )

    async def hello(self, request: Request) -> Response:
        """17 octets of JSON."""
        return Response(200, HELLO, JSON)

    async def echo(self, request: Request) -> Response:
        """The content it received: answered whole if it is small, streamed back as it comes if it is not."""
        kind = {"content-type": _media_type(request) or "application/octet-stream"}
        length = request.head.framing.length
        if length and length <= WHOLE:
            return Response(200, await request.read(), kind)
        begin, rest = await _beginning(request.stream())
        if rest is None:
            return Response(200, b"".join(begin), kind)
        if length:
            kind["content-length"] = str(length)
        return Response(200, b"", kind, stream=_continued(begin, rest))

    async def stream(self, request: Request) -> Response:
        """N MiB in pieces of 1 MiB, chunked."""
        count = _number(request.query.get("mib", "1"), most=1 << 20)
        if count is None or count != int(count):
            return Response(400, "mib is a whole number from 0 to 1048576\n", TEXT)
        return Response(200, b"", OCTETS, stream=_pieces(int(count)))

    async def sleep(self, request: Request) -> Response:
        """An answer after S seconds."""
        seconds = _number(request.query.get("s", "1"), most=3600)
        if seconds is None:
            return Response(400, "s is a number of seconds from 0 to 3600\n", TEXT)
        await asyncio.sleep(seconds)
        return Response(200, f"slept {seconds:g} s\n", TEXT)

    async def stats(self, request: Request) -> Response:
        """The server's counts, and what its process weighs: bytes."""
        counts = self.server.stats() if self.server else {}
        now = glance()
        numbers = {**counts, "fds": now.fds, "rss": now.rss, "uss": now.uss}
        return Response(200, json.dumps(numbers).encode(), JSON)


def _media_type(request: Request) -> str | None:
    """What the content is said to be, if it is said once and as RFC 9110 §8.3.1 has it."""
    said = request.fields.get_all("content-type")
    return said[0] if len(said) == 1 and _MEDIA_TYPE.fullmatch(said[0]) else None


def _number(text: str, most: int) -> float | None:
    """A number from 0 to `most`, or None; never a text of surprising length or script."""
    if len(text) > 12 or not text.isascii():
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number <= most else None


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield PIECE


async def _beginning(
    content: AsyncIterator[bytes],
) -> tuple[list[bytes], tuple[AsyncIterator[bytes], asyncio.Task[bytes]] | None]:
    """The pieces that come without a pause, up to WHOLE bytes; and, unless that was all, how to go on.

    A client that breaks a rule at once thus gets its 400, and one that talks back and forth its echo.
    """
    begin: list[bytes] = []
    while sum(map(len, begin)) < WHOLE:
        following = asyncio.ensure_future(_next(content))
        await asyncio.wait((following,), timeout=PAUSE if begin else None)
        if not following.done():
            return begin, (content, following)
        piece = following.result()
        if not piece:
            return begin, None
        begin.append(piece)
    return begin, (content, asyncio.ensure_future(_next(content)))


async def _next(content: AsyncIterator[bytes]) -> bytes:
    return await anext(content, b"")


async def _continued(
    begin: list[bytes], rest: tuple[AsyncIterator[bytes], asyncio.Task[bytes]]
) -> AsyncIterator[bytes]:
    content, following = rest
    try:
        yield b"".join(begin)
        if piece := await following:
            yield piece
            async for piece in content:
                yield piece
    finally:
        following.cancel()
