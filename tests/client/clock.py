"""Time that the test turns by hand, and waiting for what must come."""

from __future__ import annotations

import asyncio
from typing import Any

from netlab.client import Session
from tests.kit.clock import Clock


def pass_time(session: Session, clock: Clock, seconds: float) -> None:
    """Let so much time pass, and the sweep notice."""
    clock.now += seconds
    session.services.sweep.sweep()


async def failure_of(work: Any) -> BaseException | None:
    """What it fails with, within seconds; None when it does not."""
    async with asyncio.timeout(3):
        return (await asyncio.gather(work, return_exceptions=True))[0]
