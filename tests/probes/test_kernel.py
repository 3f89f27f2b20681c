"""What the kernel holds for one port: counted by state, and in bytes once a reader stalls."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from netlab.probes import kernel
from netlab.probes.errors import ProbeError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sock_diag and ss are Linux's")
needs_ss = pytest.mark.skipif(shutil.which("ss") is None, reason="needs ss (apt-get install iproute2)")


@contextlib.contextmanager
def connected(
    count: int, address: str = "127.0.0.1"
) -> Iterator[tuple[int, list[socket.socket], list[socket.socket]]]:
    """Give a port with `count` accepted connections: the port, the clients' ends, the server's ends."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener, contextlib.ExitStack() as ends:
        port = listener.getsockname()[1]
        clients, servers = [], []
        for _ in range(count):
            clients.append(ends.enter_context(socket.create_connection((address, port), timeout=20)))
            servers.append(ends.enter_context(listener.accept()[0]))
        yield port, clients, servers


def fill(sender: socket.socket, most: int) -> int:
    """Write to a reader that does not read: return the bytes that the kernel took, `most` at the most."""
    sender.setblocking(False)
    taken = 0
    with contextlib.suppress(BlockingIOError):
        while taken < most:
            taken += sender.send(bytes(min(1 << 16, most - taken)))
    return taken


def again(check: Callable[[], None], times: int = 500) -> None:
    """Check until it holds: the kernel's books move between two looks; a port may have other owners."""
    for left in reversed(range(times)):
        try:
            check()
            return
        except AssertionError:
            if not left:
                raise
            time.sleep(0.02)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_sockets_of_one_port_are_counted_by_state(address: str) -> None:
    again(lambda: the_sockets_of_one_port_are_counted_by_state(address))


def the_sockets_of_one_port_are_counted_by_state(address: str) -> None:
    with connected(3, address) as (port, clients, _), connected(5, address):
        clients[0].close()
        seen = kernel.port_memory(port)
        ends = kernel.port_memory(port, remote=True)
    assert seen.source == "sock_diag"
    assert {state: each.sockets for state, each in seen.by_state().items()} == {
        "CLOSE_WAIT": 1, "ESTABLISHED": 2, "LISTEN": 1,
    }  # fmt: skip
    # The other end is in FIN-WAIT-1 or, once its FIN has been acknowledged, in FIN-WAIT-2.
    assert len(ends.connections) == 3
    assert ends.by_state()["ESTABLISHED"].sockets == 2
    assert len(seen.connections) == 3


def test_idle_connections_hold_no_buffers() -> None:
    with connected(4) as (port, _, _):
        assert kernel.port_memory(port).total == 0


def test_a_stalled_reader_is_seen_with_the_bytes_that_the_kernel_holds_for_it() -> None:
    with connected(2) as (port, clients, servers):
        taken = fill(servers[0], 1 << 20)
        sending, receiving = kernel.port_memory(port), kernel.port_memory(port, remote=True)
        assert taken == 1 << 20
        assert sum(each.queued > 0 for each in sending.connections) == 1, "one of the two stalls"
        assert sending.total + receiving.total >= taken, "every byte is in the one buffer or the other"
        assert sending.by_state()["ESTABLISHED"].queued == sum(each.queued for each in sending.connections)
        left = taken
        while left:
            left -= len(clients[0].recv(min(left, 1 << 16)))
        assert all(each.received == 0 for each in kernel.port_memory(port, remote=True).connections)


def test_one_socket_of_our_own_shows_the_same_figures_as_its_port() -> None:
    with connected(1) as (port, _, servers):
        fill(servers[0], 1 << 20)
        alone = moved = None
        # The kernel may still be moving segments to the peer: between two equal readings it was not.
        while alone is None or alone != moved:
            alone = kernel.socket_memory(servers[0])
            (listed,) = kernel.port_memory(port).connections
            moved = kernel.socket_memory(servers[0])
    assert (alone.queued, alone.total, alone.send_limit) == (listed.queued, listed.total, listed.send_limit)


def test_connections_that_wait_to_be_accepted_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
        before = kernel.port_memory(listener.getsockname()[1]).waiting
        accepted = listener.accept()[0]
        after = kernel.port_memory(listener.getsockname()[1]).waiting
        for each in (accepted, *clients):
            each.close()
    assert (before, after) == (3, 2)


def test_a_long_answer_comes_whole_in_many_messages() -> None:
    with connected(300) as (port, _, _):
        assert len(kernel.port_memory(port).connections) == 300


def test_a_port_without_sockets_holds_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert kernel.port_memory(port).sockets == ()


@needs_ss
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_ss_tells_the_same(address: str) -> None:
    program = shutil.which("ss")
    assert program is not None
    with connected(3, address) as (port, clients, servers):
        fill(servers[0], 1 << 20)
        clients[1].send(b"half read")

        def same(remote: bool) -> None:
            by_ss = sorted(kernel._by_ss(program, port, remote), key=repr)
            assert by_ss == sorted(kernel._by_sock_diag(port, remote), key=repr)

        again(lambda: same(False))
        again(lambda: same(True))


def test_without_netlink_ss_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    line = (
        "ESTAB 0 7 127.0.0.1:80 127.0.0.1:9 skmem:(r1,rb2,t3,tb4,f5,w6,o7,bl8,d9)\nTIME-WAIT 0 0 a:80 b:9\n"
    )
    monkeypatch.setattr(kernel, "_by_sock_diag", _closed_to_us)
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/" + name)
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, stdout=line)
    )
    seen = kernel.port_memory(80)
    assert seen.source == "ss"
    assert seen.sockets == (
        kernel.SocketMemory(1, 2, 3, 4, 5, 6, 7, 8, state="ESTABLISHED"),
        kernel.SocketMemory(state="TIME_WAIT"),
    )
    assert seen.total == 1 + 5 + 6 + 7 + 8


def test_with_neither_the_machine_wide_sum_is_not_passed_off_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_by_sock_diag", _closed_to_us)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ProbeError, match=r"not shown: needs .*apt-get install iproute2"):
        kernel.port_memory(80)


def _closed_to_us(port: int, remote: bool) -> list[kernel.SocketMemory]:
    raise PermissionError("sock_diag")


def test_the_objects_behind_a_connection_have_a_size_or_are_not_shown() -> None:
    sizes = kernel.objects()
    assert sizes is None or (set(sizes) <= set(kernel._OBJECTS) and sizes["TCP"] > 512)
