"""A run beside an earlier one, or beside another machine's: the figures that `make labs` kept, read again.

`make labs ARGS="--against FILE"` names the file (a copy of labs/report/index.json).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.runner.errors import LabError
from labs.runner.evidence import Table

Figures = Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A kept run: machine (name: fact), quick (whether it was shortened), and what each lab's id measured."""

    machine: Mapping[str, str]
    quick: bool
    figures: Mapping[str, Figures]
    verdicts: Mapping[str, str]

    @property
    def told(self) -> str:
        """Which run this is: "2026-11-26 06:23 +0000, AMD EPYC, CPython 3.11.7"."""
        facts = [self.machine.get(name, "") for name in ("measured", "processor", "Python")]
        return ", ".join(fact for fact in facts if fact) + (" (QUICK=1)" if self.quick else "")


def read(path: Path) -> Earlier:
    """The run that `path` keeps. Raises LabError for a file that is missing or holds no run."""
    try:
        document = json.loads(path.read_text("utf-8"))
        labs = document["labs"]
        return Earlier(
            dict(document["machine"]),
            bool(document.get("quick", False)),
            {lab["lab"]: dict(lab["figures"]) for lab in labs},
            {lab["lab"]: str(lab["verdict"]) for lab in labs},
        )
    except OSError as error:
        raise LabError(
            f"--against {path}: {error.strerror}; `make labs` keeps labs/report/index.json"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LabError(
            f"--against {path}: holds no kept run; give it an index.json that `make labs` wrote"
        ) from None


def beside(now: Figures, then: Figures) -> Table:
    """Each figure of both runs whose value differs, and this run's divided by the earlier one's."""
    rows = [
        (name, value, then[name], _ratio(value, then[name]))
        for name, value in now.items()
        if name in then and then[name] != value
    ]
    return Table("Beside the earlier run", ("figure", "this run", "earlier", "this / earlier"), rows)


def _ratio(now: Any, then: Any) -> str:
    """ "1.25", or nothing where a quotient means nothing."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (now, then))
    return f"{now / then:.2f}" if numbers and then else "–"
