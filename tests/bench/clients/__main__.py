"""The command: start the servers and the clients, let them work in turn, print the table.

Exit status: 0 done, 1 a goal was missed with --goals, 2 a user's mistake, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from netlab.probes.errors import ProbeError
from netlab.probes.launch import Server
from tests.bench.contenders import CONTENDERS, Start
from tests.bench.figures import Spread
from tests.bench.machine import NotShown, Place
from tests.bench.runner import _free_port

OURS, SERVERS = "netlab", ("netlab", "nginx")
PEERS = ("aiohttp", "httpx")
KINDS = {"sequential": "one after the other", "at once": "100 at once"}

# (kind, peer, figure): how many times better our Session is to be.
GOALS = {
    ("sequential", "aiohttp", "rate"): 1.2,
    ("sequential", "aiohttp", "cpu"): 1.8,
    ("at once", "aiohttp", "rate"): 2.4,
    ("sequential", "httpx", "rate"): 5.0,
    ("at once", "httpx", "rate"): 5.0,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """What one client did in one round."""

    done: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.done / self.seconds

    @property
    def microseconds(self) -> float:
        """CPU time of the client for a request."""
        return self.cpu / self.done * 1e6


class Worker:
    """A client's process, pinned to the clients' core."""

    def __init__(self, place: Place, client: str, url: str) -> None:
        words = [sys.executable, "-m", "tests.bench.clients.worker", client, url]
        self._process = subprocess.Popen(
            place.cores.for_generator(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def work(self, kind: str, count: int) -> Visit:
        """Do so much. Raises ProbeError when the client ended instead."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{kind} {count}\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ProbeError("a client ended before its time; its errors stand above")
        return Visit(**json.loads(line))


def measure(place: Place, server: str, rounds: int, count: int) -> dict[tuple[str, str], list[Visit]]:
    """All clients against one server: (kind, client) → a visit a round."""
    port = _free_port()
    command = place.cores.for_server(CONTENDERS[server].command(Start(place, port)))
    found: dict[tuple[str, str], list[Visit]] = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(Server(command, f"http://127.0.0.1:{port}/", patience=30.0))
        workers = {
            client: stack.enter_context(Worker(place, client, f"http://127.0.0.1:{port}/"))
            for client in (OURS, *PEERS)
        }
        for kind in KINDS:
            amounts = {client: _amount(kind, client, count) for client in workers}
            for client, worker in workers.items():
                worker.work(kind, max(1, amounts[client] // 4))  # warm
            for _, client in _turns(rounds, workers):
                found.setdefault((kind, client), []).append(workers[client].work(kind, amounts[client]))
    return found


def _amount(kind: str, client: str, count: int) -> int:
    """Fewer for httpx, so that each visit takes about as long."""
    each = count if client != "httpx" else max(1, count // 5)
    return each if kind == "sequential" else max(1, each // 100)


def _turns(rounds: int, workers: dict[str, Worker]) -> Iterator[tuple[int, str]]:
    """Each round in the other order than the one before it."""
    names = list(workers)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            yield number, name


def ratios(ours: list[Visit], theirs: list[Visit]) -> dict[str, Spread]:
    """How many times better ours are, round by round."""
    pairs = list(zip(ours, theirs, strict=True))
    found = {
        "rate": Spread.of([mine.rate / other.rate for mine, other in pairs]),
        "cpu": Spread.of([other.microseconds / mine.microseconds for mine, other in pairs]),
    }
    return {name: spread for name, spread in found.items() if spread is not None}


def table(server: str, found: dict[tuple[str, str], list[Visit]]) -> tuple[list[str], list[str]]:
    """Lines to print, and one line for each goal that was missed."""
    lines, missed = [f"against {CONTENDERS[server].label}"], []
    lines.append(f"  {'GETs':<20} {'client':<16} {'requests/s':>10} {'CPU µs':>7}   netlab is … times better")
    for kind, how in KINDS.items():
        for client in (OURS, *PEERS):
            visits = found[kind, client]
            name = client if client == OURS else f"{client} {version(client)}"
            rate = statistics.median(visit.rate for visit in visits)
            cpu = statistics.median(visit.microseconds for visit in visits)
            said = ""
            if client != OURS:
                both = ratios(found[kind, OURS], visits)
                said = ", ".join(f"{figure} {_text(spread)}" for figure, spread in both.items())
                missed += _missed(server, kind, client, both)
            lines.append(f"  {how:<20} {name:<16} {rate:>10,.0f} {cpu:>7.1f}   {said}".rstrip())
    return lines, missed


def _text(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f})"


def _missed(server: str, kind: str, client: str, both: dict[str, Spread]) -> list[str]:
    return [
        f"{server}, {KINDS[kind]}: {figure} is {spread.median:.2f} × {client}'s; the goal is {goal:g} ×"
        for figure, spread in both.items()
        if (goal := GOALS.get((kind, client, figure))) is not None and spread.median < goal
    ]


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.clients",
        description="netlab's Session beside aiohttp and httpx, on one core, in one run.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--goals", action="store_true", help="exit with 1 if a goal of ours is missed")
    given = parser.parse_args()
    rounds, count = (3, 500) if given.quick else (9, 3000)
    missed = []
    with tempfile.TemporaryDirectory(prefix="netlab-bench-") as folder:
        place = Place.prepare(Path(folder))
        (place.folder / "stream").mkdir(exist_ok=True)
        for server in SERVERS:
            try:
                CONTENDERS[server].require()
            except NotShown as lack:
                print(f"against {server}: not shown on this machine: {lack}")
                continue
            lines, wrong = table(server, measure(place, server, rounds, count))
            print("\n".join(lines), flush=True)
            missed += wrong
    print(*(missed or ["every goal was reached"]), sep="\n")
    return 1 if missed and given.goals else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except ProbeError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
