"""Drive `verify`: run every variant of every lab, a few at a time, and print what was found."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from labs.runner import terminal
from labs.runner.authoring import verify
from labs.runner.checking import suite
from labs.runner.checking.capstone_parts import CAPSTONE
from labs.runner.checking.forkserver import ForkServer
from labs.runner.registry import Entry, Lab


def verify_labs(entries: Sequence[Entry], out: terminal.Terminal) -> int:
    """Examine labs; 0 when all are honest, 1 otherwise."""
    started = time.monotonic()
    labs = [entry for entry in entries if isinstance(entry, Lab)]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="labs-verify-") as scratch:
        exams = {lab.id: verify.prepare(lab, Path(scratch)) for lab in labs}
        left = {exam.lab.id: exam.count for exam in exams.values()}
        for capstone, exam in _with_capstone(exams.values()):
            left[capstone.id] += len(exam.for_capstone(capstone))
        total = sum(left.values())
        wrong += sum(_tell(exam, out) for exam in exams.values() if not exam.runnable)
        with (
            out.progress(total) as bar,
            ForkServer() as server,
            closing(server.run(_jobs(exams.values()))) as results,
        ):
            server.preload(source for lab in labs for source in (lab.solution, *lab.checks))
            for key, result in results:
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
    took = f"{total} runs in {time.monotonic() - started:.0f} s"
    if wrong:
        errors = terminal.count(wrong, "error")
        out.say(f"labs-verify: {errors} in {terminal.count(len(labs), 'lab')} ({took})", terminal.BAD)
        return 1
    out.say(f"labs-verify: {terminal.count(len(labs), 'lab')} proved honest ({took})", terminal.GOOD)
    return 0


def _jobs(exams: Collection[verify.Examination]) -> Iterator[tuple[str, suite.Job]]:
    """All jobs of all labs, each with its lab's id in front of its name."""
    for exam in exams:
        yield from ((f"{exam.lab.id}\0{name}", job) for name, job in exam.jobs())
    for capstone, exam in _with_capstone(exams):
        yield from ((f"{capstone.id}\0{name}", job) for name, job in exam.capstone_jobs(capstone))


def _with_capstone(exams: Collection[verify.Examination]) -> Iterator[tuple[Lab, verify.Examination]]:
    """The capstone beside every other lab, whose wrong programs it must catch; none before it exists."""
    for capstone in (exam.lab for exam in exams if exam.lab.slug == CAPSTONE):
        yield from ((capstone, exam) for exam in exams if exam.lab is not capstone)


def _tell(exam: verify.Examination, out: terminal.Terminal) -> int:
    errors = verify.judge(exam)
    first = exam.results.get(f"solution, seed {verify.SEEDS[0]}")
    counted = (
        (len(exam.lab.tasks), "task"),
        (len(first.tests) if first else 0, "test"),
        (len(exam.wrong), "wrong program"),
    )
    summary = f"{exam.lab.name}: {', '.join(terminal.count(number, noun) for number, noun in counted)}"
    out.say(f"{'✗' if errors else '✓'}  {summary}", terminal.BAD if errors else terminal.GOOD)
    for error in errors:
        out.say(f"   - {error}")
    return len(errors)
