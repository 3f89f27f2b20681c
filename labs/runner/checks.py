"""What a lab's tests say things with: `same_bytes(…)`, and the fixture `steps`."""

from __future__ import annotations

import pytest

from labs.runner.checking.comparison import Steps, WrongBytes, same_bytes

__all__ = ["Steps", "WrongBytes", "same_bytes", "steps"]


@pytest.fixture
def steps() -> Steps:
    """The story of the test: steps.note("…"), steps.sent(b"…"), steps.received(b"…")."""
    return Steps()
