"""Several processes on one port, as users run them: what dies is replaced, what stops loses nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.kit.waiting import wait_until
from tests.prefork.conftest import Supervisor
from tests.server.conftest import ROOT, Raw

Start = Callable[..., Supervisor]

# An app that tells which process answers, and that can be made to die.
TELLING = """
import asyncio, os
import netlab

async def app(request):
    if request.path == "/die":
        os._exit(3)
    if request.path == "/wait":
        await asyncio.sleep(float(request.query["s"]))
    return netlab.Response(200, str(os.getpid()))
"""


@pytest.fixture
def telling(tmp_path: Path) -> Path:
    """A folder with the module `telling`."""
    (tmp_path / "telling.py").write_text(TELLING)
    return tmp_path


def _get(port: int, path: str = "/") -> bytes:
    """One request on a new connection."""
    client = Raw(port)
    try:
        client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        status, _, content = client.response()
        assert status == 200
        return content
    finally:
        client.close()


def _answering(port: int, least: int) -> set[int]:
    """The processes that answer, once so many different ones have."""
    seen: set[int] = set()

    def enough() -> bool:
        seen.add(int(_get(port)))
        return len(seen) >= least

    wait_until(enough, f"{least} workers have answered")
    return seen


def test_every_worker_serves_the_one_port(supervise: Start, telling: Path) -> None:
    server = supervise(3, "telling:app", cwd=telling)
    workers = {worker.pid for worker in server.workers()}
    assert len(workers) == 3, "all of them listen before the URL is told"
    assert _answering(server.port, 3) == workers
    status, out, complaints = server.stop()
    assert (status, out, complaints) == (0, "", ""), "the URL was the only line"


def test_a_worker_that_is_killed_is_replaced_and_the_others_serve_meanwhile(
    supervise: Start, telling: Path
) -> None:
    server = supervise(3, "telling:app", cwd=telling)
    before = {worker.pid for worker in server.workers()}
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(victim), "the victim is buried")
    for _ in range(50):
        assert int(_get(server.port)) != victim
    wait_until(lambda: len(server.workers()) == 3, "there are three again")
    after = _answering(server.port, 3)
    assert before - after == {victim}
    status, out, complaints = server.stop()
    assert (status, out) == (0, "")
    assert complaints == "worker 1 has ended, killed by SIGKILL; it starts again now\n"


def test_a_worker_that_dies_of_a_request_is_replaced(supervise: Start, telling: Path) -> None:
    server = supervise(2, "telling:app", cwd=telling)
    client = Raw(server.port)
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    victim = int(client.response()[2])
    client.send(b"GET /die HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises((AssertionError, ConnectionError)):  # the end of the connection, or a reset
        client.response()
    client.close()
    wait_until(lambda: not psutil.pid_exists(victim) and len(server.workers()) == 2, "there are two again")
    assert len(_answering(server.port, 2)) == 2
    status, _, complaints = server.stop()
    assert status == 0
    assert "with exit status 3; it starts again now" in complaints


def test_a_worker_that_is_asked_to_end_finishes_its_work_and_is_replaced(
    supervise: Start, telling: Path
) -> None:
    server = supervise(2, "telling:app", cwd=telling)
    client = Raw(server.port)
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    worker = int(client.response()[2])
    client.send(b"GET /wait?s=0.5 HTTP/1.1\r\nHost: x\r\n\r\n")
    os.kill(worker, signal.SIGTERM)
    os.kill(worker, signal.SIGTERM)  # twice is not "at once": that word is the supervisor's
    status, _, content = client.response()
    assert (status, int(content)) == (200, worker)
    client.close()
    wait_until(lambda: not psutil.pid_exists(worker) and len(server.workers()) == 2, "it has been replaced")
    assert server.stop()[0] == 0


class _Load(threading.Thread):
    """A client that sends request after request, and keeps account of every one."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.answered = 0
        self.broken: list[str] = []

    def run(self) -> None:
        """Until no worker answers any more."""
        while True:
            try:
                sock = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            except ConnectionError:
                return  # the listener is closed: the end
            with sock:
                while self._ask(sock):
                    pass

    def _ask(self, sock: socket.socket) -> bool:
        """One request. True when the connection persists."""
        seen = b""
        try:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while b"\r\n\r\n" not in seen or len(seen.partition(b"\r\n\r\n")[2]) < _length(seen):
                data = sock.recv(65536)
                if not data:
                    break
                seen += data
        except ConnectionError as error:
            self.broken.append(f"{error!r} after {seen!r}")
            return False
        if not seen.startswith(b"HTTP/1.1 200 ") or len(seen.partition(b"\r\n\r\n")[2]) != _length(seen):
            self.broken.append(f"the connection ended after {seen!r}")
            return False
        self.answered += 1
        return b"connection: close" not in seen


def _length(head: bytes) -> int:
    return int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_under_load_loses_no_response(supervise: Start, telling: Path, number: int) -> None:
    server = supervise(3, "telling:app", cwd=telling)
    slow = [Raw(server.port) for _ in range(12)]
    for client in slow:
        client.send(b"GET /wait?s=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    load = [_Load(server.port) for _ in range(4)]
    for thread in load:
        thread.start()
    wait_until(lambda: all(thread.answered > 20 for thread in load), "the load is on")
    workers = server.workers()
    server.signal(number)
    answers = [client.response() for client in slow]
    for client in slow:
        client.close()
    for thread in load:
        thread.join()
    status, out, complaints = server.wait()
    assert (status, out, complaints) == (0, "", "")
    assert [answer[0] for answer in answers] == [200] * 12
    assert [thread.broken for thread in load] == [[]] * 4
    _, left = psutil.wait_procs(workers, timeout=20)
    assert not left


def test_a_second_signal_ends_all_at_once(supervise: Start, telling: Path) -> None:
    server = supervise(2, "telling:app", cwd=telling)
    clients: list[Raw] = []

    def ask() -> bool:
        clients.append(Raw(server.port))
        clients[-1].send(b"GET /wait?s=3600 HTTP/1.1\r\nHost: x\r\n\r\n")
        return all(_has_clients(worker) for worker in server.workers())

    wait_until(ask, "every worker has a client")
    server.signal(signal.SIGTERM)
    wait_until(lambda: _refused(server.port), "the drain has begun")
    assert server.child.poll() is None and len(server.workers()) == 2
    assert server.stop(signal.SIGTERM)[0] == 0
    for client in clients:
        client.close()


def _has_clients(worker: psutil.Process) -> bool:
    return any(c.status == psutil.CONN_ESTABLISHED for c in worker.net_connections("tcp"))


def _refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
    except ConnectionError:
        return True
    return False


def test_a_third_signal_kills_what_does_not_listen(supervise: Start, tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(
        "import time\nasync def app(request):\n    open('deaf', 'w').close()\n    time.sleep(3600)\n"
    )
    server = supervise(2, "deaf:app", cwd=tmp_path)
    client = Raw(server.port)
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: (tmp_path / "deaf").exists(), "the handler blocks its worker")
    for left in (1, 1):
        server.signal(signal.SIGINT)
        wait_until(lambda left=left: len(server.workers()) == left, "the other worker has ended")
    assert server.stop(signal.SIGINT)[0] == 0
    client.close()


def test_nothing_is_orphaned_when_the_supervisor_is_killed(supervise: Start, telling: Path) -> None:
    server = supervise(3, "telling:app", cwd=telling)
    workers = server.workers()
    client = Raw(server.port)
    client.send(b"GET /wait?s=0.5 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: _is_served(workers, client), "the request is under way")
    server.signal(signal.SIGKILL)
    assert client.response()[0] == 200, "what was under way is finished"
    client.close()
    _, left = psutil.wait_procs(workers, timeout=30)
    assert not left


def _is_served(workers: list[psutil.Process], client: Raw) -> bool:
    """Does one of the workers hold the other end of the client's connection?"""
    ours = client.socket.getsockname()
    return any(c.raddr == ours for worker in workers for c in worker.net_connections("tcp"))


def test_a_bad_start_is_given_up_with_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        """
import os, signal

class App:
    async def startup(self):
        os.kill(os.getpid(), signal.SIGSEGV)

    async def __call__(self, request):
        pass

app = App()
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "netlab", "serve", "bad:app", "--workers", "2"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "netlab: the app cannot start: a worker has ended 3 times before it served, killed by SIGSEGV\n"
    )


def test_a_port_that_is_taken_is_refused_even_by_another_server_of_ours(
    supervise: Start, telling: Path
) -> None:
    server = supervise(2, "telling:app", cwd=telling)
    done = subprocess.run(
        [sys.executable, "-m", "netlab", "serve", "--workers", "2", "--port", str(server.port)],
        cwd=ROOT, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "is in use" in done.stderr and done.stderr.count("\n") == 1
    assert server.stop()[0] == 0
    again = supervise(2, "telling:app", "--port", str(server.port), cwd=telling)
    assert again.port == server.port, "and it can be had again at once"
    assert again.stop()[0] == 0


def _first_line(path: Path, target: str) -> bytes:
    """The status line of the answer to one request on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(path))
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n".encode())
        return client.recv(4096).partition(b"\r\n")[0]


def test_a_unix_socket_is_shared_by_all(supervise: Start, telling: Path) -> None:
    path = telling / "s"
    server = supervise(3, "telling:app", "--uds", str(path), "--uds-mode", "600", cwd=telling)
    assert server.url == f"unix:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert _first_line(path, "https://a.example/") == b"HTTP/1.1 200 OK", "a gateway may ask for https here"

    def get() -> int:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            seen = b""
            while data := client.recv(4096):
                seen += data
        return int(seen.partition(b"\r\n\r\n")[2])

    victim = get()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(victim) and len(server.workers()) == 3, "it has been replaced")
    assert victim not in {get() for _ in range(20)}
    assert path.exists()
    assert server.stop()[0] == 0
    assert not path.exists()


def test_a_tls_session_is_resumed_by_any_worker(supervise: Start, telling: Path, certificates: Path) -> None:
    """The ticket keys are in the context, which was there before the fork."""
    chain, key = str(certificates / "chain.pem"), str(certificates / "leaf.key")
    server = supervise(3, "telling:app", "--cert", chain, "--key", key, cwd=telling)
    context = ssl.create_default_context(cafile=str(certificates / "root.pem"))
    session: ssl.SSLSession | None = None
    answered: set[bytes] = set()

    def visit() -> bool:
        nonlocal session
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            seen = b""
            while data := client.recv(4096):
                seen += data
            answered.add(seen.rpartition(b"\r\n")[2])
            assert client.session_reused == (session is not None)
            session = client.session  # a ticket of TLS 1.3 is good once
        return len(answered) == 3

    wait_until(visit, "every worker has answered")
    assert server.stop()[0] == 0


def test_an_asgi_app_lives_a_lifespan_in_each_worker(supervise: Start, tmp_path: Path) -> None:
    (tmp_path / "living.py").write_text(
        """
import os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            os.write(2, f"{event} {os.getpid()}\\n".encode())  # in one piece: two processes write here
            await send({"type": f"lifespan.{event}.complete"})
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""
    )
    server = supervise(2, "living:app", cwd=tmp_path)
    pids = _answering(server.port, 2)
    status, _, complaints = server.stop()
    assert status == 0
    told = sorted(line.split() for line in complaints.splitlines())
    assert told == sorted([event, str(pid)] for event in ("startup", "shutdown") for pid in pids)


def test_the_demonstration_app_counts_per_worker(supervise: Start) -> None:
    server = supervise(2)
    for _ in range(10):
        with urllib.request.urlopen(f"{server.url}/stats") as response:
            counts = json.load(response)
        assert counts["open"] >= 1 and counts["requests"] >= 1
    assert server.stop()[0] == 0
