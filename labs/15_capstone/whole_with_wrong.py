"""The wrong programs of the seven labs, each in the place of its part: does the whole server show it?

    .venv/bin/python labs/15_capstone/whole_with_wrong.py      prints JSON: {"chunked": [names, of], …}
    .venv/bin/python labs/15_capstone/whole_with_wrong.py --write      keeps the names in shown.toml

labs-verify holds what shown.toml says. Every other wrong program is caught by the tests of its own lab.

Each runs in a fork of its own with an alarm: a wrong program may loop for ever. No socket is opened.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1])]

import assembled  # noqa: E402
import wire_judge  # noqa: E402

from labs.runner import loader, registry  # noqa: E402
from labs.runner.authoring import wrong  # noqa: E402
from labs.runner.checking.capstone_parts import Parts  # noqa: E402

SECONDS = 2  # of processor time for all wire cases; the reference takes a twentieth
MEMORY = 1 << 30


def shows(parts: Parts, mine: object) -> bool:
    """Does the server of these parts fail a wire case, or break down?"""
    try:
        return any(
            wire_judge.wrong(case, assembled.Talk(parts, mine))
            for case in wire_judge.playable()
            if case.id not in wire_judge.LEFT_TO_NETLAB
        )
    except Exception:
        return True


def in_a_fork(path: Path, slug: str, mine: object) -> bool:
    """`shows` for one wrong program, in a child that may die."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.alarm(10 * SECONDS)
        os._exit(1 if shows(Parts(FOLDER.parent, [f"{slug}={path}"]), mine) else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def count() -> dict[str, tuple[list[str], int]]:
    """For each lab: the names of its wrong programs that the whole shows, of how many."""
    mine, found = loader.load(FOLDER / "solution.py"), {}
    wire_judge.playable()
    with tempfile.TemporaryDirectory(prefix="capstone-") as scratch:
        for lab in registry.written(FOLDER.parent):
            if lab.slug not in assembled.PARTS:
                continue
            source = lab.solution.read_text("utf-8")
            programs = wrong.read(lab.wrong.read_text("utf-8"))
            shown = []
            for number, program in enumerate(programs):
                path = Path(scratch) / f"{lab.slug}_{number}.py"
                path.write_text(wrong.program_text(source, program), "utf-8")
                if in_a_fork(path, lab.slug, mine):
                    shown.append(program.name)
            found[lab.slug] = (shown, len(programs))
    return found


def as_toml(found: dict[str, tuple[list[str], int]]) -> str:
    """What shown.toml holds."""
    lines = ["# The wrong programs that the whole server shows, by lab. Made by whole_with_wrong.py --write."]
    for slug, (names, _) in found.items():
        lines += [f"{slug} = [", *(f'    "{name}",' for name in names), "]"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    found = count()
    print(json.dumps(found))
    if sys.argv[1:] == ["--write"]:
        (FOLDER / "shown.toml").write_text(as_toml(found), "utf-8")
