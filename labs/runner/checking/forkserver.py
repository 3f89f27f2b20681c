"""One process without threads that loads pytest once and forks for each run of a lab's tests.

A fork copies one thread of a process. A lock that another thread held stays locked in the copy for ever, so
Python 3.12 and later warn of every fork in a process that has threads. The runner (and the test suite, whose
workers have threads) therefore never forks: it sends jobs to this process, one JSON object a line, and reads
events from it. `run_all` is the caller's side, `main` the process itself. When the caller ends, even by
SIGKILL, the server's standard input ends, and the server kills what it has started.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import itertools
import json
import os
import select
import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

from labs.runner import children
from labs.runner.checking import suite
from labs.runner.registry import ROOT

WORKERS = (os.cpu_count() or 1) + 1  # one more than cores: some wrong programs only wait
_SILENCE = 30.0  # seconds beyond a test's own patience before a child is given up


class ForkServer:
    """The caller's side: a context manager that starts the process and ends it with all its children."""

    def __init__(self) -> None:
        theirs, self._orders = os.pipe()
        try:
            self._child = children.spawn("labs.runner.checking.forkserver", [], where=ROOT, stdin=theirs)
        finally:
            os.close(theirs)

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._orders)
        with self._child, contextlib.suppress(TimeoutError, ChildProcessError):
            for _event in self._child.events(_SILENCE):
                pass

    def preload(self, sources: Iterable[Path]) -> None:
        """Import what these files import, once, before anything is forked."""
        self._order(preload=[str(source) for source in sources])

    def run(
        self, jobs: Iterable[tuple[str, suite.Job]], workers: int = WORKERS
    ) -> Generator[tuple[str, suite.Result]]:
        """Run jobs, `workers` at a time; yields (key, result) as each ends.

        A job is taken from the iterable when there is room for it: it may depend on earlier results.
        """
        waiting, numbers = iter(jobs), itertools.count()
        running: dict[int, tuple[str, suite.Result]] = {}
        try:
            while True:
                for key, job in itertools.islice(waiting, workers - len(running)):
                    number = next(numbers)
                    running[number] = (key, suite.Result())
                    self._order(run=number, job=job.to_json())
                if not running:
                    return
                yield from self._ended(running)
        finally:
            if running:
                self._order(kill=True)
                while running:
                    for _ in self._ended(running):
                        pass

    def _ended(self, running: dict[int, tuple[str, suite.Result]]) -> list[tuple[str, suite.Result]]:
        """Read once; the runs that ended. Raises ChildProcessError when the server itself has died."""
        arrived = self._child.read()
        if arrived is None:
            running.clear()
            raise ChildProcessError(f"the fork server ended: {self._child.printed() or 'it said nothing'}")
        ended = []
        for event in arrived:
            key, result = running[event["run"]]
            if "status" in event:
                del running[event["run"]]
                ended.append((key, result.close(event["status"], event["printed"])))
            else:
                result.take(event["told"])
        return ended

    def _order(self, **order: Any) -> None:
        data = json.dumps(order).encode() + b"\n"
        with contextlib.suppress(BrokenPipeError):  # `_ended` tells why
            while data:
                data = data[os.write(self._orders, data) :]


def run_all(
    jobs: Iterable[tuple[str, suite.Job]], workers: int = WORKERS, server: ForkServer | None = None
) -> Generator[tuple[str, suite.Result]]:
    """Run jobs by this server, or by one of their own; yields (key, result) as each ends."""
    if server is not None:
        yield from server.run(jobs, workers)
        return
    with ForkServer() as own:
        yield from own.run(jobs, workers)


class _Server:
    """The process itself: orders on standard input, events on a pipe, one child for each run."""

    def __init__(self, emit: children.Emit) -> None:
        self._emit = emit
        self._running: dict[int, tuple[int, children.Child]] = {}  # pipe: (number of the run, its child)
        self._rest = b""

    def serve(self) -> None:
        """Until standard input ends."""
        try:
            while True:
                ready, _, _ = select.select([0, *self._running], [], [], _SILENCE)
                if 0 in ready and not self._orders():
                    return
                for pipe in (set(ready) - {0}) if ready else set(self._running):
                    self._read(pipe, alive=bool(ready))
        finally:
            for _, child in self._running.values():
                with child:
                    pass

    def _orders(self) -> bool:
        data = os.read(0, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "run" in order:
                self._start(order["run"], suite.Job.from_json(order["job"]))
            elif "preload" in order:
                suite.preload(Path(source) for source in order["preload"])
            else:
                for _, child in self._running.values():
                    child.kill()
        return bool(data)

    def _start(self, number: int, job: suite.Job) -> None:
        child = children.fork(functools.partial(suite.execute, job))
        self._running[child.pipe] = (number, child)

    def _read(self, pipe: int, *, alive: bool) -> None:
        if pipe not in self._running:
            return
        number, child = self._running[pipe]
        arrived = child.read() if alive else None
        for event in arrived or ():
            self._emit({"run": number, "told": event})
        if arrived is None:
            del self._running[pipe]
            with child:
                if not alive:
                    child.kill()
                status, printed = child.finish(), child.printed()
            self._emit({"run": number, "status": status, "printed": printed})


def main(argv: Sequence[str] | None = None) -> int:
    """The process: `python -m labs.runner.checking.forkserver --events FD`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, required=True)
    options = parser.parse_args(argv)
    suite.preload()
    # Under its import name: what the children unpickle and compare must be the same classes.
    here = importlib.import_module("labs.runner.checking.forkserver")
    with contextlib.suppress(BrokenPipeError):
        here._Server(children.emitter(options.events)).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
