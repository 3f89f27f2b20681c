"""The peer: starlette's CORSMiddleware, as its documentation has it, on netlab's ASGI bridge.

So everything but the middleware is the same as in the other controls: the server, TLS, the handler's answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from netlab.asgi import AsgiHandler

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


def application(settings: Mapping[str, Any]) -> Starlette:
    """An application with the middleware around all of its routes."""
    given = {NAMES[name]: value for name, value in settings.items()}
    route = Route("/{path:path}", endpoint, methods=METHODS)
    return Starlette(routes=[route], middleware=[Middleware(CORSMiddleware, **given)])


def server(policies: Mapping[str, Mapping[str, Any]]) -> AsgiHandler:
    """An application for each first segment of a path."""
    applications = {name: application(settings) for name, settings in policies.items()}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await applications[scope["path"].split("/")[1]](scope, receive, send)

    return AsgiHandler(app)
