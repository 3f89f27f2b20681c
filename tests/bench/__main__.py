"""`python -m tests.bench`: see `options` for its arguments, `command` for what it does."""

from __future__ import annotations

import sys


def run() -> int:
    """The command's exit status; Ctrl-C is clean even while the modules load."""
    try:
        from tests.bench.command import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
