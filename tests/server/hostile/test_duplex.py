"""A request is read while its response is sent: two tasks wait, each for its own, with its own deadline."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from netlab import Limits, Request, Response
from netlab.cli.demonstration import Demonstration
from netlab.tls import server_context
from tests.server.test_deadlines import Timed

from .clients import GET, HOST, POST

MUCH = 3 << 20
PIECE = 64 * 1024
CONTENT = b"Content-Length: %d\r\n\r\n"


async def ahead(request: Request) -> Response:
    """Echoes what a task of its own reads, however far the client's reading is behind."""
    read: asyncio.Queue[bytes] = asyncio.Queue()

    async def reading() -> None:
        async for piece in request.stream():
            read.put_nowait(piece)
        read.put_nowait(b"")

    task = asyncio.ensure_future(reading())

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                following = asyncio.ensure_future(read.get())
                await asyncio.wait((task, following), return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                    await task  # raises what the reading failed with
                if not (piece := following.result()):
                    return
                yield piece
        finally:
            task.cancel()
            await asyncio.wait((task,))

    return Response(200, stream=pieces())


@pytest.mark.parametrize("app", [ahead, Demonstration()], ids=["by a task that reads ahead", "in turns"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_large_echo_reaches_a_client_that_reads_slowly(
    app: object, secure: bool, certificates: object, trusting: ssl.SSLContext
) -> None:
    tls = server_context(f"{certificates}/chain.pem", f"{certificates}/leaf.key") if secure else None
    context = trusting if secure else None
    content = bytes(range(256)) * (MUCH // 256)
    async with Timed(app, tls=tls) as timed:
        reader, writer = await asyncio.open_connection(
            HOST, timed.server.port, limit=4096, ssl=context, server_hostname="localhost" if secure else None
        )
        await timed.states(open=1)
        (connection,) = timed.server.connections

        async def send(part: bytes) -> None:
            for at in range(0, len(part), PIECE):
                writer.write(part[at : at + PIECE])
                await writer.drain()

        def wedged() -> bool:
            return bool(connection.transport.waiting) or sending.done()

        answer = bytearray()
        await send(POST + b"Connection: close\r\n" + CONTENT % MUCH)
        async with asyncio.timeout(30):
            for at in range(0, MUCH, MUCH // 3):
                # It reads only when the server cannot write any more and waits for content, too.
                sending = asyncio.ensure_future(send(content[at : at + MUCH // 3]))
                while not sending.done():
                    await timed.until(wedged)
                    if not sending.done():
                        answer += await reader.read(PIECE)
                for _ in range(20):
                    await asyncio.sleep(0)
                while connection.transport.waiting:
                    answer += await reader.read(PIECE)
            answer += await reader.read()
        head, _, echoed = bytes(answer).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert content == (echoed if b"content-length" in head else dechunked(echoed))
        writer.close()


def dechunked(data: bytes) -> bytes:
    pieces = []
    while True:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        if not size:
            return b"".join(pieces)
        pieces.append(data[:size])
        data = data[size + 2 :]


class Stalled(Timed):
    """A client that takes nothing of what it is sent, until it is told to."""

    async def __aenter__(self) -> Stalled:
        await super().__aenter__()
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(self.sock, (HOST, self.server.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sock.close()
        await super().__aexit__()

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def settle(self) -> None:
        """Until the client's kernel takes no more."""
        await self.until(lambda: any(c.transport.waiting for c in self.server.connections))
        (connection,) = self.server.connections
        same, before = 0, -1
        while same < 10:
            unread = connection.transport.unacknowledged
            same, before = (same + 1 if unread == before else 0), unread
            await asyncio.sleep(0.002)
        self.pass_time(0.1)

    async def take(self) -> None:
        """Read on, until the server's kernel has heard of it."""
        (connection,) = self.server.connections
        before = connection.transport.unacknowledged
        async with asyncio.timeout(20):
            while connection.transport.unacknowledged == before:
                await asyncio.get_running_loop().sock_recv(self.sock, 4096)
                await asyncio.sleep(0)

    @property
    def open(self) -> bool:
        return bool(self.server.connections)


async def much(request: Request) -> Response:
    return Response(200, bytes(8 << 20))


async def streamed(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 20)

    return Response(200, stream=pieces())


@pytest.mark.parametrize("app", [much, streamed])
async def test_a_client_that_takes_nothing_is_dropped_to_the_second(app: object) -> None:
    async with Stalled(app) as stalled:
        await stalled.say(GET)
        await stalled.settle()
        stalled.pass_time(29.8)
        assert stalled.open
        stalled.pass_time(0.5)
        assert not stalled.open


@pytest.mark.parametrize("app", [much, streamed])
async def test_the_time_is_counted_from_what_was_taken_last(app: object) -> None:
    async with Stalled(app) as stalled:
        await stalled.say(GET)
        await stalled.settle()
        for _ in range(3):
            stalled.pass_time(29)
            await stalled.take()
            await stalled.settle()
        stalled.pass_time(29.8)
        assert stalled.open
        stalled.pass_time(0.5)
        assert not stalled.open


@pytest.mark.linux("TIOCOUTQ of a socket")
@pytest.mark.parametrize("app", [much, streamed])
async def test_a_reader_below_the_minimum_rate_is_dropped(
    app: object,
) -> None:
    """A hundred of them would hold each descriptor of a small server. Each lump it takes comes in time."""
    async with Stalled(app, limits=Limits(least=64 << 10)) as stalled:
        await stalled.say(GET)
        await stalled.settle()
        stalled.pass_time(29)
        await stalled.take()
        stalled.pass_time(1)
        assert stalled.open
        await stalled.take()
        stalled.pass_time(1)
        assert not stalled.open


async def test_octets_of_a_content_buy_no_time_for_the_response() -> None:
    async with Stalled(ahead) as stalled:
        await stalled.say(POST + CONTENT % (16 << 20))
        sending = asyncio.ensure_future(stalled.say(bytes(8 << 20)))
        await stalled.until(lambda: any(c.transport.waiting for c in stalled.server.connections))
        await sending
        await stalled.settle()
        for _ in range(5):
            stalled.pass_time(5.9)
            await stalled.say(b"x" * 2000)
            await asyncio.sleep(0)
        assert stalled.open
        stalled.pass_time(1)
        assert not stalled.open


async def test_a_response_that_is_being_taken_buys_no_time_for_the_content() -> None:
    async with Stalled(ahead) as stalled:
        await stalled.say(POST + CONTENT % (16 << 20) + bytes(8 << 20))
        await stalled.settle()
        (connection,) = stalled.server.connections
        for _ in range(5):
            stalled.pass_time(5.9)
            await stalled.take()
            stalled.pass_time(0)
        body = connection.exchange.body
        assert body.error is None
        stalled.pass_time(1)
        assert body.error is not None and body.error.status == 408


async def test_two_tasks_that_read_one_content_are_told_apart() -> None:
    errors: list[BaseException] = []

    async def app(request: Request) -> Response:
        first = asyncio.ensure_future(request.read())
        await asyncio.sleep(0)
        try:
            await request.read()
        except RuntimeError as error:
            errors.append(error)
        return Response(200, await first)

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        writer.write(POST + CONTENT % 4)
        await timed.until(lambda: bool(errors))
        writer.write(b"four")
        assert (await asyncio.wait_for(reader.readuntil(b"four"), 20)).startswith(b"HTTP/1.1 200 ")
        assert "two tasks" in str(errors[0])
        writer.close()


async def test_a_reader_that_outlives_its_exchange_gets_nothing_of_the_next_request() -> None:
    left: list[asyncio.Future[bytes]] = []
    go = asyncio.Event()

    async def late(request: Request) -> bytes:
        await go.wait()
        return await request.read()

    async def app(request: Request) -> Response:
        if not left:
            left.append(asyncio.ensure_future(late(request)))
            return Response(200, b"first")
        go.set()
        await asyncio.wait(left)
        return Response(200, await request.read())

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        writer.write(POST + CONTENT % 4 + b"mine")
        await asyncio.wait_for(reader.readuntil(b"first"), 20)
        writer.write(POST + CONTENT % 6 + b"secret")
        assert (await asyncio.wait_for(reader.readuntil(b"secret"), 20)).startswith(b"HTTP/1.1 200 ")
        assert "its exchange is over" in str(left[0].exception())
        writer.close()


async def test_a_handlers_own_limit_holds_for_its_request_alone() -> None:
    limits: list[int | None] = [4, None, 4, None]

    async def app(request: Request) -> Response:
        return Response(200, b"".join([piece async for piece in request.stream(limits.pop(0))]))

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        for content in (b"four", b"and more"):
            writer.write(POST + CONTENT % len(content) + content)
            assert (await asyncio.wait_for(reader.readuntil(content), 20)).startswith(b"HTTP/1.1 200 ")
        writer.write(
            GET + POST + CONTENT % 8 + b"and more"
        )  # a limit for a request without a body has no effect
        assert (await asyncio.wait_for(reader.readuntil(b"and more"), 20)).count(b"HTTP/1.1 200 ") == 2
        writer.close()


async def test_a_reader_that_ends_after_its_exchange_leaves_the_next_deadline_alone() -> None:
    readers: list[asyncio.Future[bytes]] = []

    async def app(request: Request) -> Response:
        readers.append(asyncio.ensure_future(request.read()))
        await asyncio.sleep(0)
        readers[0].cancel()
        return Response(200, b"without it")

    async with Timed(app) as timed:
        reader, writer = await timed.connect()
        writer.write(POST + CONTENT % 4)
        await asyncio.wait_for(reader.readuntil(b"without it"), 20)
        writer.write(b"four")
        await timed.states(idle=1)
        assert readers[0].cancelled()
        timed.pass_time(74)
        assert timed.server.stats()["open"] == 1
        timed.pass_time(1.6)
        assert timed.server.stats()["open"] == 0
        writer.close()
