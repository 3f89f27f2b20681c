"""The command line of the labs: arguments in, exit status out. Each command is one function in a table.

python -m labs COMMAND [NN] [TASK] [--mine] [--anyway]
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from labs.runner import registry, terminal
from labs.runner.authoring import verify_command
from labs.runner.errors import LabError
from labs.runner.learner import commands, measured, session, workspace
from labs.runner.learner.learner import Learner
from labs.runner.report import measure_all, picture


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command."""

    options: argparse.Namespace
    learner: Learner

    @property
    def labs(self) -> Path:
        """The folder of the labs."""
        return Path(self.options.labs)

    @property
    def lab(self) -> registry.Lab:
        """The lab that was named."""
        if self.options.lab is None:
            raise LabError(f"which lab? `python -m labs {self.options.command} NN`, NN from 01 on")
        return registry.find(self.options.lab, self.labs)

    @property
    def task(self) -> int | None:
        """The task that was named, if any."""
        text = self.options.task
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal()):
            raise LabError(f"a task is a number, not {text!r}")
        return int(text)


def _verify(call: Call) -> int:
    """Every lab, or one."""
    named = call.options.lab
    entries = [registry.under_way(named, call.labs)] if named else registry.entries(call.labs)
    return verify_command.verify_labs(entries, call.learner.out)


def _all(call: Call) -> int:
    """Every written lab, and the report."""
    report = Path(call.options.report) if call.options.report else call.labs / "report"
    compared_with = Path(call.options.against) if call.options.against else None
    learner = call.learner
    return measure_all.measure_all(
        registry.entries(call.labs), report, learner.record, learner.out, compared_with
    )


def _picture(call: Call) -> int:
    """README's picture, from the figures that `make labs` kept; without a run here, of the example in git."""
    report = Path(call.options.report) if call.options.report else call.labs / "report"
    own, example = report / "index.json", call.labs / "book" / "figures.json"
    if not own.is_file() and example.is_file():
        call.learner.out.say("No run here yet: this is the example run. `make labs` measures this machine.")
        own = example
    call.learner.out.verbatim(f"drawn: {picture.draw(own, report / 'picture.svg')}")
    return 0


def _serve(call: Call) -> int:
    """Run the lab's own server: it prints its address, and ends with Ctrl-C.

    It leads a process group of its own. Ctrl-C reaches every process of the terminal's group, so the browser
    that a server started would die first, and the server would tell of a crash.
    """
    script = call.lab.folder / "serve.py"
    if not script.is_file():
        raise LabError(f"lab {call.lab.name} has no server of its own; `make serve` runs netlab's")
    server = subprocess.Popen([sys.executable, str(script)], process_group=0)
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: server.send_signal(signal.SIGINT))
        return max(server.wait(), 0)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


# Command: (what it does, in the words of --help; the function).
COMMANDS: dict[str, tuple[str, Callable[[Call], int]]] = {
    "all": ("measure every lab, print the verdicts, write the report", _all),
    "next": (
        "go on with the lab under way, or with the first that is not done",
        lambda call: session.run_next(call.learner, registry.entries(call.labs), everything=call.options.all),
    ),
    "lab": (
        "work on lab NN: check it task by task, then measure",
        lambda call: session.run_lab(call.learner, call.lab, everything=call.options.all),
    ),
    "hint": (
        "open the next hint of lab NN (and TASK)",
        lambda call: commands.open_hint(call.learner, call.lab, call.task),
    ),
    "measure": (
        "measure lab NN with the reference (--mine: with your code)",
        lambda call: measured.measure_lab(
            call.learner, call.lab, mine=call.options.mine, everything=call.options.all
        ),
    ),
    "solution": (
        "show the reference of lab NN (--anyway: before it is done)",
        lambda call: commands.show_solution(call.learner, call.lab, call.options.anyway),
    ),
    "reset": ("put your work on lab NN into the trash", lambda call: commands.reset(call.learner, call.lab)),
    "watch": ("check lab NN again whenever you save", lambda call: session.watch(call.learner, call.lab)),
    "serve": ("run the server of lab NN, if it has one", _serve),
    "status": (
        "every lab and where it stands",
        lambda call: commands.status(call.learner, registry.entries(call.labs)),
    ),
    "wrong": (
        "what others got wrong in lab NN (TASK: in that task), once it passes",
        lambda call: commands.show_wrong(call.learner, call.lab, call.task, call.options.anyway),
    ),
    "picture": ("draw README's picture from the figures of `make labs`, into labs/report", _picture),
    "verify": ("prove lab NN, or all labs, honest", _verify),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LabError(f"{message} (see `python -m labs --help`)")


def _command(word: str) -> str:
    """The command of this name. Raises LabError, with the nearest one, for another word."""
    if word in COMMANDS:
        return word
    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
    raise LabError(f"there is no command {word!r}: {hint}")


def _parser() -> argparse.ArgumentParser:
    overview = "\n".join(f"  {name:<9} {text}" for name, (text, _) in COMMANDS.items())
    parser = _Parser(
        prog="python -m labs",
        description=f"The labs of netlab.\n\ncommands:\n{overview}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", type=_command, metavar="COMMAND")
    parser.add_argument("lab", nargs="?", metavar="NN", help="the number of a lab")
    parser.add_argument("task", nargs="?", metavar="TASK", help="the number of a task (hint)")
    parser.add_argument("--mine", action="store_true", help="measure your own code, once it passes")
    parser.add_argument("--all", action="store_true", help="every table of the measurement, too")
    parser.add_argument("--anyway", action="store_true", help="show the solution of a lab that is not done")
    parser.add_argument("--labs", default=registry.LABS, metavar="FOLDER", help="another folder of labs")
    parser.add_argument(
        "--report", metavar="FOLDER", help="where the report is written (default: report/ of the labs)"
    )
    parser.add_argument(
        "--against", metavar="FILE", help="compare `all` with a kept run (an index.json of labs/report)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0 done, 1 something failed, 2 an error that one can mend, 130 Ctrl-C."""
    # Being ended must end the children too, by the same way out as Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        options = _parser().parse_args(argv)
        out = terminal.terminal()
        return COMMANDS[options.command][1](Call(options, Learner.at(workspace.default_root(), out)))
    except LabError as error:
        print(f"labs: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader left (`| head`): point stdout nowhere, so that the flush at exit stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.filename is None:
            raise
        print(f"labs: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nlabs: stopped", file=sys.stderr)
        return 130
