"""What one server goes through: the judge, the sieges, the probe and the bench. Each in a process of its own.

Here: how a server is started, and what each trial sees of it. Not here: their order, the tables and the
verdict (measure.py). The attacks are lab 14's (besieger.py); QUICK=1 plays the first two.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from labs.runner.errors import LabError
from labs.runner.evidence import Run
from netlab.check.run import jobs, run
from netlab.check.target import target_of
from netlab.check.verdict import CaseVerdict, summary

FOLDER = Path(__file__).resolve().parent
YOURS = "the assembled server"
ORIGIN = "https://app.example"
SLOW = ("limits/slow-head",)  # as long as the server gives a head: the siege shows the same in a second
QUICK_GROUPS = ("framing", "host", "fields")
AT_ONCE = 24  # connections of the judge: most of its time is silence, in which it waits for an answer
STARTS = 20.0  # seconds that a server may take to say its port
ANSWERS = 5.0  # seconds that it may take for one plain request
HOSTILE, NEWCOMERS, PATIENCE = 126, 10, 1.4
IDLE = 60  # connections of the probe
ROUNDS, ASKED = 7, 300  # of the bench; requests in each round
BUSY = 0.3  # of a core: what other programs may take while the bench runs
SPREAD = 0.35  # by which the rounds of one server may differ
GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def besieger() -> ModuleType:
    """Lab 14's besieger, from its own folder."""
    name = "capstone_besieger"
    if name not in sys.modules:
        path = FOLDER.parent / "14_siege" / "besieger.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def attacks(quick: bool) -> list[Any]:
    """Lab 14's attacks, and a head that never ends."""
    attack, post = besieger().Attack, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    found = [
        attack("slow head", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a"),
        attack("slow body", post.encode(), b"x"),
        attack("slow reader", GET.replace("/ ", "/big ", 1).encode()),
        attack("idle connections"),
        attack("oversized head", GET[:-2].encode(), b"a: b\r\n" * 700),
    ]
    return found[:2] if quick else found


@dataclass
class Found:
    """What was seen of one server. trouble: the trials that it did not stand, each a sentence."""

    verdicts: list[CaseVerdict] = field(default_factory=list)
    answered: dict[str, float] = field(default_factory=dict)  # percent of honest clients, by attack
    head: tuple[int, int | None] | None = None  # bytes of an endless head that it took, and its answer
    idle: float | None = None  # KiB for each idle connection
    speed: float | None = None  # requests a second of one client: the median round
    speeds: list[float] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def kept(self, requirement: str) -> tuple[int, int]:
        """How many cases of MUST ("must") or SHOULD passed, of those that were played."""
        counted = summary(self.verdicts)[requirement]
        return counted["passed"], counted["passed"] + counted["failed"]

    @property
    def worst(self) -> float:
        """Percent of honest clients that were answered under the worst attack; 0 when none was played."""
        return min(self.answered.values(), default=0.0)


@contextlib.contextmanager
def server(measured: Run, name: str, *, short: bool = False) -> Iterator[tuple[int, int]]:
    """A server's port and process. Raises LabError when it does not start, or answers no plain request."""
    root = str(FOLDER.parents[1])
    arguments = [sys.executable, *_command(measured, name, short=short)]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            arguments, cwd=root, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.PIPE, stderr=said
        ) as child,
    ):
        try:
            assert child.stdout is not None
            ready, _, _ = select.select([child.stdout], [], [], STARTS)
            line = child.stdout.readline().decode() if ready else ""
            port = re.search(r"(?:127\.0\.0\.1:|^)([0-9]+)", line)
            if port is None:
                raise LabError(f"{name} did not start within {STARTS:g} s{_last_words(said)}")
            if not _answers(int(port[1])):
                raise LabError(f"{name} gave no answer to GET / within {ANSWERS:g} s{_last_words(said)}")
            yield int(port[1]), child.pid
        finally:
            child.kill()


def _answers(port: int) -> bool:
    """Does a server answer one plain request in time?"""
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWERS) as connection:
            send(connection, GET)
    except OSError:
        return False
    return True


def _last_words(said: Any) -> str:
    """The last line that a process printed on standard error: mostly the exception."""
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last}" if last else ""


def _command(measured: Run, name: str, *, short: bool) -> list[str]:
    """How a server is started; the first line that it prints ends in its port, or holds its address."""
    if name == YOURS:
        own = [] if measured.mine else ["--reference"]
        limits = ["--short", "--descriptors", "128"] if short else []
        code = str(Path(measured.code.__file__ or "").resolve())
        return [str(FOLDER / "serve.py"), "--code", code, *own, *limits]
    if name == "netlab" and not short:
        return ["-m", "netlab", "serve"]
    solution = str(FOLDER.parent / "14_siege" / "solution.py")
    return [str(FOLDER.parent / "14_siege" / "siege_servers.py"), name, solution, str(measured.certs)]


def judge(measured: Run, name: str, found: Found) -> None:
    """What `netlab check` says. It waits more than it works, so several may run side by side."""
    with server(measured, name) as (port, _pid):
        target = target_of(f"http://127.0.0.1:{port}/", timeout=1.0, origin=ORIGIN, connections=AT_ONCE)
        only = QUICK_GROUPS if measured.quick else ()
        skip = () if measured.quick else SLOW
        found.verdicts = asyncio.run(run(target, jobs(only, skip)))


def besiege(measured: Run, name: str, found: Found) -> None:
    """Each attack on one server, and the share of honest clients that it answers meanwhile."""
    siege = besieger()
    with server(measured, name, short=True) as (port, pid):
        for attack in attacks(measured.quick):
            found.answered[attack.name] = 0.0
            # A busy machine keeps honest clients waiting, too: there, what was not stood is tried once more,
            # for every server alike, with clients of more patience. The better try counts.
            for patience in (PATIENCE, 3 * PATIENCE):
                measured.say(f"{name}: {attack.name}, {HOSTILE} connections")
                seen = siege.Siege(port, pid, attack, HOSTILE, None).run(NEWCOMERS, patience)
                found.answered[attack.name] = max(seen.answered, found.answered[attack.name])
                siege.newcomer(port, None, 3)  # until the siege is over for the server, too
                if seen.answered == 100 or psutil.getloadavg()[0] <= (os.cpu_count() or 1):
                    break
        if not measured.quick:
            with contextlib.suppress(OSError):
                found.head = siege.swallow(port, GET[:-2].encode(), b"a: b\r\n" * 700, 512 * 1024)


def probe(measured: Run, name: str, found: Found) -> None:
    """KiB of the process's own memory for each idle connection that was answered once."""
    with server(measured, name) as (port, pid), contextlib.ExitStack() as stack:
        process = psutil.Process(pid)
        for count in range(2 * IDLE):
            if count == IDLE:
                before = process.memory_full_info().uss
            send(stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)), GET)
        found.idle = max(0.0, (process.memory_full_info().uss - before) / IDLE / 1024)


def send(connection: socket.socket, request: str) -> tuple[bytes, bool]:
    """One request and its whole answer, by Content-Length."""
    connection.sendall(request.encode())
    data = b""
    while True:
        if hasattr(socket, "TCP_QUICKACK"):  # else a server without TCP_NODELAY waits for our delayed ACK
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError("the server closed before its answer")
        data += piece
        head, end, content = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if end and length and len(content) >= int(length[1]):
            return content, b"connection: close" not in head.lower()


def bench(measured: Run, pool: ModuleType, found: Mapping[str, Found]) -> str:
    """Rounds of requests to each server in turn, over lab 11's pool: sets speed and speeds.

    Returns why no two servers may be compared; "" when they may.
    """
    with contextlib.ExitStack() as stack:
        names, ports, pids = [], {}, [os.getpid()]
        for name in found:
            with standing(found[name], name):
                ports[name], pid = stack.enter_context(server(measured, name))
                names.append(name)
                pids.append(pid)
        before, started = _elsewhere(pids), time.monotonic()
        for number in range(ROUNDS):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                with standing(found[name], name):
                    found[name].speeds.append(_round(measured, pool, ports[name]))
        others = (_elsewhere(pids) - before) / (time.monotonic() - started)
    for each in found.values():
        each.speed = statistics.median(each.speeds) if len(each.speeds) == ROUNDS else None
    return no_ratio([each.speeds for each in found.values() if each.speed is not None], others)


def no_ratio(rounds: Sequence[Sequence[float]], others: float) -> str:
    """Why the speeds may not be compared: the machine was busy, or the rounds differ too much. "": they may.

    rounds: requests a second, for each server. others: cores that other programs took meanwhile.
    """
    if others > BUSY:
        return f"the machine was busy: other programs took {100 * others:.0f} % of a core during the bench"
    spread = max((_spread(each) for each in rounds), default=0.0)
    if spread > SPREAD:
        return f"the rounds of one server differ by {100 * spread:.0f} %"
    return ""


def _spread(speeds: Sequence[float]) -> float:
    """By how much the middle half of the rounds differs, as a share of the median."""
    low, middle, high = statistics.quantiles(speeds, n=4)
    return (high - low) / middle


def _elsewhere(pids: Sequence[int]) -> float:
    """Seconds of processor time that all programs but these have taken so far."""
    total = psutil.cpu_times()
    ours = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum((total.user, total.system, total.nice)) - sum(each.user + each.system for each in ours)


def _round(measured: Run, pool: ModuleType, port: int) -> float:
    """Requests a second of one client, on one connection of the pool."""
    places = pool.Pool(
        lambda host: socket.create_connection(("127.0.0.1", port), 10), lambda connection: connection.close()
    )
    try:
        measured.code.ask_all(places, "a", [GET] * 20, send)
        start = time.perf_counter()
        measured.code.ask_all(places, "a", [GET] * ASKED, send)
        return ASKED / (time.perf_counter() - start)
    finally:
        for connection in list(places.places):
            connection.close()


@contextlib.contextmanager
def standing(found: Found, name: str) -> Iterator[None]:
    """What goes wrong in a trial is a sentence of the certificate, not the end of the measurement."""
    try:
        yield
    except LabError as error:
        found.trouble.append(str(error))
    except Exception as error:  # of a learner's code, which may raise anything
        found.trouble.append(f"{name}: {type(error).__name__}: {error}")


def one_trial(trial: Callable[[Run, str, Found], None], measured: Run, name: str, found: Found) -> None:
    """A trial of one server, whose trouble is written down."""
    with standing(found, name):
        trial(measured, name, found)
