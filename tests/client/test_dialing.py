"""Happy Eyeballs: addresses race with a stagger; warm-up, statistics and their reasons. RFC 8305"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

import netlab
from netlab.client import ConnectFailed, Opened, Reason, TimedOut, dialing
from netlab.client.dialing import Address, dial, interleave
from netlab.client.url import Origin

V4, V6 = socket.AF_INET, socket.AF_INET6
ORIGIN = Origin("http", "a.example", 80)


def test_the_families_take_turns() -> None:
    v4: list[Address] = [(V4, (f"4.{n}", 80)) for n in range(3)]
    v6: list[Address] = [(V6, (f"6.{n}", 80)) for n in range(2)]
    assert interleave([*v6, *v4]) == [v6[0], v4[0], v6[1], v4[1], v4[2]]
    assert interleave([*v4, *v6]) == [v4[0], v6[0], v4[1], v6[1], v4[2]]


class Network:
    """Connects after so many seconds, or fails; began: which address, at which moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, behaviour: dict[str, float | OSError]) -> None:
        self.behaviour = behaviour
        self.began: list[str] = []
        self.sockets: list[socket.socket] = []
        monkeypatch.setattr(dialing, "_connect", self.connect)

    async def connect(self, loop: object, family: int, address: Any) -> socket.socket:
        self.began.append(address[0])
        does = self.behaviour[address[0]]
        if isinstance(does, OSError):
            raise does
        if does:  # else it is there in its first step: before the next stagger, however slow the machine
            await asyncio.sleep(does)
        self.sockets.append(socket.socket())
        return self.sockets[-1]


async def race(names: list[str], timeout: float = 5, stagger: float = 0.02) -> Any:
    loop = asyncio.get_running_loop()
    addresses: list[Address] = [(V6 if name.startswith("6") else V4, (name, 80)) for name in names]
    sock, address = await dial(loop, ORIGIN, addresses, timeout, stagger)
    sock.close()
    return address[0]


async def test_a_silent_address_costs_one_stagger(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, {"6.silent": 1000.0, "4.quick": 0.0, "6.last": 0.0})
    assert await race(["6.silent", "6.last", "4.quick"]) == "4.quick"
    assert network.began == ["6.silent", "4.quick"]


async def test_a_refused_address_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, {"6.refused": ConnectionRefusedError(111, "refused"), "4.quick": 0.0})
    assert await race(["6.refused", "4.quick"], stagger=1000) == "4.quick"
    assert network.began == ["6.refused", "4.quick"]


async def test_the_loser_of_the_race_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, {"6.slow": 0.03, "4.slow": 0.01})
    winner = await race(["6.slow", "4.slow"])
    assert winner in ("6.slow", "4.slow")
    assert all(sock.fileno() == -1 for sock in network.sockets)


async def test_when_all_fail_the_last_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Network(monkeypatch, {"6.a": OSError(113, ""), "4.b": ConnectionRefusedError(111, "")})
    with pytest.raises(ConnectFailed, match="connection refused"):
        await race(["6.a", "4.b"])
    Network(monkeypatch, {"6.a": 1000.0, "4.b": 1000.0})
    with pytest.raises(TimedOut, match=r"longer than 0\.05 s"):
        await race(["6.a", "4.b"], timeout=0.05)


async def test_a_cancelled_race_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, {"6.a": 1000.0, "4.b": 1000.0})
    before = asyncio.all_tasks()
    task = asyncio.create_task(race(["6.a", "4.b"]))
    while len(network.began) < 2:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before


async def app(request: netlab.Request) -> netlab.Response:
    return netlab.Response(200, b"ok", {"connection": "close"} if request.path == "/close" else None)


async def test_warm_up_opens_connections_that_requests_then_find_idle() -> None:
    async with netlab.Server(app) as server, netlab.Session(limit=4, limit_per_host=3) as session:
        assert await session.warm_up(server.url, 2) == 2
        assert session.pool.counts()["idle"] == 2
        assert await session.warm_up(server.url, 5) == 1
        responses = await asyncio.gather(*(session.get(server.url) for _ in range(3)))
        assert [response.reused for response in responses] == [False] * 3
        assert session.pool.why_opened == {Opened.WARM_UP: 3}
        with pytest.raises(ConnectFailed):
            await session.warm_up("http://127.0.0.1:1")
        assert session.pool.counts() == {"open": 3, "idle": 3, "in_use": 0, "connecting": 0, "waiting": 0}


async def test_statistics_say_why_connections_were_opened_and_closed() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        assert session.statistics().requests == 0
        await asyncio.gather(*(session.get(f"{server.url}/") for _ in range(2)))
        await session.get(f"{server.url}/")
        await session.get(f"{server.url}/close")
        found = session.statistics()
        assert (found.requests, found.reused, found.retried) == (4, 2, 0)
        assert found.opened == {Opened.FIRST: 1, Opened.BUSY: 1}
        assert found.closed == {Reason.SERVER_SAID_CLOSE: 1}
        assert found.open == found.idle + found.in_use + found.connecting == 1
        assert "the server said Connection: close" in str(found)
        (connection,) = session.pool.places
        assert connection.why_opened in Opened
