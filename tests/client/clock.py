"""Time that the test turns by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from netlab.client import Session


class Clock:
    """Seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def pass_time(session: Session, clock: Clock, seconds: float) -> None:
    """Let so much time pass, and the sweep notice."""
    clock.now += seconds
    session.sweep.sweep()


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop turn until that is true."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
