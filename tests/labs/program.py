"""`python -m labs …` run as a program, on labs and a work folder of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from labs.runner.registry import ROOT
from tests.labs import toy


class Program:
    """`python -m labs …` on the toy (or on other labs), with a work folder of the test's own."""

    def __init__(self, folder: Path, work: str = "work", labs: Path | None = None) -> None:
        self.folder = folder
        self.labs = labs or folder / "labs"
        self.work = folder / work
        self.exercise = self.work / "01_toy" / "exercise.py"
        self.record = self.work / "progress.jsonl"
        self.environment = os.environ | {"LABS_WORK": str(self.work), "QUICK": "1"}
        for name in ("CI", "COLUMNS"):  # a worker of pytest-xdist sets COLUMNS
            self.environment.pop(name, None)

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "labs", *words, "--labs", str(self.labs)]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(*words),
            cwd=ROOT,
            env=self.environment,
            input="",
            capture_output=True,
            text=True,
            timeout=120,
        )

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.record.read_text().splitlines()]

    def solve(self, source: str = toy.FILES["solution.py"]) -> None:
        self.exercise.parent.mkdir(parents=True, exist_ok=True)
        self.exercise.write_text(source)
