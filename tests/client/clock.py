"""Time that the test turns by hand, and waiting for what must come."""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import Any

import pytest

from netlab.client import Session
from tests.kit.clock import Clock


def needs(library: str) -> Any:
    """An optional library; without it the test is skipped, and fails in CI, which has it."""
    if os.environ.get("CI"):
        return importlib.import_module(library)
    return pytest.importorskip(library, reason=f"pip install {library}")


def pass_time(session: Session, clock: Clock, seconds: float) -> None:
    """Let so much time pass, and the sweep notice."""
    clock.now += seconds
    session.services.sweep.sweep()


async def failure_of(work: Any) -> BaseException | None:
    """What it fails with, within seconds; None when it does not."""
    async with asyncio.timeout(20):
        return (await asyncio.gather(work, return_exceptions=True))[0]
