"""`make serve-15`: the server made of your parts. The reference fills in what is not done, and it says so.

.venv/bin/python labs/15_capstone/serve.py [--port N] [--reference] [--code FILE] [--descriptors N] [--short]
"""

from __future__ import annotations

import argparse
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from labs.runner import loader, registry, terminal  # noqa: E402
from labs.runner.checking.capstone_parts import CAPSTONE, Parts  # noqa: E402
from labs.runner.errors import LabError  # noqa: E402
from labs.runner.learner import progress, workspace  # noqa: E402
from labs.runner.learner.learner import Learner  # noqa: E402

sys.path.insert(0, str(FOLDER))
import assembled  # noqa: E402

SHORT = {"head": 0.2, "content": 0.2, "stall": 0.1, "linger": 0.2}  # seconds, as lab 14's servers


def own_parts(names: list[str]) -> dict[str, Path]:
    """The learner's own file of each of these labs that is done, by slug."""
    learner = Learner.at(workspace.default_root(), terminal.terminal())
    labs = [lab for lab in registry.written() if lab.slug in names]
    done = [lab for lab in labs if learner.standing(lab).state is progress.State.DONE]
    return {lab.slug: learner.work.exercise(lab) for lab in done}


def why_not(slug: str) -> str:
    """Why the learner's file of a lab is no part of the server, in words."""
    learner = Learner.at(workspace.default_root(), terminal.terminal())
    (lab,) = (lab for lab in registry.written() if lab.slug == slug)
    if not learner.work.exercise(lab).is_file():
        return "not begun"
    if learner.standing(lab).state is progress.State.RECHECK:
        return f"yours has changed, so run make lab-{lab.number:02d} again"
    return "yours does not pass yet"


def filled_in(own: dict[str, Path], *, joints: bool) -> str:
    """Which parts are the learner's, and which the reference fills in. joints: are they the learner's?"""
    named = {slug: text.partition(":")[0] for slug, text in assembled.PARTS.items()}
    named |= {} if joints else {CAPSTONE: "lab 15"}
    yours = [name for slug, name in named.items() if slug in own]
    missing = [f"{name} ({why_not(slug)})" for slug, name in named.items() if slug not in own]
    return f"yours: {', '.join(yours) or 'none'}; the reference fills in: {', '.join(missing) or 'none'}"


def main() -> None:
    """Serve until SIGTERM or Ctrl-C, then drain."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--reference", action="store_true", help="no part of yours")
    parser.add_argument("--code", type=Path, help="the joints: another file than your exercise.py")
    parser.add_argument("--descriptors", type=int, default=1024)
    parser.add_argument("--short", action="store_true", help="deadlines of a fraction of a second")
    options = parser.parse_args()
    own = {} if options.reference else own_parts(list(assembled.PARTS))
    joints = {} if options.reference else own_parts([CAPSTONE])
    code = options.code or joints.get(CAPSTONE, FOLDER / "solution.py")
    try:
        parts = Parts(FOLDER.parent, [f"{slug}={path}" for slug, path in own.items()])
        joints_are_yours = bool(options.code or joints)
        said = (
            "each part is the reference's" if options.reference else filled_in(own, joints=joints_are_yours)
        )
        serve(parts, loader.load(code.resolve()), options, said)
    except (LabError, OSError, OverflowError) as error:
        print(f"serve-15: {error}", file=sys.stderr)
        sys.exit(2)


def serve(parts: Parts, mine: Any, options: argparse.Namespace, said: str) -> None:
    """Listen, say where, and turn the loop."""
    limit = min(options.descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: asked.append(number))
    siege = parts["siege"]
    timeouts = siege.Timeouts(**SHORT) if options.short else siege.Timeouts()
    with socket.create_server(("127.0.0.1", options.port), backlog=1024) as listener:
        loop = assembled.Assembled(parts, mine, listener, gate=siege.Gate(limit), timeouts=timeouts)
        print(f"your server: http://127.0.0.1:{listener.getsockname()[1]}/ ({said})", flush=True)
        loop.run(lambda: bool(asked))


if __name__ == "__main__":
    main()
