"""The evidence of lab 07: this machine's own handshakes, each record opened by the code under measure.

Four connections over loopback: a full handshake of TLS 1.3, a resumed one, one with a HelloRetryRequest, and
a full one of TLS 1.2 beside them. A relay records the bytes, a key log in memory holds the secrets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import reading
from handshakes import FULL, OLD, RESUMED, RETRIED, Talk, all_talks
from reading import Reading

from labs.runner import ladders, plots
from labs.runner.evidence import Drawing, Measurement, NotShown, Plot, Run, Table, Verdict
from labs.runner.terminal import count
from netlab.tls import keylog
from netlab.tls.tracing.values import Record, Side
from netlab.tls.wire import registry

_KEY_NAMES = (keylog.CLIENT_HANDSHAKE, keylog.SERVER_HANDSHAKE, keylog.CLIENT_TRAFFIC, keylog.SERVER_TRAFFIC)


async def measure(run: Run) -> Measurement:
    """Connect, open, count; write the capture and the page; ask tshark."""
    run.say("connecting: full, resumed, HelloRetryRequest, TLS 1.2")
    talks = {talk.name: talk for talk in await all_talks(run.certs)}
    modern = [talks[name] for name in (FULL, RESUMED, RETRIED)]
    run.say("opening every record")
    readings = [reading.read(run.code, talk) for talk in modern]
    if any(found.alike < found.encrypted or found.finished < 2 for found in readings):
        raise NotShown("needs code that opens every record: `make lab-07` checks yours")
    run.say("writing the capture and its page")
    capture = reading.write(run.folder.parent / "report", list(talks.values()))
    page = reading.write_page(capture)
    alike = reading.tshark_reads_alike(capture, list(talks.values()))
    secrets = sum(reading.secret(talk, name) in talk.wire for talk in modern for name in _KEY_NAMES)
    verdict, condition = _verdict(talks[FULL], secrets)
    return Measurement(
        figures=_figures(talks, readings, secrets, alike),
        verdict=verdict,
        condition=condition,
        headline=_headline(talks, readings),
        tables=[_side_by_side(list(talks.values())), _schedule(talks[FULL])],
        drawings=_drawings(list(talks.values()), page.name),
        plots=[_picture(list(talks.values()))],
        notes=_notes(capture.name, page.name, alike),
    )


def _bytes(records: Sequence[Record]) -> int:
    return sum(len(record.data) for record in records)


def _encrypted(talk: Talk) -> int:
    return _bytes([record for record in talk.handshake if record.protected])


def _percent(talk: Talk) -> int:
    return round(100 * _encrypted(talk) / _bytes(talk.handshake))


def _figures(
    talks: dict[str, Talk], readings: Sequence[Reading], secrets: int, alike: bool | None
) -> dict[str, float | int | str]:
    short = {FULL: "full", RESUMED: "resumed", RETRIED: "retried", OLD: "tls_1_2"}
    figures: dict[str, float | int | str] = {"encrypted_percent": _percent(talks[FULL])}
    for name, talk in talks.items():
        figures[f"{short[name]}_round_trips"] = talk.round_trips
        figures[f"{short[name]}_bytes"] = _bytes(talk.handshake)
    figures["records_opened"] = sum(found.alike for found in readings)
    figures["secrets_on_the_wire"] = secrets
    figures["tshark"] = {None: "not here", True: "reads the same", False: "reads something else"}[alike]
    return figures


def _verdict(full: Talk, secrets: int) -> tuple[Verdict, str]:
    if secrets or full.tracer.server is None:
        return Verdict.FALSE, ""
    how = "both sides compute the secret from two public shares, and it never crosses the wire"
    return Verdict.TRUE_ONLY_IF, f"the trick is a key agreement: {how}"


def _headline(talks: dict[str, Talk], readings: Sequence[Reading]) -> str:
    full, resumed, retried = talks[FULL], talks[RESUMED], talks[RETRIED]
    opened, trips = sum(found.alike for found in readings), count(full.round_trips, "round trip")
    return (
        f"the derived keys opened all {opened} encrypted records of 3 connections; a full handshake takes "
        f"{trips} and {_bytes(full.handshake):,} bytes, {_percent(full)} % of them encrypted; "
        f"resumed {resumed.round_trips} and {_bytes(resumed.handshake):,}, with "
        f"HelloRetryRequest {retried.round_trips} and {_bytes(retried.handshake):,}"
    )


def _drawings(talks: Sequence[Talk], page: str) -> list[Drawing]:
    """A ladder for each connection of TLS 1.3, and all four side by side, narrow enough for any terminal."""
    ladder = [Drawing(f"{talk.name}: each arrow is one flight", _ladder(talk)) for talk in talks[:3]]
    table = _side_by_side(talks)
    rows = [["", "full", "resumed", "retry", "TLS 1.2"], *table.rows[:-2]]
    lines = [
        "".join(f"{cell!s:<20}" if not at else f"{cell!s:>10}" for at, cell in enumerate(row)) for row in rows
    ]
    lines += ["", f"every byte explained: labs/report/{page}"]
    return [*ladder, Drawing("Side by side", "\n".join(lines))]


def _side_by_side(talks: Sequence[Talk]) -> Table:
    rows: list[list[Any]] = [
        ["round trips", *(talk.round_trips for talk in talks)],
        ["bytes", *(_bytes(talk.handshake) for talk in talks)],
        ["… from the client", *(_bytes(_of(talk, Side.CLIENT)) for talk in talks)],
        ["… from the server", *(_bytes(_of(talk, Side.SERVER)) for talk in talks)],
        ["… encrypted", *(f"{_percent(talk)} %" for talk in talks)],
        ["certificate sent", *(_yes("certificate" in _names(talk)) for talk in talks)],
        ["group", *(_group(talk) for talk in talks)],
        ["cipher suite", *(talk.tracer.suite.name[4:] if talk.tracer.suite else "?" for talk in talks)],
    ]
    return Table(
        "The handshakes side by side, up to the later Finished", ["", *(talk.name for talk in talks)], rows
    )


def _of(talk: Talk, side: Side) -> list[Record]:
    return [record for record in talk.handshake if record.side is side]


def _names(talk: Talk) -> list[str]:
    return [name for record in talk.handshake for name in record.handshake]


def _yes(state: bool) -> str:
    return "yes" if state else "no"


_GROUP_FIELDS = {("server_hello", "group"), ("server_key_exchange", "named_curve")}


def _group(talk: Talk) -> str:
    """The group in which both sides made their shares, as the server's message names it."""
    for message in (message for record in talk.handshake for message in record.messages):
        for _, span in message.fields().walk():
            if (message.name, span.name) in _GROUP_FIELDS and isinstance(span.value, int):
                return registry.group(span.value)
    return "none"


def _schedule(talk: Talk) -> Table:
    """What the tracer derived for the full handshake; the learner's code derived the same keys."""
    rows = [
        (step.name, step.function, f"{step.output.hex()[:16]}…", step.section) for step in talk.tracer.steps
    ]
    columns = ("derived", "function", "value (first 8 bytes)", "rule")
    return Table("The key schedule of the full handshake, from the secrets in its key log", columns, rows)


def _flights(talk: Talk) -> Iterator[tuple[Side, list[Record]]]:
    for side, records in groupby(talk.records, key=lambda record: record.side):
        yield side, list(records)


def _ladder(talk: Talk) -> str:
    """A flight is what one side sends until the other speaks. {…}: encrypted, as RFC 8446 §2 writes it."""
    steps = []
    start = talk.records[0].time or 0.0
    for side, records in _flights(talk):
        said = ", ".join(_said(record) for record in records)
        label = f"{_bytes(records):,} bytes"
        steps.append(ladders.Step((records[0].time or 0.0) - start, side is Side.CLIENT, label, said))
    return ladders.ladder(steps)


def _said(record: Record) -> str:
    names = " ".join(record.handshake) or record.content_name
    return f"{{{names}}}" if record.protected else names


_TSHARK = {
    None: "tshark not shown on this machine: needs tshark (apt-get install tshark)",
    True: "tshark reads the same messages in the same order, and the same request, with the same keys",
    False: "tshark reads other messages than the tracer: please report it, with the capture",
}


def _notes(capture: str, page: str, alike: bool | None) -> list[str]:
    return [
        f"every byte explained: labs/report/{page} (open it in a browser)",
        f"the capture with its secrets, for Wireshark: labs/report/{capture}",
        _TSHARK[alike],
        f"Python {sys.version.split()[0]}; on loopback a round trip takes microseconds, lab 09 adds distance",
    ]


def _picture(talks: Sequence[Talk]) -> Plot:
    def draw(axes: Any) -> None:
        names = [talk.name for talk in talks]
        clear = [_bytes(talk.handshake) - _encrypted(talk) for talk in talks]
        hidden = [_encrypted(talk) for talk in talks]
        axes.barh(names, clear, color=plots.AMBER, label="in clear")
        axes.barh(names, hidden, left=clear, color=plots.BLUE, label="encrypted", hatch="//")
        for y, talk in enumerate(talks):
            said = count(talk.round_trips, "round trip")
            axes.annotate(said, (_bytes(talk.handshake), y), **plots.BEHIND_A_BAR)
        axes.set_xlim(0, max(_bytes(talk.handshake) for talk in talks) * 1.25)
        axes.set_xlabel("bytes of the handshake")
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)

    return Plot("What a handshake costs on the wire", plots.svg(draw, height=2.8))
