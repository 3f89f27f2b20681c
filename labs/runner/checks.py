"""What a lab's tests say things with: `same_bytes(…)`, `@table(…)`, and the fixture `steps`."""

from __future__ import annotations

import pytest

from labs.runner.checking.comparison import Steps, WrongBytes, same_bytes

__all__ = ["Steps", "WrongBytes", "same_bytes", "steps", "table"]


def table(names: str, *rows: object) -> pytest.MarkDecorator:
    """One case a row, told apart by its number: the values of some are too long for a name."""
    return pytest.mark.parametrize(names, rows, ids=[f"case {n}" for n in range(1, len(rows) + 1)])


@pytest.fixture
def steps() -> Steps:
    """The story of the test: steps.note("…"), steps.sent(b"…"), steps.received(b"…")."""
    return Steps()
