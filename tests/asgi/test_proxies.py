"""Behind a proxy: the prefix that an app is mounted under, and the client that a trusted proxy tells of."""

from __future__ import annotations

import asyncio
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import netlab
from netlab.asgi import AsgiHandler
from netlab.http1.forwarded import TrustedProxies
from tests.asgi.conftest import answer, http_only, need_module, serving
from tests.server.conftest import Process, need

NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/nginx.sock;
        location /api/ {{
            proxy_pass http://127.0.0.1:{port}{uri};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For 203.0.113.7;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host shop.example;
            proxy_set_header Forwarded "";
        }}
    }}
}}
"""

APP = """
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

async def show(request):
    scope = request.scope
    return JSONResponse({"url": str(request.url), "path": scope["path"], "raw": scope["raw_path"].decode(),
                         "client": scope["client"], "scheme": scope["scheme"]})

app = Starlette(routes=[
    Route("/plain", show), Mount("/sub", routes=[Route("/x", show)]),
    Mount("/files", StaticFiles(directory=".")),
])
"""


def _ask(path: str, target: str, *fields: str) -> tuple[str, str]:
    """One request through nginx with curl: the head and the content."""
    command = [need("curl", "curl"), "-si", "--unix-socket", path, f"http://localhost{target}"]
    for field in fields:
        command += ["-H", field]
    told = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    head, _, content = told.replace("\r\n", "\n").partition("\n\n")
    return head, content


@pytest.mark.parametrize("strips", [True, False], ids=["nginx strips the prefix", "nginx leaves it"])
def test_mounted_apps_files_and_redirects_are_right_behind_nginx(strips: bool, tmp_path: Path) -> None:
    nginx = need("nginx", "nginx")
    need_module("starlette")
    (tmp_path / "users_app.py").write_text(APP)
    server = Process(
        "users_app:app",
        "--root-path",
        "/api/",
        "--forwarded-allow-ips",
        "127.0.0.1",
        "--access-log",
        cwd=tmp_path,
    )
    config = NGINX.format(folder=tmp_path, port=server.port, uri="/" if strips else "")
    (tmp_path / "nginx.conf").write_text(config)
    proxy = subprocess.Popen([nginx, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)])
    sock = str(tmp_path / "nginx.sock")
    try:
        subprocess.run(
            ["curl", "-s", "--retry", "40", "--retry-delay", "0", "--retry-all-errors", "--unix-socket", sock,
             "http://localhost/"], timeout=30, check=False, capture_output=True,
        )  # fmt: skip
        head, content = _ask(
            sock, "/api/plain", "X-Forwarded-For: 198.51.100.66", "Forwarded: for=198.51.100.66"
        )
        assert "200 OK" in head
        assert '"url":"https://shop.example/api/plain"' in content and '"path":"/api/plain"' in content
        assert '"raw":"/api/plain"' in content and '"client":["203.0.113.7",0]' in content
        head, content = _ask(sock, "/api/sub/x")
        assert "200 OK" in head and '"url":"https://shop.example/api/sub/x"' in content
        head, _ = _ask(sock, "/api/sub")
        assert "location: https://shop.example/api/sub/" in head
        head, content = _ask(sock, "/api/files/users_app.py")
        assert "200 OK" in head and "StaticFiles" in content
    finally:
        proxy.terminate()
        proxy.wait(20)
        status, _, log = server.stop()
    assert status == 0
    assert "203.0.113.7:0 GET" in log, "the access log names the client, not nginx"


@pytest.mark.parametrize(("root", "target", "path", "raw"), [
    ("/api", "/x", "/api/x", b"/api/x"), ("/api/", "/x", "/api/x", b"/api/x"),
    ("api", "/api/x", "/api/x", b"/api/x"), ("/api", "/api", "/api", b"/api"),
    ("/api", "/apix", "/api/apix", b"/api/apix"), ("", "/x", "/x", b"/x"), ("/", "/x", "/x", b"/x"),
    ("/a b", "/x%20y", "/a b/x y", b"/a%20b/x%20y"), ("/é", "/", "/é/", b"/%C3%A9/"),
    ("/api", "/%61pi/x", "/api/x", b"/%61pi/x"), ("/api", "*", "*", b"*"),
    ("/a/b/", "/a/b/c", "/a/b/c", b"/a/b/c"),
])  # fmt: skip
async def test_the_path_contains_the_root_path_exactly_once(
    root: str, target: str, path: str, raw: bytes
) -> None:
    seen: list[dict[str, Any]] = []

    @http_only
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)
        await answer(send)

    async with AsgiHandler(app, root_path=root) as handler, netlab.Server(handler) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        method = "OPTIONS" if target == "*" else "GET"
        for _ in range(4):  # a head that comes again is remembered, and its scope with it
            writer.write(f"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
        writer.close()
    expected = (path, raw, "/" + root.strip("/") if root.strip("/") else "")
    assert [(s["path"], s["raw_path"], s["root_path"]) for s in seen] == [expected] * 4


FIELDS = ("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example")


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_scope_believes_trusted_proxies_alone(trusted: bool) -> None:
    seen: list[dict[str, Any]] = []

    @http_only
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)
        await answer(send)

    proxies = TrustedProxies(["127.0.0.1"] if trusted else ["10.0.0.1"])
    async with serving(app, forwarded=proxies) as served:
        wire = await served.client()
        for _ in range(3):
            wire.get("/", "GET", *FIELDS)
            assert (await wire.response())[0] == 200
        name = wire.writer.get_extra_info("sockname")
    for scope in seen:
        host = dict(scope["headers"])[b"host"]
        told = (scope["client"], scope["scheme"], host)
        assert told == (
            (("203.0.113.7", 0), "https", b"shop.example") if trusted else (name, "http", b"localhost")
        )


async def test_handlers_and_the_access_log_see_the_proxy_s_client() -> None:
    logged: list[str] = []

    async def app(request: netlab.Request) -> netlab.Response:
        return netlab.Response(
            200, f"{request.peer} {request.client_address} {request.scheme} {request.host}"
        )

    options: dict[str, Any] = {
        "forwarded": TrustedProxies(["127.0.0.1"]),
        "access_log": lambda client, head, response: logged.append(client.peer),
    }
    async with netlab.Server(app, **options) as server, netlab.Session() as session:
        fields = {"forwarded": 'for="[2001:db8::1]:99";proto=https;host=shop.example'}
        async with session.get(server.url, headers=fields) as response:
            assert await response.text() == "2001:db8::1:99 ('2001:db8::1', 99) https shop.example"
        async with session.get(server.url) as response:
            assert (await response.text()).endswith(f"http 127.0.0.1:{server.port}")
    assert logged[0] == "2001:db8::1:99"


def test_serve_believes_no_peer_by_default(tmp_path: Path) -> None:
    (tmp_path / "users_app.py").write_text(APP)
    server = Process("users_app:app", cwd=tmp_path)
    request = urllib.request.Request(f"{server.url}/plain", headers={"X-Forwarded-For": "1.2.3.4"})
    with urllib.request.urlopen(request) as response:
        assert b'"client":["127.0.0.1"' in response.read()
    assert server.stop()[0] == 0
