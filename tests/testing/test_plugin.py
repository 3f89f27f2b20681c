"""netlab.testing as its users have it: a conftest of one line, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent.parent

APP = """
import asyncio
import netlab

async def app(request):
    if request.path == "/hang":
        await asyncio.sleep(3600)
    return netlab.Response(200, '{"hello": "world"}', {"content-type": "application/json"})
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's project: an app, and a conftest that names the plugin."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest('pytest_plugins = ["netlab.testing"]\n')
    pytester.makepyfile(users_app=APP)
    pytester.makeini("[pytest]\nasyncio_mode = strict\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


def _run(project: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    """Run one test file in a process of its own: warnings are errors, so that nothing is left unclosed."""
    project.makepyfile(test_it="import asyncio, netlab, pytest\nfrom users_app import app\n" + source)
    return project.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", *arguments)


def test_a_server_and_a_session_plain_and_over_tls(project: pytest.Pytester) -> None:
    result = _run(
        project,
        """
@pytest.mark.asyncio
@pytest.mark.parametrize("tls", [None, True])
async def test_hello(netlab_server, netlab_session, tls):
    server = await netlab_server(app, tls=tls)
    assert isinstance(server, netlab.Server) and server.port
    assert server.url.startswith("https://" if tls else "http://")
    for _ in range(2):
        async with netlab_session.get(server.url) as response:
            assert (response.status, await response.json()) == (200, {"hello": "world"})
    assert server.stats()["accepted"] == 1
""",
    )
    result.assert_outcomes(passed=2)


@pytest.mark.soak
def test_options_reach_the_server_and_each_server_is_its_own(project: pytest.Pytester) -> None:
    result = _run(
        project,
        """
@pytest.mark.asyncio
async def test_two(netlab_server, netlab_session):
    strict = await netlab_server(app, limits=netlab.Limits(target=100))
    lax = await netlab_server(app)
    assert strict.port != lax.port
    for server, status in ((strict, 414), (lax, 200)):
        async with netlab_session.get(server.url + "/" + "a" * 200) as response:
            assert response.status == status
""",
    )
    result.assert_outcomes(passed=1)


def test_everything_is_closed_after_a_test_even_a_failed_one(project: pytest.Pytester) -> None:
    result = _run(
        project,
        """
import socket

ports = []

@pytest.mark.asyncio
async def test_fails_with_a_request_under_way(netlab_server, netlab_session):
    server = await netlab_server(app)
    ports.append(server.port)
    hanging = asyncio.create_task(netlab_session.request("GET", server.url + "/hang"))
    while not server.stats()["active"]:
        await asyncio.sleep(0)
    hanging.cancel()
    assert False, "deliberate"

def test_the_port_is_closed():
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]))
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*deliberate*"])


def test_an_apps_startup_and_shutdown_are_called(project: pytest.Pytester) -> None:
    result = _run(
        project,
        """
from netlab.asgi import AsgiHandler

told = []

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            told.append(event)
            await send({"type": f"lifespan.{event}.complete"})
        return
    told.append(scope["path"])
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body"})

@pytest.mark.asyncio
async def test_asgi(netlab_server, netlab_session):
    server = await netlab_server(AsgiHandler(asgi))
    async with netlab_session.get(server.url + "/x") as response:
        assert response.status == 204

def test_after_it():
    assert told == ["startup", "/x", "shutdown"]
""",
    )
    result.assert_outcomes(passed=2)


@pytest.mark.soak
def test_an_app_that_cannot_start_fails_its_test_with_its_reason(project: pytest.Pytester) -> None:
    result = _run(
        project,
        """
class Broken:
    async def startup(self):
        raise LookupError("no database")

    async def shutdown(self):
        pass

    async def __call__(self, request):
        return netlab.Response()

@pytest.mark.asyncio
async def test_it(netlab_server):
    await netlab_server(Broken())
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*LookupError: no database*"])


@pytest.mark.soak
def test_certificates_are_minted_once_a_session_and_trusted_there_alone(project: pytest.Pytester) -> None:
    result = _run(
        project,
        """
import ssl
from netlab.client.errors import ClientError

seen = []

@pytest.mark.parametrize("turn", [1, 2])
def test_once(netlab_certificates, turn):
    assert netlab_certificates.root.exists() and netlab_certificates.chain.exists()
    seen.append(netlab_certificates)
    assert len(set(map(id, seen))) == 1

@pytest.mark.asyncio
async def test_a_stranger_does_not_trust_them(netlab_server):
    server = await netlab_server(app, tls=True)
    async with netlab.Session() as stranger:
        with pytest.raises(ClientError, match="(?i)certificate"):
            await stranger.get(server.url)
""",
    )
    result.assert_outcomes(passed=3)


@pytest.mark.soak
def test_two_loops_are_told_apart(project: pytest.Pytester) -> None:
    result = _run(
        project,
        """
@pytest.mark.asyncio(loop_scope="module")
async def test_it(netlab_server):
    await netlab_server(app)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: netlab_server and its test run in two event loops*"])


def test_netlab_itself_needs_no_pytest() -> None:
    script = "import sys, netlab, netlab.server.running, netlab.asgi; print('pytest' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == "False\n"
