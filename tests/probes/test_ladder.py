"""The ladder against a server whose cost is known, and against servers that misbehave."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from netlab.probes import clients, ladder, process, reading
from netlab.probes.clients import Herd
from netlab.probes.errors import ProbeError
from netlab.probes.ladder import Ladder, Plan
from netlab.probes.launch import Server
from netlab.probes.process import Snapshot
from netlab.tls import authority
from netlab.tls.context import client_context
from tests.kit.clock import Clock

URL = "http://127.0.0.1:{port}/"
SHORT = Plan((20, 40, 60), runs=1, warmup=5)
Synthetic = Callable[..., list[str]]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory in /proc")


@functools.cache
def measured(*command: str) -> Ladder:
    return ladder.measure_command(URL, command, Plan((100, 200, 300), runs=2, warmup=20))


def slope(measurement: Ladder, figure: str) -> float:
    found = measurement.fits[figure]
    assert found is not None
    return found.slope


@pytest.mark.parametrize("kib", [16, 64])
def test_k_kib_per_connection_are_measured_as_k_within_5_percent(synthetic: Synthetic, kib: int) -> None:
    """The probe's own error; what a connection costs anyway is the slope of the same server with k = 0."""
    empty, full = measured(*synthetic("--kib", 0)), measured(*synthetic("--kib", kib))
    for figure in ("written", "rss"):
        known = slope(full, figure) - slope(empty, figure)
        assert known == pytest.approx(kib * 1024, rel=0.05)


def test_one_descriptor_per_connection_exactly_and_back_to_the_start(synthetic: Synthetic) -> None:
    found = measured(*synthetic("--kib", 0))
    descriptors = found.fits["fds"]
    assert descriptors is not None
    assert (descriptors.slope, descriptors.half_width, descriptors.exact) == (1.0, 0.0, True)
    assert found.returned is True
    assert found.notes == ()


def test_an_idle_connection_holds_no_buffer_in_the_kernel(synthetic: Synthetic) -> None:
    assert slope(measured(*synthetic("--kib", 0)), "kernel") == 0.0


def test_every_run_is_a_fresh_process_with_the_rungs_that_were_asked_for(synthetic: Synthetic) -> None:
    found = measured(*synthetic("--kib", 0))
    assert found.fresh
    assert len({run.rungs[0][1].server.pid for run in found.runs}) == 2
    assert [[number for number, _ in run.rungs] for run in found.runs] == [[0, 100, 200, 300]] * 2


def test_the_waterfall_comes_down_step_by_step(synthetic: Synthetic) -> None:
    """Freed memory that the process keeps is given back when the server is asked to trim."""
    stages = dict(measured(*synthetic("--kib", 64)).runs[0].waterfall)
    assert list(stages) == ["300 open", "closed", "garbage collected", "free memory trimmed"]
    held = [stage.server.written or 0 for stage in stages.values()]
    assert held[0] - held[3] > 0.9 * 300 * 64 * 1024


def test_garbage_in_cycles_is_no_cost_of_a_connection(synthetic: Synthetic) -> None:
    """Connections that only the collector frees: it is asked before the first rung, and at the end."""
    found = ladder.measure_command(URL, synthetic("--kib", 64, "--cycle"), SHORT)
    assert found.runs[0].rungs[0][1].server.fds == found.runs[0].waterfall[-1][1].server.fds
    assert slope(found, "written") == pytest.approx(64 * 1024, rel=0.1)


def test_two_descriptors_per_connection_are_seen_as_two_without_any_request(synthetic: Synthetic) -> None:
    plan = Plan((20, 40, 60), runs=1, warmup=5, request=False)
    found = ladder.measure_command(URL, synthetic("--extra-fd"), plan)
    assert slope(found, "fds") == 2.0
    assert found.returned is True


def test_descriptors_that_never_close_are_seen(synthetic: Synthetic) -> None:
    with Server(synthetic("--leak"), URL) as server:
        run = ladder.climb(server.target, server.pid, replace(SHORT, request=False, patience=1.0))
    assert run.returned is False


def test_the_children_of_a_server_are_counted_with_it(synthetic: Synthetic) -> None:
    found = ladder.measure_command(URL, synthetic("--workers", 2), SHORT)
    assert found.runs[0].rungs[0][1].server.processes == 3
    assert slope(found, "fds") == 1.0


def test_tls_connections(synthetic: Synthetic, tmp_path: Path) -> None:
    files = authority.mint(tmp_path)
    found = ladder.measure_command(
        "https://localhost:{port}/",
        synthetic("--kib", 64, "--tls", files.chain, files.leaf_key),
        SHORT,
        tls=client_context(files.root),
    )
    assert slope(found, "fds") == 1.0
    assert slope(found, "written") > 64 * 1024, "64 KiB and the state of TLS"
    assert found.returned is True


def test_a_server_that_runs_already_is_measured_where_it_is(synthetic: Synthetic) -> None:
    with Server(synthetic("--kib", 16), URL) as server:
        found = ladder.measure_process(server.target.url, server.pid, Plan((20, 40, 60), runs=2, warmup=5))
        assert {run.rungs[0][1].server.pid for run in found.runs} == {server.pid}
        assert slope(found, "fds") == 1.0
        assert not found.fresh and "same process" in found.notes[0]


def test_the_wrong_process_is_not_measured_as_free_of_charge(synthetic: Synthetic) -> None:
    with Server(synthetic(), URL) as server, Server(synthetic(), URL) as other:
        refusal = f"process {other.pid} opened no descriptor .* not the server of"
        with pytest.raises(ProbeError, match=refusal):
            ladder.measure_process(server.target.url, other.pid, SHORT)


def test_idle_connections_that_the_server_closes_stop_the_ladder(synthetic: Synthetic) -> None:
    plan = Plan((20, 40, 60, 80), runs=1, warmup=5)
    found = ladder.measure_command(URL, synthetic("--keep", 70), plan)
    assert [number for number, _ in found.runs[0].rungs] == [0, 20, 40, 60]
    assert found.notes == (
        "stopped at 80 connections: the server closed 10 of 80 idle connections "
        "(is its keep-alive timeout too short?)",
    )
    with pytest.raises(ProbeError, match="fewer than three steps were reached; stopped at 40 connections"):
        ladder.measure_command(URL, synthetic("--keep", 30), plan)


def test_connections_that_the_server_does_not_accept_stop_the_ladder(synthetic: Synthetic) -> None:
    plan = Plan((20, 40, 60, 80), runs=1, warmup=5, request=False, patience=1.0)
    with Server(synthetic("--accept", 70), URL) as server:
        run = ladder.climb(server.target, server.pid, plan)
    assert run.stopped is not None
    assert run.stopped.startswith("stopped at 80 connections: the server left 10 connections unaccepted")


def test_our_own_limit_of_open_files_cuts_the_ladder_and_is_named(
    synthetic: Synthetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "raise_descriptor_limit", lambda: 50)
    found = ladder.measure_command(URL, synthetic(), Plan((20, 40, 60, 80), runs=1, warmup=5))
    assert [number for number, _ in found.runs[0].rungs] == [0, 20, 40, 50]
    assert found.notes[0].startswith("cut from 80 to 50 connections: the probe may open no more files")
    monkeypatch.setattr(ladder, "raise_descriptor_limit", lambda: 30)
    with pytest.raises(ProbeError, match="only 30 connections may be opened"):
        ladder.measure_command(URL, synthetic(), Plan((20, 40, 60), runs=1))


def test_figures_hidden_from_us_have_no_slope() -> None:
    def run(uss: int | None) -> ladder.Run:
        rungs = tuple(
            (n, reading.Reading(Snapshot(1, fds=n, rss=n, uss=uss, written=n))) for n in (0, 1, 2, 3)
        )
        return ladder.Run(rungs, (("closed", rungs[0][1]),))

    found = Ladder(URL, SHORT, (run(5), run(None)), fresh=True)
    assert found.fits["uss"] is None and found.fits["kernel"] is None
    assert slope(found, "fds") == 1.0
    assert found.as_dict()["slopes"]["uss"] is None


def test_a_plan_names_all_its_mistakes_at_once() -> None:
    with pytest.raises(ValueError) as refused:
        Plan((5, 5, 1), runs=0, warmup=-1, patience=0)
    for name in ("steps (5, 5, 1)", "runs 0", "warmup -1", "patience 0"):
        assert name in str(refused.value)
    assert Plan((0, 1, 2, 3)).steps == (1, 2, 3)


def test_a_warm_up_above_the_first_step_is_refused_and_none_is_given_by_itself() -> None:
    with pytest.raises(ValueError, match="warmup 21: no more than the first step, 20"):
        Plan((20, 40, 60), warmup=21)
    assert Plan((20, 40, 60), warmup=20).warming == 20
    assert (Plan((20, 40, 60)).warming, Plan((200, 400, 600)).warming) == (20, 50)


# Steady state, with a clock of our own.


def settled(readings: list[reading.Reading], patience: float = 100.0) -> tuple[reading.Reading, int]:
    """Settle over these readings (the last one for ever); return the result and how many were taken."""
    clock, left, taken = Clock(), list(readings), 0

    def read() -> reading.Reading:
        nonlocal taken
        taken += 1
        return left.pop(0) if len(left) > 1 else left[0]

    return reading.settle(read, patience, clock=lambda: clock.now, sleep=clock.sleep), taken


def at(
    written: int | None, fds: int = 5, waiting: int = 0, rss: int = 0, processes: int = 1
) -> reading.Reading:
    held = Snapshot(1, fds=fds, written=written, rss=rss, processes=processes)
    return reading.Reading(held, waiting=waiting)


MIB = 1 << 20


@pytest.mark.parametrize(
    ("readings", "taken"),
    [
        ([at(MIB), at(MIB)], 2),
        ([at(MIB), at(MIB + 16 * 1024 - 1)], 2),
        ([at(MIB), at(2 * MIB), at(3 * MIB), at(3 * MIB)], 4),
        ([at(MIB, fds=5), at(MIB, fds=6), at(MIB, fds=6)], 3),
        ([at(MIB, waiting=3), at(MIB, waiting=3), at(MIB)], 3),
        ([at(MIB, processes=1), at(MIB, processes=2), at(MIB, processes=2)], 3),
        ([at(None, rss=MIB), at(None, rss=2 * MIB), at(None, rss=2 * MIB)], 3),
    ],
)
def test_a_reading_counts_once_two_agree(readings: list[reading.Reading], taken: int) -> None:
    result, count = settled(readings)
    assert result == readings[-1]
    assert result.steady
    assert count == taken


def test_what_never_settles_is_marked() -> None:
    growing = [at(n * MIB) for n in range(10_000)]
    result, count = settled(growing, patience=10.0)
    assert not result.steady
    assert count > 10


SMALLEST = 200
"""Bytes that a server keeps at least of a connection which it has forgotten to drop: its socket object alone
has 88, the Connection around it 56, its memory 57, and each has a place in a table."""


def forgotten(starts: Sequence[int], connections: int) -> float:
    """Bytes for each connection that stayed when all were closed. starts: memory before each round, in bytes.

    The first round pays for what the allocator keeps for good. After it the allocator keeps 1 or 2 MiB more
    after one round and less after another (up to 62 bytes a connection, of three rounds of 10,000).
    """
    return (starts[-1] - starts[1]) / ((len(starts) - 2) * connections)


def test_a_server_that_forgets_to_drop_its_connections_is_seen() -> None:
    kept = [8 << 20, *((10 << 20) + n * 300 * 10_000 for n in range(4))]
    assert forgotten(kept, 10_000) > SMALLEST
    assert forgotten([8835072, 11223040, 10428416, 11223040, 12279808], 10_000) < SMALLEST


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_ten_thousand_idle_connections_five_times_over(synthetic: Synthetic) -> None:
    """As many as the limit of open files allows, from more than one source address, and no growth."""
    allowed = min(10_000, clients.raise_descriptor_limit())
    with Server(synthetic(), URL) as server:
        plan = Plan(tuple(allowed * part // 4 for part in (1, 2, 3, 4)), runs=5)
        found = ladder.measure_process(server.target.url, server.pid, plan)
        with Herd(server.target, per_source=allowed // 3) as herd:
            herd.grow(allowed)
            assert process.glance(server.pid).fds == allowed + (found.runs[0].rungs[0][1].value("fds") or 0)
    assert [run.stopped for run in found.runs] == [None] * 5
    assert slope(found, "fds") == 1.0 and found.returned is True
    starts = [run.rungs[0][1].value("written") or 0 for run in found.runs]
    assert forgotten(starts, allowed) < SMALLEST, f"grows from one round to the next: {starts}"
