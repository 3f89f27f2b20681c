"""What the river's tests serve: `python -m netlab serve tests.server.streaming.app:app`.

Its pieces are made anew each time, and written through: pages of zeros, which the demonstration app sends,
take no memory at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from netlab import Request, Response

MIB = 1 << 20
SEVERAL_GB = 1 << 36


async def fresh(count: int, size: int) -> AsyncIterator[bytes]:
    """So many pieces, each of them new memory."""
    for number in range(count):
        yield bytes((number % 255 + 1,)) * size


async def app(request: Request) -> Response:
    """GET /fresh?mib=N&size=BYTES: N MiB in pieces. POST /count: how many bytes came."""
    if request.path == "/fresh":
        size = int(request.query.get("size", MIB))
        return Response(stream=fresh(int(request.query["mib"]) * MIB // size, size))
    if request.path == "/count":
        total = 0
        async for piece in request.stream(limit=SEVERAL_GB):
            total += len(piece)
        return Response(200, str(total))
    return Response(404)
