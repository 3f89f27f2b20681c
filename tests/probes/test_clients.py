"""The probe's own connections: to this machine alone, from as many addresses as it takes, whole responses."""

from __future__ import annotations

import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from netlab.probes import clients
from netlab.probes.clients import Herd, Stopped, Target
from netlab.probes.errors import ProbeError
from netlab.probes.launch import Server

URL = "http://127.0.0.1:{port}/"


@contextmanager
def answering(*responses: bytes) -> Iterator[Target]:
    """A server in a thread: it takes a connection for each response, writes it, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve() -> None:
            for response in responses:
                with listener.accept()[0] as client:
                    client.recv(65536)
                    client.sendall(response)
                    client.shutdown(socket.SHUT_WR)
                    client.recv(65536)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Target.parse(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        finally:
            thread.join()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://192.0.2.1/", "192.0.2.1 is no loopback address"),
        ("http://example.com:8000/", "example.com is no loopback address"),
        ("http://127.0.0.1.example.com/", "no loopback address"),
        ("http://[2001:db8::1]/", "no loopback address"),
        ("http://0.0.0.0:80/", "no loopback address"),
        ("ftp://127.0.0.1/", "not an http or https URL"),
        ("127.0.0.1:8000", "not an http or https URL"),
        ("http://127.0.0.1:99999/", "not a URL"),
        ("https://127.0.0.1/", "https needs the client's TLS context"),
    ],
)
def test_what_is_no_server_of_this_machine_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ProbeError) as refused:
        Target.parse(url)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "address", "port", "path"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", 8000, "/"),
        ("http://127.9.9.9/a?b=c", "127.9.9.9", 80, "/a?b=c"),
        ("http://localhost:1/x", "127.0.0.1", 1, "/x"),
        ("http://[::1]:8000/", "::1", 8000, "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, address: str, port: int, path: str) -> None:
    target = Target.parse(url)
    assert (target.address, target.port, target.path) == (address, port, path)


def test_connections_are_opened_counted_and_closed(synthetic: Callable[..., list[str]]) -> None:
    with Server(synthetic(), URL) as server, Herd(server.target) as herd:
        herd.grow(5)
        herd.grow(7)
        herd.grow(6)
        assert len(herd) == 7
        assert herd.lost() == 0
        herd.close()
        assert len(herd) == 0


def test_connections_that_the_server_closed_are_counted(synthetic: Callable[..., list[str]]) -> None:
    with Server(synthetic("--keep", 3), URL) as server, Herd(server.target) as herd:
        herd.grow(5)
        assert herd.lost() == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="127.0.0.2 is an address on Linux alone")
def test_when_an_address_has_no_more_ports_the_next_one_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target.parse(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with Herd(target, request=False, per_source=3) as herd:
            herd.grow(8)
            accepted = [listener.accept() for _ in range(8)]
            for server_end, _ in accepted:
                server_end.close()
    assert [address for _, (address, _) in accepted] == ["127.0.0.1"] * 3 + ["127.0.0.2"] * 3 + [
        "127.0.0.3"
    ] * 2


def test_ports_that_run_out_early_are_met_with_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others use ports too: the system says EADDRNOTAVAIL before our own count says so."""
    tried: list[str | None] = []

    def connect(self: Target, timeout: float, source: str | None = None) -> socket.socket:
        tried.append(source)
        if source in (None, "127.0.0.2"):
            raise OSError(clients.errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return socket.socket()

    monkeypatch.setattr(Target, "connect", connect)
    with Herd(Target.parse("http://127.0.0.1:1/"), request=False) as herd:
        herd.grow(2)
    assert tried == [None, "127.0.0.2", "127.0.0.3", "127.0.0.3"]
    with (
        Herd(Target.parse("http://[::1]:1/"), request=False) as herd,
        pytest.raises(Stopped, match="no source port"),
    ):
        herd.grow(1)


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_whole_response_of_any_framing_is_read(response: bytes) -> None:
    with answering(response) as target, Herd(target) as herd:
        herd.grow(1)
        assert len(herd) == 1


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", "answered 200 and closes"),
        (b"HTTP/1.0 200 OK\r\n\r\nhi", "answered 200 and closes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "connection 1: content shorter"),
        (b"SSH-2.0-server\r\n\r\n", "connection 1: "),
        (b"", "connection 1: "),
    ],
)
def test_a_connection_that_cannot_stay_idle_is_refused_with_the_reason(response: bytes, reason: str) -> None:
    with answering(response) as target, Herd(target) as herd, pytest.raises(ProbeError, match=reason):
        herd.grow(1)


def test_a_server_that_says_nothing_stops_the_herd() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target.parse(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with (
            Herd(target, timeout=0.05) as herd,
            pytest.raises(Stopped, match=r"without an answer for 0\.05 s"),
        ):
            herd.grow(1)


def test_a_missing_server_stops_the_clients() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target.parse(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    with Herd(target) as herd, pytest.raises(Stopped, match="connection 1: the server refused it"):
        herd.grow(1)


def test_our_limit_of_open_files_stops_the_herd_by_name() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target.parse(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        top = listener.fileno() + 3
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))
        try:
            with (
                Herd(target, request=False) as herd,
                pytest.raises(Stopped, match=rf"no more than {top} files"),
            ):
                herd.grow(50)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_of_open_files_is_raised_as_far_as_allowed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
        allowed = clients.raise_descriptor_limit()
        raised = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert raised[0] > 256 and raised[1] == hard
        assert raised[0] - 200 < allowed < raised[0]
        assert clients.raise_descriptor_limit() == allowed, "a limit once raised is never lowered"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
