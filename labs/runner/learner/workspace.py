"""The learner's own files: made only if absent, never overwritten, never lost.

    work/01_raw_socket/exercise.py      the learner's (or under LABS_WORK)
    work/.trash/20260102-030405/…       what a reset put away; the command that brings it back is printed

A folder belongs to a lab by the lab's stable id, so a lab that changes its number finds its work again.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from labs.runner.authoring.stub import stub_of
from labs.runner.errors import LabError
from labs.runner.files import refused, write_new
from labs.runner.registry import ROOT, Lab

EXERCISE = "exercise.py"


def default_root() -> Path:
    """work/ in the project, or what LABS_WORK says."""
    chosen = os.environ.get("LABS_WORK")
    return Path(chosen).expanduser().resolve() if chosen else ROOT / "work"


def shown(path: Path) -> str:
    """A path as the learner would type it: relative when that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@dataclass(frozen=True, slots=True)
class Workspace:
    """All of one learner's work."""

    root: Path

    def folder(self, lab: Lab) -> Path:
        """The lab's folder, whether it exists or not; an older number's folder is kept in use."""
        pattern = re.compile(rf"\d\d_{re.escape(lab.id)}")
        known = sorted(path for path in self.root.glob("[0-9][0-9]_*") if pattern.fullmatch(path.name))
        return known[0] if known else self.root / f"{lab.number:02d}_{lab.id}"

    def exercise(self, lab: Lab) -> Path:
        """The learner's file, whether it exists or not."""
        return self.folder(lab) / EXERCISE

    def open(self, lab: Lab) -> tuple[Path, bool]:
        """The learner's file, made from the stub if absent: (path, whether it was made now)."""
        target = self.exercise(lab)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                raise FileExistsError
            write_new(target, stub_of(lab.folder).encode())
        except FileExistsError:
            if not target.is_file():
                raise LabError(f"{shown(target)} is in the way: it is no file; move it elsewhere") from None
            return target, False
        except OSError as error:
            raise refused(target, "cannot be made", error) from None
        return target, True

    def reset(self, lab: Lab, now: float | None = None) -> tuple[Path, str]:
        """Put the lab's folder into the trash: (where it is now, the shell command that brings it back)."""
        folder = self.folder(lab)
        if not folder.is_dir():
            raise LabError(f"lab {lab.name} has no work to reset: {shown(folder)} does not exist")
        try:
            there = self._fresh_bin(time.time() if now is None else now) / folder.name
            # A rename: the work is in one place or in the other, never half in each.
            os.rename(folder, there)
        except OSError as error:
            raise refused(folder, "stays where it is", error) from None
        return there, self._way_back(there, folder)

    def _fresh_bin(self, now: float) -> Path:
        """A new folder of the trash: two resets within one second must not meet."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
            bin_ = self.root / ".trash" / f"{stamp}{suffix}"
            try:
                bin_.mkdir(parents=True)
            except FileExistsError:
                continue
            return bin_
        raise LabError(f"{self.root / '.trash'} is full of resets of this second; try again")

    def _way_back(self, there: Path, folder: Path) -> str:
        """A command that cannot overwrite: mv refuses to put a folder over one that holds something."""
        return f"mv {shlex.quote(shown(there))} {shlex.quote(shown(folder.parent))}/"
