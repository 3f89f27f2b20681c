"""netlab.tls.authority: a root that is good for others stays; netlab.tls.folder: where all of it is kept."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from netlab.tls import authority, issue
from netlab.tls.authority import AuthorityError
from netlab.tls.folder import certificates_folder

DAY = timedelta(days=1)
NOW = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)
STAGES = ("root", "intermediate", "leaf")


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.parametrize("damage", ["missing", "garbage", "empty"])
def test_a_root_certificate_that_cannot_be_read_is_made_anew(tmp_path: Path, damage: str) -> None:
    made = authority.mint(tmp_path, now=NOW)
    if damage == "missing":
        made.root.unlink()
    else:
        made.root.write_bytes(b"" if damage == "empty" else b"\xff not PEM \x00")
    assert authority.ensure(tmp_path, now=NOW).minted == STAGES
    assert authority.ensure(tmp_path, now=NOW).minted == ()


@pytest.mark.parametrize("damage", ["moved away", "in another form"])
def test_what_belongs_to_a_root_that_cannot_be_read_is_kept(tmp_path: Path, damage: str) -> None:
    """Its key may be the only one in the world, and its certificate may be DER."""
    made = authority.mint(tmp_path, now=NOW)
    key = made.root_key.read_bytes()
    der = load(made.root).public_bytes(serialization.Encoding.DER)
    if damage == "moved away":
        made.root.unlink()
    else:
        made.root.write_bytes(der)
    notes = authority.ensure(tmp_path, now=NOW).notes
    (kept,) = tmp_path.glob("old-root-*.key")
    assert kept.read_bytes() == key and kept.name in notes[0]
    assert [path.read_bytes() for path in tmp_path.glob("old-root-*.pem")] == (
        [] if damage == "moved away" else [der]
    )


def test_another_root_in_the_folder_is_not_overwritten(tmp_path: Path) -> None:
    """It may be the one that all clients trust; which key belongs to it, only its owner can say."""
    made = authority.mint(tmp_path / "certs", now=NOW)
    foreign = authority.mint(tmp_path / "other", now=NOW).root.read_bytes()
    made.root.write_bytes(foreign)
    with pytest.raises(AuthorityError, match=r"root\.key is not there, or does not belong to root\.pem"):
        authority.ensure(tmp_path / "certs", now=NOW)
    assert made.root.read_bytes() == foreign


# -- the root's key was put away ---------------------------------------------------------------------


def put_away(key: Path, how: str) -> None:
    """Every way in which a careful person keeps a root's key from the server."""
    if how == "moved":
        key.rename(key.with_suffix(".moved"))
    elif how == "emptied":
        key.write_bytes(b"")
    elif how == "another's":
        key.write_bytes(issue.key_pem(issue.new_key()))
    elif how == "encrypted":
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        encryption = serialization.BestAvailableEncryption(b"passphrase")
        pkcs8 = serialization.PrivateFormat.PKCS8
        key.write_bytes(loaded.private_bytes(serialization.Encoding.PEM, pkcs8, encryption))
    else:
        key.unlink()
        key.symlink_to("/nowhere/a stick that is not plugged in")


AWAY = pytest.mark.parametrize("how", ["moved", "emptied", "another's", "encrypted", "on a stick"])


@AWAY
@pytest.mark.parametrize(
    ("later", "renewed"),
    [(timedelta(0), ()), (21 * DAY, ("leaf",)), (-900 * DAY, ()), (250 * DAY, ("leaf",))],
)
def test_a_root_whose_key_was_put_away_stays_and_the_leaf_is_renewed(
    tmp_path: Path, how: str, later: timedelta, renewed: tuple[str, ...]
) -> None:
    made = authority.mint(tmp_path, now=NOW)
    root = made.root.read_bytes()
    put_away(made.root_key, how)
    assert authority.ensure(tmp_path, now=NOW + later).minted == renewed
    assert made.root.read_bytes() == root
    load(made.leaf).verify_directly_issued_by(load(made.intermediate))


def test_a_key_that_may_not_be_read_counts_as_put_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = authority.mint(tmp_path, now=NOW)
    read = Path.read_bytes

    def guarded(path: Path) -> bytes:
        if path == made.root_key:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", guarded)
    assert authority.ensure(tmp_path, now=NOW).minted == ()
    assert authority.ensure(tmp_path, now=NOW + 21 * DAY).minted == ("leaf",)


def test_a_key_that_others_may_read_and_we_may_not_change_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a read-only disk, or when the files are another user's: no reason to mint anew."""
    made = authority.mint(tmp_path, now=NOW)
    made.leaf_key.chmod(0o640)

    def refuse(path: Path, mode: int) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "chmod", refuse)
    assert authority.ensure(tmp_path, now=NOW).minted == ()


@AWAY
def test_without_the_roots_key_the_intermediate_serves_to_its_last_day(tmp_path: Path, how: str) -> None:
    made = authority.mint(tmp_path, now=NOW)
    before = made.intermediate.read_bytes()
    put_away(made.root_key, how)
    assert authority.ensure(tmp_path, now=NOW + 364 * DAY).minted == ("leaf",)
    assert made.intermediate.read_bytes() == before
    assert load(made.leaf).not_valid_after_utc == load(made.intermediate).not_valid_after_utc
    with pytest.raises(AuthorityError, match=r"intermediate\.pem must be minted anew.*bring root\.key back"):
        authority.ensure(tmp_path, now=NOW + 366 * DAY)


def test_with_both_keys_away_a_valid_leaf_serves_to_its_last_day(tmp_path: Path) -> None:
    made = authority.mint(tmp_path, now=NOW)
    made.root_key.unlink()
    made.intermediate_key.unlink()
    assert authority.ensure(tmp_path, now=NOW + 29 * DAY).minted == ()
    with pytest.raises(AuthorityError, match=r"leaf\.pem must be minted anew, and intermediate\.key"):
        authority.ensure(tmp_path, now=NOW + 31 * DAY)


def test_a_root_that_is_due_stays_while_its_key_is_away_and_a_note_says_so(tmp_path: Path) -> None:
    made = authority.mint(tmp_path, now=NOW)
    moment = NOW + 2430 * DAY
    authority.ensure(tmp_path, now=moment)  # the intermediate and the leaf are young, the root is not due yet
    root, key = made.root.read_bytes(), made.root_key.read_bytes()
    made.root_key.unlink()
    again = authority.ensure(tmp_path, now=moment + 10 * DAY)
    assert again.minted == () and "bring root.key back" in again.notes[0]
    assert made.root.read_bytes() == root
    made.root_key.write_bytes(key)
    assert authority.ensure(tmp_path, now=moment + 10 * DAY).minted == STAGES


# -- the clock is wrong ------------------------------------------------------------------------------


def test_a_clock_that_is_behind_is_said_and_its_certificates_fit_the_other_clocks(tmp_path: Path) -> None:
    made = authority.mint(tmp_path, now=NOW)
    made.leaf.unlink()
    behind = authority.ensure(tmp_path, now=NOW - 900 * DAY)
    assert behind.minted == ("leaf",) and "set the clock" in behind.notes[0]
    leaf = load(made.leaf)
    assert leaf.not_valid_before_utc <= NOW < NOW + 29 * DAY < leaf.not_valid_after_utc


def test_a_leaf_from_the_future_below_a_valid_root_is_renewed(tmp_path: Path) -> None:
    """The clock was ahead for a day: the root stays, and the leaf is made for the right time."""
    made = authority.mint(tmp_path, now=NOW)
    root = made.root.read_bytes()
    authority.ensure(tmp_path, now=NOW + 300 * DAY)
    assert authority.ensure(tmp_path, now=NOW).minted == ("intermediate", "leaf")
    assert made.root.read_bytes() == root and load(made.leaf).not_valid_before_utc < NOW


@pytest.mark.parametrize("later", [2435 * DAY, 4000 * DAY])
def test_a_root_that_is_replaced_is_kept_under_another_name(tmp_path: Path, later: timedelta) -> None:
    """The clock may have been wrong: what other machines trust can be brought back."""
    made = authority.mint(tmp_path, now=NOW)
    root, root_key = made.root.read_bytes(), made.root_key.read_bytes()
    notes = authority.ensure(tmp_path, now=NOW + later).notes
    (old,) = tmp_path.glob("old-root-until-2040-01-29-*.pem")
    assert old.read_bytes() == root and old.name in notes[0]
    key = old.with_suffix(".key")
    assert key.read_bytes() == root_key and stat.S_IMODE(key.stat().st_mode) == 0o600
    assert made.root.read_bytes() != root


# -- where the folder is when none is named ----------------------------------------------------------


def test_inside_a_checkout_the_folder_is_its_certs(monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = Path(__file__).resolve().parents[2]
    monkeypatch.chdir(checkout)
    assert certificates_folder() == Path("certs")
    monkeypatch.chdir(checkout / "labs")
    assert certificates_folder() == checkout / "certs"


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_DATA_HOME": "/data", "HOME": "/home/a"}, "/data/netlab/certs"),
        ({"HOME": "/home/a"}, "/home/a/.local/share/netlab/certs"),
        ({"XDG_DATA_HOME": "", "HOME": "/home/a"}, "/home/a/.local/share/netlab/certs"),
        ({"XDG_DATA_HOME": "not/absolute", "HOME": "/home/a"}, "/home/a/.local/share/netlab/certs"),
    ],
)
def test_outside_a_checkout_the_folder_is_in_the_users_data_directory(
    tmp_path: Path, environment: dict[str, str], folder: str
) -> None:
    (tmp_path / "pyproject.toml").write_text('name = "another"\n')
    assert certificates_folder(tmp_path, environment) == Path(folder)


@pytest.mark.parametrize("allowed", range(6))
def test_a_full_disk_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    """A new root is due, and the disk takes only so many files more: the old root stays in its place."""
    good = authority.ensure(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    left = [allowed]

    def full(descriptor: int) -> None:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        authority.ensure(tmp_path, now=datetime.now(UTC) + timedelta(days=4000))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    monkeypatch.undo()
    again = authority.ensure(tmp_path)
    assert (again.minted, again.notes) == ((), ()) and again.root == good.root
