"""Requests and responses: what goes out, what comes back, what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

import netlab


async def app(request: netlab.Request) -> netlab.Response:
    if request.path == "/echo":
        return netlab.Response(
            200, stream=request.stream(), fields={"x-length": request.fields.get("content-length") or ""}
        )
    if request.path == "/fields":
        return netlab.Response(200, json.dumps(list(request.fields.lines)))
    if request.path == "/nothing":
        return netlab.Response(204)
    if request.path == "/trailers":
        return netlab.Response(200, stream=pieces(b"a", b"b"), trailers={"x-digest": "ab"})
    return netlab.Response(200, b'{"hello":"world"}', {"content-type": "application/json"})


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        await asyncio.sleep(0)
        yield piece


async def test_one_connection_carries_many_requests() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        for index in range(50):
            async with session.get(server.url) as response:
                assert (response.status, response.reason, await response.json()) == (
                    200,
                    "OK",
                    {"hello": "world"},
                )
                assert response.reused == (index > 0)
        assert server.stats()["open"] == 1
        assert session.pool.opened == 1
        assert repr(session.pool) == "<Pool 1 open of 100: 1 idle, 0 in use, 0 connecting; 0 waiting>"
        assert repr(response.connection) == f"<Connection #1 {server.url}, 50 requests, idle>"
    assert (
        repr(session) == "<Session closed, <Pool 0 open of 100: 0 idle, 0 in use, 0 connecting; 0 waiting>>"
    )


async def test_a_request_can_be_awaited_or_entered() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        response = await session.get(server.url)
        assert await response.text() == '{"hello":"world"}'
        assert response.headers is response.fields
        async with session.get(server.url) as other:
            assert other.fields["Content-Type"] == "application/json"
            assert other.url == server.url + "/"


@pytest.mark.parametrize("size", [0, 1, 1000, 64 * 1024, 300_000, 2_000_000])
async def test_content_goes_out_and_comes_back(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    async with netlab.Server(app) as server, netlab.Session() as session:
        async with session.post(server.url + "/echo", data=content[:size]) as response:
            assert await response.read() == content[:size]
            assert response.fields["x-length"] == str(size)
        async with session.put(server.url + "/echo", data=pieces(content[:size], b"", b"end")) as response:
            assert await response.read() == content[:size] + b"end"
            assert response.fields["x-length"] == ""
        assert session.pool.opened == 1
