"""`python -m netlab fetch URL`: one request, like curl; -v prints the annotated wire and where the time went.

Arguments and printing alone: the client is in `netlab.client`, the words in `netlab.client.explain`. The
content goes to standard output, everything told about it to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from netlab.cli.errors import UserError
from netlab.cli.trusting import client_tls
from netlab.client import errors, explain
from netlab.client.config import Timeouts
from netlab.client.response import ClientResponse
from netlab.client.session import Session
from netlab.client.timings import Step, Timings, TraceEvent
from netlab.client.url import URL, parse_url


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `fetch`."""
    add = parser.add_argument
    add("url", metavar="URL", help="http://… or https://…")
    add(
        "-v",
        "--verbose",
        action="store_true",
        help="tell the whole way: heads, TLS, framing, persistence, time",
    )
    add("-i", "--include", action="store_true", help="print the response's head before the content")
    add("-X", "--request", metavar="METHOD", help="the method (default: GET, or POST with -d)")
    add("-H", "--header", metavar="'NAME: VALUE'", action="append", default=[], help="a field line")
    add("-d", "--data", metavar="DATA", help="content to send; @FILE reads a file, @- standard input")
    add("-o", "--output", metavar="FILE", help="write the content to a file")
    add("--cacert", type=Path, metavar="PEM", help="trust the root certificates in this file, and no others")
    add("--insecure", action="store_true", help="accept any certificate: encrypted, but to anyone at all")
    add("--repeat", type=int, default=1, metavar="N", help="ask N times in one session: see what is reused")
    add("--timeout", type=float, metavar="SECONDS", help="for each request, content included")


def run(options: argparse.Namespace) -> int:
    """Fetch and print."""
    if options.repeat < 1:
        raise UserError(f"--repeat {options.repeat}: give 1 or more")
    if options.timeout is not None and not options.timeout > 0:
        raise UserError(f"--timeout {options.timeout:g}: give seconds above 0")
    try:
        url = parse_url(options.url)
        return asyncio.run(_fetch(options, url))
    except errors.ClientError as error:
        raise UserError(f"{error}{_repair(error, options)}") from None


async def _fetch(options: argparse.Namespace, url: URL) -> int:
    fields, content = _fields(options.header), _content(options.data)
    if content is not None and not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("Content-Type", "application/x-www-form-urlencoded"))  # as curl has it
    method = options.request or ("GET" if content is None else "POST")
    tls = _tls(options, url)
    timeouts = Timeouts() if options.timeout is None else Timeouts(total=options.timeout)
    rows: list[tuple[int, int, Timings]] = []
    with ExitStack() as files:
        sink = _sink(options.output, files)
        trace = _Narrator(method) if options.verbose else None
        async with Session(tls=tls, timeouts=timeouts, trace=trace) as session:
            for index in range(options.repeat):
                async with session.request(method, options.url, fields=fields, data=content) as response:
                    # Asked several times, printed once: the table below tells of the others.
                    await _print(response, sink if index == options.repeat - 1 else None, options)
                    rows.append((response.status, response.connection.number, response.timings))
    if options.repeat > 1:
        _tell("\n".join(explain.repeat_lines(rows)))
    return 0


async def _print(response: ClientResponse, sink: BinaryIO | None, options: argparse.Namespace) -> None:
    if sink is not None and options.include:
        lines = [explain.status_line(response.head)]
        lines += [f"{name}: {value}" for name, value in response.fields.lines]
        sink.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1"))
    async for piece in response.stream():
        if sink is not None:
            try:
                sink.write(piece)
            except BrokenPipeError:
                raise
            except OSError as error:
                raise UserError(f"cannot write the content: {error.strerror}") from None
    if sink is not None:
        sink.flush()
    if options.verbose:
        for name, value in response.trailers.lines:
            _tell(explain.trailer_line(name, value))
        _tell("\n".join(explain.timing_lines(response.timings)))


class _Narrator:
    """Prints each step on standard error."""

    def __init__(self, method: str) -> None:
        self._method = method

    def __call__(self, event: TraceEvent) -> None:
        lines = list(explain.explain(event))
        if event.step is Step.HEAD:
            lines.append(explain.framing_line(event.detail, self._method))
        _tell("\n".join(lines))


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


# -- the arguments as values --------------------------------------------------------------------------------


def _fields(given: list[str]) -> list[tuple[str, str]]:
    fields = []
    for line in given:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise UserError(f"-H {line!r} is not 'Name: value'")
        fields.append((name.strip(), value.strip()))
    return fields


def _content(given: str | None) -> bytes | None:
    if given is None:
        return None
    if not given.startswith("@"):
        return given.encode()
    try:
        return sys.stdin.buffer.read() if given == "@-" else Path(given[1:]).read_bytes()
    except OSError as error:
        raise UserError(f"-d {given}: cannot read the file: {error.strerror}") from None


def _sink(name: str | None, files: ExitStack) -> BinaryIO:
    if name is None or name == "-":
        return sys.stdout.buffer
    try:
        return files.enter_context(open(name, "wb"))
    except OSError as error:
        raise UserError(f"-o {name}: cannot write there: {error.strerror}") from None


def _tls(options: argparse.Namespace, url: URL) -> ssl.SSLContext | None:
    """What to trust."""
    return client_tls(url, options.cacert, options.insecure, _tell if options.verbose else None)


def _repair(error: errors.ClientError, options: argparse.Namespace) -> str:
    """How to mend it, where that can be said."""
    match error:
        case errors.CertificateRefused():
            trusting = "--cacert PEM names the root to trust"
            return f" ({trusting}; --insecure looks all the same)"
        case errors.UnknownHost():
            return " (is it spelled right, and is there a network?)"
        case errors.ConnectFailed() if "refused" in str(error):
            return " (does a server listen there? `python -m netlab serve` starts one)"
        case errors.Disconnected() if options.url.startswith("http:") and "broke before" in str(error):
            return " (does that port speak https?)"
        case errors.TimedOut() if options.timeout is not None:
            return " (--timeout gives it longer)"
    return ""
