"""The fixtures of netlab.testing, as a user's tests have them: its documentation's examples are run here.

All examples of one style run in one pytest of their own: a process costs a second.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netlab.testing.apps import as_handler
from netlab.testing.leaving import leave_after
from netlab.testing.plugin import _ask_for_asyncio
from netlab.testing.preflights import _first_failure
from netlab.testing.rawclient import RawConnection, difference
from netlab.testing.watching import connections

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent.parent

APP = '''
import asyncio
import netlab

sent = []
closed = asyncio.Event

async def app(request):
    """A netlab handler."""
    if request.path == "/stream":
        return netlab.Response(200, stream=pieces())
    if request.path == "/upload":
        return netlab.Response(200, str(len(await request.read())))
    return netlab.Response(200, '{"hello": "world"}', {"content-type": "application/json"})

async def pieces():
    sent.clear()
    for _ in range(10_000):
        sent.append(1)
        yield b"x" * 65536
        await asyncio.sleep(0)

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

def make():
    """A factory."""
    return asgi
'''

SYNC = """
import http.client, os, socket, ssl, threading, time, urllib.request

import netlab
import pytest
import requests
from netlab.cors import Policy
from netlab.testing import assert_preflight_allows, assert_preflight_denies
import users_app
from users_app import app, asgi, make

def test_a_sync_client_reaches_a_handler(netlab_live):
    server = netlab_live(app)
    assert requests.get(server.url).json() == {"hello": "world"}

@pytest.mark.parametrize("given", [asgi, make])
def test_an_asgi_app_and_a_factory(netlab_live, given):
    assert requests.get(netlab_live(given).url).text == "ok"

def test_what_is_no_app_is_refused(netlab_live):
    def wsgi(environ, start_response): return []
    with pytest.raises(TypeError, match="WSGI"):
        netlab_live(wsgi)

def test_tls(netlab_live, netlab_tls):
    server = netlab_live(app, tls=True)
    url = server.url.replace("127.0.0.1", "localhost")
    assert requests.get(url, verify=str(server.root)).ok
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(url)
    assert netlab_tls.chain.exists() and netlab_tls.key.exists()

def test_wire(netlab_live, wire):
    connection = wire(netlab_live(app))
    connection.send(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", apart=True)
    connection.expect(b"HTTP/1.1 200 OK\\r\\n")
    assert b"content-length: 18" in connection.until(b"\\r\\n\\r\\n")
    connection.expect(b'{"hello": "world"}')
    connection.send(b"GET / HTTP/1.1\\r\\nHost: a\\r\\nBad Line\\r\\n\\r\\n")
    connection.expect(b"HTTP/1.1 400 ")
    assert connection.rest()
    connection.expect_closed()

def test_wire_over_tls(netlab_live, wire):
    server = netlab_live(app, tls=True)
    connection = wire(server)
    connection.send(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    connection.expect(b"HTTP/1.1 200 OK\\r\\n")
    plain = wire(server, tls=False)
    plain.send(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    assert b"HTTP/1.1 200" not in plain.rest()

def test_client_leaves_over_tls(netlab_live, client_leaves_after):
    server = netlab_live(app, tls=True)
    assert client_leaves_after(100_000, server, "/stream")[:12] == b"HTTP/1.1 200"

def test_leaks_are_looked_for_when_every_server_has_stopped(netlab_live, no_leaks):
    assert requests.get(netlab_live(app).url).ok

def test_wire_fails_with_a_caret(netlab_live, wire):
    connection = wire(netlab_live(app))
    connection.send(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    with pytest.raises(AssertionError, match=r"(?s)differs from byte 9 on.*\\^"):
        connection.expect(b"HTTP/1.1 404 Not Found")

def test_slow_link(netlab_live, slow_link):
    server = netlab_live(app)
    link = slow_link(server, delay=0.05)
    started = time.monotonic()
    assert requests.get(link.url).ok
    assert time.monotonic() - started >= 0.1
    link.stall()
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(link.url, timeout=0.3)
    link.resume()
    assert requests.get(link.url).ok

def test_a_reset_in_the_middle(netlab_live, slow_link):
    link = slow_link(netlab_live(app), rate=200_000)
    with requests.get(link.url + "/stream", stream=True) as response:
        assert response.raw.read(1000)
        link.reset()
        with pytest.raises(Exception):
            response.raw.read(10_000_000)

def test_client_leaves(netlab_live, client_leaves_after):
    server = netlab_live(app)
    assert client_leaves_after(100_000, server, "/stream")[:12] == b"HTTP/1.1 200"
    deadline = time.monotonic() + 20
    while server.stats()["open"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(users_app.sent) < 10_000

def test_connections_used(netlab_live, connections_used):
    server = netlab_live(app)
    with connections_used(server) as used, requests.Session() as session:
        for _ in range(3):
            session.get(server.url)
    assert used() == 1
    with connections_used(server) as used:
        for _ in range(3):
            requests.get(server.url)
    assert used() == 3

def test_flat_memory(flat_memory):
    with flat_memory(64) as grown:
        pass
    assert grown() < 64
    with pytest.raises(AssertionError, match="memory grew by"):
        with flat_memory(8) as grown:
            kept = bytearray(os.urandom(1)) * (64 << 20)
            while grown() < 8:
                time.sleep(0.01)
            del kept

def test_preflights(netlab_live):
    policy = Policy(origins=["https://app.example"], methods=["PUT"], request_headers=["Authorization"])
    server = netlab_live(app, cors=policy)
    assert_preflight_allows(server, origin="https://app.example", method="PUT", headers=["Authorization"])
    assert_preflight_denies(server, origin="https://app.example.evil.example", method="PUT")
    assert_preflight_denies(server, origin="https://app.example", method="DELETE")
    assert_preflight_denies(server, origin="https://app.example", method="PUT", headers=["X-Other"])
    with pytest.raises(AssertionError, match="the browser refuses DELETE"):
        assert_preflight_allows(server, origin="https://app.example", method="DELETE")
    with pytest.raises(AssertionError, match="the browser allows PUT"):
        assert_preflight_denies(server, origin="https://app.example", method="PUT")

def test_nothing_is_left(no_leaks, netlab_live):
    netlab_live(app)

def test_a_leak_fails_its_test(no_leaks, tmp_path):
    test_a_leak_fails_its_test.kept = open(tmp_path / "kept", "w")
"""

ANYIO = """
import httpx
import pytest
from users_app import app

@pytest.mark.anyio
async def test_a_live_server_in_an_anyio_test(netlab_live, connections_used):
    server = netlab_live(app)
    with connections_used(server) as used:
        async with httpx.AsyncClient() as client:
            for _ in range(2):
                assert (await client.get(server.url)).json() == {"hello": "world"}
    assert used() == 1
"""

STRICT = """
import pytest
from users_app import app, asgi

@pytest.mark.asyncio
async def test_in_the_same_loop(netlab_server, netlab_session):
    for given, text in ((app, '{"hello": "world"}'), (asgi, "ok")):
        server = await netlab_server(given)
        async with netlab_session.get(server.url) as response:
            assert await response.text() == text
"""


def run(pytester: pytest.Pytester, source: str, *arguments: str, mode: str = "strict") -> pytest.RunResult:
    """Run tests of a user's project in a process of their own."""
    pytester.makeconftest('pytest_plugins = ["netlab.testing"]\n')
    pytester.makepyfile(users_app=APP, test_it=source)
    pytester.makeini(f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n")
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.parametrize(
    "options", [(), pytest.param(("-n", "2"), marks=pytest.mark.soak)], ids=["alone", "xdist"]
)
def test_the_examples_of_sync_tests_hold(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    result = run(pytester, SYNC, *options)
    result.assert_outcomes(passed=18, errors=1)
    result.stdout.fnmatch_lines(["*the test left behind: file descriptor*kept*"])


@pytest.mark.soak
def test_anyio_tests_use_a_live_server(pytester: pytest.Pytester) -> None:
    pytest.importorskip("anyio", reason="needs anyio (pip install anyio)")
    run(pytester, ANYIO, "-p", "no:asyncio").assert_outcomes(passed=2 if _has_trio() else 1)


def _has_trio() -> bool:
    from importlib.util import find_spec

    return find_spec("trio") is not None


@pytest.mark.soak
@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_both_modes_of_pytest_asyncio_share_the_loop_with_the_server(
    pytester: pytest.Pytester, mode: str
) -> None:
    source = STRICT if mode == "strict" else STRICT.replace("@pytest.mark.asyncio\n", "")
    run(pytester, source, mode=mode).assert_outcomes(passed=1)


def test_the_plugin_loads_nothing_of_netlab_before_a_test_asks() -> None:
    script = "import sys, netlab.testing as t; [getattr(t, n) for n in dir(t)]; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    own = {name for name in told if name.startswith("netlab")}
    assert own == {"netlab", "netlab.testing", "netlab.testing.plugin"}


def test_a_difference_is_shown_with_a_caret_under_the_first_wrong_byte() -> None:
    lines = difference(b"sent\r\n", b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not").splitlines()
    assert lines[0] == "the answer differs from byte 9 on"
    assert lines[1].endswith("sent\\r\\n")
    assert lines[4].index("^") == lines[3].index("4")


def test_what_comes_too_short_differs_at_its_end() -> None:
    assert difference(b"", b"abc", b"ab").startswith("the answer differs from byte 2 on")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: as_handler("main:app"), "'main:app' is text: import the app"),
        (
            lambda: _first_failure("http://127.0.0.1:1", "app.example/", "GET", (), "/", False, None),
            "no path",
        ),
        (lambda: connections("http://127.0.0.1:1").__enter__(), "counts no connections"),
    ],
)
def test_a_users_mistake_is_one_line_with_its_repair(wrong: Callable[[], object], told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_text_is_no_bytes_for_the_wire() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = RawConnection(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(TypeError, match="carries bytes, not text: write b'GET"):
            connection.send("GET / HTTP/1.1\r\n\r\n")  # type: ignore[arg-type]
        connection.close()


def test_a_client_that_is_to_leave_behind_the_end_says_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netlab.testing.rawclient.PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(AssertionError, match="only 0 bytes came; the client was to leave at 10"):
            leave_after(url, 10, "/", reset=False, context=None)


def test_a_fixture_that_needs_asyncio_says_so_under_trio() -> None:
    with pytest.raises(RuntimeError, match="netlab_server needs asyncio"):
        _ask_for_asyncio("netlab_server")
