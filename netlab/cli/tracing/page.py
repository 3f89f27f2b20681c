"""`trace --html OUT`: one self-contained page that explains a conversation, byte by byte.

The page is a ladder from SYN to FIN. Each record unfolds into its bytes; pointing at a field, or moving to
it with the keyboard, lights it and says what it means. The parts are in `page_parts` and `page_schedule`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from netlab.cli.errors import UserError
from netlab.cli.tracing.page_parts import Numbers, facts, record_body, record_rung, rung
from netlab.cli.tracing.page_schedule import schedule
from netlab.cli.tracing.page_script import SCRIPT
from netlab.cli.tracing.page_style import STYLE
from netlab.cli.tracing.streams import Mark, Stream
from netlab.cli.tracing.text import summary
from netlab.tls.tracing.values import Record, Side
from netlab.tls.wire.spans import counted

# More would be a page that no browser likes: `--json` lists every record.
_RECORDS, _STREAMS = 300, 20


@dataclass
class _Told:
    """What is kept of a stream until the page is written."""

    stream: Stream
    rungs: list[tuple[float, str]] = field(default_factory=list)  # time, HTML
    records: int = 0
    octets: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    flights: list[Side] = field(default_factory=list)  # which side spoke, until the first request
    requested: bool = False


class HtmlTeller:
    """Collects a page. Call `write` when all streams are over."""

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}
        self._numbers = Numbers()
        self.left_out = 0

    def record(self, stream: Stream, record: Record, http: list[str]) -> None:
        """Take a record."""
        told = self._told.get(stream.number)
        if told is None:
            if len(self._told) >= _STREAMS:
                self.left_out += 1
                return
            told = self._told[stream.number] = _Told(stream)
        told.records += 1
        told.octets[record.side] += len(record.data)
        told.requested |= record.content_name == "application_data" and record.side is Side.CLIENT
        if not told.requested:
            told.flights.append(record.side)
        if told.records <= _RECORDS:
            time = _since(stream, record.time)
            body = record_body(record, self._numbers, http)
            told.rungs.append((record.time or 0.0, record_rung(time, record, body)))

    def end(self, stream: Stream) -> None:
        """Put the packets of TCP that are no data into the ladder."""
        told = self._told.get(stream.number)
        if told is None:
            return
        for mark in stream.marks:
            told.rungs.append((mark.time, _mark(stream, mark)))
        if stream.started is not None:
            told.rungs.sort(key=lambda each: each[0])

    def write(self, path: Path) -> None:
        """Write the page. Raises UserError when that fails."""
        try:
            path.write_text(self.page())
        except OSError as error:
            raise UserError(f"--html {path}: {error.strerror or error}") from None

    def page(self) -> str:
        """The whole page."""
        sections = "".join(self._section(told) for told in self._told.values())
        left = (
            f"<p>{self.left_out} more records of other connections are not shown.</p>"
            if self.left_out
            else ""
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            "<title>Your TLS handshake, byte by byte</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body><main>'
            "<h1>Your TLS handshake, byte by byte</h1>"
            "<p>Each line is one record; unfold it to see its bytes. Point at a field, or move to it with Tab"
            " and the arrow keys: the bar at the bottom says what it means.</p>"
            '<p class="tools"><button type="button" id="unfold">Unfold all</button>'
            ' <button type="button" id="fold">Fold all</button></p>'
            f"{sections or '<p>No TLS was found.</p>'}{left}</main>"
            '<aside class="panel" id="panel" aria-label="The field you point at">'
            "<p>Point at a field, or move to one with Tab.</p><p></p><p></p></aside>"
            f"<script>{SCRIPT}</script></body></html>\n"
        )

    def _section(self, told: _Told) -> str:
        stream = told.stream
        problems = "".join(
            f'<p class="problem">{escape(str(problem))}</p>' for problem in stream.tracer.problems
        )
        more = told.records - _RECORDS
        cut = f"<p>{more} more records are not shown; <code>--json</code> lists them.</p>" if more > 0 else ""
        ladder = "".join(html for _, html in told.rungs)
        return (
            f"<section><h2>Connection {stream.number}</h2>"
            f'<dl class="facts">{facts(_facts(told))}</dl>{problems}'
            f'<div class="ends"><span>client {escape(str(stream.client))}</span>'
            f"<span>server {escape(str(stream.server))}</span></div>"
            f'<ol class="ladder">{ladder}</ol>{cut}{schedule(stream.tracer)}</section>'
        )


def _facts(told: _Told) -> Iterator[tuple[str, str]]:
    yield "agreed on", summary(told.stream)
    trips = _round_trips(told.flights)
    yield "round trips", f"1 for TCP, {trips} for TLS before the first request could be sent"
    for side, octets in told.octets.items():
        yield f"sent by the {side.value}", counted(octets)


def _round_trips(flights: list[Side]) -> int:
    """How often the client waited for the server."""
    turns = [side for n, side in enumerate(flights) if n == 0 or flights[n - 1] is not side]
    return turns.count(Side.SERVER)


def _mark(stream: Stream, mark: Mark) -> str:
    return rung(_since(stream, mark.time), mark.side, f"{mark.side.value}: {mark.text}", "TCP, no data")


def _since(stream: Stream, time: float | None) -> str:
    first = min((mark.time for mark in stream.marks), default=stream.started)
    return "" if time is None or first is None else f"{(time - first) * 1000:.3f} ms"
