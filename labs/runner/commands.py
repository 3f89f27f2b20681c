"""The command line of the labs: arguments in, exit status out. A command is one function in the table below."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from labs.runner import registry, terminal
from labs.runner.generate import write_stub
from labs.runner.mistakes import Mistake
from labs.runner.proof import verify_labs


def generate(options: argparse.Namespace) -> int:
    """Write exercise.py from solution.py, for one lab or for all that have a solution."""
    entries = [registry.under_way(int(options.lab))] if options.lab else registry.entries()
    for entry in entries:
        if options.lab or (entry.folder / "solution.py").exists():
            print(f"{entry.name}: exercise.py {'written' if write_stub(entry) else 'is current'}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Prove the labs honest."""
    entries = [registry.find(options.lab)] if options.lab else registry.entries()
    return verify_labs(entries, terminal.terminal())


COMMANDS = {"generate": generate, "verify": verify}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0 done, 1 something failed, 2 a mistake that one can mend, 130 Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m labs")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("lab", nargs="?")
    try:
        options = parser.parse_args(argv)
        return COMMANDS[options.command](options)
    except Mistake as mistake:
        print(f"labs: {mistake}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
