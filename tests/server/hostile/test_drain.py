"""SIGTERM in the middle of everything: requests that have come are answered, hanging ones are cut off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter

import pytest

from netlab import Server
from tests.server.conftest import need

from .besieged import routes
from .child import PATIENCE, Child
from .clients import ATTACKS, GET, HOST, Horde, connect, honest_connection, one_answer, rest

# A client that has asked this many seconds ago or less is busy; netlab keeps waiting for it twice as long.
BUSY = 0.12

SHORT = {"head": 0.4, "content": 0.4, "stall": 0.4, "linger": 0.4, "drain": 2.0}


class Load:
    """Clients that ask again and again until the server is gone, and count what became of each request.

    lost: a busy client sent a request, and the connection ended before its answer was whole.
    """

    def __init__(self, port: int, clients: int) -> None:
        self.counts: Counter[str] = Counter()
        self._port = port
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def join(self) -> Counter[str]:
        """What became of the requests, when every client has found the server gone."""
        for thread in self._threads:
            thread.join()
        return self.counts

    def _ask(self) -> None:
        while True:
            try:
                sock = socket.create_connection((HOST, self._port), timeout=20)
            except OSError:
                return  # refused: the server listens no more
            with sock:
                self._converse(sock)

    def _converse(self, sock: socket.socket) -> None:
        before, sent = 0.0, 0.0
        while True:
            try:
                before, sent = sent, time.monotonic()
                sock.sendall(GET)
                answer = one_answer(sock)
            except OSError:
                self.counts[self._fate(before, sent)] += 1
                return
            self.counts["served"] += 1
            if b"\r\nconnection: close\r\n" in answer:
                return

    def _fate(self, before: float, sent: float) -> str:
        """Whose fault is a request that was not answered?"""
        if not before:
            return "refused"  # a new connection met the very end of the listener
        # A machine that stood still made an idle client of a busy one.
        return "lost" if sent - before < BUSY else "idle"


def test_a_sigterm_under_load_loses_no_request() -> None:
    for _ in range(3):
        with Child() as server:
            load = Load(server.port, 8)
            while load.counts["served"] < 500:
                time.sleep(0.01)
            code, complaints = server.end()
            counts = load.join()
        assert (code, complaints) == (0, "")
        assert counts["lost"] == 0, counts
        assert counts["refused"] <= 8, counts


@pytest.mark.soak
@pytest.mark.parametrize("connections", [8, 64, 256])
def test_a_sigterm_under_wrk_fails_no_request(connections: int) -> None:
    wrk = need("wrk", "wrk")
    with Child() as server:
        url = f"http://{HOST}:{server.port}/"
        command = [wrk, "-t1", f"-c{connections}", "-d3s", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
            time.sleep(1.5)
            code, _ = server.end()
            report, _ = load.communicate()
    assert code == 0
    assert int(re.search(r"(\d+) requests in", report)[1]) > 100, report  # type: ignore[index]
    # wrk goes on after the end and counts what is refused as errors of write and connect.
    errors = re.search(r"read (\d+), write \d+, timeout (\d+)", report)
    assert errors is None or errors.groups() == ("0", "0"), report


def test_what_the_kernel_has_is_answered() -> None:
    """While the server sleeps, requests arrive on idle connections, and whole new connections: it is told to
    stop before it has seen any of them."""
    with Child() as server, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(honest_connection(server.port)) for _ in range(20)]
        for sock in idle:
            sock.sendall(GET)
            one_answer(sock)
        server.send_signal(signal.SIGSTOP)
        fresh = [stack.enter_context(honest_connection(server.port)) for _ in range(20)]
        for sock in idle + fresh:
            sock.sendall(GET)
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGCONT)
        for sock in idle + fresh:
            answer = rest(sock)
            assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b'{"hello":"world"}')
        assert server.wait() == (0, "")


async def test_a_request_that_comes_soon_after_the_signal_is_answered_with_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netlab.server.server.GRACE", 3600)
    async with Server(routes) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(GET)
        await reader.readuntil(b"hello")
        stopping = asyncio.create_task(server.stop())
        while not server.draining:
            await asyncio.sleep(0)
        writer.write(GET)
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        assert answer.startswith(b"HTTP/1.1 200 ") and b"\r\nconnection: close\r\n" in answer
        writer.close()
        stopping.cancel()
        await asyncio.wait([stopping])
        await server.cut()


async def test_a_request_that_comes_in_the_very_turn_of_the_close_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Server(routes) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(GET)
        await reader.readuntil(b"hello")
        original, asked = asyncio.sleep, False

        async def sleep(seconds: float) -> None:
            """The server's own pause, at the end of which the request comes, before the test can look."""
            nonlocal asked
            await original(0)
            if not asked:
                asked = True
                writer.write(GET)

        monkeypatch.setattr(asyncio, "sleep", sleep)
        stopping = asyncio.create_task(server.stop())
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        await stopping
        assert asked
        assert answer.startswith(b"HTTP/1.1 200 ") and b"\r\nconnection: close\r\n" in answer, answer


def test_hostile_connections_do_not_hold_up_a_stop() -> None:
    with Child(app="routes", timeouts=SHORT) as server, contextlib.ExitStack() as stack:
        for name, attack in ATTACKS.items():
            if not attack.tls:
                horde = stack.enter_context(Horde(server.port, attack))
                horde.grow(5)
                horde.push(5)
                assert len(horde.sockets) == 5, name
        with honest_connection(server.port) as honest:
            honest.sendall(GET)
            one_answer(honest)
            assert server.end() == (0, "")
            assert rest(honest) == b""


@pytest.mark.linux("/proc/PID/schedstat counts CPU time")
@pytest.mark.parametrize(
    ("app", "signals", "code", "complaint"),
    [
        ("sleeps", 1, 0, ""),
        ("ignores", 1, 1, "a handler does not end"),
        ("ignores", 2, 1, "a handler does not end"),
        ("threads", 2, 1, "a handler does not end"),
    ],
)
def test_a_handler_that_hangs_is_cut_off(app: str, signals: int, code: int, complaint: str) -> None:
    patience = 0.3 if signals == 1 else 3600
    with (
        Child(app=app, timeouts={"drain": patience, "linger": 0.3}) as server,
        connect(server.port) as client,
    ):
        client.sendall(GET)
        server.rest()
        server.send_signal(signal.SIGTERM)
        if signals == 2:
            while True:  # the first has been read when no further one is accepted
                try:
                    connect(server.port).close()
                except OSError:
                    break
        ended, said = server.end() if signals == 2 else server.wait()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert ended == code
    assert complaint in said and bool(said) == bool(complaint)
    with pytest.raises(ProcessLookupError):
        os.kill(server.process.pid, 0)
