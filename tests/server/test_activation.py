"""`netlab serve` under systemd: socket activation (LISTEN_FDS), readiness (NOTIFY_SOCKET), workers.

One test plays systemd itself, byte for byte; another runs systemd's own systemd-socket-activate.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlab.cli.activation import FIRST_FD, activated, notify
from netlab.cli.errors import UserError
from tests.server.conftest import ROOT, Raw, need

# What systemd does between fork and exec: the socket becomes descriptor 3, LISTEN_PID names the process.
SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
os.execv(sys.executable, [sys.executable, "-m", "netlab", "serve", *sys.argv[2:]])
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def _start(listener: socket.socket, *arguments: str, **env: str) -> subprocess.Popen[str]:
    fd = listener.fileno()
    return subprocess.Popen(
        [sys.executable, "-c", SYSTEMD, str(fd), *arguments], cwd=ROOT, pass_fds=[fd], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **env},
    )  # fmt: skip


def _get(port: int) -> bytes:
    client = Raw(port)
    try:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return client.rest()
    finally:
        client.close()


def _stop(child: subprocess.Popen[str]) -> str:
    child.terminate()
    _, complaints = child.communicate(timeout=30)
    assert child.returncode == 0, complaints
    return complaints


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_systemds_socket_is_served_and_stays_open_for_the_next_start(
    listener: socket.socket, arguments: tuple[str, ...]
) -> None:
    port = listener.getsockname()[1]
    # This client comes before the service: the kernel completes its handshake, and it waits.
    early = Raw(port)
    early.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    child = _start(listener, *arguments)
    assert child.stdout is not None
    assert child.stdout.readline() == f"netlab serving http://127.0.0.1:{port}\n"
    assert b"200 OK" in early.rest()
    early.close()
    assert b"200 OK" in _get(port)
    _stop(child)
    # Nothing serves now, and no client is refused: the socket is systemd's.
    between = Raw(port)
    between.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    child = _start(listener, *arguments)
    assert b"200 OK" in between.rest()
    between.close()
    _stop(child)


def test_a_unix_socket_is_handed_over_and_its_path_is_left(tmp_path: Path) -> None:
    path = str(tmp_path / "netlab.sock")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(path)
        listener.listen()
        child = _start(listener)
        assert child.stdout is not None
        assert child.stdout.readline() == f"netlab serving unix:{path}\n"
        client.connect(path)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
        client.close()
        _stop(child)
    assert os.path.exists(path), "the path belongs to systemd"


def test_ready_is_told_once_the_server_listens(listener: socket.socket, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        child = _start(listener, NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert manager.recv(100) == b"READY=1"
        assert b"200 OK" in _get(listener.getsockname()[1])
        _stop(child)


def test_notify_takes_abstract_names_and_survives_a_manager_that_is_gone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0netlab-{os.getpid()}")
        assert notify("READY=1", {"NOTIFY_SOCKET": f"@netlab-{os.getpid()}"})
        assert manager.recv(100) == b"READY=1"
    assert not notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert not notify("READY=1", {"NOTIFY_SOCKET": "vsock:2:1234"})
    assert not notify("READY=1", {})


@pytest.mark.parametrize("told", [
    {}, {"LISTEN_FDS": "1"}, {"LISTEN_PID": "7", "LISTEN_FDS": "1"}, {"LISTEN_PID": "8"},
    {"LISTEN_PID": "8", "LISTEN_FDS": "x"}, {"LISTEN_PID": "8", "LISTEN_FDS": "0"},
    {"LISTEN_PID": "8", "LISTEN_FDS": "-1"}, {"LISTEN_PID": "", "LISTEN_FDS": "1"},
])  # fmt: skip
def test_variables_that_mean_another_process_or_no_socket_are_ignored(told: dict[str, str]) -> None:
    assert activated(told, pid=8) is None


def test_two_sockets_are_refused_with_the_repair() -> None:
    with pytest.raises(UserError, match=r"LISTEN_FDS=2: .*one ListenStream="):
        activated({"LISTEN_PID": "8", "LISTEN_FDS": "2"}, pid=8)


def test_options_that_name_another_address_are_one_line(listener: socket.socket) -> None:
    for arguments in (("--port", "8000"), ("--uds", "/tmp/no"), ("--reload",)):
        _, complaints = (child := _start(listener, *arguments)).communicate(timeout=30)
        expected = f"netlab: systemd has opened the socket (LISTEN_FDS): leave out {arguments[0]}\n"
        assert (child.returncode, complaints) == (2, expected)


def test_a_child_of_the_app_does_not_inherit_the_variables() -> None:
    told = {"LISTEN_PID": "8", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", "HOME": "/"}
    with pytest.raises(UserError):
        activated(told, pid=8)
    assert told == {"HOME": "/"}
    assert FIRST_FD == 3


def test_systemd_socket_activate_starts_netlab_at_the_first_connection() -> None:
    activate = need("systemd-socket-activate", "systemd")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    child = subprocess.Popen(
        [activate, "-l", f"127.0.0.1:{port}", sys.executable, "-m", "netlab", "serve"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr is not None
    while "Listening on" not in child.stderr.readline():
        assert child.poll() is None
    assert b"200 OK" in _get(port)
    child.terminate()
    child.communicate(timeout=30)
    assert child.returncode == 0
