"""`start.py MODULE ARGUMENTS`: run a module as `python -m` does, and let Ctrl-C end it without a traceback.

Python shows a traceback when Ctrl-C meets it before its first line, and so does a module that is still
loading. So make starts this with SIGINT ignored: it listens from its first line on, and catches what the
module leaves. Nothing but the standard library is imported here.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """The status of a module that returns: 0, or 130 when Ctrl-C has ended it. SystemExit goes through."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.path[0] = os.getcwd()  # as `python -m` has it: the files beside this one are no modules of theirs
        import importlib.util
        import runpy

        package = arguments[0].partition(".")[0]
        if importlib.util.find_spec(package) is None:
            print(f"start.py: this Python has no {package}: `make setup` installs it", file=sys.stderr)
            return 1
        sys.argv = list(arguments)
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is left is Python's own end
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
