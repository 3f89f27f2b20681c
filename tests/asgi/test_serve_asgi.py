"""`python -m netlab serve module:app` with an ASGI app, as a user runs it: a process, a URL, a signal."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.asgi.conftest import need_module
from tests.server.conftest import ROOT, Process, Raw

LIFESPAN = """
import asyncio, sys

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["greeting"] = b"hello from the lifespan"
        print("up", flush=True, file=sys.stderr)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("down", flush=True, file=sys.stderr)
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": scope["state"]["greeting"]})
    await asyncio.sleep(0.2)
    print("background done", flush=True, file=sys.stderr)
"""

FAILING = """
async def app(scope, receive, send):
    await receive()
    reason = "Traceback (most recent call last):\\n  …\\nConnectionError: no database on port 5432\\n"
    await send({"type": "lifespan.startup.failed", "message": reason})
"""

HANGING = """
import asyncio, sys

async def app(scope, receive, send):
    await receive()
    print("starting", flush=True)
    await asyncio.Event().wait()
"""

FASTAPI = """
from fastapi import FastAPI

app = FastAPI()

@app.get("/items/{number}")
def item(number: int):
    return {"number": number}
"""


def _serve(folder: Path, source: str) -> Process:
    (folder / "users_app.py").write_text(source)
    return Process("users_app:app", cwd=folder)


def test_an_asgi_app_is_known_as_one_and_lives_its_lifespan(tmp_path: Path) -> None:
    server = _serve(tmp_path, LIFESPAN)
    with urllib.request.urlopen(server.url) as response:
        assert response.read() == b"hello from the lifespan"
    status, out, complaints = server.stop()
    assert (status, out) == (0, "")
    assert complaints.split("\n") == ["up", "background done", "down", ""]


def test_fastapi_from_the_command_line(tmp_path: Path) -> None:
    need_module("fastapi")
    server = _serve(tmp_path, FASTAPI)
    client = Raw(server.port)
    try:
        client.send(b"GET /items/42 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.response()[2] == b'{"number":42}'
        client.send(b"GET /items/x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.response()[0] == 422
    finally:
        client.close()
        status, _, complaints = server.stop(signal.SIGINT)
    assert (status, complaints) == (0, "")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_startup_that_fails_is_one_clear_line_and_status_2(tmp_path: Path, workers: str) -> None:
    (tmp_path / "users_app.py").write_text(FAILING)
    done = subprocess.run(
        [sys.executable, "-m", "netlab", "serve", "users_app:app", "--workers", workers],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "netlab: the app cannot start: ConnectionError: no database on port 5432\n"


def test_a_startup_that_hangs_ends_with_a_signal(tmp_path: Path) -> None:
    (tmp_path / "users_app.py").write_text(HANGING)
    child = subprocess.Popen(
        [sys.executable, "-m", "netlab", "serve", "users_app:app"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "starting\n"
    child.send_signal(signal.SIGTERM)
    out, complaints = child.communicate(timeout=40)
    assert (child.returncode, out, complaints) == (0, "", "")
