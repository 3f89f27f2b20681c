"""The table of a connection's states: it is executed, complete, and drawn."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from netlab import Request, Response, Server
from netlab.server import connection as module
from netlab.server.states import (
    BEGINNINGS,
    CLOSED,
    EXCHANGE,
    IDLE,
    LINGERING,
    TRANSITIONS,
    State,
    diagram,
    moves_to,
)


@pytest.mark.parametrize("start", State)
@pytest.mark.parametrize("end", State)
def test_a_move_is_in_the_table_or_raises(start: State, end: State) -> None:
    if end in TRANSITIONS[start]:
        assert moves_to(end)[start] is end
    else:
        with pytest.raises(KeyError, match=start.name):
            moves_to(end)[start]


def test_every_state_is_reached_and_every_state_but_closed_is_left() -> None:
    reached = set(BEGINNINGS) | {end for ends in TRANSITIONS.values() for end in ends}
    assert reached == set(State)
    assert [state for state in State if not TRANSITIONS[state]] == [CLOSED]


def test_the_diagram_shows_each_move_with_its_reason() -> None:
    lines = diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    for start, ends in TRANSITIONS.items():
        for end, reason in ends.items():
            assert f"    {start.value} --> {end.value}: {reason}" in lines
    assert len(lines) == 2 + len(BEGINNINGS) + sum(map(len, TRANSITIONS.values()))


def test_the_connection_changes_its_state_by_the_table_alone() -> None:
    source = Path(module.__file__).read_text()
    assigned = re.findall(r"self\.state(?:: State)? = (.*)", source)
    begins = [
        value for value in assigned if not re.fullmatch(r"(?:states\.)?TO_[A-Z]+\[self\.state\]", value)
    ]
    assert begins == ["OPENING if transport.secure else IDLE"]
    assert len(assigned) > 5


async def test_a_life_goes_through_the_states_in_order() -> None:
    seen: list[State] = []

    async def app(request: Request) -> Response:
        seen.append(next(iter(server.connections)).state)
        return Response(200)

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while not server.connections:
            await asyncio.sleep(0)
        (connection,) = server.connections
        seen.append(connection.state)
        writer.write(b"GET / HTTP/1.1\r\nHo")
        while connection.state is IDLE:
            await asyncio.sleep(0)
        seen.append(connection.state)
        writer.write(b"st: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        seen.append(connection.state)
        writer.write(b"nonsense\r\n")
        await reader.readline()
        seen.append(connection.state)
        writer.close()
        while server.connections:
            await asyncio.sleep(0)
        seen.append(connection.state)
    assert seen == [IDLE, State.HEAD, EXCHANGE, IDLE, LINGERING, CLOSED]
