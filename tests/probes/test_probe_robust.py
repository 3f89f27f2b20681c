"""Servers that never finish, processes that vanish, URLs that are none: the probe says so and goes on."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any, cast

import pytest

from netlab.http1.errors import ProtocolError
from netlab.probes import hooks
from netlab.probes.clients import Target
from netlab.probes.errors import ProbeError

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
COMMENT = b"3\r\n: \n\r\n"  # of an event stream: a sign of life, nothing more


class Endless:
    """A connection on which a comment comes every second of the clock, for ever."""

    def __init__(self, patience: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patience = patience
        self.now = 1000.0
        self.reads = 0
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def gettimeout(self) -> float | None:
        return self._patience

    def sendall(self, data: bytes) -> None:
        assert data.startswith(b"GET / HTTP/1.1\r\n")

    def recv(self, size: int) -> bytes:
        self.now += 1
        self.reads += 1
        assert self.reads <= 100, "100 seconds, and the probe still reads"
        return COMMENT if self.reads > 1 else HEAD


def test_a_response_that_never_ends_is_given_up_within_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target.parse("http://127.0.0.1:1/")
    with monkeypatch.context() as patched:
        connection = Endless(10.0, patched)
        with pytest.raises(TimeoutError):
            target.exchange(cast(socket.socket, connection))
    assert 10 <= connection.reads <= 12


def test_without_a_timeout_a_long_response_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Long(Endless):
        def recv(self, size: int) -> bytes:
            return b"0\r\n\r\n" if self.reads == 90 else super().recv(size)

    target = Target.parse("http://127.0.0.1:1/")
    with monkeypatch.context() as patched:
        connection = Long(None, patched)
        assert target.exchange(cast(socket.socket, connection)).status == 200
    assert connection.reads == 90


def test_a_response_that_is_cut_is_no_matter_of_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut(Endless):
        def recv(self, size: int) -> bytes:
            return b"" if self.reads == 3 else super().recv(size)

    with monkeypatch.context() as patched, pytest.raises(ProtocolError):
        Target.parse("http://127.0.0.1:1/").exchange(cast(socket.socket, Cut(10.0, patched)))


@pytest.mark.parametrize("path", ["/a b", "/é", "/?q=a b", "/\x7f", "/\u20ac"])
def test_a_path_that_must_not_be_sent_is_refused(path: str) -> None:
    with pytest.raises(ProbeError, match="%20"):
        Target.parse(f"http://127.0.0.1:8000{path}")


@pytest.mark.parametrize("path", ["", "/", "/a%20b", "/?q=1&r=%C3%A9"])
def test_a_path_that_may_be_sent_is_taken_as_it_is(path: str) -> None:
    assert Target.parse(f"http://127.0.0.1:8000{path}").path == (path or "/")


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="real-time signals are Linux's")


@linux
def test_a_process_that_vanishes_before_it_is_asked_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    monkeypatch.setattr(hooks, "offered", lambda pid: True)  # a moment ago it did
    assert hooks.ask(gone.pid, hooks.Hook.COLLECT) is False


@linux
def test_a_process_of_another_user_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*anything: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(hooks, "offered", lambda pid: True)
    monkeypatch.setattr("os.kill", refuse)
    assert hooks.ask(1, hooks.Hook.COLLECT) is False
