"""Django, Litestar and Quart, which we did not write, on netlab: JSON, a POST, a stream, lifespan, a client
that leaves.

Each framework's app has the same routes, so one table of tests asks all of them. FastAPI and Starlette have
tests of their own.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.asgi.conftest import need_module, run, serving

httpx = need_module("httpx")

PIECES = 2000
STREAM = b"".join(b"%06d" % number for number in range(PIECES))


class Told:
    """What an app's own code has seen: its start and end, and the end of its endless stream."""

    def __init__(self) -> None:
        self.lifespan: list[str] = []
        self.left = asyncio.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Two thousand pieces of six bytes."""
        for number in range(PIECES):
            yield b"%06d" % number
            if number % 100 == 0:
                await asyncio.sleep(0)

    async def endless(self) -> AsyncIterator[bytes]:
        """Pieces until the client has left."""
        try:
            while True:
                yield bytes(1 << 16)
                await asyncio.sleep(0)
        finally:
            self.left.set()


def _django(told: Told) -> Any:
    need_module("django")
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
    from django.urls import path

    async def hello(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"hello": "world"})

    async def add(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"sum": sum(json.loads(request.body)["numbers"])})

    async def stream(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(told.pieces())

    async def endless(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(told.endless())

    views = (hello, add, stream, endless)
    urls = type("Urls", (), {"urlpatterns": [path(view.__name__, view) for view in views]})
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["127.0.0.1", "localhost"], SECRET_KEY="for tests", MIDDLEWARE=[])
    settings.ROOT_URLCONF = urls
    importlib.import_module("django.urls").clear_url_caches()
    return get_asgi_application()


def _litestar(told: Told) -> Any:
    litestar: Any = need_module("litestar")
    from litestar.response import Stream

    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    async def add(request: litestar.Request) -> dict[str, int]:
        return {"sum": sum((await request.json())["numbers"])}

    async def stream() -> Stream:
        return Stream(told.pieces())

    async def endless() -> Stream:
        return Stream(told.endless())

    # Litestar reads the annotations while the app is made, in the module's names.
    for handler, result in ((hello, dict), (add, dict), (stream, Stream), (endless, Stream)):
        handler.__annotations__ = {**handler.__annotations__, "return": result}
    add.__annotations__["request"] = litestar.Request

    return litestar.Litestar(
        [
            litestar.get("/hello")(hello),
            litestar.post("/add", status_code=200)(add),
            litestar.get("/stream")(stream),
            litestar.get("/endless")(endless),
        ],
        on_startup=[lambda: told.lifespan.append("startup")],
        on_shutdown=[lambda: told.lifespan.append("shutdown")],
        openapi_config=None,
        logging_config=None,  # its logging would start a thread that it does not stop
    )


def _quart(told: Told) -> Any:
    quart = need_module("quart")
    app = quart.Quart(__name__)

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    @app.post("/add")
    async def add() -> dict[str, int]:
        return {"sum": sum((await quart.request.get_json())["numbers"])}

    @app.get("/stream")
    async def stream() -> Any:
        return told.pieces()

    @app.get("/endless")
    async def endless() -> Any:
        response = await quart.make_response(told.endless())
        response.timeout = None
        return response

    app.before_serving(lambda: told.lifespan.append("startup"))
    app.after_serving(lambda: told.lifespan.append("shutdown"))
    return app


FRAMEWORKS: dict[str, Callable[[Told], Any]] = {"Django": _django, "Litestar": _litestar, "Quart": _quart}


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Each test runs once a framework."""
    name: str = request.param
    return name


def test_json_posts_and_streams_arrive_whole_on_one_connection(framework: str) -> None:
    async def main() -> None:
        told = Told()
        app = FRAMEWORKS[framework](told)
        async with serving(app) as served, httpx.AsyncClient() as client:
            answer = await client.get(f"{served.url}/hello")
            assert (answer.status_code, answer.json()) == (200, {"hello": "world"})
            for numbers in ([], [1, 2, 3], list(range(20_000))):
                posted = await client.post(f"{served.url}/add", json={"numbers": numbers})
                assert (posted.status_code, posted.json()) == (200, {"sum": sum(numbers)})
            streamed = await client.get(f"{served.url}/stream")
            assert streamed.headers["transfer-encoding"] == "chunked"
            assert streamed.content == STREAM
            head = await client.head(f"{served.url}/hello")
            assert head.content == b""
            assert (await client.get(f"{served.url}/nothing")).status_code == 404
            assert served.server.stats()["accepted"] == 1

    run(main())


def test_start_and_end_of_the_server_reach_the_app(framework: str) -> None:
    async def main() -> None:
        told = Told()
        async with serving(FRAMEWORKS[framework](told)):
            # Django has no lifespan: it refuses the scope, and is served all the same.
            assert told.lifespan == ([] if framework == "Django" else ["startup"])
        assert told.lifespan == ([] if framework == "Django" else ["startup", "shutdown"])

    run(main())


def test_a_client_that_leaves_ends_the_apps_stream(framework: str) -> None:
    async def main() -> None:
        told = Told()
        async with serving(FRAMEWORKS[framework](told)) as served:
            wire = await served.client()
            wire.get("/endless")
            status, _ = await wire.head()
            assert status == 200
            wire.reset()
            async with asyncio.timeout(30):
                await served.idle()
                while not told.left.is_set():
                    importlib.import_module("gc").collect()
                    await asyncio.sleep(0)

    run(main())
