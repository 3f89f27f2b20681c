"""The wrong programs of the seven labs, each in the place of its part: does the whole server show it?

    .venv/bin/python labs/15_capstone/whole_with_wrong.py      prints JSON: {"chunked": [names, of], …}
    … --code FILE --part framing=FILE …                        the same with your joints and your parts
    … --write                                                  keeps the names in shown.toml

The whole is judged by the wire cases of `netlab check`, without a socket, and by the conversations in which
the part speaks. unseen.toml says why the others cannot be seen. The tests of the part's own lab show them:
labs-verify proves both, and tests/labs/test_capstone.py that the two lists are current. Each wrong program
runs in a fork of its own with an alarm, since it may loop for ever.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1])]

import assembled  # noqa: E402
import conversations  # noqa: E402
import wire_judge  # noqa: E402

from labs.runner import loader, registry  # noqa: E402
from labs.runner.authoring import wrong  # noqa: E402
from labs.runner.checking.capstone_parts import Parts  # noqa: E402
from labs.runner.errors import LabError  # noqa: E402

SECONDS = 4  # of processor time for everything; the reference takes a fifth of a second
MEMORY = 1 << 30
AT_ONCE = 3 * (os.cpu_count() or 1)  # a wrong program of lab 09 or 14 mostly waits
Found = dict[str, tuple[list[str], int]]


def shows(parts: Mapping[str, ModuleType], mine: object, slug: str = "") -> bool:
    """Does the server of these parts fail a wire case or a conversation? slug: the part that is wrong."""
    try:
        names = conversations.of(slug) if slug else [kind.name for kind in conversations.kinds()]
        return any(conversations.broken(parts, mine, names)) or any(
            wire_judge.wrong(case, assembled.Talk(parts, mine))
            for case in wire_judge.playable()
            if case.id not in wire_judge.LEFT_TO_NETLAB
        )
    except Exception:
        return True


def start(path: Path, slug: str, parts: Mapping[str, ModuleType], mine: object) -> int:
    """`shows` for one wrong program, in a child that may die: its process id."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.alarm(60)
        status = 1
        try:
            status = int(shows({**parts, slug: loader.load(path, f"part_{slug}")}, mine, slug))
        finally:
            os._exit(status)
    return child


def count(code: Path = FOLDER / "solution.py", chosen: Sequence[str] = ()) -> Found:
    """For each lab: the names of its wrong programs that the whole shows, of how many.

    code: the joints. chosen: "slug=path", the parts that are not the reference's. Raises LabError.
    """
    mine, own = loader.load(code), Parts(FOLDER.parent, chosen)
    parts = {slug: own[slug] for slug in assembled.PARTS}
    if shows(parts, mine):
        raise LabError(f"{code}: the whole breaks a wire case even without a wrong program: `make lab-15`")
    shown: dict[tuple[str, str], bool] = {}
    running: dict[int, tuple[str, str]] = {}
    with tempfile.TemporaryDirectory(prefix="capstone-") as scratch:
        for slug, name, path in wrong_programs(Path(scratch)):
            if len(running) == AT_ONCE:
                _take(running, shown)
            shown[slug, name] = False  # keeps the order
            running[start(path, slug, parts, mine)] = (slug, name)
        while running:
            _take(running, shown)
    return {
        lab: ([name for (slug, name), seen in shown.items() if slug == lab and seen], _of(shown, lab))
        for lab in assembled.PARTS
    }


def wrong_programs(scratch: Path) -> Iterator[tuple[str, str, Path]]:
    """Each wrong program of the seven labs: the lab's slug, the name, and the whole program as a file."""
    for lab in registry.written(FOLDER.parent):
        if lab.slug in assembled.PARTS:
            source = lab.solution.read_text("utf-8")
            for number, program in enumerate(wrong.read(lab.wrong.read_text("utf-8"))):
                path = scratch / f"{lab.slug}_{number}.py"
                path.write_text(wrong.program_text(source, program), "utf-8")
                yield lab.slug, program.name, path


def _take(running: dict[int, tuple[str, str]], shown: dict[tuple[str, str], bool]) -> None:
    """Wait for one child."""
    child, status = os.wait()
    shown[running.pop(child)] = os.waitstatus_to_exitcode(status) != 0


def _of(shown: Mapping[tuple[str, str], bool], lab: str) -> int:
    return sum(slug == lab for slug, _ in shown)


def as_toml(found: Found) -> str:
    """What shown.toml holds."""
    lines = ["# The wrong programs that the whole server shows, by lab. Made by whole_with_wrong.py --write."]
    for slug, (names, _) in found.items():
        lines += [f"{slug} = [", *(f'    "{name}",' for name in names), "]"]
    return "\n".join([*lines, ""])


def main() -> None:
    """Count, print, and keep if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--code", type=Path, default=FOLDER / "solution.py", help="the joints")
    parser.add_argument("--part", action="append", default=[], metavar="SLUG=PATH")
    parser.add_argument("--write", action="store_true", help="keep the names in shown.toml")
    options = parser.parse_args()
    try:
        found = count(options.code.resolve(), options.part)
    except LabError as error:
        print(f"whole_with_wrong: {error}", file=sys.stderr)
        sys.exit(2)
    print(json.dumps(found))
    if options.write:
        (FOLDER / "shown.toml").write_text(as_toml(found), "utf-8")


if __name__ == "__main__":
    main()
