"""Programs we did not write talk to the server, plain and TLS; the server counts their connections."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import httpx
import pytest
import requests

from .conftest import Process, Raw, need

HELLO = b'{"hello":"world"}'


@pytest.fixture(scope="module", autouse=True)
def both(plain: Process, secure: Process) -> None:
    """Both run before the first test, so that they are no test's leftovers."""


@pytest.fixture(params=["plain", "secure"])
def server(request: pytest.FixtureRequest) -> Process:
    """Each test runs twice: plain and TLS."""
    found: Process = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def root(certificates: Path) -> str:
    return str(certificates / "root.pem")


@pytest.fixture
def trust(root: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=root)


def url(server: Process, path: str) -> str:
    return server.url.replace("127.0.0.1", "localhost") + path


def curl(root: str, *arguments: str, stdin: bytes | None = None) -> bytes:
    command = [need("curl", "curl"), "-sS", "--cacert", root, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=30).stdout


class TestCurl:
    def test_many_requests_take_one_connection(self, server: Process, root: str) -> None:
        report = curl(root, "-w", "%{num_connects}\n", "-o", "/dev/null", *[url(server, "/")] * 1,
                      *[x for _ in range(4) for x in ("-o", "/dev/null", url(server, "/"))])  # fmt: skip
        assert report.split() == [b"1", b"0", b"0", b"0", b"0"]

    def test_chunked_response(self, server: Process, root: str) -> None:
        answer = curl(root, "-i", url(server, "/stream?mib=2"))
        head, _, content = answer.partition(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower()
        assert content == bytes(2 << 20)

    def test_chunked_request_streams_back(self, server: Process, root: str) -> None:
        data = bytes(range(256)) * 8192
        answer = curl(root, "-X", "POST", "-T", "-", url(server, "/echo"), stdin=data)
        assert answer == data

    def test_100_continue(self, server: Process, root: str) -> None:
        command = [need("curl", "curl"), "-sS", "-v", "--cacert", root, "-H", "Expect: 100-continue",
                   "--expect100-timeout", "20", "--data-binary", "x" * 2000,
                   url(server, "/echo")]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert "HTTP/1.1 100 Continue" in done.stderr
        assert done.stdout == "x" * 2000

    def test_head_has_the_fields_and_no_content(self, server: Process, root: str) -> None:
        answer = curl(root, "-I", url(server, "/")).lower()
        assert b"content-length: 17\r\n" in answer and answer.endswith(b"\r\n\r\n")

    def test_http_1_0(self, server: Process, root: str) -> None:
        assert curl(root, "--http1.0", url(server, "/")) == HELLO
        assert curl(root, "--http1.0", url(server, "/stream?mib=1")) == bytes(1 << 20)


class TestStandardLibrary:
    def connect(self, server: Process, trust: ssl.SSLContext) -> http.client.HTTPConnection:
        if server.url.startswith("https"):
            return http.client.HTTPSConnection("localhost", server.port, context=trust, timeout=20)
        return http.client.HTTPConnection("localhost", server.port, timeout=20)

    def test_one_connection_for_every_kind_of_request(self, server: Process, trust: ssl.SSLContext) -> None:
        client = self.connect(server, trust)
        client.request("GET", "/stats")
        before = json.loads(client.getresponse().read())
        local = client.sock.getsockname()
        for _ in range(5):
            client.request("GET", "/")
            assert client.getresponse().read() == HELLO
        client.request("HEAD", "/")
        assert client.getresponse().read() == b""
        client.request("POST", "/echo", b"abc")
        assert client.getresponse().read() == b"abc"
        client.request("POST", "/echo", iter([b"one ", b"two"]), encode_chunked=True)
        assert client.getresponse().read() == b"one two"
        client.request("GET", "/stream?mib=1")
        assert client.getresponse().read() == bytes(1 << 20)
        client.request("GET", "/stats")
        after = json.loads(client.getresponse().read())
        assert client.sock.getsockname() == local, "the connection was not kept"
        assert after["accepted"] == before["accepted"]
        assert after["requests"] - before["requests"] == 10
        client.close()

    def test_urllib(self, server: Process, trust: ssl.SSLContext) -> None:
        with urllib.request.urlopen(url(server, "/"), context=trust, timeout=20) as answer:
            assert answer.read() == HELLO


class TestRequests:
    def test_a_session_keeps_one_connection(self, server: Process, root: str) -> None:
        with requests.Session() as session:
            session.verify = root
            session.trust_env = False  # an environment's own certificates would outrank ours
            accepted = set()
            for _ in range(5):
                assert session.get(url(server, "/"), timeout=20).json() == {"hello": "world"}
                accepted.add(session.get(url(server, "/stats"), timeout=20).json()["accepted"])
            assert len(accepted) == 1, "ten requests took more than one connection"
            assert session.post(url(server, "/echo"), data=iter([b"a", b"b"]), timeout=20).content == b"ab"
            assert session.head(url(server, "/"), timeout=20).headers["content-length"] == "17"


class TestHttpx:
    def test_keep_alive_chunked_and_head(self, server: Process, trust: ssl.SSLContext) -> None:
        with httpx.Client(verify=trust) as client:
            first = client.get(url(server, "/stats")).json()["accepted"]
            assert client.get(url(server, "/")).content == HELLO
            assert client.post(url(server, "/echo"), content=iter([b"x" * 70000, b"y"])).content[-1:] == b"y"
            assert client.head(url(server, "/")).headers["content-length"] == "17"
            assert len(client.get(url(server, "/stream?mib=3")).content) == 3 << 20
            assert client.get(url(server, "/stats")).json()["accepted"] == first


class TestAiohttp:
    async def test_keep_alive_chunked_head_and_continue(self, server: Process, trust: ssl.SSLContext) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for number in range(10):
                yield b"%d" % number * 10000

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=10, ssl=trust)) as session:
            accepted = set()
            for _ in range(5):
                async with session.get(url(server, "/")) as answer:
                    assert await answer.read() == HELLO
                async with session.get(url(server, "/stats")) as answer:
                    accepted.add((await answer.json())["accepted"])
            assert len(accepted) == 1
            async with session.post(url(server, "/echo"), data=pieces()) as answer:
                assert len(await answer.read()) == 100000
            async with session.post(url(server, "/echo"), data=b"z" * 10, expect100=True) as answer:
                assert await answer.read() == b"z" * 10
            async with session.head(url(server, "/")) as answer:
                assert answer.headers["content-length"] == "17"
        await asyncio.sleep(0.1)  # aiohttp closes TLS transports a moment after the session


class TestOpenssl:
    def test_s_client_verifies_and_speaks(self, secure: Process, root: str) -> None:
        command = [need("openssl", "openssl"), "s_client", "-connect", f"localhost:{secure.port}",
                   "-CAfile", root, "-verify_return_error", "-verify_hostname", "localhost",
                   "-x509_strict", "-quiet", "-ign_eof"]  # fmt: skip
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        done = subprocess.run(command, input=request, capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(b"HTTP/1.1 200 OK\r\n") and done.stdout.endswith(HELLO)

    @pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
    def test_both_versions_of_tls(self, secure: Process, root: str, version: str) -> None:
        command = [need("openssl", "openssl"), "s_client", "-connect", f"localhost:{secure.port}",
                   "-CAfile", root, version, "-brief"]  # fmt: skip
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30)
        assert "Verification: OK" in done.stderr + done.stdout


def test_a_tls_client_that_ends_with_a_bare_fin_gets_its_answer(secure: Process, root: str) -> None:
    """Without close_notify (RFC 8446 §6.1 wants one), while the handler is still at work."""
    connection = Raw(secure.port, ssl.create_default_context(cafile=root))
    with connection.socket:
        connection.send(b"GET /sleep?s=0.3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # `SSLSocket.shutdown` would forget its TLS; a second socket for the same connection does not.
        with socket.socket(fileno=os.dup(connection.socket.fileno())) as beneath:
            beneath.shutdown(socket.SHUT_WR)
        assert connection.response()[0] == 200
        assert connection.rest() == b""
