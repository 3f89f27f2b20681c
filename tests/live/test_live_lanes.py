"""A lane reads what went by when the keys of it can be there: one look later, and all of it at the end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from netlab.capture import Direction
from netlab.capture.stream import Chunk
from netlab.live.lanereading import LaneReading
from netlab.tls.tracing.keyring import Keyring

REQUEST = Chunk(Direction.TO_SERVER, 0.1, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


def lane_with(*chunks: Chunk) -> tuple[LaneReading, Any]:
    """A lane, and the conversation that it follows."""
    conversation: Any = SimpleNamespace(
        chunks=list(chunks), opening=None, closed=False, endings={}, error="cut off"
    )
    return LaneReading(conversation, Keyring()), conversation


def test_bytes_are_read_one_look_later() -> None:
    lane, conversation = lane_with(REQUEST)
    assert not lane.follow(0.15) and lane.requests == 0
    conversation.chunks.append(REQUEST)
    assert lane.follow(0.25) and lane.requests == 1, "what came since the last look waits"
    assert lane.follow(0.35) and lane.requests == 2
    assert not lane.follow(0.45) and not conversation.chunks


@pytest.mark.parametrize("end", ["the last look", "the connection is closed"])
def test_at_the_end_all_is_read(end: str) -> None:
    lane, conversation = lane_with(REQUEST, REQUEST)
    conversation.closed = end == "the connection is closed"
    assert lane.follow(0.2, whole=not conversation.closed)
    assert lane.requests == 2 and not conversation.chunks
    assert bool(lane.closed) is conversation.closed
