"""The routes of `tests.kit.peers` as an ASGI app. The environment's PEER_FOLDER says where `www/big` lies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from tests.kit.peers.world import LINES

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    match scope["type"], scope.get("path"):
        case "lifespan", _:
            await _lifespan(receive, send)
        case _, "/":
            await _answer(send, 200, b"hello")
        case _, "/chunked":
            await _head(send, 200)
            for at in range(0, len(LINES), 10_000):
                await _part(send, LINES[at : at + 10_000], True)
            await _part(send, b"", False)
        case _, "/big":
            await _big(send)
        case _, "/digest":
            await _answer(send, 200, (await _digest(receive)).encode())
        case _, "/refuse":
            await _answer(send, 413, b"")
        case _:
            await _answer(send, 404, b"")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _digest(receive: Receive) -> str:
    digest, more = hashlib.sha256(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        digest.update(message.get("body", b""))
        more = message.get("more_body", False)
    return digest.hexdigest()


async def _big(send: Send) -> None:
    file = Path(os.environ["PEER_FOLDER"]) / "www" / "big"
    await _head(send, 200, file.stat().st_size)
    with file.open("rb") as source:
        while piece := source.read(1 << 18):
            await _part(send, piece, True)
    await _part(send, b"", False)


async def _answer(send: Send, status: int, content: bytes) -> None:
    await _head(send, status, len(content))
    await _part(send, content, False)


async def _head(send: Send, status: int, length: int | None = None) -> None:
    fields = [(b"content-type", b"text/plain")]
    if length is not None:
        fields.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": status, "headers": fields})


async def _part(send: Send, content: bytes, more: bool) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": more})
