"""What goes wrong beside a request's way: a log that fails, a handler that exits, a drain in the middle."""

from __future__ import annotations

import array
import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from netlab import Request, Response, Server
from netlab.cli.demonstration import Demonstration
from netlab.tls import Verify, authority, client_context, server_context
from tests.kit.waiting import until

GET = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"


async def hello(request: Request) -> Response:
    return Response(200, b"hello")


async def ask(port: int, *paths: bytes) -> bytes:
    """Requests one after the other on one connection, which the last closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for path in paths:
            writer.write(GET % path)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


async def test_a_log_that_cannot_be_written_costs_no_answer() -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    async with Server(hello, access_log=full) as server:
        assert (await ask(server.port, b"/", b"/")).count(b"hello") == 2
        await until(lambda: not server.connections)


class Odd(BaseException):
    """Neither an Exception nor one of those that end a process."""


@pytest.mark.parametrize("error", [Odd, GeneratorExit])
@pytest.mark.parametrize("later", [False, True])
async def test_a_client_is_answered_for_any_exception_of_a_handler(
    error: type[BaseException], later: bool
) -> None:
    async def app(request: Request) -> Response:
        if later:
            await asyncio.sleep(0)
        raise error

    async with Server(app) as server:
        assert (await ask(server.port, b"/")).startswith(b"HTTP/1.1 500 ")
        await until(lambda: not server.connections)


async def test_a_stream_that_raises_any_exception_is_aborted() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        raise Odd

    async def app(request: Request) -> Response:
        return Response(stream=pieces())

    async with Server(app) as server:
        with pytest.raises(ConnectionResetError):
            await ask(server.port, b"/")
        await until(lambda: not server.connections)


async def test_no_cork_is_left_in_when_the_first_request_over_tls_fails(tmp_path: Path) -> None:
    files = authority.ensure(tmp_path)

    async def app(request: Request) -> Response:
        raise Odd

    trusting = client_context(verify=Verify.NOTHING)
    async with Server(app, tls=server_context(files.chain, files.leaf_key)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=trusting)
        writer.write(GET % b"/")
        assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 500 ")
        (connection,) = server.connections
        assert isinstance(connection.transport.socket, ssl.SSLSocket)
        if hasattr(socket, "TCP_CORK"):
            assert not connection.transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK)
        writer.close()


async def test_the_producer_s_cleaning_up_is_not_itself_cancelled_when_the_client_leaves() -> None:
    begun, done = [], []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1024)
                await asyncio.sleep(0)  # in this turn the client may leave, and the next write notices
        finally:
            begun.append(1)
            await asyncio.sleep(0.005)
            done.append(1)

    async def app(request: Request) -> Response:
        return Response(stream=endless())

    async with Server(app) as server:
        for reset in (True, False) * 5:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(GET % b"/")
            await reader.readexactly(20_000)
            if reset:
                writer.transport.abort()
            else:
                writer.close()
        await until(lambda: len(begun) == 10 and not server.connections)
        await until(lambda: len(done) == 10)


async def test_an_idle_connection_holds_nothing_of_what_it_has_read() -> None:
    async def app(request: Request) -> Response:
        return Response(200, b"%d" % len(await request.read()))

    long = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: %b\r\n\r\n" % (b"x" * 15_000)
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + bytes(60_000)
    chunk = b"1000\r\n%b\r\n" % bytes(0x1000)
    chunks = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 9 + b"0\r\n\r\n"
    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for request in (long, post, chunks, post, long):
            for half in (request[:9_000], request[9_000:]):
                writer.write(half)
                await writer.drain()
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            await until(lambda: server.stats()["idle"] == 1)
            (connection,) = server.connections
            assert not connection.parser.buffer
        writer.close()


@pytest.mark.linux("TIOCOUTQ of a socket")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_response_that_is_still_being_read_survives_a_drain(streamed: bool) -> None:
    size, released = 100_000, asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(size - 1)
        await released.wait()
        yield b"!"

    async def app(request: Request) -> Response:
        return Response(stream=pieces()) if streamed else Response(200, bytes(size - 1) + b"!")

    loop = asyncio.get_running_loop()
    async with Server(app) as server:
        with socket.socket() as client:
            # A small window: the response lies in the server's kernel, and its handler is done.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", server.port))
            await loop.sock_sendall(client, GET % b"/")
            await until(lambda: server.requests and (streamed or not server.stats()["active"]))
            stopping = asyncio.create_task(server.stop())
            await until(lambda: server.draining)
            released.set()
            await until(lambda: not server.stats()["active"] and not server.stats()["idle"])
            await loop.sock_sendall(client, GET % b"/behind")  # it was told nothing of a close
            said = b""
            while piece := await asyncio.wait_for(loop.sock_recv(client, 1 << 16), 20):
                said += piece
        await stopping
    assert said.endswith(b"1\r\n!\r\n0\r\n\r\n" if streamed else b"!")
    assert said.count(b"HTTP/1.1 200") == 1 and len(said) > size


@pytest.mark.parametrize("name", ["content-length", "Host", "Set-Cookie", "transfer-encoding"])
async def test_a_trailer_that_must_not_be_one_is_a_500(name: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"

    async def app(request: Request) -> Response:
        return Response(stream=pieces(), trailers={name: "5"})

    async with Server(app) as server:
        assert (await ask(server.port, b"/")).startswith(b"HTTP/1.1 500 ")


async def test_trailers_that_can_be_read_only_once_are_sent() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"

    async def app(request: Request) -> Response:
        return Response(stream=pieces(), trailers=iter([("x-sum", "7")]))

    async with Server(app) as server:
        assert (await ask(server.port, b"/")).endswith(b"0\r\nx-sum: 7\r\n\r\n")


def wide() -> Any:
    """Four items, sixteen octets."""
    return array.array("I", [1, 2, 3, 4])


@pytest.mark.parametrize("coding", ["chunked", "length"])
async def test_items_larger_than_an_octet_are_counted_as_octets(coding: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield wide()

    async def app(request: Request) -> Response:
        fields = {"content-length": "16"} if coding == "length" else None
        return Response(stream=pieces(), fields=fields)

    async with Server(app) as server:
        said = (await ask(server.port, b"/")).partition(b"\r\n\r\n")[2]
    octets = wide().tobytes()
    assert said == (octets if coding == "length" else b"10\r\n%b\r\n0\r\n\r\n" % octets)


async def test_content_that_is_assigned_later_is_counted_in_octets() -> None:
    async def app(request: Request) -> Response:
        response = Response(200)
        response.content = memoryview(wide())  # type: ignore[assignment]
        return response

    async with Server(app) as server:
        said = await ask(server.port, b"/", b"/")
    assert said.count(b"content-length: 16\r\n") == said.count(wide().tobytes()) == 2


@pytest.mark.parametrize("piece", [None, 7, "text"])
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_piece_that_is_no_bytes_cuts_the_stream(piece: Any, is_async: bool) -> None:
    async def later() -> AsyncIterator[bytes]:
        yield b"one"
        yield piece

    def now() -> Iterator[bytes]:
        yield b"one"
        yield piece

    async def app(request: Request) -> Response:
        return Response(stream=later() if is_async else now())

    async with Server(app) as server:
        with pytest.raises(ConnectionResetError):
            await ask(server.port, b"/")
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_status_may_come_from_the_standard_library() -> None:
    async def app(request: Request) -> Response:
        return Response(HTTPStatus.NOT_FOUND, b"none")

    async with Server(app) as server:
        assert (await ask(server.port, b"/")).startswith(b"HTTP/1.1 404 Not Found\r\n")


async def test_stopping_twice_at_once_is_stopping() -> None:
    async with Server(hello) as server:
        await asyncio.gather(server.stop(), server.stop())
        assert not server.connections


async def test_a_stop_that_is_cut_short_leaves_no_socket_behind(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with Server(hello, uds=str(path)) as server:
        _, writer = await asyncio.open_unix_connection(str(path))
        await until(lambda: server.connections)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await server.cut()
        assert not path.exists()
        writer.close()


@pytest.mark.parametrize(("minor", "told"), [(1, b"connection: close\r\n"), (0, b"connection: close\r\n")])
async def test_half_closed_client_gets_connection_close(minor: int, told: bytes) -> None:
    heard = asyncio.Event()

    async def app(request: Request) -> Response:
        await heard.wait()
        return Response(200, b"last")

    async with Server(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.%d\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" % minor)
        writer.write_eof()
        await until(lambda: [each.half_closed for each in server.connections] == [True])
        heard.set()
        said = await asyncio.wait_for(reader.read(), 20)
        writer.close()
    assert told in said and said.endswith(b"last")


async def test_a_record_that_is_none_is_told_by_an_alert_and_no_reset(tmp_path: Path) -> None:
    files = authority.ensure(tmp_path)
    context = client_context(verify=Verify.NOTHING)
    loop = asyncio.get_running_loop()
    async with Server(hello, tls=server_context(files.chain, files.leaf_key)) as server:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing)
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", server.port))
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await loop.sock_sendall(client, outgoing.read())
                    incoming.write(await asyncio.wait_for(loop.sock_recv(client, 1 << 16), 20))
            # Longer than a record may be (RFC 8446 §5.1), and more behind it than OpenSSL reads.
            await loop.sock_sendall(client, outgoing.read() + b"\x17\x03\x03\xff\xff" + bytes(2_000))
            while piece := await asyncio.wait_for(loop.sock_recv(client, 1 << 16), 20):
                incoming.write(piece)  # a reset would raise
        with pytest.raises(ssl.SSLError, match="record overflow"):
            tls.read(100)


@pytest.mark.parametrize(("lines", "told"), [
    ((b'text/plain; charset="utf-8"; a=b',), b'text/plain; charset="utf-8"; a=b'),
    ((b"a/b", b"c/d"), b"application/octet-stream"),
    ((b"nonsense",), b"application/octet-stream"),
    ((b"a/b;" * 500 + b"\xff",), b"application/octet-stream"),
])  # fmt: skip
async def test_the_echo_says_no_media_type_that_is_none(lines: tuple[bytes, ...], told: bytes) -> None:
    async with Server(Demonstration()) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        fields = b"".join(b"Content-Type: %b\r\n" % line for line in lines)
        writer.write(b"POST /echo HTTP/1.1\r\nHost: a\r\n%bContent-Length: 2\r\n\r\nhi" % fields)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        writer.close()
    assert b"\r\ncontent-type: %b\r\n" % told in head
