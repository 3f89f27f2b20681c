"""The load generators, each a program in C on a core of its own: wrk, openssl s_time, curl.

Each function runs one and returns what it counted, or raises Disqualified: a run in which anything failed has
no figures. Who is loaded, and what the server paid for it, is no concern of this module.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.machine import Place, tool

_SCRIPT = Path(__file__).with_name("load.lua")
_PATIENCE = 30.0  # seconds that a generator may take beyond what it was asked for

# Parallel s_time processes: each has one connection at a time.
HANDSHAKERS = 8


class Disqualified(Exception):
    """Something failed under load: what, and how often."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one run did. `seconds` is its length, `busy` the generator's CPU seconds; latencies in seconds."""

    done: float
    seconds: float
    busy: float = 0.0
    p50: float | None = None
    p99: float | None = None


# wrk: requests on persistent connections, or one request per connection.


@dataclass(frozen=True, slots=True)
class Pattern:
    """What wrk sends: the script's words, the path, how many connections, and whether each lasts.

    content: octets that every answer holds at least.
    """

    words: tuple[str, ...] = ("same",)
    path: str = "/"
    connections: int = 32
    persistent: bool = True
    content: int = 0


def wrk(place: Place, base: str, pattern: Pattern, seconds: int) -> Counted:
    """Load `base` (http://127.0.0.1:PORT) with wrk, one thread. Raises Disqualified, NotShown."""
    command = [tool("wrk"), "-t1", f"-c{pattern.connections}", f"-d{seconds}s", "--timeout", "5s"]
    command += ["-s", str(_SCRIPT)] + ([] if pattern.persistent else ["-H", "Connection: close"])
    command += [base + pattern.path, "--", *pattern.words]
    with _children_time() as busy:
        said = _run(place.cores.for_generator(command), seconds + _PATIENCE)
    return read_wrk(said, pattern.content, busy())


def read_wrk(said: str, content: int = 0, busy: float = 0.0) -> Counted:
    """Read the line that load.lua writes. Raises Disqualified for errors, and for answers that were short."""
    line = next((line for line in said.splitlines() if line.startswith("bench ")), None)
    if line is None:
        raise Disqualified(f"wrk reported nothing: {_last_line(said)}")
    report = json.loads(line.removeprefix("bench "))
    failed = [f"{count} × {_ERRORS[name]}" for name, count in report["errors"].items() if count]
    if failed:
        raise Disqualified(f"{', '.join(failed)} among {report['requests']} requests")
    if not report["requests"]:
        raise Disqualified("no request was answered")
    if report["bytes"] < report["requests"] * content:
        mean = report["bytes"] // report["requests"]
        raise Disqualified(f"answers of {mean} octets on average; each must hold {content}")
    p50, p99 = report["p50"] / 1e6, report["p99"] / 1e6
    return Counted(report["requests"], report["microseconds"] / 1e6, busy, p50, p99)


_ERRORS = {
    "connect": "cannot connect",
    "read": "read error",
    "write": "write error",
    "timeout": "no answer in 5 s",
    "status": "status that is not 2xx or 3xx",
}


# openssl s_time: a full TLS handshake for every connection.

# What each process says first; it is written together with the first mark.
_BANNER = re.compile(rb"[A-Z][^\n]*\n")


class Handshakers:
    """Clients that open TLS connections without pause, each with one GET; leaving the context ends them.

    wrk will not do: between connections it keeps its SSL object and so resumes the session, which saves the
    server the signature. `s_time -new` starts afresh, and prints "*" for a full handshake, "r" for a resumed
    one.
    """

    def __init__(self, place: Place, port: int) -> None:
        self._place, self._port = place, port
        self._running: list[psutil.Popen] = []

    def __enter__(self) -> Handshakers:
        words = [tool("openssl"), "s_time", "-connect", f"127.0.0.1:{self._port}", "-new", "-tls1_3"]
        # No store of roots: the client checks the server's signature all the same, and nothing else of it.
        words += ["-www", "/", "-time", "3600", "-no-CAfile", "-no-CApath", "-no-CAstore"]
        cores = self._place.cores
        self._cores = max(1, len(cores.generator))
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        try:
            for _ in range(HANDSHAKERS):
                command = cores.for_generator(words, cores=None)
                self._running.append(
                    psutil.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=self._writer,
                        stderr=subprocess.DEVNULL,
                        start_new_session=True,
                    )
                )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()
        os.close(self._reader)
        os.close(self._writer)

    def run(self, seconds: float) -> Counted:
        """Count the connections of so many seconds. Raises Disqualified if one was resumed or failed."""
        self._marks()
        begin, busy = time.monotonic(), self._busy()
        time.sleep(seconds)
        marks = self._marks()
        took, busy = time.monotonic() - begin, self._busy() - busy
        if any(process.poll() is not None for process in self._running):
            raise Disqualified("a TLS connection failed")
        if resumed := marks.count(b"r"):
            raise Disqualified(f"{resumed} of {len(marks)} TLS handshakes were resumed, not full")
        if not marks:
            raise Disqualified("no TLS connection was answered")
        return Counted(marks.count(b"*"), took, busy / self._cores)

    def _marks(self) -> bytes:
        """What was printed since last asked. The pipe holds 64 Ki: more than a core does in a few seconds."""
        marks = b""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._reader, 1 << 16):
                marks += part
        return _BANNER.sub(b"", marks)

    def _busy(self) -> float:
        times = [process.cpu_times() for process in self._running]
        return float(sum(each.user + each.system for each in times))


# curl: the fastest reader of one long answer that is on every machine.


def curl(place: Place, base: str, path: str, size: int) -> Counted:
    """Read one answer of `size` octets and throw it away; count MiB. Raises Disqualified, NotShown."""
    command = [tool("curl"), "--silent", "--show-error", "--http1.1", "--output", os.devnull]
    command += ["--cacert", str(place.certificates.root), "--tlsv1.3", "--max-time", "120"]
    command += ["--write-out", "%{http_code} %{size_download} %{time_total}", base + path]
    with _children_time() as busy:
        said = _run(place.cores.for_generator(command), 120 + _PATIENCE)
    try:
        status, received, seconds = said.split()
    except ValueError:
        raise Disqualified(_last_line(said)) from None
    if (status, received) != ("200", str(size)):
        raise Disqualified(f"status {status} and {received} octets instead of {size}: {_last_line(said)}")
    return Counted(size / (1 << 20), float(seconds), busy())


# Processes.


def _run(command: list[str], patience: float) -> str:
    """Run to the end and return all that was said; leave no process behind, whatever happens."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,  # Ctrl-C comes to us alone, and we end it
    ) as process:  # fmt: skip
        try:
            return process.communicate(timeout=patience)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            raise Disqualified(f"{Path(command[0]).name} did not end within {patience:g} s") from None
        except BaseException:
            process.kill()
            raise


@contextlib.contextmanager
def _children_time() -> Iterator[Callable[[], float]]:
    """Yield a function for the CPU seconds of the children that were started and ended meanwhile."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    begin = spent()
    yield lambda: spent() - begin


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
