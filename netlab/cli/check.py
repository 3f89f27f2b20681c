"""`python -m netlab check URL`: judge any HTTP/1.1 server by the rules of the RFCs.

Here are arguments and printing. The cases and the judgement stand in `netlab.check`. Exit status: 0 no MUST
is broken, 1 at least one is, 2 the command cannot be carried out.
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
from pathlib import Path

from netlab.check.page import as_html
from netlab.check.report import as_json, as_junit, explained, table
from netlab.check.run import Job, NoSuchCase, jobs
from netlab.check.run import run as play
from netlab.check.target import JudgedServer, NotAllowed, target_of
from netlab.check.verdict import CaseVerdict, Result
from netlab.cli.errors import UserError
from netlab.client.errors import InvalidURL

_EXAMPLE = """\
examples:
  python -m netlab check http://127.0.0.1:8000
  python -m netlab check http://127.0.0.1:8000 --only framing --only host
  python -m netlab check https://localhost:8443 --cacert certs/root.pem --junit check.xml

Framing is judged by what comes: was the request refused, how many answers came, does the connection go on. So
any application will do; one that answers 200 to GET of the URL's path shows most.
exit status: 0 no MUST is broken, 1 at least one is, 2 the command cannot be carried out
"""


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
            options.url,
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
    alone = [name for name in _REPORTS if getattr(options, name) == "-"]
    if len(alone) > 1:
        raise UserError(
            f"--{alone[0]} and --{alone[1]} both write to standard output: give one of them a file"
        )
    verdicts = _judge(target, chosen, quiet=bool(alone))
    _write(options, target, verdicts)
    if not alone:
        _print(options, target, verdicts)
    return 1 if any(verdict.breaks_a_must for verdict in verdicts) else 0


def _judge(target: JudgedServer, chosen: list[Job], quiet: bool) -> list[CaseVerdict]:
    total, done, failed = sum(len(job.names) for job in chosen), 0, 0
    live = sys.stderr.isatty() and not quiet

    def tell(verdict: CaseVerdict) -> None:
        nonlocal done, failed
        done += 1
        failed += verdict.breaks_a_must
        if live:
            line = f"{done} of about {total} cases, {failed} MUST broken: {verdict.name}"
            sys.stderr.write("\r" + line[:78].ljust(78))
            sys.stderr.flush()

    try:
        return asyncio.run(play(target, chosen, tell))
    except OSError as error:
        raise UserError(f"{target}: {_unreachable(error)}") from None
    finally:
        if live:
            sys.stderr.write("\r" + " " * 78 + "\r")


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
