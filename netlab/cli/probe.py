"""`netlab probe`: what a process holds now, over time, or for each connection.

Arguments and printing alone; the measuring is in netlab.probes.
"""

from __future__ import annotations

import argparse
import json
import math
import ssl
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from netlab.cli.errors import UserError
from netlab.probes import kernel, process
from netlab.probes.errors import ProbeError
from netlab.probes.fit import Fit
from netlab.probes.ladder import Ladder, Plan, measure_command, measure_process
from netlab.probes.reading import FIGURES, Reading
from netlab.probes.series import ASCII, BLOCKS, Series, plot

_NAMES = {"written": "written", "uss": "USS", "rss": "RSS", "pss": "PSS", "fds": "fds", "kernel": "kernel"}
_LEGEND = (
    "written: the part of USS that the process has written; other programs, starting or ending, move the rest"
)
_NOT_SHOWN = "not shown"
_LAST_PORT = 65535  # 16 bits (RFC 9293 §3.1)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = "%(prog)s PID [--watch SECONDS] | --url URL --pid PID | --url URL -- COMMAND ARGUMENTS…"
    parser.epilog = (
        "Examples: probe 4711 · probe 4711 --watch 10 · probe --url http://127.0.0.1:8000/ --pid 4711 · "
        "probe --url 'http://127.0.0.1:{port}/' -- python -m netlab serve --port '{port}'"
    )
    parser.add_argument(
        "what", nargs="*", metavar="PID or COMMAND", help="a process, or after -- a server to start"
    )
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="follow the process for so long")
    parser.add_argument(
        "--every", type=float, default=0.25, metavar="SECONDS", help="between readings (0.25)"
    )
    parser.add_argument("--port", type=int, help="show the kernel's memory for this local port as well")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the readings of --watch here")
    parser.add_argument("--url", help="climb a ladder of connections to this URL (loopback only)")
    parser.add_argument("--pid", type=int, help="the server at URL, if it runs already")
    parser.add_argument(
        "--steps", default="1000/5", help="numbers of connections: 100,200,300 or 1000/5 (%(default)s)"
    )
    parser.add_argument("--runs", type=int, default=3, help="how often to climb (%(default)s)")
    parser.add_argument(
        "--warmup", type=int, help="connections before the first step (50, or as many as that step)"
    )
    parser.add_argument("--idle", action="store_true", help="send no request on the connections")
    parser.add_argument(
        "--patience", type=float, default=15.0, metavar="SECONDS", help="for a server (%(default)g)"
    )
    parser.add_argument(
        "--ca", type=Path, metavar="PEM", help="root to trust for https (without it: no check)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(options: argparse.Namespace) -> int:
    """Run the command; returns 0. Raises UserError."""
    # A terminal that lacks a sign shows a "?" for it rather than a traceback.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        if options.url is not None:
            return _ladder(options)
        return _process(options)
    except ProbeError as failure:
        raise UserError(str(failure))


# One process: now, or over time.


def _process(options: argparse.Namespace) -> int:
    pid = _pid(options)
    if options.port is not None and not 0 < options.port <= _LAST_PORT:
        raise UserError(f"--port {options.port}: is no port: give 1 to {_LAST_PORT}")
    if options.watch is None:
        return _snapshot(pid, options)
    if not (options.watch > 0 and 0 < options.every < math.inf):
        raise UserError(f"--watch {options.watch:g} --every {options.every:g}: both are seconds, above 0")
    series = Series(pid, options.port)
    try:
        series.watch(options.watch, options.every)
    finally:  # Ctrl-C ends the watching, not what was seen
        if series.samples:
            _print_series(series, options)
    return 0


def _pid(options: argparse.Namespace) -> int:
    words = [*options.what, *([] if options.pid is None else [str(options.pid)])]
    if len(words) != 1 or not (words[0].isascii() and words[0].isdigit()):
        raise UserError("give one process id, or --url URL with --pid PID or -- COMMAND (see `probe --help`)")
    return int(words[0])


def _snapshot(pid: int, options: argparse.Namespace) -> int:
    seen = process.snapshot(pid)
    whole = process.family(pid, connections=True)
    buffers = None if options.port is None else kernel.port_memory(options.port)
    if options.json:
        found = {"process": seen.as_dict(), "with_children": whole.as_dict()}
        if buffers is not None:
            found["kernel"] = {"port": buffers.port, "bytes": buffers.total, "states": _states(buffers)}
        print(json.dumps(found, indent=2))
        return 0
    columns = [("process", seen)]
    if whole.processes > 1:
        columns.append((f"and {whole.processes - 1} children", whole))
    rows = [
        ("file descriptors", [_count(each.fds) for _, each in columns]),
        ("threads", [_count(each.threads) for _, each in columns]),
        *(
            (_NAMES[name], [_bytes(getattr(each, name)) for _, each in columns])
            for name in ("rss", "pss", "uss", "written")
        ),
        ("TCP connections", [_states_line(each) for _, each in columns]),
    ]
    print(f"process {pid}")
    _table(["", *(name for name, _ in columns)], [[name, *cells] for name, cells in rows])
    if buffers is not None:
        _print_buffers(buffers)
    return 0


def _print_buffers(buffers: kernel.PortMemory) -> None:
    print(f"\nkernel memory of port {buffers.port} (by {buffers.source}): {_bytes(buffers.total)}")
    rows = []
    for state, each in buffers.by_state().items():
        held = (each.total, each.received, each.queued, each.reserved)
        rows.append([state, str(each.sockets), *(_bytes(number) for number in held)])
    _table(["state", "sockets", "held", "received, unread", "written, unacknowledged", "reserved"], rows)


def _states(buffers: kernel.PortMemory) -> dict[str, dict[str, int]]:
    return {
        state: {"sockets": each.sockets, "bytes": each.total} for state, each in buffers.by_state().items()
    }


def _states_line(seen: process.Snapshot) -> str:
    if seen.connections is None:
        return _NOT_SHOWN
    return ", ".join(f"{count} {state}" for state, count in seen.connections.items()) or "none"


def _print_series(series: Series, options: argparse.Namespace) -> None:
    if options.csv is not None:
        try:
            options.csv.write_text(series.as_csv(), encoding="ascii")
        except OSError as failure:
            raise UserError(f"--csv {options.csv}: cannot be written ({failure.strerror})")
    if options.json:
        print(json.dumps(series.as_dict()))
        return
    print(f"process {series.pid}: {len(series.samples)} readings in {series.samples[-1].at:.1f} s")
    levels = _levels()
    for figure in FIGURES:
        column = series.column(figure)
        shown = [value for value in column if value is not None]
        if not shown:
            if figure != "kernel" or series.port is not None:
                print(f"\n{_NAMES[figure]}: {_NOT_SHOWN}")
            continue
        write = _writer(figure)
        rise = series.rise(figure)
        print(
            f"\n{_NAMES[figure]}: {write(shown[0])} at first, {write(shown[-1])} at last"
            + (f" ({'+' if rise >= 0 else '-'}{write(abs(rise))})" if rise is not None else "")
        )
        lines = plot(column, 60, 6 if min(shown) != max(shown) else 1, levels)
        labels = [write(max(shown)), *[""] * (len(lines) - 2), write(min(shown))][-len(lines) :]
        for label, line in zip(labels, lines, strict=True):
            print(f"{label:>12} |{line}")
    if series.ended is not None:
        print(f"\nended early: {series.ended}")


def _levels() -> str:
    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
        return BLOCKS
    except UnicodeEncodeError:
        return ASCII


# A ladder of connections.


def _ladder(options: argparse.Namespace) -> int:
    try:
        plan = Plan(_steps(options.steps), options.runs, options.warmup, not options.idle, options.patience)
    except ValueError as mistakes:
        raise UserError(str(mistakes))
    if (options.pid is None) == (not options.what):
        raise UserError("--url needs either --pid PID (a server that runs) or -- COMMAND (one to start)")
    tls = None
    if options.url.startswith("https:"):
        from netlab.tls.context import ConfigurationError, Verify, client_context

        try:
            # Loopback only, and nothing secret is sent: without --ca any certificate will do.
            tls = client_context(options.ca, verify=Verify.CHAIN_AND_NAME if options.ca else Verify.NOTHING)
        except ConfigurationError as mistakes:
            raise UserError(str(mistakes))
    ladder = _climb(options, plan, tls)
    print(json.dumps(ladder.as_dict(), indent=2)) if options.json else _print_ladder(ladder)
    return 0


def _climb(options: argparse.Namespace, plan: Plan, tls: ssl.SSLContext | None) -> Ladder:
    say = _progress if sys.stderr.isatty() else None
    try:
        if options.pid is not None:
            return measure_process(options.url, options.pid, plan, tls=tls, say=say)
        return measure_command(options.url, options.what, plan, tls=tls, say=say)
    except KeyboardInterrupt:
        # A broken ladder has no slope to show; that it ended must be said all the same.
        print("probe: stopped" if say is None else "\r\033[Kprobe: stopped", file=sys.stderr)
        raise
    finally:
        if say is not None:
            _progress("")


def _progress(text: str) -> None:
    print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _steps(text: str) -> tuple[int, ...]:
    try:
        if "/" in text:
            most, parts = (int(word) for word in text.split("/"))
            if not 0 < parts <= most:
                raise ValueError
            return tuple(most * part // parts for part in range(1, parts + 1))
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UserError(f"--steps {text}: write 100,200,300, or 1000/5 for five equal steps to 1000")


def _print_ladder(ladder: Ladder) -> None:
    runs, plan = len(ladder.runs), ladder.plan
    processes = "a fresh process for each" if ladder.fresh else "all of one process"
    kind = "persistent, idle after one GET" if plan.request else "idle, no request sent"
    print(f"{ladder.url}: {runs} run{'s' * (runs > 1)}, {processes}; connections {kind}\n")
    _table(
        ["connections", *(_NAMES[figure] for figure in FIGURES)],
        [
            [f"{number:>11,}", *(_mean(readings, figure) for figure in FIGURES)]
            for number, readings in _by_rung(ladder)
        ],
    )
    _print_slopes(ladder)
    print("\ncoming down (last run)")
    _table(
        ["", *(_NAMES[figure] for figure in FIGURES)],
        [
            [stage, *(_cell(reading, figure) for figure in FIGURES)]
            for stage, reading in ladder.runs[-1].waterfall
        ],
    )
    for note in ladder.notes:
        print(f"note: {note}")


def _print_slopes(ladder: Ladder) -> None:
    print("\ncost of one connection (slope ± 95 % confidence)")
    _table(
        ["", "per connection", "±", "worst residual", "slope of each run"],
        [[_NAMES[figure], *_slope(figure, ladder.fits[figure])] for figure in FIGURES],
    )
    print(_LEGEND)
    sizes = kernel.objects()
    if sizes is None:
        print("the kernel's objects behind each connection: not shown (/proc/slabinfo is for root alone)")
    else:
        parts = " + ".join(f"{name} {size:,}" for name, size in sizes.items())
        print(f"the kernel's objects behind each connection, on top: {sum(sizes.values()):,} B ({parts})")
    exact = ladder.fits["fds"]
    if exact is not None and ladder.returned is not None:
        print(
            f"file descriptors: {'exactly on the line' if exact.exact else 'NOT on one line'}, "
            + (
                "back to the start after closing"
                if ladder.returned
                else "NOT back to the start after closing"
            )
        )


def _by_rung(ladder: Ladder) -> Iterable[tuple[int, list[Reading]]]:
    rungs: dict[int, list[Reading]] = {}
    for each in ladder.runs:
        for number, reading in each.rungs:
            rungs.setdefault(number, []).append(reading)
    return sorted(rungs.items())


def _mean(readings: Sequence[Reading], figure: str) -> str:
    values = [value for reading in readings if (value := reading.value(figure)) is not None]
    if len(values) < len(readings):
        return _NOT_SHOWN
    mark = "" if all(reading.steady for reading in readings) else "~"
    return mark + _writer(figure)(round(sum(values) / len(values)))


def _cell(reading: Reading, figure: str) -> str:
    value = reading.value(figure)
    return _NOT_SHOWN if value is None else ("" if reading.steady else "~") + _writer(figure)(value)


def _slope(figure: str, fit: Fit | None) -> list[str]:
    if fit is None:
        return [_NOT_SHOWN, "", "", ""]

    def write(number: float) -> str:
        return f"{number:.3f}" if figure == "fds" else f"{round(number):,} B"

    residual = f"{fit.worst_residual:.1f}" if figure == "fds" else _bytes(round(fit.worst_residual))
    width = "unknown" if math.isinf(fit.half_width) else write(fit.half_width)
    return [write(fit.slope), width, residual, " ".join(write(slope) for slope in fit.slopes)]


# Cells and tables.


def _writer(figure: str) -> Callable[[int], str]:
    return _count if figure == "fds" else _bytes


def _count(number: int | None) -> str:
    return _NOT_SHOWN if number is None else f"{number:,}"


def _bytes(number: int | None) -> str:
    if number is None:
        return _NOT_SHOWN
    if number < 10_000:
        return f"{number:,} B"
    return f"{number / 1024:,.1f} KiB" if number < 1 << 20 else f"{number / (1 << 20):,.2f} MiB"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    for line in (head, *rows):
        first, *rest = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  " + "  ".join([line[0].ljust(len(first)), *rest]).rstrip())
