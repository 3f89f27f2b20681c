"""The labs lead to their boards, the verdict page to both, and the package holds every file of the pages."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from pathlib import Path

import pytest

from labs.runner.registry import written
from labs.runner.report.cards import BOARDS, see_live
from netlab.live.registry import MODULES, boards

ROOT = Path(__file__).parents[2]


def test_every_lab_with_a_board_names_it_in_its_readme() -> None:
    for lab in written():
        if lab.id in BOARDS:
            text = (lab.folder / "README.md").read_text("utf-8")
            assert re.findall(r'`make live ARGS="--board (\w+)"`', text) == [BOARDS[lab.id]], lab.id
            assert f'--board {BOARDS[lab.id]}"</code>' in see_live(lab)


def test_every_board_is_named_by_a_lab_and_names_one_that_exists() -> None:
    assert set(BOARDS.values()) <= set(MODULES)
    folders = {lab.folder.name for lab in written()}
    for board in boards():
        assert board.lab in folders, board.name
        if board.name in BOARDS.values():
            assert board.name == "wire" or BOARDS[board.lab.partition("_")[2]] == board.name


@pytest.mark.parametrize("package", ["netlab.live", "netlab.check"])
def test_the_wheel_holds_every_file_that_is_no_module(package: str) -> None:
    """setuptools takes what the globs of package-data name, and no other file that is not Python."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    folder = ROOT / package.replace(".", "/")
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    others = [file for file in files if not file.endswith((".py", ".pyc", ".md")) or "/" in file]
    others = [file for file in others if not file.endswith((".py", ".pyc"))]
    assert others
    left_out = [file for file in others if not any(fnmatch.fnmatch(file, glob) for glob in data[package])]
    assert not left_out, f"not in the wheel: {left_out}"
