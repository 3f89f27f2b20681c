"""Parts of an experiment at once: none of them goes on when the experiment has ended.

`asyncio.gather` returns at the first failure or cancellation, and leaves the other parts behind: a server
that is still starting would run on without its experiment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def together(parts: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Do all of it at once. Returns the results in the order of the parts, when every part has ended.

    The first failure cancels the other parts, and is raised when they have ended. So does a cancellation.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in parts]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
