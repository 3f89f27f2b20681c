"""`python -m netlab fetch URL`: like curl; -v prints the annotated wire and where the time went.

The arguments stand in `fetching.arguments`, the writing of content in `fetching.download`. The client is in
`netlab.client`, the words in `netlab.client.explain`. The content goes to standard output, everything told
about it to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netlab
from netlab.cli.errors import UserError
from netlab.cli.fetching import arguments
from netlab.cli.fetching.arguments import INSTEAD, configure
from netlab.cli.fetching.chain import chain_lines, chain_of, speaks_tls
from netlab.cli.fetching.download import Sink, http_date, resume_note
from netlab.cli.fetching.pace import paced
from netlab.cli.fetching.terminal import Terminal
from netlab.cli.trusting import client_tls
from netlab.client import errors, explain, har
from netlab.client.config import Timeouts
from netlab.client.outgoing import IDEMPOTENT
from netlab.client.response import ClientResponse
from netlab.client.session import Session
from netlab.client.timings import Step, Timings, TraceEvent
from netlab.client.url import URL, parse_url

__all__ = ["INSTEAD", "configure", "run"]

BROKE_OFF, FAILED = 18, 22

# Statuses that may pass: too slow, too many requests, a server that is overloaded or starting.
_PASSING = frozenset({408, 429, 500, 502, 503, 504})

# Seconds before the second attempt; each further wait is twice as long, up to the last number.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0

Lines = list[tuple[str, str]]


def run(options: argparse.Namespace) -> int:
    """Fetch and print."""
    arguments.check(options)
    terminal = Terminal()
    try:
        return asyncio.run(_Fetch(options, parse_url(options.url), terminal).run())
    except errors.CertificateRefused as error:
        for line in _explain_chain(error, options):
            terminal.tell(line)
        raise UserError(f"{error}{_repair(error, options)}") from None
    except errors.Truncated as error:
        terminal.tell(f"netlab: {error}{_repair(error, options)}")
        return BROKE_OFF
    except errors.ClientError as error:
        raise UserError(f"{error}{_repair(error, options)}") from None


@dataclass
class _Fetch:
    """One run of the command."""

    options: argparse.Namespace
    url: URL
    terminal: Terminal
    rows: list[tuple[int, int, Timings]] = field(default_factory=list)
    visits: list[har.Visit] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    refused: set[URL] = field(default_factory=set)  # http URLs that answered 400: do these ports speak https?

    async def run(self) -> int:
        """Ask, print, and try again where that may help."""
        options = self.options
        given = arguments.fields(options)
        content, media_type = arguments.content(options, given)
        if media_type:
            given.append(("Content-Type", media_type))
        self.method = options.request or ("HEAD" if options.head else "GET" if content is None else "POST")
        path = arguments.output(options, self.url)
        self.sink = Sink(path, self.terminal, arguments.rate(options), self._bar_is_wanted(path))
        async with self._session() as session:
            try:
                status = await self._ask_repeatedly(session, given, content)
            finally:
                self._write_har()
        if options.repeat > 1:
            self.terminal.tell("\n".join(explain.repeat_lines(self.rows)))
        for url in self.refused:
            if hint := await _other_scheme(url, options):
                self.terminal.tell(f"netlab: {url} answered 400{hint}")
        return FAILED if options.fail and status >= 400 else 0

    def _session(self) -> Session:
        options = self.options
        timeouts = Timeouts() if options.timeout is None else Timeouts(total=options.timeout)
        return Session(
            tls=client_tls(
                self.url, options.cacert, options.insecure, self.terminal.tell if options.verbose else None
            ),
            timeouts=timeouts,
            fields=arguments.left_out(options),
            decompress=options.compressed,
            proxy=options.proxy,
            resolve=arguments.resolve(options),
            http10=options.http10,
            trace=self._narrate if options.verbose or options.har else None,
        )

    async def _ask_repeatedly(self, session: Session, given: Lines, content: Any) -> int:
        status = 0
        for index in range(self.options.repeat):
            last = index == self.options.repeat - 1
            status = await self._ask_with_retry(session, given, content, last)
        return status

    async def _ask_with_retry(self, session: Session, given: Lines, content: Any, printed: bool) -> int:
        resume, wait = self.options.resume, _FIRST_WAIT
        for left in range(self.options.retry, -1, -1):
            try:
                fields = [*given, *(self.sink.range_fields() if resume else [])]
                status, later = await self._ask(session, fields, content, not left, printed)
                if later is None:
                    return status
                why = f"status {status}"
            except errors.ClientError as error:
                resume = self.sink.size > 0 and self.sink.path is not None
                if not left or not self._may_pass(error):
                    raise
                why, later = str(error), 0.0
            seconds = max(wait, later)
            self.terminal.tell(f"* {why}: trying again in {seconds:g} s, {left} left")
            await asyncio.sleep(seconds)
            wait = min(2 * wait, _LONGEST_WAIT)
        raise AssertionError("the last attempt returns or raises")

    def _may_pass(self, error: errors.ClientError) -> bool:
        """May another attempt succeed, and do no harm? RFC 9110 §9.2.2"""
        if isinstance(error, (errors.CertificateRefused, errors.ProxyRefused)):
            return False
        if isinstance(error, errors.ConnectFailed):
            return True  # nothing was sent
        if self.sink.path is None and self.sink.size:
            return False  # what was printed would be printed twice
        return self.method in IDEMPOTENT and isinstance(error, (errors.Disconnected, errors.TimedOut))

    async def _ask(
        self, session: Session, fields: Lines, content: Any, last: bool, printed: bool
    ) -> tuple[int, float | None]:
        """One request. Its status, and the seconds to wait before another; None if it is the last."""
        options, started = self.options, time.time()
        call = session.request(
            self.method,
            options.url,
            fields=fields,
            data=paced(content, arguments.rate(options)),
            auth=arguments.auth(options),
            allow_redirects=options.location,
            allow_downgrade=options.allow_downgrade,
        )
        async with call as response:
            later = None if last else self._retry_after(response)
            if response.status == 400 and response.url.startswith("http:"):
                self.refused.add(parse_url(response.url))
            if response.status == 416 and self.sink.size and options.resume:
                raise UserError(f"{self.sink.path} is whole, or not a part of {response.url}: drop -C")
            if printed and later is None:
                await self._print(response)
            else:
                async for _ in response.stream():
                    pass
            self.rows.append((response.status, response.connection.number, response.timings))
            self._remember(started, content, response)
            if options.verbose:
                for name, value in response.trailers.lines:
                    self.terminal.tell(explain.trailer_line(name, value))
                self.terminal.tell("\n".join(explain.timing_lines(response.timings)))
        return response.status, later

    def _retry_after(self, response: ClientResponse) -> float | None:
        """Seconds that the server asks to wait, 0 if it names none; None if another attempt is no use."""
        if response.status not in _PASSING:
            return None
        after = response.fields.get("retry-after", "")
        moment = http_date(after)
        seconds = float(after) if after.isdecimal() else 0.0 if moment is None else moment - time.time()
        if seconds > _LONGEST_WAIT:
            self.terminal.tell(f"* status {response.status}: not tried again, Retry-After says {after}")
            return None
        return max(0.0, math.ceil(seconds))

    async def _print(self, response: ClientResponse) -> None:
        sink = self.sink
        if self.options.fail and response.status >= 400:
            self.terminal.tell(f"netlab: {response.url} answered {explain.status_line(response.head)[9:]}")
            return
        try:
            size = sink.open(response)
            if self.options.include or self.options.head:
                lines = [explain.status_line(response.head)]
                lines += [f"{name}: {value}" for name, value in response.fields.lines]
                sink.write_head("".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1"))
            await sink.take(response, size)
        except errors.ClientError:
            sink.broke_off(response.fields)
            raise
        sink.complete()

    def _bar_is_wanted(self, path: Path | None) -> bool:
        return self.terminal.is_tty and not self.options.no_progress and path is not None

    # -- what is told, and remembered -----------------------------------------------------------------------

    def _narrate(self, event: TraceEvent) -> None:
        """Prints each step on standard error."""
        if event.step is Step.SENT:
            self.heads.append(event.detail)
        if not self.options.verbose:
            return
        lines = list(explain.explain(event))
        if event.step is Step.HEAD:
            lines.append(explain.framing_line(event.detail, self.method))
        self.terminal.tell("\n".join(lines))

    def _remember(self, started: float, content: Any, response: ClientResponse) -> None:
        if not self.options.har:
            return
        chain = [*response.history, response]
        for head, each in zip(self.heads[-len(chain) :], chain, strict=False):
            final = each is response
            kept, size = (self.sink.kept, self.sink.size) if final else (b"", 0)
            self.visits.append(har.Visit(started, head, _sent_content(head, content), each, kept, size))
            started += each.timings.total

    def _write_har(self) -> None:
        if not self.options.har:
            return
        try:
            text = json.dumps(har.archive(self.visits, netlab.__version__), indent=1)
            Path(self.options.har).write_text(text + "\n")
        except OSError as error:
            raise UserError(f"--har {self.options.har}: cannot write there: {error.strerror}") from None


def _sent_content(head: bytes, content: Any) -> bytes | None:
    """The content behind this head, for a HAR file; None for a stream. Behind a redirect it may be gone."""
    lower = head.lower()
    if b"\r\ncontent-length:" not in lower and b"\r\ntransfer-encoding:" not in lower:
        return b""
    return content if isinstance(content, bytes) else None


def _explain_chain(error: errors.CertificateRefused, options: argparse.Namespace) -> list[str]:
    if options.proxy:
        return []  # a connection of our own would perhaps lead to another server than the proxy's
    address = arguments.resolve(options).get((error.host, error.port))
    chain = asyncio.run(chain_of(error.host, error.port, address))
    return list(chain_lines(chain, error.host, error.verify_message)) if chain else []


async def _other_scheme(url: URL, options: argparse.Namespace) -> str:
    """A hint for an http URL without a sensible answer: what if its port speaks TLS?"""
    host, port = url.origin.host, url.origin.port
    if options.proxy or not await speaks_tls(host, port, arguments.resolve(options).get((host, port))):
        return ""
    return f": port {port} speaks TLS, write https://{url.origin.authority}{url.target}"


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
        case errors.Truncated() if resume_note(arguments.output(options, parse_url(options.url))):
            return " (-C fetches the rest)"
        case errors.Truncated():
            return ""
        case errors.Disconnected() | errors.BadResponse() if options.url[:5].lower() == "http:":
            return asyncio.run(_other_scheme(parse_url(options.url), options))
        case errors.RedirectRefused() if "from https to http" in str(error):
            return ", or --allow-downgrade in `netlab fetch`"
        case errors.TimedOut() if options.timeout is not None:
            return " (--timeout gives it longer)"
    return ""
