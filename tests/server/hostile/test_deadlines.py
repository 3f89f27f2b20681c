"""Slow handshakes, slow heads, slow readers, against deadlines whose clock the test turns by hand.

What tests/server/test_deadlines.py asserts of one plain connection is not repeated here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from netlab import Limits
from netlab.net.sockets import unconfirmed
from netlab.tls import server_context
from tests.kit.waiting import settled
from tests.server.test_deadlines import Timed

from .besieged import routes
from .clients import GET, HELLO, HOST, POST

CHUNKED = POST.replace(b"/echo", b"/count") + b"Transfer-Encoding: chunked\r\n\r\n"


async def taken(timed: Timed) -> None:
    """Let the server read what has been sent: some turns of the loop that both share."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def tls(certificates: Path) -> ssl.SSLContext:
    """A server's context."""
    return server_context(certificates / "chain.pem", certificates / "leaf.key")


@pytest.mark.parametrize(
    "opening", [b"", HELLO[:5], HELLO[:-1], HELLO], ids=["none", "5", "all but 1", "all"]
)
async def test_a_handshake_left_half_open_is_closed_after_the_time_for_a_head(
    opening: bytes, tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async with Timed(routes, tls=tls) as timed:
        reader, writer = await timed.connect()
        writer.write(opening)
        await taken(timed)
        timed.pass_time(9.9)
        # Meanwhile an honest client is served.
        theirs, ours = await asyncio.open_connection(
            HOST, timed.server.port, ssl=trusting, server_hostname="localhost"
        )
        ours.write(GET)
        assert (await theirs.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
        assert timed.server.stats()["open"] == 2
        timed.pass_time(1)
        await asyncio.wait_for(reader.read(), 20)
        assert timed.server.stats()["open"] == 1
        writer.close()
        ours.close()


async def test_octets_of_a_handshake_buy_no_time(tls: ssl.SSLContext) -> None:
    async with Timed(routes, tls=tls) as timed:
        reader, writer = await timed.connect()
        for at in range(10):
            writer.write(HELLO[at : at + 1])
            await taken(timed)
            timed.pass_time(1)
        assert timed.server.stats()["open"] == 1
        timed.pass_time(0.6)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_head_behind_a_slow_handshake_has_what_is_left_of_the_same_time(
    tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async with Timed(routes, tls=tls) as timed:
        port = timed.server.port
        reader, writer = await asyncio.open_connection(HOST, port, ssl=trusting, server_hostname="localhost")
        await timed.states(idle=1)
        timed.pass_time(6)
        writer.write(GET[:10])
        await timed.states(idle=0)
        timed.pass_time(5)
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 408 ")
        writer.close()


SLOW = {
    "an endless line": (b"GET /", b"a" * 100, 414),
    "endless fields": (GET[:-2], b"X: " + b"x" * 95 + b"\r\n", 431),
    "one endless field": (GET[:-2] + b"X: ", b"x" * 100, 431),
    "endless digits of a chunk size": (CHUNKED, b"0", 400),
    "an endless chunk extension": (CHUNKED + b"1;", b"x" * 100, 400),
    "endless trailers": (CHUNKED + b"0\r\n", b"X: " + b"x" * 95 + b"\r\n", 431),
}


@pytest.mark.parametrize("what", SLOW)
async def test_an_endless_part_is_refused_at_its_limit_and_not_gathered(what: str) -> None:
    """No time passes here: it is the limit that ends it."""
    opening, more, status = SLOW[what]
    limits = Limits(target=1000, field_section=2000, chunk_line=1000, trailer_section=1000)
    async with Timed(routes, limits=limits) as timed:
        reader, writer = await timed.connect()
        writer.write(opening)
        (connection,) = timed.server.connections
        most = sent = 0
        while sent < 5000 and not timed.server.refused and connection.state.value != "lingering":
            writer.write(more)
            sent += len(more)
            await taken(timed)
            most = max(most, connection.parser.buffered)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 20)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        assert most <= 2000 + 200
        writer.close()


async def test_five_thousand_field_lines_are_refused_however_they_come() -> None:
    bomb = GET[:-2] + b"a: b\r\n" * 5000 + b"\r\n"
    for size in (len(bomb), 1000, 100):
        async with Timed(routes) as timed:
            reader, writer = await timed.connect()
            for at in range(0, len(bomb), size):
                writer.write(bomb[at : at + size])
                await writer.drain()
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 20)
            assert answer.startswith(b"HTTP/1.1 431 "), answer
            assert timed.server.requests == 0
            writer.close()


async def test_endless_chunks_of_one_octet_reach_the_limit_of_content() -> None:
    async with Timed(routes, limits=Limits(content=1000)) as timed:
        reader, writer = await timed.connect()
        writer.write(CHUNKED)
        for _ in range(101):
            writer.write(b"1\r\na\r\n" * 10)
            await taken(timed)
        writer.write_eof()
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 413 ")
        writer.close()


@asynccontextmanager
async def refused(timed: Timed) -> AsyncIterator[asyncio.StreamWriter]:
    """A client that has heard its refusal."""
    reader, writer = await timed.connect()
    writer.write(b"BAD\r\n")
    assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 400 ")
    yield writer
    writer.transport.abort()


async def test_an_upload_that_goes_on_after_a_refusal_is_read_for_thirty_seconds() -> None:
    async with Timed(routes) as timed, refused(timed) as writer:
        for _ in range(10):
            writer.write(bytes(20_000))
            await taken(timed)
            timed.pass_time(2.9)
            assert timed.server.stats()["open"] == 1
        writer.write(bytes(20_000))
        await taken(timed)
        timed.pass_time(1.5)
        assert timed.server.stats()["open"] == 0


async def test_a_client_that_falls_silent_after_a_refusal_is_closed_five_seconds_later() -> None:
    async with Timed(routes) as timed, refused(timed) as writer:
        for _ in range(3):
            timed.pass_time(4)
            writer.write(bytes(2000))
            await taken(timed)
        timed.pass_time(4.9)
        assert timed.server.stats()["open"] == 1
        timed.pass_time(0.6)
        assert timed.server.stats()["open"] == 0


@pytest.mark.parametrize(
    ("piece", "draining"), [(b"x", False), (bytes(20_000), True)], ids=["octets", "drain"]
)
async def test_octets_after_a_refusal_buy_no_time_and_nothing_does_in_a_drain(
    piece: bytes, draining: bool
) -> None:
    async with Timed(routes) as timed, refused(timed) as writer:
        timed.server.draining = draining
        for _ in range(5):
            writer.write(piece)
            await taken(timed)
            timed.pass_time(0.9)
            assert timed.server.stats()["open"] == 1
        timed.pass_time(1)
        assert timed.server.stats()["open"] == 0


@pytest.mark.linux("TIOCOUTQ of a socket")
async def test_a_slow_reader_that_reads_on_is_kept_and_one_that_stops_is_dropped() -> None:
    loop = asyncio.get_running_loop()
    async with Timed(routes) as timed:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            await loop.sock_connect(sock, (HOST, timed.server.port))
            await loop.sock_sendall(sock, GET.replace(b"/ ", b"/river "))
            await timed.until(lambda: any(c.transport.waiting for c in timed.server.connections))
            (connection,) = timed.server.connections
            for _ in range(20):
                # 16 KiB are more than its window: its kernel must have confirmed some of what ours holds.
                read = 0
                while read < 16 * 1024:
                    read += len(await loop.sock_recv(sock, 4096))
                timed.pass_time(29)
            assert timed.server.stats()["open"] == 1
            await settled(lambda: unconfirmed(connection.transport.socket))
            for _ in range(3):
                timed.pass_time(31)
            await timed.states(open=0)


async def test_hundreds_of_late_connections_leave_in_one_sweep() -> None:
    async with Timed(routes) as timed:
        pairs = [await timed.connect() for _ in range(200)]
        for _, writer in pairs[::2]:
            writer.write(GET[:-2])
        await timed.states(idle=100)
        timed.pass_time(10.6)
        assert timed.server.stats()["idle"] == 0
        answers = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in pairs)), 20)
        assert sorted(answer[:12] for answer in answers) == [b""] * 100 + [b"HTTP/1.1 408"] * 100
        for _, writer in pairs:
            writer.close()
        await timed.states(open=0)
