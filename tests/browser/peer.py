"""The peer: starlette's CORSMiddleware under uvicorn, over TLS. `python peer.py CHAIN KEY < POLICIES`.

POLICIES is a JSON object: the first segment of a path → the settings of the policy there, by netlab's names.
Prints the port, and serves until it is ended. A program of its own: nothing of it is left in the tests.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

# netlab's names of the settings, and starlette's
NAMES = {
    "origins": "allow_origins", "methods": "allow_methods", "request_headers": "allow_headers",
    "credentials": "allow_credentials", "expose_headers": "expose_headers", "max_age": "max_age",
}  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def endpoint(request: Request) -> Response:
    """The same handler that the controls give every server."""
    if "crash" in request.url.path:
        raise RuntimeError("the handler crashed")
    status = 404 if "missing" in request.url.path else 200
    headers = {"X-Total": "42", "X-Hidden": "1", "Cache-Control": "max-age=600"}
    return PlainTextResponse("done", status, headers)


def application(settings: dict[str, Any]) -> Starlette:
    """An application with the middleware as starlette's documentation has it."""
    given = {NAMES[name]: value for name, value in settings.items()}
    route = Route("/{path:path}", endpoint, methods=METHODS)
    return Starlette(routes=[route], middleware=[Middleware(CORSMiddleware, **given)])


async def main() -> None:
    applications = {name: application(settings) for name, settings in json.load(sys.stdin).items()}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await applications[scope["path"].split("/")[1]](scope, receive, send)

    chain, key = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, ssl_certfile=chain, ssl_keyfile=key, lifespan="off", log_level="critical", access_log=False
    )
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    asyncio.run(main())
