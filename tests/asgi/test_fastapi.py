"""FastAPI, which we did not write, over the wire to httpx, which we did not write either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.asgi.conftest import need_module, run, serving

fastapi = need_module("fastapi")
httpx = need_module("httpx")

told: list[str] = []


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
    told.append("up")
    yield {"name": "netlab"}
    told.append("down")


app = fastapi.FastAPI(lifespan=_lifespan)


async def _resource() -> AsyncIterator[str]:
    told.append("opened")
    yield "resource"
    told.append("closed")


HELD = fastapi.Depends(_resource)


@app.post("/items/{number}", status_code=201)
async def create(
    number: int,
    item: dict[str, Any],
    request: fastapi.Request,
    background: fastapi.BackgroundTasks,
    held: str = HELD,
) -> dict[str, Any]:
    """Everything that FastAPI brings to one request."""
    background.add_task(told.append, "background")
    return {"number": number, "item": item, "held": held, "server": request.state.name}


@app.get("/plain")
def plain(number: int = 1) -> dict[str, int]:
    """Not async: it runs in a thread."""
    return {"number": number}


@app.delete("/items/{number}", status_code=204)
async def delete(number: int) -> None:
    """Answers without content."""


@app.post("/upload")
async def upload(request: fastapi.Request) -> dict[str, int]:
    """Content of any size, piece by piece."""
    return {"size": sum([len(piece) async for piece in request.stream()])}


def test_fastapi_lives_its_lifespan_and_answers() -> None:
    async def main() -> None:
        async with serving(app) as served, httpx.AsyncClient(base_url=served.url) as client:
            good = await client.post("/items/7", json={"a": 1})
            assert good.status_code == 201, good.text
            assert good.json() == {"number": 7, "item": {"a": 1}, "held": "resource", "server": "netlab"}
            assert (await client.post("/items/seven", json={"a": 1})).status_code == 422
            assert (await client.get("/openapi.json")).json()["paths"]
            answers = await asyncio.gather(*(client.get(f"/plain?number={n}") for n in range(20)))
            assert [answer.json()["number"] for answer in answers] == list(range(20))
            gone = await client.delete("/items/7")
            assert (gone.status_code, gone.content) == (204, b"")
            await served.idle()

    told.clear()
    run(main())
    assert told[0] == "up" and told[-1] == "down"
    assert {"opened", "closed", "background"} < set(told)


def test_fastapi_takes_an_upload() -> None:
    async def main() -> None:
        async with serving(app) as served, httpx.AsyncClient(base_url=served.url) as client:
            sent = await client.post("/upload", content=bytes(3_000_000))
            assert sent.json() == {"size": 3_000_000}

    run(main())
