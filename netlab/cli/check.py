"""`python -m netlab check URL`: judge any HTTP/1.1 server by the rules of the RFCs.

Here are arguments and printing. The cases and the judgement stand in `netlab.check`. Exit status: 0 no MUST
is broken, 1 at least one is, 2 the command cannot be carried out to its end, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import shutil
import socket
import ssl
import sys
import time
from pathlib import Path

from netlab.check.page import as_html
from netlab.check.report import as_json, as_junit, explained, table
from netlab.check.run import GONE, Job, NoSuchCase, jobs
from netlab.check.run import run as play
from netlab.check.target import JudgedServer, NotAllowed, target_of
from netlab.check.verdict import CaseVerdict, Result
from netlab.cli.errors import UserError
from netlab.cli.fetching.chain import speaks_tls
from netlab.cli.typed import with_scheme
from netlab.client.errors import InvalidURL
from netlab.cors.origin import parse_origin

_EXAMPLE = """\
examples:
  python -m netlab check http://127.0.0.1:8000
  python -m netlab check http://127.0.0.1:8000 --only framing --only host
  python -m netlab check https://localhost:8443 --cacert certs/root.pem --junit check.xml

Framing is judged by what comes: was the request refused, how many answers came, does the connection go on. So
any application will do; one that answers 200 to GET of the URL's path shows most.
exit status: 0 no MUST is broken, 1 at least one is, 2 the command cannot be carried out, or not to its end
because the server was gone, 130 Ctrl-C (with the verdict so far)
"""


# Seconds between two drawings of the live table.
_STEP = 0.1

_CTRL_C = "stopped by Ctrl-C: this is the verdict so far"

_REPORTS = {"json": as_json, "junit": as_junit, "html": as_html}


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLE
    add = parser.add_argument
    add("url", metavar="URL", help="the server, and the path of a correct GET: http://127.0.0.1:8000/")
    add("--only", metavar="NAME", action="append", default=[], help="a group or a part of a case's name")
    add("--skip", metavar="NAME", action="append", default=[], help="likewise, left out")
    add("--timeout", metavar="S", type=_seconds, default=3.0, help="seconds that an answer may take (3)")
    add("--slow", action="store_true", help="also wait for the deadline of a slow head (about a minute)")
    add("--origin", metavar="ORIGIN", default="", help="an origin that the CORS policy allows")
    add("--cacert", metavar="PEM", default="", help="the root to trust, for https")
    add(
        "--behind-proxy",
        action="store_true",
        help="a proxy stands in front: leave out what it answers itself",
    )
    add("--i-may-test-this-host", action="store_true", help="needed for a host that is not this machine")
    add("--all", action="store_true", help="print recommendations that are not followed, too")
    add("--json", metavar="FILE", help="every case and the summary ('-': standard output alone)")
    add("--junit", metavar="FILE", help="JUnit XML for CI ('-' likewise)")
    add("--html", metavar="FILE", help="a page to read ('-' likewise)")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def run(options: argparse.Namespace) -> int:
    """Judge the server; see the head of this file for the exit status."""
    try:
        target = target_of(
            with_scheme(options.url),
            may_test=options.i_may_test_this_host,
            timeout=options.timeout,
            cacert=options.cacert,
            origin=options.origin,
            behind_proxy=options.behind_proxy,
        )
        skip = options.skip if options.slow else [*options.skip, "slow-head"]
        chosen = jobs(options.only, skip)
    except (InvalidURL, NotAllowed, NoSuchCase) as error:
        raise UserError(str(error)) from None
    if options.cacert and not Path(options.cacert).is_file():
        raise UserError(f"{options.cacert}: no such file; --cacert takes a PEM file")
    _check_reports(options)
    if options.origin and parse_origin(options.origin) is None:
        raise UserError(
            f"--origin {options.origin!r} is none: give scheme://host, such as https://app.example"
        )
    alone = [name for name in _REPORTS if getattr(options, name) == "-"]
    if len(alone) > 1:
        raise UserError(
            f"--{alone[0]} and --{alone[1]} both write to standard output: give one of them a file"
        )
    told = _Told(sum(len(job.names) for job in chosen), shown=sys.stderr.isatty() and not alone)
    stopped = _judge(target, chosen, told)
    _write(options, target, told.verdicts)
    if not alone:
        _print(options, target, told.verdicts)
    if stopped:
        print(f"netlab: {stopped}", file=sys.stderr)
    if stopped == _CTRL_C:
        return 130
    if any(verdict.breaks_a_must for verdict in told.verdicts):
        return 1
    return 2 if stopped else 0


def _judge(target: JudgedServer, chosen: list[Job], told: _Told) -> str:
    """Play the cases. Why the run is not whole; "" where it is. Raises UserError."""
    try:
        told.verdicts = asyncio.run(play(target, chosen, told.tell))
    except OSError as error:
        raise UserError(f"{target}: {_unreachable(error)}{asyncio.run(_other_scheme(target))}") from None
    except KeyboardInterrupt:
        if not told.verdicts:
            raise
        return _CTRL_C
    finally:
        told.erase()
    gone = sum(verdict.why == GONE for verdict in told.verdicts)
    return f"{GONE}; {gone} of {told.total} cases were not played" if gone else ""


class _Told:
    """The verdicts as they come; on a terminal, their table by group, drawn anew a few times a second."""

    def __init__(self, total: int, shown: bool) -> None:
        self.total = total
        self.verdicts: list[CaseVerdict] = []
        self._shown, self._lines, self._drawn = shown, 0, -math.inf

    def tell(self, verdict: CaseVerdict) -> None:
        """Take one more verdict."""
        self.verdicts.append(verdict)
        if self._shown and time.monotonic() - self._drawn > _STEP:
            self._draw(verdict)

    def _draw(self, last: CaseVerdict) -> None:
        self.erase()
        width, height = shutil.get_terminal_size()
        lines = [*table(self.verdicts), f"{len(self.verdicts)} of about {self.total}: {last.name}"]
        shown = [line[: width - 1] for line in lines[1 - height :]]
        sys.stderr.write("".join(f"{line}\n" for line in shown))
        sys.stderr.flush()
        self._lines, self._drawn = len(shown), time.monotonic()

    def erase(self) -> None:
        """Take the table away."""
        if self._lines:
            sys.stderr.write(f"\x1b[{self._lines}A\x1b[J")
            sys.stderr.flush()
            self._lines = 0


def _unreachable(error: OSError) -> str:
    """Why the server could not be judged, and what to look at."""
    match error:
        case socket.gaierror():
            return "the name has no address: is it spelt right?"
        case ssl.SSLError():
            return f"the TLS handshake failed ({error.reason or error}): does the server speak TLS there?"
        case OSError(errno=int(number)):
            return f"{os.strerror(number).lower()}: is the server running there?"
        case _:
            return str(error) or "no connection in time: is the server running there?"


async def _other_scheme(target: JudgedServer) -> str:
    """A hint for an http URL without a usable answer: what if its port speaks TLS?"""
    if target.secure or not await speaks_tls(target.host, target.port):
        return ""
    return f" (port {target.port} speaks TLS: write https://{target.authority}{target.path})"


def _check_reports(options: argparse.Namespace) -> None:
    """Refuse a report that could not be written, before anything is played."""
    for name in _REPORTS:
        path = Path(getattr(options, name) or "-")
        if not path.parent.is_dir():
            raise UserError(f"{path}: there is no folder {path.parent}: give another file to --{name}")
        if path.is_dir():
            raise UserError(f"{path} is a folder: give a file to --{name}")


def _write(options: argparse.Namespace, target: JudgedServer, verdicts: list[CaseVerdict]) -> None:
    for name, render in _REPORTS.items():
        path = getattr(options, name)
        if path == "-":
            print(render(target, verdicts))
        elif path:
            try:
                Path(path).write_text(render(target, verdicts), "utf-8")
            except OSError as error:
                raise UserError(f"{path}: {error.strerror}: give another file to --{name}") from None


def _print(options: argparse.Namespace, target: JudgedServer, verdicts: list[CaseVerdict]) -> None:
    width = min(100, max(60, shutil.get_terminal_size().columns))
    shown = {"must"} if not options.all else {"must", "should", "may"}
    for verdict in verdicts:
        if verdict.outcome is Result.FAILED and verdict.requirement in shown:
            print("\n".join(explained(verdict, width)))
            print()
    print(f"{target}, judged by netlab check\n")
    print("\n".join(table(verdicts)))
    broken = sum(verdict.breaks_a_must for verdict in verdicts)
    unfollowed = sum(v.outcome is Result.FAILED and v.requirement == "should" for v in verdicts)
    print(f"\n{broken} MUST broken, {unfollowed} recommendations not followed", end="")
    print("" if options.all or not unfollowed else " (--all prints them)")
