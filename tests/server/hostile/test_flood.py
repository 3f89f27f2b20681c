"""More connections than descriptors: the listener waits, idly, and goes on as soon as one is free.

The limit on descriptors is the kernel's own (RLIMIT_NOFILE), in a process of its own.
"""

from __future__ import annotations

import resource
import time

import pytest

from tests.kit.waiting import wait_until

from .child import Child, readable
from .clients import ATTACKS, GET, Horde, connect, honest_connection, one_answer, rest

SILENT = ATTACKS["says nothing"]
LIMIT = 128


def idles(server: Child) -> None:
    """Assert that it does nothing. A busy loop takes all the processor time that it can get."""
    server.rest()
    worked = server.worked
    time.sleep(1)
    assert server.worked - worked < 0.03


@pytest.mark.linux("/proc/PID/fd")
def test_a_flood_is_kept_waiting_without_a_busy_loop_and_let_in_when_there_is_room() -> None:
    with Child(descriptors=LIMIT) as server, honest_connection(server.port) as early:
        empty = server.descriptors
        early.sendall(GET)
        one_answer(early)
        with Horde(server.port, SILENT) as horde:
            horde.grow(400)
            idles(server)
            full = server.descriptors
            assert empty + LIMIT // 4 < full < LIMIT, "there is room for many, and a reserve for all else"
            # Who was there before is served all along; who comes now waits, and is not refused.
            for _ in range(20):
                early.sendall(GET)
                assert one_answer(early).startswith(b"HTTP/1.1 200 ")
            late = connect(server.port)
            late.sendall(GET)
            assert not readable(late, 0.2)
        assert one_answer(late).startswith(b"HTTP/1.1 200 ")
        late.close()
        wait_until(lambda: server.descriptors <= empty + 1, "the descriptors of the flood")
        with Horde(server.port, SILENT) as horde:
            horde.grow(200)
            wait_until(lambda: server.descriptors == full, "the limit, a second time")
        code, complaints = server.end()
    assert code == 0
    assert complaints.count("\n") == 1, f"a flood must not fill the log: {complaints}"


def test_a_flood_that_stays_is_accepted_in_waves_and_so_are_the_clients_behind_it() -> None:
    with (
        Child(app="routes", descriptors=LIMIT, timeouts={"head": 0.3}) as server,
        Horde(server.port, SILENT) as horde,
    ):
        horde.grow(300)
        with honest_connection(server.port) as behind:
            behind.sendall(GET)
            assert one_answer(behind).startswith(b"HTTP/1.1 200 ")
        assert all(rest(sock) == b"" for sock in horde.sockets if readable(sock))


@pytest.mark.linux("/proc/PID/fd")
def test_emfile_pauses_the_listener_and_hurts_no_open_connection() -> None:
    """Here `accept` itself fails: others have used up the descriptors that the server counted on."""
    with Child() as server, honest_connection(server.port) as early:
        early.sendall(GET)
        one_answer(early)
        limit = server.descriptors + 5
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        with Horde(server.port, SILENT) as horde:
            horde.grow(50)
            idles(server)
            assert server.descriptors == limit
            early.sendall(GET)
            assert one_answer(early).startswith(b"HTTP/1.1 200 ")
        with honest_connection(server.port) as late:
            late.sendall(GET)
            assert one_answer(late).startswith(b"HTTP/1.1 200 ")
        assert server.end()[0] == 0


@pytest.mark.linux("/proc/PID/fd")
def test_a_listener_without_any_connection_comes_back_after_emfile() -> None:
    with Child(app="hoards", descriptors=LIMIT) as server:
        with honest_connection(server.port) as first:
            first.sendall(GET)
            assert one_answer(first).endswith(b"hoarding")
        wait_until(lambda: server.descriptors >= LIMIT - 1, "the app to take every descriptor")
        with honest_connection(server.port) as second:
            second.sendall(GET)
            assert one_answer(second).endswith(b"hoarding")


@pytest.mark.parametrize("limit", [24, 40, 64])
def test_a_tiny_limit_still_serves(limit: int) -> None:
    with Child(descriptors=limit) as server:
        for _ in range(10):
            with honest_connection(server.port) as client:
                client.sendall(GET)
                assert one_answer(client).startswith(b"HTTP/1.1 200 ")
        assert server.end() == (0, "")
