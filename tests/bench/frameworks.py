"""Apps that both netlab and its peers serve, unchanged: Starlette, FastAPI. And one JSON route.

`route_*` is the route of the scenario "route": two path segments, a query, a JSON answer. It is written in
the style of netlab's demonstration app (one pattern, a handler) for netlab and, with the same code, as a raw
ASGI app; a peer's own router would only add to its cost.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

from tests.bench.apps import HELLO, PIECE, Message, Receive, Send

JSON = "application/json"
ROUTE = "/users/42/orders/7?fields=short&limit=20"
ANSWER = {"user": 42, "order": 7, "fields": "short", "limit": 20}

_ROUTE = re.compile(r"/users/([0-9]{1,9})/orders/([0-9]{1,9})")


def _answer(user: str, order: str, query: dict[str, str]) -> bytes:
    found = {
        "user": int(user), "order": int(order), "fields": query.get("fields", "all"),
        "limit": int(query.get("limit", "10")),
    }  # fmt: skip
    return json.dumps(found).encode()


def route_netlab() -> Any:
    """The route as a netlab handler."""
    import netlab

    async def order(request: netlab.Request, user: str, number: str) -> netlab.Response:
        return netlab.Response(200, _answer(user, number, request.query), {"content-type": JSON})

    async def app(request: netlab.Request) -> netlab.Response:
        matched = _ROUTE.fullmatch(request.path)
        if matched is None:
            return netlab.Response(200, HELLO, {"content-type": JSON})
        return await order(request, *matched.groups())

    return app


async def route_asgi(scope: Message, receive: Receive, send: Send) -> None:
    """The route as a raw ASGI app."""
    matched = _ROUTE.fullmatch(scope["path"])
    if matched is None:
        content = HELLO
    else:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        content = _answer(*matched.groups(), query)
    length = str(len(content)).encode()
    headers = [(b"content-type", JSON.encode()), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def starlette() -> Any:
    """GET / and POST /json of a Starlette app, and a stream in pieces of 1 MiB."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, StreamingResponse
    from starlette.routing import Route

    async def hello(request: Request) -> JSONResponse:
        return JSONResponse({"hello": "world"})

    async def json_length(request: Request) -> JSONResponse:
        return JSONResponse({"octets": len((await request.json())["text"])})

    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield PIECE

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(pieces(int(request.query_params["mib"])), media_type="video/mp4")

    return Starlette(
        routes=[
            Route("/", hello),
            Route("/json", json_length, methods=["POST"]),
            Route("/stream", stream),
        ]
    )


def fastapi() -> Any:
    """GET / of a FastAPI app, whose answer comes through an async dependency."""
    from fastapi import Depends, FastAPI

    app = FastAPI()

    async def settings(name: str = "world") -> dict[str, str]:
        return {"hello": name}

    @app.get("/")
    async def hello(found: dict[str, str] = Depends(settings)) -> dict[str, str]:  # noqa: B008
        return found

    return app


# Frameworks are built by the server that serves them, not by those who read a constant of this module.
_BUILT = {"starlette_app": starlette, "fastapi_app": fastapi, "route_app": route_netlab}


def __getattr__(name: str) -> Any:
    """An app by its name, built at first use."""
    try:
        made = globals()[name] = _BUILT[name]()
    except KeyError:
        raise AttributeError(name) from None
    return made
