"""SIGHUP, SIGUSR1 and SIGUSR2 end no server; they mean the same to one process and to several."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from netlab.tls.authority import mint
from tests.kit.waiting import wait_until
from tests.prefork.conftest import Supervisor
from tests.prefork.test_workers import _get
from tests.server.conftest import Process

Start = Callable[..., Supervisor]


@pytest.fixture(params=["one process", "two workers"])
def start(request: pytest.FixtureRequest, supervise: Start) -> Callable[..., Process]:
    def run(*arguments: str, **options: object) -> Process:
        number = 1 if request.param == "one process" else 2
        return supervise(number, *arguments, **options)

    return run


def _serial(port: int) -> int:
    """The serial number of the certificate that is shown."""
    from cryptography import x509

    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=20)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def _use(source: Path, folder: Path) -> None:
    for name in ("chain.pem", "leaf.key"):
        shutil.copy(source / name, folder / name)


def test_sighup_loads_the_certificate_anew_and_a_bad_one_not(
    start: Callable[..., Process], tmp_path: Path, certificates: Path
) -> None:
    live, other = tmp_path / "live", tmp_path / "other"
    live.mkdir()
    mint(other)
    _use(certificates, live)
    server = start("--cert", str(live / "chain.pem"), "--key", str(live / "leaf.key"))
    old = _serial(server.port)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
        context = ssl._create_unverified_context()
        with context.wrap_socket(plain) as open_connection:
            _use(other, live)
            server.child.send_signal(signal.SIGHUP)
            wait_until(lambda: all(_serial(server.port) != old for _ in range(6)), "the new one is shown")
            open_connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert open_connection.recv(100).startswith(b"HTTP/1.1 200"), "connections go on"
    new = _serial(server.port)
    shutil.copy(certificates / "leaf.key", live / "leaf.key")  # the key of another certificate
    server.child.send_signal(signal.SIGHUP)
    assert [_serial(server.port) for _ in range(6)] == [new] * 6
    status, _, complaints = server.stop()
    assert status == 0
    (line,) = [line for line in complaints.splitlines() if "certificate" in line]
    assert "the old one stays" in line and "leaf.key" in line


def test_sigusr1_opens_the_log_anew_and_sigusr2_is_ignored(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    server = start("--access-log", "--log-file", str(log))
    _get(server.port)
    wait_until(lambda: "GET / 200" in log.read_text(), "the line is written")
    log.rename(tmp_path / "log.1")
    server.child.send_signal(signal.SIGUSR2)
    server.child.send_signal(signal.SIGUSR1)

    def written() -> bool:
        _get(server.port, "/?again")
        return log.exists() and "again" in log.read_text()

    wait_until(written, "lines go to the new file")
    assert server.stop()[0] == 0


def test_a_log_reader_that_stalls_does_not_stop_the_server(start: Callable[..., Process]) -> None:
    server = start("--access-log")
    # Nothing reads standard error: the pipe is full after 64 KiB.
    path = "/?" + "x" * 4000
    for _ in range(60):
        _get(server.port, path)
    assert server.stop()[0] == 0


def test_a_worker_that_hangs_is_replaced_and_says_where_it_hung(supervise: Start, tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(
        "import os, time, netlab\n"
        "async def app(request):\n"
        "    if request.path == '/hang':\n"
        "        the_place_where_it_hangs()\n"
        "    return netlab.Response(200, str(os.getpid()))\n"
        "def the_place_where_it_hangs():\n"
        "    time.sleep(3600)\n"
    )
    server = supervise(2, "hanging:app", "--worker-timeout", "3", cwd=tmp_path)
    before = {worker.pid for worker in server.workers()}
    with socket.create_connection(("127.0.0.1", server.port), timeout=40) as client:
        client.sendall(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(100) == b"", "the process that had the connection is gone"
    wait_until(
        lambda: len({worker.pid for worker in server.workers()} - before) == 1, "one has been replaced"
    )
    wait_until(lambda: int(_get(server.port)) not in before, "the new one answers")
    status, _, complaints = server.stop()
    assert status == 0
    assert "has not answered for 3 s" in complaints and "the_place_where_it_hangs" in complaints
    # SIGKILL comes two seconds after SIGQUIT: on a busy machine before the process has ended itself.
    assert re.search("killed by SIG(QUIT|KILL); it starts again now", complaints)


def test_a_terminal_that_is_gone_stops_the_server(tmp_path: Path) -> None:
    """SIGHUP then means what it says; under nohup, and from a service manager, it means "load anew"."""
    from netlab.server.running import hung_up

    master, terminal = os.openpty()
    kept = os.dup(0)
    try:
        os.dup2(terminal, 0)
        assert not hung_up(terminal=True), "it is there: a signal from elsewhere"
        os.close(master)
        assert hung_up(terminal=True)
        assert not hung_up(terminal=False)
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(terminal)
