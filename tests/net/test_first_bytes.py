"""What a TLS server answers to the first bytes of a client that wants something else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from netlab import Request, Response, Server
from netlab.tls import authority, server_context
from netlab.tls.authority import Certificates
from tests.tls.client_hello import client_hello


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return authority.ensure(tmp_path_factory.mktemp("certs"))


async def app(request: Request) -> Response:
    return Response(200, b"the answer")


@pytest.fixture
async def server(files: Certificates) -> AsyncIterator[Server]:
    async with Server(app, tls=server_context(files.chain, files.leaf_key)) as running:
        yield running


async def _answer(server: Server, *pieces: bytes) -> bytes:
    """All that the server says to a client that sends these pieces and then listens."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


REQUESTS = {
    "GET": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method that OpenSSL does not know": b"DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upload": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + bytes(200_000),
}


@pytest.mark.parametrize("request_of", REQUESTS)
async def test_plain_http_is_answered_400_in_plain_text(server: Server, request_of: str) -> None:
    answer = await _answer(server, REQUESTS[request_of])
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"connection: close" in head
    assert b"https" in content


async def test_plain_http_byte_by_byte_is_answered_at_the_first(server: Server) -> None:
    answer = await _answer(server, *(bytes([octet]) for octet in REQUESTS["GET"]))
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_client_without_a_common_protocol_gets_the_alert(server: Server) -> None:
    answer = await _answer(server, client_hello(protocols=(b"h2", b"h3")))
    assert answer == b"\x15\x03\x03\x00\x02\x02\x78"


@pytest.mark.parametrize("protocols", [(), (b"http/1.1",), (b"h2", b"http/1.1"), (b"http/1.0",)])
async def test_a_client_with_a_common_protocol_or_none_is_served(
    server: Server, protocols: tuple[bytes, ...]
) -> None:
    context = ssl._create_unverified_context()
    if protocols:
        context.set_alpn_protocols([name.decode() for name in protocols])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"the answer")
    agreed = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    assert agreed == (protocols[-1].decode() if protocols else None)
    writer.close()


async def test_a_server_without_protocols_of_its_own_refuses_none(files: Certificates) -> None:
    async with Server(app, tls=server_context(files.chain, files.leaf_key, alpn=())) as server:
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["h2"])
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() is None
        writer.close()


async def test_a_context_that_netlab_did_not_make_is_served(files: Certificates, tmp_path: Path) -> None:
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain.load_cert_chain(files.chain, files.leaf_key)
    async with Server(app, tls=plain) as server:
        answer = await _answer(server, REQUESTS["GET"])
        assert answer.startswith(b"HTTP/1.1 400 ")
