"""The client over TLS: resumption, refusal, and ends that are not regular."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading

import pytest

import netlab
from netlab.client import CertificateRefused, Disconnected, Reason, TLSFailed, Truncated
from netlab.tls import authority, client_context, server_context
from tests.client.scripted import Peer, Scripted, answers


@pytest.fixture
def serving(certificates: authority.Certificates) -> ssl.SSLContext:
    return server_context(certificates.chain, certificates.leaf_key)


@pytest.fixture
def trust(certificates: authority.Certificates) -> ssl.SSLContext:
    return client_context(certificates.root)


async def hello(request: netlab.Request) -> netlab.Response:
    return netlab.Response(200, await request.read() or b"hello")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_new_connection_resumes_the_session_of_an_earlier_one(
    certificates: authority.Certificates, trust: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    context = server_context(certificates.chain, certificates.leaf_key, minimum=version, maximum=version)
    async with netlab.Server(hello, tls=context) as server, netlab.Session(tls=trust) as session:
        resumed = []
        for _ in range(3):
            url = f"https://localhost:{server.port}/"
            async with session.get(url, fields={"Connection": "close"}) as response:
                assert await response.read() == b"hello"
                assert response.connection.tls is not None
                resumed.append(response.connection.tls.resumed)
                assert response.timings.tls > 0
        assert resumed == [False, True, True]
        assert response.connection.tls[0] == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert response.connection.tls.alpn == "http/1.1"
        assert " resumed, 1 request, closed" in repr(response.connection)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_server_sees_the_resumption_too(
    certificates: authority.Certificates, trust: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    """A resumed handshake has no certificate: the server's side knows it, whatever ours says."""
    reused: list[bool] = []

    async def script(peer: Peer) -> None:
        reused.append(peer.tls.session_reused)
        await peer.request()
        await peer.respond(b"ok", "Connection: close")

    context = server_context(certificates.chain, certificates.leaf_key, minimum=version, maximum=version)
    async with Scripted(script, context) as server, netlab.Session(tls=trust) as session:
        for _ in range(3):
            assert await (await session.get(server.url)).read() == b"ok"
        # Connections that are opened at the same time resume as well.
        await asyncio.gather(*(session.get(server.url) for _ in range(2)))
    assert reused == [False, True, True, True, True]
    assert context.session_stats()["hits"] == 4


async def test_another_host_gets_no_ticket(serving: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with (
        Scripted(answers, serving) as one,
        Scripted(answers, serving) as two,
        netlab.Session(tls=trust) as session,
    ):
        for server in (one, two):
            response = await session.get(server.url)
            assert response.connection.tls is not None
            assert not response.connection.tls.resumed


async def test_content_of_any_size_goes_over_one_connection(
    serving: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async with netlab.Server(hello, tls=serving) as server, netlab.Session(tls=trust) as session:
        for size in (1, 16_384, 16_385, 3_000_000):
            content = bytes(range(251)) * (size // 251 + 1)
            response = await session.post(f"https://localhost:{server.port}/", data=content)
            assert await response.read() == content
        assert session.pool.opened == 1


async def test_tickets_that_come_late_do_not_make_an_idle_connection_stale(
    serving: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async with netlab.Server(hello, tls=serving) as server, netlab.Session(tls=trust) as session:
        for _ in range(20):
            await (await session.get(f"https://localhost:{server.port}/")).read()
            await asyncio.sleep(0)
        assert session.pool.opened == 1


async def test_a_certificate_that_proves_nothing_is_refused_with_the_code(serving: ssl.SSLContext) -> None:
    async with Scripted(answers, serving) as server, netlab.Session(tls=client_context()) as session:
        with pytest.raises(CertificateRefused, match="the certificate is refused: ") as caught:
            await session.get(server.url)
        assert caught.value.verify_code == 20  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        assert session.pool.closed == {Reason.CONNECT_FAILED: 1}


async def test_a_certificate_for_another_name_is_refused(
    serving: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async with Scripted(answers, serving) as server, netlab.Session(tls=trust) as session:
        with pytest.raises(CertificateRefused, match=r"not valid for 'other\.localhost'"):
            await session.get(f"https://other.localhost:{server.port}/")


async def test_a_server_without_tls_is_named_as_such(trust: ssl.SSLContext) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session(tls=trust) as session:
        with pytest.raises(TLSFailed, match="does not speak TLS on this port: is it http"):
            await session.get(f"https://localhost:{server.port}/")


async def test_a_server_that_leaves_during_the_handshake_is_named(trust: ssl.SSLContext) -> None:
    async def script(peer: Peer) -> None:
        await peer.read(1)

    async with Scripted(script) as server, netlab.Session(tls=trust) as session:
        with pytest.raises(TLSFailed, match="closed the connection during the handshake"):
            await session.get(f"https://localhost:{server.port}/")
        assert session.pool.counts()["open"] == 0


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "octets", [HEAD + b"\r\nabc", HEAD + b"Content-Length: 9\r\n\r\nabc"], ids=["until close", "length"]
)
async def test_an_end_without_close_notify_is_a_truncation(
    serving: ssl.SSLContext, trust: ssl.SSLContext, octets: bytes
) -> None:
    """RFC 8446 §6.1: an attacker that can cut the TCP connection could else cut the content unnoticed."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(octets)
        peer.cut()

    async with Scripted(script, serving) as server, netlab.Session(tls=trust) as session:
        response = await session.get(server.url)
        with pytest.raises(Truncated, match="without close_notify"):
            await response.read()


async def test_content_until_close_notify_is_whole(serving: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"\r\nabc")

    async with Scripted(script, serving) as server, netlab.Session(tls=trust) as session:
        assert await (await session.get(server.url)).read() == b"abc"


async def test_an_end_before_the_answer_is_no_truncation(
    serving: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.cut()

    async with Scripted(script, serving) as server, netlab.Session(tls=trust) as session:
        with pytest.raises(Disconnected, match="before it answered, without close_notify") as caught:
            await session.get(server.url)
        assert not isinstance(caught.value, Truncated)


async def test_a_message_of_tls_itself_does_not_make_an_idle_connection_stale(
    certificates: authority.Certificates, serving: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    """Bytes that wait on an idle TLS connection may be a ticket, a key update, a CertificateRequest."""

    def serve() -> None:
        connection, _ = listener.accept()
        with serving.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
            secured.verify_client_post_handshake()
            secured.do_handshake()  # sends it
            asked.set()
            secured.recv(65536)
            secured.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
            secured.recv(65536)

    serving.verify_mode = ssl.CERT_OPTIONAL
    serving.load_verify_locations(certificates.root)
    trust.post_handshake_auth = True
    asked = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        async with netlab.Session(tls=trust) as session:
            url = f"https://localhost:{listener.getsockname()[1]}/"
            await session.get(url)
            assert asked.wait(20)  # the loop stands still: the bytes wait in the kernel
            await session.get(url)
            assert session.pool.opened == 1
    finally:
        thread.join()
        listener.close()
