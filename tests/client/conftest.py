"""What the client's tests share: certificates, and the keeper of sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from netlab.tls import authority


@pytest.fixture(scope="session")
def certificates(minted: authority.Certificates) -> authority.Certificates:
    """Root, intermediate and leaf of this run, good now."""
    return minted


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """After the test: no task but its own."""
    before = asyncio.all_tasks()
    yield
    for _ in range(20):
        await asyncio.sleep(0)
    own = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() - before if task is not own]
    assert not left, f"tasks are left: {left}"
