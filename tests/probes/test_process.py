"""A process looked at from inside and from outside: descriptors, memory, connections by state."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import psutil
import pytest

from netlab.probes import process
from netlab.probes.errors import ProbeError

LINUX = sys.platform.startswith("linux")


def test_a_glance_counts_every_open_descriptor() -> None:
    before = process.glance()
    pairs = [socket.socketpair() for _ in range(20)]
    during = process.glance()
    for left, right in pairs:
        left.close()
        right.close()
    assert before.fds is not None
    assert during.fds == before.fds + 40
    assert process.glance().fds == before.fds


def test_touched_memory_appears_in_rss_and_uss() -> None:
    before = process.glance()
    block = bytearray(os.urandom(1 << 16) * 512)  # 32 MiB, every page written
    during = process.glance()
    assert before.rss is not None and during.rss is not None
    assert 32 << 20 <= during.rss - before.rss < 34 << 20
    if before.uss is not None and during.uss is not None:
        assert 31 << 20 <= during.uss - before.uss < 34 << 20
    if before.written is not None and during.written is not None:
        assert 32 << 20 <= during.written - before.written < 34 << 20
    del block


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_uss_is_at_most_pss_and_pss_at_most_rss() -> None:
    seen = process.glance()
    assert seen.uss is not None and seen.pss is not None and seen.rss is not None
    assert seen.written is not None
    assert 0 < seen.written <= seen.uss <= seen.pss <= seen.rss


def test_a_snapshot_counts_connections_by_state() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
        servers = [listener.accept()[0] for _ in range(3)]
        servers[0].close()  # its client is left in CLOSE-WAIT; FIN-WAIT-2 belongs to no process
        seen = process.snapshot()
        for each in clients + servers:
            each.close()
    assert seen.connections == {"CLOSE_WAIT": 1, "ESTABLISHED": 4, "LISTEN": 1}


def test_another_process_is_read_from_outside() -> None:
    waiting = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        seen = process.snapshot(other.pid)
        assert seen.pid == other.pid
        assert seen.fds == 4, "three standard streams and the listener"
        assert seen.threads == 1
        assert seen.connections == {"LISTEN": 1}
        other.communicate()


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_a_glance_needs_neither_psutil_nor_a_listing_of_the_descriptors() -> None:
    """What keeps /stats cheap with 10,000 connections: nothing is done once per descriptor."""
    code = (
        "import os, sys\n"
        "from netlab.probes import process\n"
        "if os.stat('/proc/self/fd').st_size: os.listdir = None\n"  # before Linux 6.2 there is no other way
        "process.glance()\n"
        "sys.exit('psutil' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_such_process_is_one_clear_line() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    for look in (process.glance, process.snapshot, process.children, process.family):
        with pytest.raises(ProbeError, match=f"no process has the id {ended.pid} "):
            look(ended.pid)


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_a_process_that_ended_uncollected_is_not_measured_as_empty() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert ended.stdout is not None
    ended.stdout.read()
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # ended for sure, and still not collected
    with pytest.raises(ProbeError, match="has ended"):
        process.glance(ended.pid)
    ended.communicate()


def test_a_family_is_the_sum_of_its_members() -> None:
    child = "import sys; print(flush=True); sys.stdin.read()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        (offspring,) = process.children(other.pid)
        both = process.family(other.pid, connections=True)
        one, two = process.glance(other.pid), process.glance(offspring)
        other.communicate()
    assert both.processes == 2
    assert one.fds is not None and two.fds is not None
    assert both.fds == one.fds + two.fds
    assert one.threads == two.threads == 1 and both.threads == 2
    assert both.connections == {}


def test_what_one_member_hides_is_none_for_the_family() -> None:
    open_ = process.Snapshot(1, fds=5, threads=1, rss=10, uss=4, pss=6, connections={"LISTEN": 1})
    hidden = process.Snapshot(2, fds=3, threads=1, rss=20)
    both = process._sum([open_, hidden])
    assert (both.fds, both.rss, both.uss, both.pss, both.connections) == (8, 30, None, None, None)


# psutil's names differ between its versions; a stand-in imitates each.


class _Denying:
    """A process of someone else: psutil refuses memory and connections."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def num_threads(self) -> int:
        return 2

    def num_fds(self) -> int:
        raise psutil.AccessDenied(self.pid)

    def memory_info(self) -> object:
        return type("basic", (), {"rss": 1000})

    def memory_full_info(self) -> object:
        raise psutil.AccessDenied(self.pid)


class _Old(_Denying):
    def memory_full_info(self) -> object:
        return type("full", (), {"uss": 700})  # macOS: no pss

    def connections(self, kind: str) -> list[object]:
        assert kind == "tcp"
        return [type("connection", (), {"status": "FIN_WAIT2"})]


class _New(_Denying):
    def memory_footprint(self) -> object:
        return type("full", (), {"uss": 700, "pss": 800})

    def net_connections(self, kind: str) -> list[object]:
        return [type("connection", (), {"status": "ESTABLISHED"})]


@pytest.mark.parametrize(
    ("stand_in", "uss", "pss", "connections"),
    [(_Old, 700, None, {"FIN_WAIT_2": 1}), (_New, 700, 800, {"ESTABLISHED": 1})],
)
def test_either_generation_of_psutil_serves(
    monkeypatch: pytest.MonkeyPatch, stand_in: type, uss: int, pss: int | None, connections: dict[str, int]
) -> None:
    monkeypatch.setattr(psutil, "Process", stand_in)
    seen = process._glance_by_psutil(4)
    assert (seen.threads, seen.fds, seen.rss, seen.uss, seen.pss) == (2, None, 1000, uss, pss)
    assert process._connections(4) == connections


def test_what_psutil_refuses_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "Process", _Denying)
    seen = process._glance_by_psutil(4)
    assert (seen.rss, seen.uss, seen.pss) == (1000, None, None)
    monkeypatch.setattr(_Denying, "net_connections", lambda self, kind: self.num_fds(), raising=False)
    assert process._connections(4) is None


@pytest.mark.skipif(not LINUX or os.geteuid() != 0, reason="becomes another user: needs root")
def test_a_process_of_someone_else_shows_what_it_may_and_no_more() -> None:
    code = (
        "import os, json; from netlab.probes import process; process.children(os.getpid());"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534);"
        f"print(json.dumps(process.snapshot({os.getpid()}).as_dict()))"
    )
    seen = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert seen["rss"] > 1 << 20 and seen["threads"] >= 1
    assert seen["uss"] is None and seen["pss"] is None and seen["connections"] is None
