"""Waiting until a condition holds. The patience guards against a hang alone: it decides nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PATIENCE = 40.0


async def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Let the event loop turn until the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.001)


def wait_until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait until the condition holds, in a test without an event loop. `what` names it in a failure."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience:g} s"
        time.sleep(0.01)
