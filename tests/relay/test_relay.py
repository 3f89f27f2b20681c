"""The relay between real sockets: it is faithful, it records, and its faults come on command."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from netlab import relay as relay_module
from netlab.capture import Direction, Reassembler, decode
from netlab.relay import Clock, Conversation, Relay
from tests.kit.waiting import until

OUT, BACK = Direction.TO_SERVER, Direction.TO_CLIENT


class ManualClock:
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    class Timer:
        def cancel(self) -> None:
            pass  # a callback too many only wakes a pump that looks at the clock again

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        heapq.heappush(self._waiting, (self.now + delay, next(self._numbers), callback))
        return self.Timer()

    def advance(self, seconds: float) -> None:
        self.now += seconds
        while self._waiting and self._waiting[0][0] <= self.now + 1e-9:
            heapq.heappop(self._waiting)[2]()


class Ends:
    """A client and a server, joined by a relay; plain sockets, so that each fault shows as it is."""

    def __init__(self, relay: Relay, listener: socket.socket, client: socket.socket) -> None:
        self.relay, self.listener, self.client = relay, listener, client
        self.server: socket.socket
        self.loop = asyncio.get_running_loop()

    @property
    def conversation(self) -> Conversation:
        return self.relay.conversations[0]

    async def connect(self) -> None:
        await self.loop.sock_connect(self.client, ("127.0.0.1", self.relay.port))
        self.server, _ = await self.loop.sock_accept(self.listener)

    async def say(self, end: socket.socket, data: bytes) -> None:
        await self.loop.sock_sendall(end, data)

    async def hear(self, end: socket.socket, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = await self.loop.sock_recv(end, size - len(data))
            assert part, f"the connection ended after {data!r}"
            data += part
        return data

    async def end(self, end: socket.socket) -> bytes:
        return await self.loop.sock_recv(end, 1)


def nothing_to_read(connection: socket.socket) -> bool:
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    return False


@asynccontextmanager
async def joined(delay: float | tuple[float, float] = 0.0, **options: Any) -> AsyncIterator[Ends]:
    """A connected client and server with a relay between them; everything is closed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        listener.setblocking(False)
        client.setblocking(False)
        async with Relay("127.0.0.1", listener.getsockname()[1], delay, **options) as relay:
            ends = Ends(relay, listener, client)
            await ends.connect()
            with ends.server:
                ends.server.setblocking(False)
                yield ends


async def test_octets_pass_both_ways_and_are_recorded() -> None:
    async with joined() as ends:
        await ends.say(ends.client, b"question")
        assert await ends.hear(ends.server, 8) == b"question"
        await ends.say(ends.server, b"answer")
        assert await ends.hear(ends.client, 6) == b"answer"
        conversation = ends.conversation
        assert [(chunk.direction, chunk.data) for chunk in conversation.chunks] == [
            (OUT, b"question"),
            (BACK, b"answer"),
        ]
        assert 0 <= conversation.chunks[0].time <= conversation.chunks[1].time
        assert conversation.octets == {OUT: 8, BACK: 6}
        assert conversation.content(OUT) == b"question"
        assert conversation.client.port == ends.client.getsockname()[1]
        assert "8 octets to server" in repr(conversation)
        assert not conversation.closed


async def test_a_recording_opens_as_packets() -> None:
    async with joined() as ends:
        await ends.say(ends.client, b"question")
        await ends.hear(ends.server, 8)
        (conversation,) = Reassembler(decode(p) for p in ends.conversation.composed()).conversations
        assert conversation.content(OUT) == b"question"
        assert conversation.client == ends.conversation.client


async def test_large_content_passes_unchanged_both_ways_at_once() -> None:
    data = bytes(range(256)) * 4096 * 4
    async with joined(buffer=100_000, record=0) as ends:
        there, back, *_ = await asyncio.gather(
            ends.hear(ends.server, len(data)),
            ends.hear(ends.client, len(data)),
            ends.say(ends.client, data),
            ends.say(ends.server, data),
        )
        assert there == back == data


async def test_a_half_close_by_the_client_leaves_the_way_back_open() -> None:
    async with joined() as ends:
        await ends.say(ends.client, b"all I have to say")
        ends.client.shutdown(socket.SHUT_WR)
        assert await ends.hear(ends.server, 17) == b"all I have to say"
        assert await ends.end(ends.server) == b""
        await ends.say(ends.server, b"late answer")
        assert await ends.hear(ends.client, 11) == b"late answer"
        assert not ends.conversation.closed
        ends.server.close()
        assert await ends.end(ends.client) == b""
        await ends.conversation.wait_closed()


async def test_a_half_close_by_the_server_leaves_the_way_there_open() -> None:
    async with joined() as ends:
        ends.server.shutdown(socket.SHUT_WR)
        assert await ends.end(ends.client) == b""
        await ends.say(ends.client, b"still here")
        assert await ends.hear(ends.server, 10) == b"still here"


@pytest.mark.parametrize("side", ["client", "server"])
async def test_a_reset_by_one_side_reaches_the_other_as_a_reset(side: str) -> None:
    async with joined() as ends:
        one, other = (ends.client, ends.server) if side == "client" else (ends.server, ends.client)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, relay_module._RESET_ON_CLOSE)
        one.close()
        with pytest.raises(ConnectionResetError):
            await ends.end(other)
        await ends.conversation.wait_closed()


async def test_a_client_that_leaves_while_the_server_streams_resets_the_server() -> None:
    async with joined() as ends:
        ends.client.shutdown(socket.SHUT_WR)
        assert await ends.end(ends.server) == b""
        streaming = asyncio.ensure_future(ends.say(ends.server, bytes(64 << 20)))
        await ends.hear(ends.client, 100_000)
        ends.client.close()
        with pytest.raises(ConnectionError):
            await streaming


async def test_a_reset_on_command_reaches_both_sides() -> None:
    async with joined() as ends:
        await ends.say(ends.client, b"x")
        await ends.hear(ends.server, 1)
        ends.relay.reset()
        for side in (ends.client, ends.server):
            with pytest.raises(ConnectionResetError):
                await ends.end(side)
        assert ends.conversation.closed


async def test_a_stalled_conversation_holds_everything_until_it_is_resumed() -> None:
    async with joined() as ends:
        await ends.say(ends.client, b"before")
        await ends.hear(ends.server, 6)
        ends.conversation.stall(OUT)
        await ends.say(ends.client, b"held")
        await ends.say(ends.server, b"the other way flows")
        assert await ends.hear(ends.client, 19) == b"the other way flows"
        assert nothing_to_read(ends.server)
        ends.relay.resume()
        assert await ends.hear(ends.server, 4) == b"held"


async def test_a_stalled_relay_stalls_new_conversations_too() -> None:
    async with joined() as ends:
        ends.relay.stall()
        with socket.socket() as second:
            second.setblocking(False)
            await ends.loop.sock_connect(second, ("127.0.0.1", ends.relay.port))
            accepted, _ = await ends.loop.sock_accept(ends.listener)
            with accepted:
                accepted.setblocking(False)
                await ends.say(second, b"held")
                await until(lambda: len(ends.relay.conversations) == 2)
                assert nothing_to_read(accepted)
                ends.relay.resume()
                assert await ends.hear(accepted, 4) == b"held"


async def test_octets_arrive_when_their_delay_has_passed() -> None:
    clock = ManualClock()
    async with joined((2.0, 3.0), clock=Clock(clock.time, clock.call_later)) as ends:
        assert ends.relay.round_trip == 5.0
        await ends.say(ends.client, b"question")
        await until(lambda: ends.conversation.octets[OUT] == 8)
        clock.advance(1.99)
        await ends_settle(ends)
        assert nothing_to_read(ends.server)
        clock.advance(0.01)
        assert await ends.hear(ends.server, 8) == b"question"
        await ends.say(ends.server, b"answer")
        await until(lambda: ends.conversation.octets[BACK] == 6)
        clock.advance(2.99)
        await ends_settle(ends)
        assert nothing_to_read(ends.client)
        clock.advance(0.01)
        assert await ends.hear(ends.client, 6) == b"answer"
        assert [chunk.time for chunk in ends.conversation.chunks] == [0.0, 2.0]


async def ends_settle(ends: Ends) -> None:
    """Let everything that can happen at this moment of the manual clock happen."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_the_end_of_a_side_takes_the_delay_too() -> None:
    clock = ManualClock()
    async with joined(2.0, clock=Clock(clock.time, clock.call_later)) as ends:
        ends.client.shutdown(socket.SHUT_WR)
        line = ends.conversation._pumps[OUT].line
        await until(lambda: line.ending is not None)
        await ends_settle(ends)
        assert nothing_to_read(ends.server)
        clock.advance(2.0)
        assert await ends.end(ends.server) == b""


async def test_a_throttle_lets_its_rate_through() -> None:
    clock = ManualClock()
    async with joined(rate=(1000.0, float("inf")), clock=Clock(clock.time, clock.call_later)) as ends:
        await ends.say(ends.client, bytes(5000))
        await until(lambda: ends.conversation.octets[OUT] == 5000)
        clock.advance(2.5)
        assert len(await ends.hear(ends.server, 2500)) == 2500
        await ends_settle(ends)
        assert nothing_to_read(ends.server)
        await ends.say(ends.server, bytes(5000))
        assert len(await ends.hear(ends.client, 5000)) == 5000, "the way back is not throttled"
        clock.advance(2.5)
        assert len(await ends.hear(ends.server, 2500)) == 2500


async def test_charging_the_connect_holds_back_the_first_octets_one_round_trip() -> None:
    clock = ManualClock()
    async with joined((2.0, 3.0), charge_connect=True, clock=Clock(clock.time, clock.call_later)) as ends:
        await ends.say(ends.client, b"first")
        await until(lambda: ends.conversation.octets[OUT] == 5)
        clock.advance(6.9)
        await ends_settle(ends)
        assert nothing_to_read(ends.server)
        clock.advance(0.1)
        assert await ends.hear(ends.server, 5) == b"first"
        await ends.say(ends.client, b"second")
        await until(lambda: ends.conversation.octets[OUT] == 11)
        clock.advance(2.0)
        assert await ends.hear(ends.server, 6) == b"second", "only the first is charged"


async def test_what_is_on_the_line_is_bounded_and_nothing_is_lost() -> None:
    clock = ManualClock()
    data = bytes(range(256)) * (8 << 12)
    async with joined(1.0, buffer=300_000, record=0, clock=Clock(clock.time, clock.call_later)) as ends:
        line = ends.conversation._pumps[OUT].line
        sending = asyncio.ensure_future(ends.say(ends.client, data))
        hearing = asyncio.ensure_future(ends.hear(ends.server, len(data)))
        most = 0
        while not hearing.done():
            await ends_settle(ends)
            most = max(most, line.held)
            clock.advance(0.25)
        await sending
        assert hearing.result() == data
        assert 300_000 <= most < 300_000 + relay_module._READ_SIZE


async def test_on_the_real_clock_a_round_trip_takes_at_least_its_delays() -> None:
    async with joined((0.004, 0.0065)) as ends:
        start = time.monotonic()
        await ends.say(ends.client, b"x")
        await ends.hear(ends.server, 1)
        await ends.say(ends.server, b"y")
        await ends.hear(ends.client, 1)
        assert time.monotonic() - start >= 0.0105


async def test_an_unreachable_target_resets_the_client_and_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed_port = listener.getsockname()[1]
    loop = asyncio.get_running_loop()
    async with Relay("127.0.0.1", closed_port) as relay:
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", relay.port))
            with pytest.raises(ConnectionResetError):
                await loop.sock_recv(client, 1)
        (conversation,) = relay.conversations
        assert conversation.error == f"cannot reach 127.0.0.1:{closed_port}: Connection refused"
        assert conversation.closed


async def test_leaving_the_relay_closes_what_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        listener.setblocking(False)
        async with Relay("localhost", listener.getsockname()[1]) as relay:
            client.connect(("127.0.0.1", relay.port))
            accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
            accepted.close()
            assert not relay.conversations[0].closed
        assert all(conversation.closed for conversation in relay.conversations)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_many_conversations_are_kept_apart() -> None:
    loop = asyncio.get_running_loop()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def one(port: int, number: int) -> bytes:
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", port))
            await loop.sock_sendall(client, b"%d" % number)
            return await loop.sock_recv(client, 100)

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Relay("127.0.0.1", server.sockets[0].getsockname()[1], delay=0.001) as relay:
        answers = await asyncio.gather(*(one(relay.port, number) for number in range(50)))
        assert answers == [b"%d" % number for number in range(50)]
        assert sorted(c.content(OUT) for c in relay.conversations) == sorted(answers)
        for conversation in relay.conversations:
            await conversation.wait_closed()


async def test_only_so_much_is_recorded_but_everything_is_counted() -> None:
    async with joined(record=10) as ends:
        await ends.say(ends.client, b"12345678")
        await ends.hear(ends.server, 8)
        assert ends.conversation.recorded_all
        await ends.say(ends.client, b"12345678")
        await ends.hear(ends.server, 8)
        assert ends.conversation.content(OUT) == b"12345678"
        assert ends.conversation.octets[OUT] == 16
        assert not ends.conversation.recorded_all


async def test_ipv6_works_on_both_sides() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error}")
    loop = asyncio.get_running_loop()
    with listener, socket.socket(socket.AF_INET6) as client:
        listener.setblocking(False)
        client.setblocking(False)
        async with Relay("::1", listener.getsockname()[1], host="::1") as relay:
            await loop.sock_connect(client, ("::1", relay.port))
            server, _ = await loop.sock_accept(listener)
            with server:
                await loop.sock_sendall(client, b"six")
                server.setblocking(False)
                assert await loop.sock_recv(server, 10) == b"six"
                assert str(relay.conversations[0].client).startswith("[::1]:")


def test_every_mistake_in_the_configuration_is_reported_at_once() -> None:
    with pytest.raises(ValueError) as caught:
        Relay("127.0.0.1", 0, (-1.0, float("nan")), rate=0, buffer=0, record=-1, port=70000)
    text = str(caught.value)
    for part in (
        "delay -1.0 to server", "delay nan to client", "rate 0 to server", "rate 0 to client", "buffer 0",
        "record -1", "target_port 0", "port 70000",
    ):  # fmt: skip
        assert part in text
    assert len(text.splitlines()) == 8


async def test_an_address_in_use_is_an_os_error_and_leaves_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with Relay("127.0.0.1", 1, port=taken.getsockname()[1]):
            pass
