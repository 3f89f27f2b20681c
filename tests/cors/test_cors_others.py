"""The models of other servers, each held against the real one: Starlette, nginx, Express with cors."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from netlab.cors import Policy
from netlab.cors.others import SERVERS, nginx_blocks, starlette_options
from netlab.probes.launch import Server
from tests.asgi.conftest import need_module
from tests.cors.others import POLICIES, RAW, relevant
from tests.server.conftest import need

Told = tuple[int, dict[str, str]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _expected(name: str, policy: Policy, status: int) -> list[Told]:
    """What the model says to every request, with the handler's status filled in."""
    told = []
    for method, fields in RAW:
        answer = SERVERS[name].answer(policy, method, fields, status)
        told.append((answer.status or status, relevant(answer.fields)))
    return told


def _asked(port: int, path: str) -> list[Told]:
    """What the server at this port answers to every request, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    told = []
    try:
        for method, fields in RAW:
            connection.request(method, path, headers=dict(fields))
            response = connection.getresponse()
            response.read()
            told.append((response.status, relevant(response.getheaders())))
    finally:
        connection.close()
    return told


def _differing(real: list[Told], model: list[Told]) -> list[Any]:
    return [(RAW[i], *pair) for i, pair in enumerate(zip(real, model, strict=True)) if pair[0] != pair[1]]


# Starlette --------------------------------------------------------------------------------------------------


async def _starlette(policy: Policy, status: int) -> list[Told]:
    cors = need_module("starlette.middleware.cors")
    responses = need_module("starlette.responses")
    app = cors.CORSMiddleware(responses.PlainTextResponse("x", status), **starlette_options(policy))
    told: list[Told] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            lines = [(name.decode(), value.decode()) for name, value in message["headers"]]
            told.append((message["status"], relevant(lines)))

    for method, fields in RAW:
        lines = [(name.lower().encode(), value.encode()) for name, value in fields]
        scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": lines}
        await app(scope, receive, send)
    return told


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("name", POLICIES)
def test_the_model_of_starlette_answers_as_starlette_does(name: str, status: int) -> None:
    policy = POLICIES[name]
    assert not _differing(asyncio.run(_starlette(policy, status)), _expected("starlette", policy, status))


# nginx ------------------------------------------------------------------------------------------------------

NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off; keepalive_requests 10000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{tables}
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "ready"; }}
{locations}
    }}
}}
"""

STATUSES = (200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 403, 404, 500, 503)


def nginx_file(folder: Path, port: int, blocks: list[tuple[str, str]]) -> Path:
    """A configuration with `/0/200`, `/0/201`, …: a location for each pair of blocks and each status."""
    tables, locations = "", ""
    for number, (table, location) in enumerate(blocks):
        tables += table.replace("$cors_origin", f"$cors_origin_{number}")
        own = location.replace("$cors_origin", f"$cors_origin_{number}")
        for status in STATUSES:
            locations += f'location = /{number}/{status} {{\n{own}return {status} "x";\n}}\n'
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, tables=tables, locations=locations), "utf-8")
    return file


def test_the_model_of_nginx_answers_as_nginx_does(tmp_path: Path) -> None:
    port = free_port()
    file = nginx_file(tmp_path, port, [nginx_blocks(policy) for policy in POLICIES.values()])
    command = [need("nginx", "nginx-light"), "-p", str(tmp_path), "-c", str(file)]
    with Server(command, f"http://127.0.0.1:{port}/", patience=30):
        for number, policy in enumerate(POLICIES.values()):
            for status in (200, 404):
                real = _asked(port, f"/{number}/{status}")
                assert not _differing(real, _expected("nginx", policy, status))
        number = list(POLICIES).index("one origin")
        named = [status for status in STATUSES if _names_the_origin(port, f"/{number}/{status}")]
        answers = {status: _expected("nginx", POLICIES["one origin"], status)[-2] for status in STATUSES}
        assert named == [status for status, (_, fields) in answers.items() if fields]


def _names_the_origin(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.getheader("Access-Control-Allow-Origin") is not None
    finally:
        connection.close()


# Express ----------------------------------------------------------------------------------------------------

EXPRESS = """
const express = require("express"), cors = require("cors"), root = express();
{routers}
root.use((request, response) => response.send("ready"));
root.listen({port}, "127.0.0.1");
"""
ROUTER = """
{{
const app = express.Router();
{configuration}
app.use("/200", (request, response) => response.status(200).send("x"));
app.use("/404", (request, response) => response.status(404).send("x"));
root.use("/{number}", app);
}}
"""


@pytest.fixture(scope="module")
def express(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with express and cors, installed by npm; without it the test skips, in CI too."""
    folder = tmp_path_factory.mktemp("express")
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("needs node and npm (apt-get install nodejs npm)")
    words = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "express@5", "cors@2.8"]
    environment = {**os.environ, "npm_config_cache": str(folder / "cache"), "npm_config_fetch_retries": "0"}
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment)
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not install express and cors within 60 s")
    if done.returncode:
        pytest.skip(f"npm could not install express and cors: {done.stderr.strip()[-200:]}")
    return folder


@pytest.mark.soak
def test_the_model_of_express_answers_as_express_does(express: Path) -> None:
    port = free_port()
    routers = "".join(
        ROUTER.format(number=number, configuration=SERVERS["express"].configuration(policy))
        for number, policy in enumerate(POLICIES.values())
    )
    program = express / "program.js"
    program.write_text(EXPRESS.format(routers=routers, port=port), "utf-8")
    with Server(["node", str(program)], f"http://127.0.0.1:{port}/", patience=30):
        for number, policy in enumerate(POLICIES.values()):
            for status in (200, 404):
                real = _asked(port, f"/{number}/{status}")
                assert not _differing(real, _expected("express", policy, status))
