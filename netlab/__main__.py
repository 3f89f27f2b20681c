"""`netlab COMMAND`, or `python -m netlab COMMAND`. Ctrl-C is clean even while the modules load.

Installing the package puts `netlab` on the path; both forms are one program. netlab/cli/command.py finds the
command.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 2 a user's mistake, 130 stopped with Ctrl-C."""
    try:
        from netlab.cli.command import main as command

        return command(argv)
    except KeyboardInterrupt:
        return 130


def listen() -> None:
    """Take Ctrl-C, also where a shell has started this in the background, with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    listen()
    sys.exit(main())
