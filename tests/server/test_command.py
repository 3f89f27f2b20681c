"""What a user gets wrong is one clear line and exit status 2; what they get right serves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .conftest import ROOT, Process, Raw


def netlab(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netlab", *arguments], cwd=cwd, capture_output=True, text=True, timeout=30,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


MISTAKES = {
    "no command": [],
    "unknown command": ["srve"],
    "unknown option": ["serve", "--prot", "80"],
    "port no number": ["serve", "--port", "http"],
    "port too large": ["serve", "--port", "70000"],
    "no workers": ["serve", "--workers", "0"],
    "app without colon": ["serve", "myapp"],
    "app that is not there": ["serve", "no_such_module:app"],
    "app without that name": ["serve", "json:no_such_name"],
    "app that is nothing to call": ["serve", "json:__name__"],
    "host that is not ours": ["serve", "--host", "192.0.2.1"],
    "host that is none": ["serve", "--host", "no such host"],
    "missing certificate": ["serve", "--cert", "nowhere.pem", "--key", "nowhere.key"],
    "certificate without key": ["serve", "--cert", "nowhere.pem"],
    "two kinds of certificate": ["serve", "--tls", "--cert", "a", "--key", "b"],
    "origin that is none": ["serve", "--cors-origin", "example.com"],
    "credentials for everyone": ["serve", "--cors-origin", "*", "--cors-credentials"],
    "credentials without an origin": ["serve", "--cors-credentials"],
    "listing of nothing": ["serve", "--listing"],
    "socket and port": ["serve", "--uds", "socket", "--port", "8080"],
    "empty socket path": ["serve", "--uds", ""],
    "mode without a socket": ["serve", "--uds-mode", "660"],
    "mode that is none": ["serve", "--uds", "socket", "--uds-mode", "rw"],
    "socket in no folder": ["serve", "--uds", "/no/such/folder/socket"],
    "fetch nothing": ["fetch"],
    "fetch no URL": ["fetch", "not a url"],
    "fetch from a closed port": ["fetch", "http://127.0.0.1:1/"],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_clear_line(mistake: str, tmp_path: Path) -> None:
    done = netlab(*MISTAKES[mistake], cwd=tmp_path)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("netlab: ") and done.stderr.count("\n") == 1, done.stderr
    assert len(done.stderr) < 400


def test_a_busy_port_is_named_with_its_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = netlab("serve", "--port", str(port))
    assert done.returncode == 2
    assert f"127.0.0.1:{port} is in use" in done.stderr and done.stderr.count("\n") == 1


def test_a_socket_s_path_that_is_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    done = netlab("serve", "--uds", "notes", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "notes is there already" in done.stderr and "--uds" in done.stderr and "--port" not in done.stderr
    assert (tmp_path / "notes").read_text() == "mine"


def test_an_app_that_fails_to_import_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    done = netlab("serve", "broken:app", cwd=tmp_path)
    assert done.returncode == 2 and "SyntaxError" in done.stderr and done.stderr.count("\n") == 1


def test_a_handler_of_ones_own(tmp_path: Path, raw: object) -> None:
    (tmp_path / "mine.py").write_text(
        "import netlab\nasync def app(request):\n    return netlab.Response(200, request.path)\n"
    )
    server = Process("mine:app", cwd=tmp_path)
    client = Raw(server.port)
    client.send(b"GET /a%20b HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.response()[2] == b"/a b"
    client.close()
    assert server.stop()[0] == 0


def test_sync_producers_that_block_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """None of them ends before all of them have begun."""
    (tmp_path / "blocking.py").write_text(
        "import netlab, threading\nall_here = threading.Barrier(20, timeout=20)\n"
        "def pieces():\n    yield b'first'\n    all_here.wait()\n    yield b'second'\n"
        "async def app(request):\n    return netlab.Response(stream=pieces())\n"
    )
    server = Process("blocking:app", cwd=tmp_path)
    clients = [Raw(server.port) for _ in range(20)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for client in clients:
        assert client.until(b"0\r\n\r\n").endswith(b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n")
        client.close()
    assert server.stop()[0] == 0


def test_tls_outside_a_checkout_mints_in_the_users_data_directory_and_says_where(tmp_path: Path) -> None:
    import ssl

    server = Process("--tls", cwd=tmp_path, env={"XDG_DATA_HOME": str(tmp_path / "data")})
    folder = tmp_path / "data" / "netlab" / "certs"
    assert server.url.startswith("https://127.0.0.1:")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    client = Raw(server.port, ssl.create_default_context(cafile=str(folder / "root.pem")))
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.response()[2] == b'{"hello":"world"}'
    client.close()
    status, _, told = server.stop()
    assert status == 0
    assert f"netlab: certificates minted in {folder}; a client trusts root.pem there\n" in told


def test_a_unix_socket_is_served_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "netlab.sock"
    server = Process("--uds", str(path))
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while data := client.recv(4096):
            answer += data
    assert answer.endswith(b'{"hello":"world"}')
    assert server.stop()[0] == 0
    assert not path.exists()


def test_the_access_log_writes_no_control_octet(raw: object) -> None:
    server = Process("--access-log")
    client = Raw(server.port)
    client.send(b"GET /stats HTTP/1.1\r\nHost: a\r\nUser-Agent: \x9b31m\xff\r\n\r\n")
    assert client.response()[0] == 200
    client.close()
    code, _, log = server.stop(signal.SIGTERM)
    assert code == 0 and "GET /stats 200" in log
    assert all(char == "\n" or " " <= char <= "~" for char in log)


CONTRACT = [
    ("GET", "/", 200, b'{"hello":"world"}'),
    ("HEAD", "/", 200, b""),
    ("OPTIONS", "*", 204, b""),
    ("OPTIONS", "/echo", 204, b""),
    ("GET", "/sleep?s=0.01", 200, b"slept 0.01 s\n"),
    ("GET", "/nowhere", 404, None),
    ("DELETE", "/", 405, None),
    ("GET", "/echo", 405, None),
    ("BREW", "/", 501, None),
    ("get", "/", 501, None),
    ("GET", "/stream?mib=x", 400, None),
]


def test_the_demonstration_app_answers_as_the_contract_says() -> None:
    server = Process()
    client = Raw(server.port)
    for method, target, status, content in CONTRACT:
        client.send(f"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        if method == "HEAD":
            head = client.until(b"\r\n\r\n")
            assert b"200 OK" in head and b"content-length: 17" in head
            continue
        got = client.response()
        assert got[0] == status, (method, target, got)
        assert content is None or got[2] == content
        if status in (204, 405):
            assert got[1]["allow"], (method, target)
    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    head = client.until(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head, "a client that pauses gets what it has sent so far"
    assert client.until(b"hello\r\n") == b"5\r\nhello\r\n"
    client.send(b"6\r\n world\r\n0\r\n\r\n")
    assert client.until(b"0\r\n\r\n") == b"6\r\n world\r\n0\r\n\r\n"
    client.send(b"GET /stats HTTP/1.1\r\nHost: a\r\n\r\n")
    import json

    numbers = json.loads(client.response()[2])
    assert {"open", "idle", "active", "requests", "fds", "rss", "uss"} <= set(numbers)
    assert numbers["open"] == 1 and numbers["active"] == 1 and numbers["requests"] == len(CONTRACT) + 2
    client.close()
    assert server.stop()[0] == 0


@pytest.mark.parametrize("library", ["cryptography", "psutil"])
def test_a_library_that_is_missing_is_named(library: str, tmp_path: Path) -> None:
    """The system's own Python has perhaps none, or an old one."""
    (tmp_path / f"{library}.py").write_text(f"raise ImportError('gone', name={library!r})\n")
    arguments = {"cryptography": ["certs", "--out", str(tmp_path / "out")], "psutil": ["probe", "1"]}[library]
    done = subprocess.run(
        [sys.executable, "-m", "netlab", *arguments], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and f"no {library}" in done.stderr and ".venv" in done.stderr


def test_the_libraries_are_those_of_the_project() -> None:
    from netlab.cli.command import LIBRARIES

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert list(LIBRARIES.values()) == project["dependencies"]
