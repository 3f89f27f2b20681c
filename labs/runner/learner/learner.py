"""One learner: the work folder, the record and the terminal, as every command needs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labs.runner import terminal
from labs.runner.authoring.stub import stub_of
from labs.runner.learner import progress
from labs.runner.learner.workspace import Workspace
from labs.runner.registry import Lab


@dataclass(frozen=True, slots=True)
class Learner:
    """What every command of a learner needs."""

    work: Workspace
    record: progress.Record
    out: terminal.Terminal

    @classmethod
    def at(cls, root: Path, out: terminal.Terminal) -> Learner:
        """The learner whose work is kept under `root`."""
        return cls(Workspace(root), progress.Record(root / "progress.jsonl"), out)

    def standing(self, lab: Lab) -> progress.Standing:
        """Where the lab stands, by the record and by the files as they are now."""
        file = progress.fingerprint(self.work.exercise(lab))
        check, stub = progress.fingerprint(*lab.checks), progress.fingerprint_of(stub_of(lab.folder).encode())
        return progress.standing(self.record.events(lab), file, check, stub)

    def solved_before(self, lab: Lab) -> bool:
        """Whether the last check found every task passing that the lab needs to be solved."""
        return self.standing(lab).task > lab.solved_by

    def solved(self, lab: Lab) -> bool:
        """Whether the file, as it is now, passes every task that the lab needs to be solved."""
        now = self.standing(lab)
        return now.state is progress.State.DONE or (now.current and now.task > lab.solved_by)
