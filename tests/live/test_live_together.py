"""Parts of an experiment at once: when it ends, each part has ended."""

from __future__ import annotations

import asyncio

import pytest

from netlab.live.together import together


async def part(ended: list[int], turns: int, failure: Exception | None = None) -> int:
    """Wait for its cancellation, or fail at once; its cleaning up takes so many turns of the loop."""
    try:
        if failure is not None:
            raise failure
        await asyncio.sleep(60)
    finally:
        for _ in range(turns):
            await asyncio.sleep(0)
        ended.append(turns)
    return turns


async def same(value: int) -> int:
    return value


async def test_the_results_come_in_the_order_of_the_parts() -> None:
    assert await together(same(number) for number in (3, 1, 2)) == [3, 1, 2]


async def test_after_a_cancellation_no_part_goes_on() -> None:
    ended: list[int] = []
    whole = asyncio.create_task(together(part(ended, turns) for turns in (1, 50, 5)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    whole.cancel()
    with pytest.raises(asyncio.CancelledError):
        await whole
    assert sorted(ended) == [1, 5, 50]


async def test_a_failure_is_raised_itself_when_the_other_parts_have_ended() -> None:
    ended: list[int] = []
    with pytest.raises(OSError, match="busy"):
        await together([part(ended, 50), part(ended, 1, OSError("busy")), part(ended, 5)])
    assert sorted(ended) == [1, 5, 50]
