"""The learner's bytes: made only if absent, never overwritten, and every way back works."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from labs.runner.authoring.stub import stub_of
from labs.runner.errors import LabError
from labs.runner.learner.learner import Learner
from labs.runner.registry import Lab

MINE = b"# mine \xc3\xa9\r\n\x00 not even Python"


def test_the_first_opening_copies_the_stub(learner: Learner, lab: Lab) -> None:
    path, made = learner.work.open(lab)
    assert made and path.read_text("utf-8") == stub_of(lab.folder)
    assert path.parent.name == "01_toy"


def test_opening_again_never_overwrites_even_when_the_stub_changed(learner: Learner, lab: Lab) -> None:
    path, _ = learner.work.open(lab)
    path.write_bytes(MINE)
    lab.solution.write_text(lab.solution.read_text("utf-8") + "# a new version\n", "utf-8")
    assert learner.work.open(lab) == (path, False)
    assert path.read_bytes() == MINE


def test_a_lab_that_changes_its_number_finds_its_work(learner: Learner, lab: Lab) -> None:
    path, _ = learner.work.open(lab)
    moved = dataclasses.replace(lab, number=7)
    assert learner.work.exercise(moved) == path


def test_another_lab_whose_id_ends_alike_is_not_mistaken(learner: Learner, lab: Lab) -> None:
    learner.work.open(dataclasses.replace(lab, id="big_toy"))
    assert learner.work.exercise(lab).parent.name == "01_toy"


def test_reset_moves_to_the_trash_and_its_command_brings_all_back(learner: Learner, lab: Lab) -> None:
    path, _ = learner.work.open(lab)
    path.write_bytes(MINE)
    (path.parent / "notes with space.txt").write_text("n")
    (path.parent / ".hidden").write_text("h")
    there, command = learner.work.reset(lab)
    assert not path.exists() and (there / path.name).read_bytes() == MINE
    assert ".trash" in there.parts
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0
    assert path.read_bytes() == MINE
    assert (path.parent / "notes with space.txt").exists() and (path.parent / ".hidden").exists()


def test_bringing_back_does_not_overwrite_a_newer_start(learner: Learner, lab: Lab) -> None:
    path, _ = learner.work.open(lab)
    path.write_bytes(MINE)
    _, command = learner.work.reset(lab)
    path, _ = learner.work.open(lab)
    path.write_bytes(b"newer")
    subprocess.run(["sh", "-c", command], check=False, capture_output=True)
    kept = [path.read_bytes(), *(p.read_bytes() for p in path.parent.parent.rglob("*.py") if p != path)]
    assert b"newer" in kept and MINE in kept, "both the newer and the older work must still exist"


def test_two_resets_in_one_second_do_not_meet(learner: Learner, lab: Lab) -> None:
    first, _ = learner.work.open(lab) and learner.work.reset(lab, now=1_000_000.0)
    second, _ = learner.work.open(lab) and learner.work.reset(lab, now=1_000_000.0)
    assert first != second and first.is_dir() and second.is_dir()


def test_a_reset_without_work_says_so(learner: Learner, lab: Lab) -> None:
    with pytest.raises(LabError, match="has no work to reset"):
        learner.work.reset(lab)


def test_a_folder_in_the_way_is_named_and_left_alone(learner: Learner, lab: Lab) -> None:
    learner.work.exercise(lab).mkdir(parents=True)
    with pytest.raises(LabError, match="is in the way"):
        learner.work.open(lab)


def test_labs_work_moves_the_work_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from labs.runner.learner import workspace

    monkeypatch.setenv("LABS_WORK", str(tmp_path / "mine"))
    assert workspace.default_root() == tmp_path / "mine"
    monkeypatch.delenv("LABS_WORK")
    assert workspace.default_root() == workspace.ROOT / "work"
