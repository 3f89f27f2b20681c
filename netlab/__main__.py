"""`python -m netlab COMMAND`: find the command, run it, turn what a user can mend into one clear line."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from netlab.cli.errors import UserError

# Only the command that is asked for gets imported: `serve` must not pay the memory of `certs`.
COMMANDS = {
    "serve": "run the server: a netlab handler, an ASGI app, or the demonstration app",
    "fetch": "request a URL, like curl; -v prints the annotated wire and where the time went",
    "check": "judge any HTTP/1.1 server by the rules of the RFCs",
    "probe": "what a connection costs any server: file descriptors and memory, as a slope",
    "cors": "explain a CORS decision, step by step",
    "certs": "mint a root, an intermediate and a leaf for localhost; `certs serve` shows broken ones",
}

# What netlab needs beside the standard library, as pyproject.toml asks for it.
LIBRARIES = {"cryptography": "cryptography>=42", "psutil": "psutil>=5.9"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise UserError(f"{message} (see `{self.prog} --help`)")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    overview = "\n".join(f"  {name:<8} {text}" for name, text in COMMANDS.items())
    parser = _Parser(
        prog="python -m netlab",
        description="netlab: HTTP/1.1, CORS and TLS on raw sockets.\n\ncommands:\n" + overview,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    if not argv:
        raise UserError(
            "no command given: one of " + ", ".join(COMMANDS) + " (see `python -m netlab --help`)"
        )
    first = parser.parse_args(argv[:1])
    if _serves_tls(argv):
        from netlab.tls.groups import restrict_groups

        restrict_groups()  # before the command imports ssl: OpenSSL reads its configuration once
    module = importlib.import_module(f"netlab.cli.{first.command}")
    own = _Parser(prog=f"python -m netlab {first.command}", description=COMMANDS[first.command])
    module.configure(own)
    options = own.parse_args(argv[1:])
    options.run = module.run
    return options


def _serves_tls(argv: Sequence[str]) -> bool:
    """Will this command speak TLS as a server? Options may be shortened: too many are better than too few."""
    return argv[0] == "certs" or (argv[0] == "serve" and any(part[:3] in ("--t", "--c") for part in argv))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 2 a user's mistake, 130 stopped with Ctrl-C."""
    try:
        options = _parse(sys.argv[1:] if argv is None else argv)
        return int(options.run(options))
    except UserError as mistake:
        print(f"netlab: {mistake}", file=sys.stderr)
        return 2
    except ImportError as missing:
        if (missing.name or "").partition(".")[0] not in LIBRARIES:
            raise
        print(
            f"netlab: this Python has no {missing.name}, or too old a one: use .venv/bin/python (`make setup`"
            f" makes it), or pip install {' '.join(map(repr, LIBRARIES.values()))}",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output left (`| head`): point stdout nowhere so that the exit flush stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
