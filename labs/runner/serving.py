"""The server of a measurement: a program of the lab, in a process of its own so that it never waits.

Such a program prints one line when it listens, with its ports in it, and ends with its standard input. So it
also ends when the measurement is killed. What a server answers, and what is measured, stand in each lab.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 5.0  # seconds from the end of standard input and SIGTERM to SIGKILL


class Serving(NamedTuple):
    """A server that listens: the line it printed, and its process."""

    line: str
    pid: int

    @property
    def ports(self) -> list[int]:
        """The ports in its line, separated by blanks. Raises ValueError for a line that has other words."""
        return [int(word) for word in self.line.split()]

    @property
    def port(self) -> int:
        """The first of them."""
        return self.ports[0]


@contextlib.contextmanager
def serving(*command: str | Path, errors: int | None = None) -> Iterator[Serving]:
    """Run this Python with the words of `command` in the project's folder, until the block ends.

    errors: where its standard error goes (subprocess.DEVNULL), by default to ours. Raises RuntimeError for a
    program that ends before it has printed its line.
    """
    words = [str(word) for word in command]
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            line = child.stdout.readline()
            told = "; its errors stand above" if errors is None else ""
            if not line.strip():
                raise RuntimeError(f"the server `{' '.join(words[:3])}` did not start{told}")
            yield Serving(line.strip(), child.pid)
        finally:
            child.stdin.close()
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_PATIENCE)
            child.kill()
