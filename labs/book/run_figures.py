"""The numbers of the chapters, and the words that say which run they are of.

A full run of `make labs` here comes before a run that QUICK=1 shortened, and that before the example in git.
Not here: how a chapter names a number (conf.py's substitutions).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Document = dict[str, Any]


def figures(example: Path, kept: Path) -> dict[str, Any]:
    """{lab: {figure: value}}, and under "run" the machine and which run it was.

    example: the run in git. kept: the last run here, or no file. A figure that the kept run lacks is the
    example's, and `which` names its lab.
    """
    shown = json.loads(example.read_text("utf-8"))
    found: dict[str, Any] = _by_lab(shown)
    run = _run(kept)
    if run is None:
        found["run"] = _told(shown, "an example run")
        return found
    mine = _by_lab(run)
    lacking = sorted(lab for lab, known in found.items() if not known.keys() <= mine.get(lab, {}).keys())
    for lab, measured in mine.items():
        found.setdefault(lab, {}).update(measured)
    which = "the last `make labs` here"
    if run.get("quick"):
        which += ", which QUICK=1 shortened: its figures scatter more"
    if lacking:
        which += f" (what it lacks is of an example run: {', '.join(lacking)})"
    found["run"] = _told(run, which)
    return found


def _run(kept: Path) -> Document | None:
    """The last run here; None when there is none that can be read."""
    try:
        run = json.loads(kept.read_text("utf-8"))
        return run if isinstance(run, dict) and run["machine"] and run["labs"] else None
    except (OSError, ValueError, KeyError):
        return None


def _by_lab(run: Document) -> dict[str, dict[str, Any]]:
    return {lab["lab"]: dict(lab["figures"]) for lab in run["labs"]}


def _told(run: Document, which: str) -> dict[str, str]:
    machine = run["machine"]
    return {"machine": f"{machine['processor']}, {machine['Python']}", "which": which}
