"""Drive `verify`: run every variant of every lab, a few at a time, and print what was found."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from labs.runner import suite, terminal, verify
from labs.runner.registry import Entry, Lab


def verify_labs(entries: Sequence[Entry], out: terminal.Terminal) -> int:
    """Examine labs; 0 when all are honest, 1 otherwise."""
    started = time.monotonic()
    labs = [entry for entry in entries if isinstance(entry, Lab)]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="labs-verify-") as scratch:
        exams = {lab.id: verify.prepare(lab, Path(scratch)) for lab in labs}
        jobs = [(f"{lab}\0{name}", job) for lab, exam in exams.items() for name, job in exam.jobs()]
        left = {lab: sum(key.startswith(f"{lab}\0") for key, _ in jobs) for lab in exams}
        with out.progress(len(jobs)) as bar:
            for key, result in suite.run_all(jobs):
                lab, name = key.split("\0")
                exam = exams[lab]
                exam.results[name] = result
                left[lab] -= 1
                bar.advance()
                bar.note(f"{exam.lab.name}: {name}")
                if not left[lab]:
                    wrong += _tell(exam, out)
    begun = [entry for entry in entries if not isinstance(entry, Lab) and entry.folder.is_dir()]
    for entry in begun:
        out.say(f"…  {entry.name}: not whole yet, lacks {', '.join(entry.missing)}", terminal.WARN)
    took = f"{len(jobs)} runs in {time.monotonic() - started:.0f} s"
    if wrong:
        out.say(f"labs-verify: {wrong} mistakes in {len(labs)} labs ({took})", terminal.BAD)
        return 1
    out.say(f"labs-verify: {len(labs)} labs are honest ({took})", terminal.GOOD)
    return 0


def _tell(exam: verify.Examination, out: terminal.Terminal) -> int:
    mistakes = verify.judge(exam)
    tests = len(exam.results[f"solution, seed {verify.SEEDS[0]}"].tests)
    summary = f"{exam.lab.name}: {len(exam.lab.tasks)} tasks, {tests} tests, {len(exam.mutants)} mutants"
    out.say(f"{'✗' if mistakes else '✓'}  {summary}", terminal.BAD if mistakes else terminal.GOOD)
    for mistake in mistakes:
        out.say(f"   - {mistake}")
    return len(mistakes)
