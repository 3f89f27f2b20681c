"""A run as a file, `bench.json`: every sample of every round, with what it was measured on.

What a run has concluded may be kept by the next one (`--keep`), and README's table is made of it (`readme`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import Column, Result, Row
from tests.bench.scenarios import SCENARIOS, Pace

# Facts that say nothing of what was measured.
_PASSING = ("measured", "open files", "memory", "servers")


class Unreadable(Exception):
    """The file is not there or is no record of a run: what is wrong with it."""


@dataclass(slots=True)
class Run:
    """One run of the bench.

    facts: what it was measured on, by name. lines: what is to be said besides. pace: how long and how often.
    chosen: what each server ran on.
    """

    facts: dict[str, str]
    lines: list[str]
    results: list[Result]
    pace: Pace = field(default_factory=Pace)
    chosen: dict[str, str] = field(default_factory=dict)

    def of(self, key: str) -> Result | None:
        """The result of a scenario."""
        return next((result for result in self.results if result.key == key), None)

    def rows_of(self, key: str, server: str) -> list[Row]:
        """The rows of one server in a scenario."""
        result = self.of(key)
        return [row for row in result.rows if row.server == server] if result is not None else []

    def is_like(self, facts: dict[str, str], chosen: dict[str, str], pace: Pace) -> bool:
        """Whether another run's figures may stand beside these: same machine, versions, source and pace."""
        mine, other = (
            {name: text for name, text in each.items() if name not in _PASSING}
            for each in (self.facts, facts)
        )
        return (mine, self.chosen, self.pace) == (other, chosen, pace)

    def rounds_of(self, key: str) -> int:
        """The rounds that a scenario has in such a run."""
        return self.pace.rounds_of(*SCENARIOS[key].rounds)


def as_json(run: Run) -> str:
    """The run as text."""
    whole = {
        "facts": run.facts, "not_shown": run.lines, "pace": asdict(run.pace), "chosen": run.chosen,
        "scenarios": [asdict(each) for each in run.results],
    }  # fmt: skip
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def read(path: Path) -> Run:
    """The run that a file holds. Raises Unreadable."""
    try:
        whole = json.loads(path.read_text("utf-8"))
        results = [_result(each) for each in whole["scenarios"]]
        return Run(whole["facts"], whole["not_shown"], results, Pace(**whole["pace"]), whole["chosen"])
    except FileNotFoundError:
        raise Unreadable(f"{path} is not there: run `make bench ARGS=--readme` first") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as failure:
        raise Unreadable(
            f"{path} holds no run of this bench ({type(failure).__name__}: {failure}): run it anew"
        ) from None


def _result(given: dict[str, Any]) -> Result:
    columns = tuple(Column(**column) for column in given["columns"])
    return Result(**given | {"columns": columns, "rows": [Row(**row) for row in given["rows"]]})
