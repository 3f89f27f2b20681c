"""The floor of the event loop: the poller on any selector, and the sweep."""

from __future__ import annotations

import asyncio
import select
import socket
from contextlib import ExitStack

import pytest

from netlab import Request, Response, Server
from netlab.net.poller import Poller
from netlab.net.sweep import NEVER, Sweep
from tests.kit.waiting import until


async def test_the_server_runs_on_the_portable_selector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "epoll", raising=False)

    async def app(request: Request) -> Response:
        return Response(200, bytes(3_000_000) if request.path == "/big" else b"small")

    async with Server(app) as server:
        assert type(server.poller._selector).__name__ == "_PortableSelector"
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for path, size in ((b"/", 5), (b"/big", 3_000_000), (b"/", 5)):
            writer.write(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: %d" % size in head
            await asyncio.wait_for(reader.readexactly(size), 20)
        writer.close()


async def test_a_member_that_closes_another_in_the_same_turn_is_no_accident() -> None:
    poller = Poller(asyncio.get_running_loop())
    pairs = [socket.socketpair() for _ in range(5)]
    told = []

    class Member:
        def ready(self, events: int) -> None:
            told.append(self)
            for mine, _ in pairs:
                poller.unregister(mine.fileno())

    for mine, theirs in pairs:
        poller.register(mine.fileno(), Member())
        theirs.send(b"x")
    await asyncio.sleep(0.05)
    assert len(told) == 1
    poller.close()
    for pair in pairs:
        for sock in pair:
            sock.close()


@pytest.mark.parametrize("count, looks", [(7, 1), (8, 32)])
async def test_a_busy_turn_looks_again_and_ends_after_256_events(count: int, looks: int) -> None:
    loop = asyncio.get_running_loop()
    poller = Poller(loop)
    told = 0
    behind: list[int] = []

    class Endless:
        def ready(self, events: int) -> None:  # it reads nothing: it is ready again at once
            nonlocal told
            told += 1
            if told == 1:
                loop.call_soon(lambda: behind.append(told))

    with ExitStack() as stack:
        for _ in range(count):
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)
            stack.enter_context(theirs).send(b"x")
            poller.register(ours.fileno(), Endless())
        await until(lambda: behind)
        assert behind == [count * looks]
        poller.close()


async def test_the_sweep_is_never_early_and_forgets_closed_members() -> None:
    now = 100.0
    sweep = Sweep(asyncio.get_running_loop(), interval=0.25, clock=lambda: now)
    late: list[str] = []

    class Member:
        def __init__(self, name: str, seconds: float) -> None:
            self.name = name
            self.deadline = NEVER if seconds == NEVER else sweep.deadline(seconds)

        def expire(self) -> None:
            late.append(self.name)
            sweep.discard(self)

    members = [Member("ten", 10), Member("twenty", 20), Member("left", 5), Member("never", NEVER)]
    for member in members:
        sweep.add(member)
    sweep.discard(members[2])
    for moment, expected in ((109.9, []), (110.6, ["ten"]), (119.9, ["ten"]), (120.6, ["ten", "twenty"])):
        now = moment
        sweep.sweep()
        assert late == expected
    sweep.close()


async def test_while_the_loop_stands_still_no_time_passes() -> None:
    now = 100.0
    sweep = Sweep(asyncio.get_running_loop(), interval=0.01, clock=lambda: now)

    class Member:
        deadline = sweep.deadline(10)

        def expire(self) -> None:
            raise AssertionError("late for a wait that was ours")

    member = Member()
    sweep.add(member)
    now += 3600  # the sweep should have come after a hundredth of a second
    async with asyncio.timeout(20):
        while sweep.now == 100:
            await asyncio.sleep(0)
    assert 100 < sweep.now < 101
    sweep.discard(member)
    late = sweep.deadline(10)  # one that begins after it has no more and no less than its time
    assert 110 < late < 111
    sweep.close()
