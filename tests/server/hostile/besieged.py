"""A server to lay siege to: `python -m tests.server.hostile.besieged APP SETTINGS`, which are JSON.

    {"timeouts": {…}, "limits": {…}, "tls": FOLDER}

`netlab serve` waits ten seconds and more for anybody. Here the deadlines come from the test, and the apps are
those that make a siege interesting: that hold the content, ignore it, or do not end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from netlab import Limits, Request, Response, Server, Timeouts, serve
from netlab.tls import server_context

PIECE = bytes(1 << 20)


async def river() -> AsyncIterator[bytes]:
    """More than any reader takes."""
    while True:
        yield PIECE


async def routes(request: Request) -> Response:
    """The quick answers; only /echo and /count read what content a request has."""
    if request.path == "/count":
        return Response(200, str(sum([len(piece) async for piece in request.stream()])))
    if request.path == "/echo":
        return Response(200, await request.read())
    if request.path == "/unread":
        return Response(404)
    if request.path == "/river":
        return Response(200, stream=river())
    return Response(200, b"hello")


async def sleeps(request: Request) -> Response:
    """Waits, and can be cancelled."""
    await asyncio.sleep(3600)
    return Response()


async def ignores(request: Request) -> Response:
    """Takes no notice of its cancellation."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass


async def threads(request: Request) -> Response:
    """Blocks a thread, which cannot be cancelled."""
    await asyncio.to_thread(time.sleep, 3600)
    return Response()


async def hoards(request: Request) -> Response:
    """Answers, takes every descriptor there is, and lets go of them a moment after its client has left."""
    held: list[int] = []

    def take() -> None:
        try:
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            asyncio.get_running_loop().call_later(0.5, release)

    def release() -> None:
        while held:
            os.close(held.pop())

    asyncio.get_running_loop().call_later(0.2, take)
    return Response(200, b"hoarding")


APPS = {app.__name__: app for app in (routes, sleeps, ignores, threads, hoards)}


def main() -> None:
    """Serve until a signal."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    name, options = sys.argv[1], json.loads(sys.argv[2])
    settings: dict[str, Any] = {
        "timeouts": Timeouts(**options.get("timeouts", {})),
        "limits": Limits(**options.get("limits", {})),
    }
    if folder := options.get("tls"):
        settings["tls"] = server_context(f"{folder}/chain.pem", f"{folder}/leaf.key")

    def ready(server: Server) -> None:
        print(f"netlab serving {server.url}", flush=True)

    serve(APPS[name], ready=ready, **settings)


if __name__ == "__main__":
    main()
