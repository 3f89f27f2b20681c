"""`python -m labs COMMAND [NN]`: the commands behind `make labs` and `make lab-NN`."""

from __future__ import annotations

import signal
import sys


def run() -> int:
    """The command's exit status; Ctrl-C is clean even while the modules load."""
    try:
        from labs.runner.cli import main
    except KeyboardInterrupt:
        return 130
    return main()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # `make` starts it with Ctrl-C ignored
    sys.exit(run())
