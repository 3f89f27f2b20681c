"""Ten thousand clients for lab 10: a process that holds its share, and the class that commands them.

`python clients.py URL [--ca ROOT]` reads a number a line on its standard input, opens connections until so
many stand (0 closes all) and answers with how many the server has not closed. It ends with its input.

Processes of their own for two reasons: a TLS handshake costs the client as much time as the server, and each
process has a limit of open files to itself, so that the server's limit decides and not ours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from netlab.probes.clients import Herd, Stopped, Target, raise_descriptor_limit
from netlab.tls.context import client_context


class Dropped(Stopped):
    """The server has closed connections that no client asked it to close."""


class Clients:
    """Several such processes as one herd. A context manager; leaving it ends them."""

    def __init__(self, url: str, ca: Path, *, processes: int = 2) -> None:
        """`ca` is the root that the clients trust."""
        root = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, str(Path(__file__)), url, "--ca", str(ca)]
        self._children = [
            subprocess.Popen(
                command,
                env={**os.environ, "PYTHONPATH": root},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(processes)
        ]

    def __enter__(self) -> Clients:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            with child:  # closes its pipes and waits
                pass

    def grow(self, count: int) -> None:
        """Open connections until `count` stand. Raises Stopped, with the limit that was met, or Dropped."""
        share, rest = divmod(count, len(self._children))
        answers = self._ask([share + (number < rest) for number in range(len(self._children))])
        if refusal := next((answer for answer in answers if not answer.isdigit()), ""):
            raise Stopped(refusal)
        if (standing := sum(map(int, answers))) < count:
            raise Dropped(f"the server closed {count - standing} of {count} idle connections")

    def close(self) -> None:
        """Close them all."""
        self._ask([0] * len(self._children))

    def _ask(self, counts: list[int]) -> list[str]:
        for child, count in zip(self._children, counts, strict=True):
            assert child.stdin is not None
            print(count, file=child.stdin, flush=True)
        answers = []
        for child in self._children:
            assert child.stdout is not None
            answers.append(child.stdout.readline().strip() or "the process of the clients ended early")
        return answers


def main() -> None:
    """Do as the lines say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--ca", required=True)
    options = parser.parse_args()
    raise_descriptor_limit()
    tls = client_context(options.ca) if options.url.startswith("https:") else None
    with Herd(Target.parse(options.url, tls)) as herd:
        for line in sys.stdin:
            count = int(line)
            try:
                if count == 0:
                    herd.close()
                herd.grow(count)
                print(len(herd) - herd.lost(), flush=True)
            except Stopped as limit:
                print(f"stopped at {len(herd)} connections: {limit}", flush=True)


if __name__ == "__main__":
    main()
