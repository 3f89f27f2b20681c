"""A budget bounds what handshakes take of one turn; what it refuses is done in the next."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from netlab import Request, Response, Server
from netlab.net.accepted import AcceptedTransport
from netlab.net.budget import Budget
from netlab.net.phase import CLOSED, FLUSHING, HANDSHAKE, MOVES, OPEN, SHUT, Phase
from netlab.tls import authority, server_context
from tests.kit.clock import Clock


def test_a_step_is_refused_once_the_seconds_of_the_turn_are_spent() -> None:
    clock = Clock()
    budget = Budget(0.005, clock)
    assert [budget.run(lambda: clock.sleep(0.002)) for _ in range(4)] == [True, True, True, False]
    budget.left = budget.seconds  # the next turn
    assert budget.run(lambda: clock.sleep(0.091)), "a step longer than the budget is taken, alone"
    assert not budget.run(lambda: clock.sleep(0.001))
    assert budget.refused == 2


def test_a_step_that_raises_is_counted_too() -> None:
    clock = Clock()
    budget = Budget(0.005, clock)

    def fail() -> None:
        clock.sleep(0.006)
        raise KeyError

    with pytest.raises(KeyError):
        budget.run(fail)
    assert not budget.run(lambda: None)


async def test_a_turn_takes_the_handshakes_that_its_budget_allows_and_the_next_turn_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = authority.ensure(tmp_path)
    clock = Clock()

    async def app(request: Request) -> Response:
        return Response(200)

    async with Server(app, tls=server_context(files.chain, files.leaf_key)) as server:
        server.poller.handshakes = budget = Budget(0.005, clock)
        done: list[object] = []

        def step(transport: object) -> None:
            clock.sleep(0.003)
            done.append(transport)

        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(6)]
        while len(server.connections) < 6:
            await asyncio.sleep(0)
        monkeypatch.setattr(AcceptedTransport, "_handshake", step)
        for client in clients:
            client.send(b"\x16")
        # The bytes stay unread, so the poller reports all six in each turn.
        server.poller._turn()
        assert len(done) == 2 and budget.refused == 4
        server.poller._turn()
        assert len(done) == 4
        for client in clients:
            client.close()


@pytest.mark.parametrize("now", Phase)
@pytest.mark.parametrize("to", Phase)
def test_a_transport_makes_no_move_that_the_table_does_not_list(now: Phase, to: Phase) -> None:
    if to in MOVES[now]:
        assert MOVES[now][to] is to
    else:
        with pytest.raises(RuntimeError, match=f"from {now.value} to {to.value}"):
            MOVES[now][to]


def test_every_phase_ends_in_closed_and_closed_in_none() -> None:
    assert all(CLOSED in MOVES[phase] for phase in (HANDSHAKE, OPEN, FLUSHING, SHUT))
    assert not MOVES[CLOSED]


async def test_handshakes_of_many_clients_are_all_done_within_any_budget(tmp_path: Path) -> None:
    files = authority.ensure(tmp_path)

    async def app(request: Request) -> Response:
        return Response(200)

    async with Server(app, tls=server_context(files.chain, files.leaf_key)) as server:
        server.poller.handshakes = Budget(1e-9)  # one step a turn
        opened = await asyncio.gather(
            *(
                asyncio.open_connection("127.0.0.1", server.port, ssl=ssl._create_unverified_context())
                for _ in range(12)
            )
        )
        assert server.poller.handshakes.refused > 0
        for _, writer in opened:
            writer.close()
            await writer.wait_closed()
