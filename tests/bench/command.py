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
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil

from netlab.probes.clients import raise_descriptor_limit
from netlab.probes.process import children
from tests.bench import calibration, plot, report, setups
from tests.bench.calibration import Calibration
from tests.bench.contenders import OURS, Contender, available
from tests.bench.figures import Result, lack
from tests.bench.machine import NotShown, Place
from tests.bench.options import Options, parse
from tests.bench.progress import Progress, clock
from tests.bench.record import Run, Unreadable, as_json, read
from tests.bench.runner import cpu_of_a_get, estimate, measure, taking_part
from tests.bench.scenarios import SCENARIOS, Scenario
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
    names = [contender.name for contender in contenders]
    lines += setting.lines(names)
    chosen = {name: setting.words(name) for name in names if name in setting.chosen}
    run = Run(dict(facts), lines, [], options.pace, chosen)
    kept = _kept(options, run, contenders)
    todo = [key for key in options.scenarios if key not in kept]
    total = sum(estimate(SCENARIOS[key], contenders, options.pace) for key in todo)
    for name, text in facts:
        print(f"{name:>11}  {text}")
    print(*lines, f"this takes about {clock(total)} (minutes:seconds)\n", sep="\n", flush=True)
    progress, lost = Progress(total), False
    for key in todo:
        progress.scenario(SCENARIOS[key].title)
        kept |= _measured(SCENARIOS[key], contenders, place, run, progress, setting.chosen)
        run.results = [kept[key] for key in SCENARIOS if key in kept]
        _save({options.json: as_json(run)})  # a run that is stopped can be taken up with --keep
        lost |= any(row.trouble for row in run.rows_of(key, OURS))
    _write(options, run)
    return 1 if lost else 0


def _kept(options: Options, run: Run, contenders: list[Contender]) -> dict[str, Result]:
    """What the last run has concluded on the same machine with the same source, if it is to be kept."""
    if not options.keep:
        return {}
    try:
        last = read(options.json)
    except Unreadable as failure:
        print(f"bench: nothing is kept: {failure}", file=sys.stderr)
        return {}
    if not last.is_like(run.facts, run.chosen, run.pace):
        print(
            f"bench: nothing is kept: {options.json} is of another machine, source, set-up or pace",
            file=sys.stderr,
        )
        return {}
    kept = {}
    for result in last.results:
        servers = [each.name for each in taking_part(SCENARIOS[result.key], contenders)]
        if result.key not in options.named and lack(result, servers, run.rounds_of(result.key)) is None:
            kept[result.key] = result
    return kept


def _measured(
    scenario: Scenario,
    contenders: list[Contender],
    place: Place,
    run: Run,
    progress: Progress,
    setting: Mapping[str, Setup],
) -> dict[str, Result]:
    """Measure a scenario and print it. Where the machine cannot, run.lines gets the reason."""
    found = {}
    try:
        found[scenario.key] = result = measure(scenario, contenders, place, run.pace, progress, setting)
        said = report.table(result).text()
    except NotShown as missing:
        said = f"{scenario.title}: not shown on this machine: {missing}"
        run.lines.append(said)
        said += "\n"
    progress.clear()
    print(said, flush=True)
    return found


def _calibrated(
    options: Options, contenders: list[Contender], place: Place, facts: list[tuple[str, str]]
) -> Calibration:
    """The fastest set-up of each server that runs Python: as it was kept, or measured now."""
    wanted = {each.name: each for each in contenders if each.runs_python}
    if not any(each.is_peer and each.name != OURS for each in wanted.values()):
        return Calibration()  # there is nothing to compare with: nothing is installed for it
    pythons = list(setups.other_pythons())
    key = calibration.key(facts, pythons)
    path = setups.FOLDER / f"calibration-{setups.this_python()}.json"
    known = Calibration() if options.calibrate else calibration.load(path, key)
    if wanted.keys() - known.chosen.keys():
        print("calibration: each server is tried on what it could run on", file=sys.stderr, flush=True)

        def look(name: str, setup: Setup) -> float:
            return cpu_of_a_get(place, wanted[name], setup, 1)

        known = calibration.calibrate(list(wanted), look, pythons, known)
        calibration.save(path, key, known)
    return known


def _write(options: Options, run: Run) -> None:
    """Print the summary and write the files."""
    results = run.results
    short = report.summary(results)
    print("\n".join([*([short.text()] if short.rows else []), *([report.READING] if results else [])]))
    files = {
        options.json: as_json(run),
        options.markdown: report.markdown(results, list(run.facts.items()), run.lines),
    }
    written = [str(path) for path in files]
    _save(files)
    try:
        options.plot.parent.mkdir(parents=True, exist_ok=True)
        if plot.draw(results, options.plot):
            written.append(str(options.plot))
    except NotShown as lack:
        print(f"the plot: not shown on this machine: {lack}")
    except OSError as failure:
        _unwritable(failure)
    print("written: " + ", ".join(written))


def _save(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as failure:
            _unwritable(failure)


def _unwritable(failure: OSError) -> NoReturn:
    print(f"bench: {failure.filename}: cannot be written ({failure.strerror})", file=sys.stderr)
    raise SystemExit(2) from None
