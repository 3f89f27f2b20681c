"""The rate of `--limit-rate`: content that goes out, or comes in, no faster than so many bytes a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from netlab.client.bodies import Body, prepare

# Bytes of one piece of an upload: at 1 KiB a second one every 4 seconds.
_PIECE = 4096


class Pace:
    """Waits until so many bytes may have passed. rate: bytes a second, None for no limit."""

    def __init__(self, rate: float | None) -> None:
        self._rate, self._start, self._passed = rate, time.monotonic(), 0

    async def wait(self, size: int) -> None:
        """So many bytes more have passed."""
        if self._rate is None:
            return
        self._passed += size
        ahead = self._passed / self._rate - (time.monotonic() - self._start)
        if ahead > 0:
            await asyncio.sleep(ahead)


def paced(content: Any, rate: float | None) -> Any:
    """Content for `data=` that is sent at this rate."""
    body = None if rate is None else prepare(content, None)
    if body is None:
        return content
    length = len(body.content) if body.stream is None else body.length

    async def pieces() -> AsyncIterator[bytes]:
        pace = Pace(rate)
        async for whole in _whole(body):
            for start in range(0, len(whole), _PIECE):
                piece = whole[start : start + _PIECE]
                yield piece
                await pace.wait(len(piece))

    return Body(stream=pieces(), media_type=body.media_type, length=length, reopen=pieces)


async def _whole(body: Body) -> AsyncIterator[bytes]:
    if body.stream is None:
        yield body.content
        return
    async for piece in body.stream if body.reopen is None else body.reopen():
        yield piece
