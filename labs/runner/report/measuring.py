"""Run one lab's measurement in a fresh process, and bring its evidence home.

The child sees nothing of the runner's memory, descriptors or threads: what it measures is the lab's alone.
Whatever happens there, the caller gets an Evidence: shown, not shown on this machine, or failed.
"""

from __future__ import annotations

import argparse
import asyncio
import enum
import importlib
import inspect
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.runner import children, loader, tools
from labs.runner.errors import LabError
from labs.runner.evidence import Measurement, NotShown, Run, Verdict
from labs.runner.registry import ROOT, Lab

_SILENCE = 600.0  # seconds without a word; the longest step of any measurement takes a tenth of it


class Outcome(enum.Enum):
    """How a measurement ended."""

    SHOWN = "shown"
    NOT_SHOWN = "not shown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came of one measurement. `reason`: why there is none; `log` is for the lab's author."""

    lab: Lab
    outcome: Outcome
    measurement: Measurement | None = None
    reason: str = ""
    seconds: float = 0.0
    log: str = ""


def _silent(_: str) -> None:
    """No display."""


def measure(lab: Lab, code: Path, say: Callable[[str], None] = _silent, seed: int = 1) -> Evidence:
    """Measure `code` (the reference or the learner's file) with the lab's measure.py."""
    if missing := tools.lacking(lab.needs):
        return Evidence(lab, Outcome.NOT_SHOWN, reason=missing)
    started = time.monotonic()
    last: children.Event = {}
    arguments = [str(lab.folder), str(code), "--seed", str(seed)]
    with children.spawn("labs.runner.report.measuring", arguments, where=ROOT) as child:
        try:
            for event in child.events(_SILENCE):
                if "say" in event:
                    say(event["say"])
                else:
                    last = event
        except TimeoutError:
            child.kill()
            last = {"failed": f"the measurement said nothing for {_SILENCE:g} s and was stopped"}
        status, printed = child.finish(), child.printed()
    seconds = time.monotonic() - started
    if "measurement" in last:
        return _judged(lab, Measurement.from_json(last["measurement"]), seconds)
    if "not_shown" in last:
        return Evidence(lab, Outcome.NOT_SHOWN, reason=last["not_shown"], seconds=seconds)
    reason = last.get("failed", f"the measurement's process ended early (status {status})")
    return Evidence(lab, Outcome.FAILED, reason=reason, seconds=seconds, log=last.get("log", "") or printed)


def _judged(lab: Lab, measurement: Measurement, seconds: float) -> Evidence:
    """A measurement that does not hold the figure its prediction is about is no evidence."""
    figure = lab.prediction.figure
    if measurement.verdict is Verdict.NOT_SHOWN:
        return Evidence(lab, Outcome.NOT_SHOWN, measurement, measurement.headline, seconds)
    if figure not in measurement.figures:
        known = ", ".join(measurement.figures) or "none"
        reason = (
            f"lab.toml predicts the figure {figure!r}, which measure.py did not return (it returned {known})"
        )
        return Evidence(lab, Outcome.FAILED, reason=reason, seconds=seconds)
    return Evidence(lab, Outcome.SHOWN, measurement, seconds=seconds)


def _measure_here(folder: Path, code: Path, seed: int, emit: children.Emit) -> None:
    """The child's part."""
    sys.path.append(str(folder))
    try:
        module = loader.load(code)
        script = loader.load(folder / "measure.py", "measure")
        mine = code != folder / "solution.py"
        run = Run(module, folder, seed=seed, say=lambda text: emit({"say": str(text)}), mine=mine)
        found: Any = script.measure(run)
        if inspect.isawaitable(found):
            found = asyncio.run(_awaited(found))
        if not isinstance(found, Measurement):
            raise TypeError(f"measure() returned {type(found).__name__}, not a Measurement")
        emit({"measurement": found.to_json()})
    except NotShown as reason:
        emit({"not_shown": str(reason)})
    except LabError as error:
        emit({"failed": str(error)})
    except Exception as error:
        emit({"failed": _one_line(error, folder), "log": traceback.format_exc()})


async def _awaited(found: Any) -> Any:
    return await found


def _one_line(error: Exception, folder: Path) -> str:
    """The error and the last line of the lab that it passed through."""
    inside = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).parent == folder]
    place = f"{Path(inside[-1].filename).name}:{inside[-1].lineno}: " if inside else ""
    text = str(error).splitlines()
    return f"{place}{type(error).__name__}{': ' + text[0] if text else ''}"


def main(argv: Sequence[str] | None = None) -> int:
    """The child: `python -m labs.runner.report.measuring --events FD FOLDER CODE [--seed N]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("folder", type=Path)
    parser.add_argument("code", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    # Run under its import name: the classes that measure.py returns must be the ones compared with here.
    here = importlib.import_module("labs.runner.report.measuring")
    here._measure_here(
        options.folder.resolve(), options.code.resolve(), options.seed, children.emitter(options.events)
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a thread that the measured code left running must not keep us waiting


if __name__ == "__main__":
    sys.exit(main())
