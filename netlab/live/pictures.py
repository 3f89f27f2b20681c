"""Pictures of an experiment's work: at its start, then again and again, and once more at its end.

The last picture shows the end itself, whatever the end is: done, Stop, a deadline, a failure. Without it a
page would show for ever what stood at the last tick, while its lanes and charts have gone on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
Show = Callable[[], None]


async def pictured(
    show: Show, period: float, work: Coroutine[Any, Any, Result], last: Show | None = None
) -> Result:
    """Do the work, and show it now, every `period` seconds, and once more when it ends.

    last: shows the end, if that is another picture. Returns what the work returns, and raises what it raises.
    On cancellation the last picture comes first and the work is cancelled then: the picture shows what was
    under way, and not what cleaning up has left of it. A picture that raises ends the work.
    """
    task = asyncio.create_task(work)
    try:
        try:
            while not task.done():
                show()
                await asyncio.wait({task}, timeout=period)
        finally:
            (last or show)()
        return task.result()
    finally:
        task.cancel()
        await asyncio.wait({task})
