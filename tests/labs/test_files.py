"""A file of the runner is whole or it is not there, also when the disk is full."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.runner import files
from labs.runner.errors import LabError
from labs.runner.learner import commands
from labs.runner.learner.learner import Learner
from labs.runner.registry import Lab

LONG = 64 * 1024  # bytes: more than the disk takes


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 40 bytes: the kernel refuses the rest, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_leaves_no_exercise(learner: Learner, lab: Lab, full_disk: None) -> None:
    with pytest.raises(LabError, match=r"exercise\.py: cannot be made: File too large"):
        learner.work.open(lab)
    assert not learner.work.exercise(lab).exists()
    assert list(learner.work.folder(lab).iterdir()) == []


def test_a_full_disk_leaves_the_report_that_was_there(tmp_path: Path, full_disk: None) -> None:
    page = tmp_path / "index.html"
    files.write_whole(page, "old")
    with pytest.raises(LabError, match="cannot be written"):
        files.write_whole(page, "x" * LONG)
    assert page.read_text() == "old" and list(tmp_path.iterdir()) == [page]


def test_a_full_disk_is_told_when_the_record_cannot_grow(learner: Learner, lab: Lab, full_disk: None) -> None:
    with pytest.raises(LabError, match=r"progress\.jsonl: cannot be written"):
        learner.record.add(lab, "hint", task=1, level=1)
    assert learner.record.events(lab) == [], "half a line is no event"


def test_a_reset_on_a_full_disk_says_where_the_work_is(
    learner: Learner, lab: Lab, full_disk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    learner.work.folder(lab).mkdir(parents=True)
    learner.work.exercise(lab).write_bytes(b"mine")
    with pytest.raises(LabError, match=r"progress\.jsonl: cannot be written"):
        commands.reset(learner, lab)
    (kept,) = learner.work.root.glob(".trash/*/*/exercise.py")
    assert kept.read_bytes() == b"mine"
    assert f"This brings it back: mv {kept.parent} {learner.work.root}/" in capsys.readouterr().out


def test_a_hint_is_read_on_a_full_disk_too(
    learner: Learner, lab: Lab, full_disk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LabError, match=r"progress\.jsonl: cannot be written"):
        commands.open_hint(learner, lab, 1)
    assert "hint 1 of 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, "make room on the disk"),
        (errno.EACCES, "LABS_WORK=FOLDER"),
        (errno.EROFS, "LABS_WORK=FOLDER"),
    ],
)
def test_an_error_of_the_disk_says_what_to_do(number: int, mend: str) -> None:
    told = str(files.refused(Path("work/x"), "cannot be made", OSError(number, os.strerror(number))))
    assert told.startswith(f"work/x: cannot be made: {os.strerror(number)} (") and mend in told


def test_work_that_cannot_be_put_away_stays(
    learner: Learner, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.work.open(lab)
    before = learner.work.exercise(lab).read_bytes()

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(LabError, match="01_toy: stays where it is: Permission denied"):
        learner.work.reset(lab)
    assert learner.work.exercise(lab).read_bytes() == before


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        files.write_new(path, b"other")
    assert path.read_bytes() == b"mine" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [False, True])
def test_a_filesystem_without_hard_links_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a"
    if there:
        path.write_bytes(b"mine")
        with pytest.raises(FileExistsError):
            files.write_new(path, b"other")
    else:
        files.write_new(path, b"mine")
    assert path.read_bytes() == b"mine" and list(tmp_path.iterdir()) == [path]


def test_the_learners_umask_holds(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write_new(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
