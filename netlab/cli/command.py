"""Find the command that `netlab COMMAND` names, run it, and say one clear line for a mistake.

`netlab` and `python -m netlab` are one program: netlab/__main__.py starts this.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import netlab
from netlab.cli.errors import UserError

# Only the command that is asked for gets imported: `serve` must not pay the memory of `certs`.
COMMANDS = {
    "serve": "run the server: a netlab handler, an ASGI app, or the demonstration app",
    "fetch": "request a URL, like curl; -v prints the annotated wire and where the time went",
    "check": "judge any HTTP/1.1 server by the rules of the RFCs",
    "trace": "your TLS handshake, every byte: connect to a URL, tap a port, read a capture or pasted bytes",
    "probe": "what a connection costs any server: file descriptors and memory, as a slope",
    "cors": "explain a CORS decision, step by step",
    "live": "see the wire live: experiments in the browser, on this machine alone",
    "certs": "mint a root, an intermediate and a leaf for localhost; `certs serve` shows broken ones",
}

# What netlab needs beside the standard library, as pyproject.toml asks for it.
LIBRARIES = {"cryptography": "cryptography>=42", "psutil": "psutil>=6"}

_CHOICE = re.compile(r"(argument .+?): invalid choice: '([^']*)' \(choose from (.*)\)", re.DOTALL)


class _Parser(argparse.ArgumentParser):
    """argparse whose errors are ours: one line, and the word that was likely meant."""

    instead: Mapping[str, str] = {}
    """Options of other programs, each with what to give here."""
    mistakes: Callable[[argparse.Namespace], list[str]] | None = None
    """What is wrong with the options beside each value's form: named together with that."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._malformed: list[str] = []

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """As argparse, but a value of the wrong form is kept for the end; the default stands in."""
        try:
            return super()._get_values(action, arg_strings)
        except argparse.ArgumentError as error:
            if not action.option_strings:
                raise
            self._malformed.append(_plain(str(error)))
            return action.default

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse, but an option that is not known is named, with the one that is near."""
        found, rest = self.parse_known_args(args, namespace)
        if self._malformed:
            further = self.mistakes(found) if self.mistakes is not None else []
            self.error("; ".join([*self._malformed, *further]))
        for word in rest:
            option = word.partition("=")[0]
            if option in self.instead:
                self.error(f"there is no option {option} here: {self.instead[option]}")
            if option.startswith("-"):
                self.error(f"there is no option {option}{did_you_mean(option, self._option_string_actions)}")
        if rest:
            self.error(f"too many arguments: {' '.join(rest)}")
        return found

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UserError(f"{_plain(message)} (see `{self.prog} --help`)")


def _plain(message: str) -> str:
    """argparse's words for a word that is no choice, in ours."""
    if found := _CHOICE.match(message):
        names = re.findall(r"[\w-]+", found[3])
        near = did_you_mean(found[2], names) or f": give {', '.join(names)}"
        return f"{found[1]}: there is no {found[2]!r}{near}"
    return re.sub(r"invalid (?:int|float) value: ('.*')", r"\1 is no number", message)


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """ ": did you mean NAME?" for the name that is nearest, or nothing."""
    found = difflib.get_close_matches(word, list(names), n=1, cutoff=0.6)
    return f": did you mean {found[0]}?" if found else ""


def _program() -> str:
    """How the user called us."""
    return "netlab" if os.path.basename(sys.argv[0]) == "netlab" else "python -m netlab"


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    program = _program()
    overview = "\n".join(f"  {name:<8} {text}" for name, text in COMMANDS.items())
    parser = _Parser(
        prog=program,
        description="netlab: HTTP/1.1, CORS and TLS on raw sockets.\n\ncommands:\n" + overview,
        epilog="`netlab COMMAND` (the installed command) and `python -m netlab COMMAND` are the same.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"netlab {netlab.__version__}")
    parser.add_argument("command", metavar="COMMAND")
    if not argv:
        raise UserError(f"no command given: one of {', '.join(COMMANDS)} (see `{program} --help`)")
    command = parser.parse_args(argv[:1]).command
    if command not in COMMANDS:
        near = did_you_mean(command, COMMANDS) or f": give one of {', '.join(COMMANDS)}"
        raise UserError(f"there is no command {command!r}{near} (see `{program} --help`)")
    if _serves_tls(argv):
        from netlab.tls.groups import restrict_groups

        restrict_groups()  # before the command imports ssl: OpenSSL reads its configuration once
    module = importlib.import_module(f"netlab.cli.{command}")
    own = _Parser(prog=f"{program} {command}", description=COMMANDS[command])
    own.instead = getattr(module, "INSTEAD", {})
    own.mistakes = getattr(module, "mistakes", None)
    module.configure(own)
    options: argparse.Namespace = own.parse_args(argv[1:])
    options.run = module.run
    options.argv = list(argv[1:])
    return options


def _serves_tls(argv: Sequence[str]) -> bool:
    """Will this command speak TLS as a server? Options may be shortened: too many are better than too few."""
    if argv[0] == "serve":
        return any(part[:3] in ("--t", "--c") for part in argv)
    return argv[0] in ("certs", "live")


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
