"""The stale race: the server closes an idle connection just when the client uses it. No POST runs twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from collections import Counter

import pytest

import netlab
from netlab.client import Disconnected, Reason, Truncated
from netlab.client.timings import Step, TraceEvent
from tests.client.scripted import Peer, Scripted
from tests.kit.waiting import until


class Executions:
    """A server that keeps a connection for so many requests, then ends it, and counts what it carried out."""

    def __init__(self, per_connection: int = 1, end: str = "close", early: bool = False) -> None:
        self.per_connection, self.end = per_connection, end
        self.early = early
        self.lines: list[str] = []
        self.swallowed: list[str] = []

    async def __call__(self, peer: Peer) -> None:
        for _ in range(self.per_connection):
            line = (await peer.request())[0]
            if not line:
                return
            self.lines.append(line)
            await peer.respond(b"done")
        if self.early:
            # It takes one more request, perhaps carries it out, and ends without an answer.
            self.swallowed.append((await peer.request())[0])
        if self.end == "reset":
            peer.reset()


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_a_connection_that_was_closed_while_idle_is_not_used(method: str, end: str) -> None:
    """The end has come before the request is sent: any method may go elsewhere, since nothing was sent."""
    server_side = Executions(end=end)
    async with Scripted(server_side) as server, netlab.Session() as session:
        for _ in range(5):
            response = await session.request(method, server.url, data=b"x")
            assert await response.read() == b"done"
            await until(lambda: not server._tasks)
        assert len(server_side.lines) == server.connections == 5
        assert session.pool.closed[Reason.SERVER_CLOSED] >= 4


async def test_the_end_is_seen_though_the_event_loop_had_no_turn() -> None:
    """The client's program held the loop up; the FIN is in the kernel. One look finds it."""
    listener = socket.create_server(("127.0.0.1", 0))
    closed = threading.Event()

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            closed.set()

    thread = threading.Thread(target=serve)
    thread.start()
    events: list[TraceEvent] = []
    try:
        async with netlab.Session(trace=events.append) as session:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            await session.post(url)
            assert closed.wait(20)
            await session.post(url)
    finally:
        thread.join()
        listener.close()
    assert [event.detail for event in events if event.step is Step.STALE] == [Reason.SERVER_CLOSED]
    assert Step.RETRIED not in [event.step for event in events]


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_an_idempotent_request_is_sent_again_once_on_a_new_connection(end: str) -> None:
    server_side = Executions(early=True, end=end)
    events: list[TraceEvent] = []
    async with Scripted(server_side) as server, netlab.Session(trace=events.append) as session:
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "TRACE"):
            data = None if method == "TRACE" else b"x"
            await (await session.request(method, server.url, data=data)).read()
        assert session.pool.closed[Reason.BROKEN] == 4
    assert len(server_side.lines) == 5
    sent_twice = ["PUT", "DELETE", "OPTIONS", "TRACE"]
    assert [line.split()[0] for line in server_side.swallowed if line] == sent_twice
    assert [event.step for event in events].count(Step.RETRIED) == 4


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_request_that_may_have_been_carried_out_is_never_sent_again(method: str) -> None:
    server_side = Executions(early=True)
    async with Scripted(server_side) as server, netlab.Session() as session:
        assert await (await session.request(method, server.url, data=b"x")).read() == b"done"
        with pytest.raises(Disconnected, match="closed the connection before it answered"):
            await session.request(method, server.url, data=b"x")
        assert session.pool.counts()["open"] == 0
    assert (len(server_side.lines), len(server_side.swallowed)) == (1, 1)


async def test_nothing_is_sent_again_after_a_byte_of_the_response() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.respond(b"done")
        lines.append((await peer.request())[0])
        await peer.send(b"H")

    lines: list[str] = []
    async with Scripted(script) as server, netlab.Session() as session:
        await (await session.get(server.url)).read()
        with pytest.raises(Truncated):
            await session.get(server.url)
    assert len(lines) == 1


async def test_a_new_connection_that_is_closed_is_not_tried_again() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async with Scripted(script) as server, netlab.Session() as session:
        with pytest.raises(Disconnected):
            await session.get(server.url)
        assert server.connections == 1


async def test_a_stream_is_not_sent_again() -> None:
    async def content() -> object:
        yield b"x"

    server_side = Executions(early=True)
    async with Scripted(server_side) as server, netlab.Session() as session:
        await (await session.get(server.url)).read()
        with pytest.raises(Disconnected):
            await session.put(server.url, data=content())  # type: ignore[arg-type]


async def test_under_load_no_post_runs_twice_and_none_is_lost_unnoticed() -> None:
    """A server that closes after two requests, at random moments; many clients. Executions are counted."""

    async def script(peer: Peer) -> None:
        for _ in range(2):
            line, content = await peer.request()
            if not line:
                return
            ran[content] += 1
            await asyncio.sleep(chance.random() * 0.002)
            await peer.respond(content)
        await asyncio.sleep(chance.random() * 0.004)

    async def client(name: int) -> None:
        for index in range(20):
            content = f"{name}.{index}".encode()
            try:
                response = await session.post(server.url, data=content)
                assert await response.read() == content
                answered[content] += 1
            except Disconnected:
                failed[content] += 1
            await asyncio.sleep(chance.random() * 0.004)

    chance = random.Random(7)
    ran: Counter[bytes] = Counter()
    answered: Counter[bytes] = Counter()
    failed: Counter[bytes] = Counter()
    async with Scripted(script) as server, netlab.Session(limit=10) as session:
        await asyncio.gather(*(client(name) for name in range(20)))
    assert max(ran.values()) == 1
    assert sum(answered.values()) + sum(failed.values()) == 400
    assert set(answered) <= set(ran)


@pytest.mark.parametrize("data, posts", [(b"x", 2), (bytes(5000), 1)], ids=["unsent", "perhaps sent in part"])
async def test_a_post_whose_every_byte_was_refused_by_the_kernel_is_sent_again(
    monkeypatch: pytest.MonkeyPatch, data: bytes, posts: int
) -> None:
    """The reset has come between the look and the send: nothing was sent, so nothing was carried out."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    content = connection.recv(65536)
                    ran.append(content[:4])
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    answered.wait(20)  # the response has been read: the connection is idle
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                reset.set()

    monkeypatch.setattr("netlab.net.salvaging.SalvagingTransport.look", lambda _: None)
    listener, ran = socket.create_server(("127.0.0.1", 0)), []
    answered, reset = threading.Event(), threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        async with netlab.Session() as session:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            await session.post(url)
            answered.set()
            assert reset.wait(20)  # the loop stands still: it has not seen the reset
            if posts == 2:
                assert (await session.post(url, data=data)).status == 200
            else:
                with pytest.raises(Disconnected):
                    await session.post(url, data=data)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
    assert ran == [b"POST"] * posts


async def test_the_second_attempt_never_takes_another_idle_connection() -> None:
    """What made the server close one of them may have closed them all."""
    server_side = Executions(early=True)
    events: list[TraceEvent] = []
    async with Scripted(server_side) as server, netlab.Session(trace=events.append) as session:
        await asyncio.gather(*(session.get(server.url) for _ in range(4)))
        assert session.pool.counts()["idle"] == 4
        assert await (await session.get(server.url)).read() == b"done"
        assert session.pool.opened == 5
    assert [event.step for event in events].count(Step.RETRIED) == 1
