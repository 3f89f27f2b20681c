"""HTTP proxies: the whole URL as target, tunnels by CONNECT, and when a proxy is used at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

import netlab
from netlab.client import ConnectFailed, InvalidRequest, InvalidURL, ProxyRefused, Reason
from netlab.client.proxies import parse_proxy, proxy_from_environment
from netlab.client.url import Origin, parse_url
from netlab.tls import authority, client_context, server_context
from tests.client.scripted import Peer, Scripted


class TunnelProxy:
    """Answers CONNECT with `answer`, and carries the bytes; heads: what it was asked."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.answer = answer
        self.heads: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> TunnelProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in list(self.tasks):
            task.cancel()
        if self.tasks:
            await asyncio.wait(list(self.tasks))
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        other = None
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            writer.write(self.answer)
            if b" 200 " in self.answer:
                host, port = head.split(" ")[1].rsplit(":", 1)
                there, other = await asyncio.open_connection(host, int(port))
                await asyncio.gather(_carry(reader, other), _carry(there, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            for each in (writer, other):
                if each is not None:
                    each.close()
                    with suppress(OSError):
                        await each.wait_closed()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


async def app(request: netlab.Request) -> netlab.Response:
    return netlab.Response(200, request.target)


async def test_https_goes_through_a_tunnel_and_uses_it_again(certificates: authority.Certificates) -> None:
    tls = server_context(certificates.chain, certificates.leaf_key)
    context = client_context(certificates.root)
    async with TunnelProxy() as proxy, netlab.Server(app, tls=tls) as server:
        url = f"http://na%40me:pass@127.0.0.1:{proxy.port}"
        async with netlab.Session(tls=context, proxy=url) as session:
            for path in ("/one", "/two"):
                async with session.get(f"https://localhost:{server.port}{path}") as response:
                    assert await response.text() == path
                    assert response.connection.tls is not None
            assert session.pool.opened == 1
    head = proxy.heads[0]
    assert head.startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\nHost: localhost:{server.port}\r\n")
    assert "Proxy-Authorization: Basic bmFAbWU6cGFzcw==\r\n" in head and "User-Agent" not in head


async def test_http_sends_the_whole_url_to_the_proxy() -> None:
    heads = []

    async def script(peer: Peer) -> None:
        while True:
            heads.append(await peer.head())
            await peer.respond(b"via")

    async with Scripted(script) as proxy, netlab.Session(proxy=f"127.0.0.1:{proxy.port}") as session:
        for url in ("http://no.such.host.example/a?b", "http://another.example:8080/"):
            assert await (await session.get(url)).read() == b"via"
        await (await session.options("http://no.such.host.example")).read()
        assert session.pool.opened == 1  # one connection carries requests to any host
    lines = [head.split("\r\n")[:2] for head in heads]
    assert lines == [
        ["GET http://no.such.host.example/a?b HTTP/1.1", "Host: no.such.host.example"],
        ["GET http://another.example:8080/ HTTP/1.1", "Host: another.example:8080"],
        ["OPTIONS http://no.such.host.example HTTP/1.1", "Host: no.such.host.example"],
    ]


@pytest.mark.parametrize(
    "answer, told",
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "407 .*NAME:PASSWORD"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
        (b"SSH-2.0-x\r\n", "bad response: this is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 ", "bytes before the tunnel"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n\r\n", "403 No"),
        (b"", "closed the connection"),
    ],
)
async def test_a_proxy_that_makes_no_tunnel_is_named(answer: bytes, told: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(answer)
        if answer:
            await peer.until_closed()

    async with Scripted(script) as proxy, netlab.Session(proxy=f"http://127.0.0.1:{proxy.port}") as session:
        with pytest.raises(ProxyRefused, match=told):
            await session.get("https://a.example/")
        assert session.pool.closed == {Reason.CONNECT_FAILED: 1}
        assert session.pool.counts()["open"] == 0


def test_what_is_no_proxy_is_refused() -> None:
    assert parse_proxy("http://a:b@h:1").origin == Origin("http", "h", 1)
    assert parse_proxy("h:3128").origin == Origin("http", "h", 3128)
    for text in ("socks5://h:1", "http://h/path", "http://", "http://a@"):
        with pytest.raises(InvalidURL):
            parse_proxy(text)


async def test_tls_inside_tls_is_refused() -> None:
    async with netlab.Session(proxy="https://127.0.0.1:1") as session:
        with pytest.raises(InvalidRequest, match="TLS inside TLS"):
            session.get("https://a.example/").close()


@pytest.mark.parametrize(
    "no_proxy, url, exempt",
    [
        ("a.example", "http://a.example/", True), ("a.example", "http://b.a.example/", True),
        ("a.example", "http://xa.example/", False), ("*.a.example", "http://b.a.example/", True),
        ("*", "http://a.example/", True), ("", "http://a.example/", False),
        ("a.example:81", "http://a.example:81/", True), ("a.example:81", "http://a.example/", False),
        ("::1", "http://[::1]/", True), ("[::1]", "http://[::1]:8080/", True),
        ("[::1]:81", "http://[::1]:82/", False), ("fd00::/8", "http://[fd12::1]/", True),
        ("10.0.0.0/8", "http://10.1.2.3/", True), ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.0/8", "http://[::1]/", False), ("127.0.0.1", "http://127.0.0.1:8080/", True),
        ("0.0.1", "http://127.0.0.1/", False),
        ("10.0.0.0/99, 10.1.2.3", "http://10.1.2.3/", True),
        (" b.example , A.example ", "http://a.example/", True),
    ],
)  # fmt: skip
def test_no_proxy_names_hosts_addresses_networks_and_ports(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str, exempt: bool
) -> None:
    for name in ("http_proxy", "no_proxy"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert (proxy_from_environment(parse_url(url)) is None) == exempt


async def test_the_environment_is_asked_only_when_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "localhost, .internal.example:80")
    found = proxy_from_environment(parse_url("http://a.example/"))
    assert found is not None and found.origin.port == 1
    for url in (
        "http://localhost/",
        "http://x.internal.example/",
        "http://internal.example/",
        "https://a.example/",
    ):
        assert proxy_from_environment(parse_url(url)) is None
    async with netlab.Server(app) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with netlab.Session() as session:
            assert (await session.get(url)).status == 200
        async with netlab.Session(trust_env=True) as session:
            with pytest.raises(ConnectFailed, match=r"127\.0\.0\.1 port 1"):
                await session.get(url)
