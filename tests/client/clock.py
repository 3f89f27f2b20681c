"""Time that the test turns by hand, and waiting for what must come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

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
    session.services.sweep.sweep()


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop turn until that is true."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def failure_of(work: Any) -> BaseException | None:
    """What it fails with, within seconds; None when it does not."""
    async with asyncio.timeout(3):
        return (await asyncio.gather(work, return_exceptions=True))[0]
