"""The command: read the options, run the scenarios one by one, print each as it is done.

Exit status: 0 done, 1 netlab itself was disqualified somewhere, 2 a user's mistake, 130 stopped with Ctrl-C
(or SIGTERM). Whatever the way out, no process is left behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import psutil

from netlab.probes.clients import raise_descriptor_limit
from netlab.probes.process import children
from tests.bench import calibration, plot, report, setups
from tests.bench.calibration import Calibration
from tests.bench.contenders import OURS, Contender, available
from tests.bench.figures import Result
from tests.bench.machine import NotShown, Place
from tests.bench.options import Options, parse
from tests.bench.progress import Progress, clock
from tests.bench.runner import cpu_of_a_get, estimate, measure
from tests.bench.scenarios import SCENARIOS
from tests.bench.setups import Setup


def main() -> int:
    """Return the exit status."""
    options = parse(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        with tempfile.TemporaryDirectory(prefix="netlab-bench-") as folder:
            return _run(options, Path(folder))
    except KeyboardInterrupt:
        print("\nbench: stopped", file=sys.stderr)
        return 130
    finally:
        _leave_nothing()


def _stop(_: int, __: FrameType | None) -> None:
    """Stop once: a second Ctrl-C must not disturb the tidying up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _leave_nothing() -> None:
    """End what an interrupted tidying up may have left: our own descendants."""
    for pid in children(os.getpid()):
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).kill()


def _run(options: Options, folder: Path) -> int:
    raise_descriptor_limit()  # the servers inherit it
    place = Place.prepare(folder)
    contenders, lines = available(options.servers)
    facts = [*place.facts(), ("servers", ", ".join(contender.label for contender in contenders))]
    lines += place.cores.notes
    setting = _calibrated(options, contenders, place, facts)
    lines += setting.lines()
    total = sum(estimate(SCENARIOS[key], contenders, options.pace) for key in options.scenarios)
    for name, text in facts:
        print(f"{name:>11}  {text}")
    print(*lines, f"this takes about {clock(total)} (minutes:seconds)\n", sep="\n", flush=True)

    progress = Progress(total)
    results: list[Result] = []
    for key in options.scenarios:
        scenario = SCENARIOS[key]
        progress.scenario(scenario.title)
        try:
            result = measure(scenario, contenders, place, options.pace, progress, setting.chosen)
        except NotShown as lack:
            lines.append(f"{scenario.title}: not shown on this machine: {lack}")
            progress.clear()
            print(lines[-1] + "\n", flush=True)
            continue
        results.append(result)
        progress.clear()
        print(report.table(result).text(), flush=True)
    _write(options, results, facts, lines)
    lost = [result.title for result in results for row in result.rows if row.server == OURS and row.trouble]
    return 1 if lost else 0


def _calibrated(
    options: Options, contenders: list[Contender], place: Place, facts: list[tuple[str, str]]
) -> Calibration:
    """The fastest set-up of each peer: as it was kept, or measured now."""
    peers = {each.name: each for each in contenders if each.name in (OURS, *calibration.PEERS)}
    if not peers.keys() - {OURS}:
        return Calibration()
    pythons = list(setups.other_pythons())
    key = calibration.key(list(peers), facts, pythons)
    kept = setups.FOLDER / "calibration.json"
    found = None if options.calibrate else calibration.load(kept, key)
    if found is None:
        print("calibration: each peer is tried on what it could run on", file=sys.stderr, flush=True)

        def look(name: str, setup: Setup) -> float:
            return cpu_of_a_get(place, peers[name], setup, 1)

        found = calibration.calibrate(list(peers), look, pythons)
        calibration.save(kept, key, found)
    return found


def _write(options: Options, results: list[Result], facts: list[tuple[str, str]], lines: list[str]) -> None:
    """Print the summary and write the files."""
    short = report.summary(results)
    print("\n".join([*([short.text()] if short.rows else []), *([report.READING] if results else [])]))
    files = {
        options.json: report.as_json(results, facts, lines),
        options.markdown: report.markdown(results, facts, lines),
    }
    written = [str(path) for path in files]
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        options.plot.parent.mkdir(parents=True, exist_ok=True)
        if plot.draw(results, options.plot):
            written.append(str(options.plot))
    except NotShown as lack:
        print(f"the plot: not shown on this machine: {lack}")
    except OSError as failure:
        print(f"bench: {failure.filename}: cannot be written ({failure.strerror})", file=sys.stderr)
        raise SystemExit(2) from None
    print("written: " + ", ".join(written))
