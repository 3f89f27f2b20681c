"""A certificate authority for localhost in a folder: root → intermediate → leaf, renewed when due.

The life of a call: lock the folder; read what is there; find the first stage that must be minted; mint from
there down to the leaf; write. A root that is valid is not replaced because this machine's clock is behind or
because its private key was put away: other machines may trust it.
What stands in a certificate is in `issue`; how it is broken on purpose, in `breakage`; its use, in `context`;
which folder is meant when none is named, in `folder`.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from netlab.tls import issue
from netlab.tls.folder import certificates_folder

if not hasattr(x509.Certificate, "not_valid_after_utc"):
    raise ImportError("cryptography is older than 42", name="cryptography")

# Renewed when this much of its life is left: the lives in `issue` are chosen to go with it.
DUE_WHEN_LEFT = 1 / 3

StrPath = str | os.PathLike[str]


class AuthorityError(Exception):
    """A certificate is due and cannot be signed: one line that says why, and the repair."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are, and what this call did.

    Attributes:
        root: what a client trusts.
        intermediate: signed by the root, signs the leaf.
        leaf: the server's own certificate, to look at.
        chain: the leaf, then the intermediate: what a server sends.
        root_key, intermediate_key, leaf_key: the private keys, mode 0600.
        minted: the stages that this call made, in order; empty if all was good.
        notes: what a person should know, one sentence each: a clock that is behind, a root that was replaced.
    """

    root: Path
    intermediate: Path
    leaf: Path
    chain: Path
    root_key: Path
    intermediate_key: Path
    leaf_key: Path
    minted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def mint(
    folder: StrPath | None = None, *, now: datetime | None = None, keys: issue.KeyKind | None = None
) -> Certificates:
    """Make a new root, intermediate and leaf in place of whatever the folder holds.

    Args:
        folder: made if it does not exist; None: `folder.certificates_folder()`.
        now: the time to mint for, with its time zone; None: the clock's.
        keys: the kind of the leaf's key pair; None: P-256, as for the authorities.

    Raises:
        OSError: the folder cannot be made or written.
    """
    return _provide(_place(folder), _aware(now), keep=False, keys=keys)


def ensure(
    folder: StrPath | None = None, *, now: datetime | None = None, keys: issue.KeyKind | None = None
) -> Certificates:
    """Make what is missing, damaged or due for renewal, and leave the rest alone.

    Several processes may call this at once: the folder is locked, and the later ones find all well.
    A root that expired, or that is due while its key is here, is replaced, and kept under another name.

    Args:
        folder, now: as for `mint`.
        keys: the kind of the leaf's key pair; a leaf with another kind is minted anew. None: any kind.

    Raises:
        OSError: the folder cannot be made, or something is due and it cannot be written.
        AuthorityError: something is due, and the private key that must sign it is not here.
    """
    return _provide(_place(folder), _aware(now), keep=True, keys=keys)


def mint_client(folder: StrPath, name: str, *, now: datetime | None = None) -> tuple[Path, Path]:
    """Make a certificate for a client, signed by the folder's intermediate: where its chain and its key are.

    Args:
        folder: one that `ensure` made.
        name: the client's name, as the server reads it in the subject; letters, digits, `-`, `_` and `.`.
        now: as for `mint`.

    Raises:
        ValueError: the name has another character, or none.
        OSError: it cannot be written.
        AuthorityError: the intermediate's key is not in the folder.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name):
        raise ValueError(f"{name!r} is no name for a client: give 1 to 64 letters, digits, '-', '_' or '.'")
    place, moment = Path(folder), _aware(now)
    with _locked(place):
        intermediate = _load(place, "intermediate")
        if intermediate.certificate is None or intermediate.key is None:
            raise AuthorityError(_key_away(place, f"client-{name}", "intermediate"))
        profile = replace(issue.client_profile(moment), subject=name)
        issuer = intermediate.issued
        files: list[File] = []
        made = _mint_stage(place, f"client-{name}", profile, issuer, files)
        chain = place / f"client-{name}.pem"
        files[-1] = (chain, issue.pem(made.certificate, issuer.certificate), 0o644)
        with _written(files) as replace_them:
            replace_them()
    return chain, place / f"client-{name}.key"


def is_due(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether to renew: it is not valid yet, or no more than a third of its life is left."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now < begin or end - now <= (end - begin) * DUE_WHEN_LEFT


def _place(folder: StrPath | None) -> Path:
    return certificates_folder() if folder is None else Path(folder)


def _aware(now: datetime | None) -> datetime:
    if now is not None and now.tzinfo is None:
        raise ValueError(f"now={now} has no time zone (write datetime.now(UTC))")
    return datetime.now(UTC) if now is None else now.astimezone(UTC)


# -- what the folder holds ---------------------------------------------------------------------------


class State(enum.Enum):
    """What may be done with a certificate that was read."""

    GOOD = "good"
    DUE = "due"  # renew it if its issuer can sign; until then it serves
    GONE = "gone"  # missing, damaged, expired, or signed by another issuer


@dataclass(frozen=True, slots=True)
class Held:
    """A stage as the folder holds it. `key` is None if it is missing, damaged, locked, or another's."""

    state: State
    certificate: x509.Certificate | None = None
    key: issue.Key | None = None

    @property
    def issued(self) -> issue.Issued:
        """Both together. Only for a stage that `_first_to_mint` found fit to sign."""
        assert self.certificate is not None and self.key is not None
        return issue.Issued(self.certificate, self.key)


_NOTHING = Held(State.GONE)


def _load(folder: Path, stage: str) -> Held:
    """The files of one stage, without a look at the dates or at the issuer's signature."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{stage}.pem").read_bytes())
    except (FileNotFoundError, ValueError):
        return _NOTHING
    return Held(State.GOOD, certificate, _load_key(folder / f"{stage}.key", certificate))


def _load_key(file: Path, certificate: x509.Certificate) -> issue.Key | None:
    """The private key of a certificate; None if it was put away: moved, locked, encrypted, replaced."""
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        if not isinstance(key, issue.Key) or key.public_key() != certificate.public_key():
            return None  # a mixture: one minting's key beside another's certificate
    except (FileNotFoundError, PermissionError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if file.stat().st_mode & 0o077:
        # Loosened since, by a copy or an archive. Another user's file, or a read-only disk, stays as it is.
        with contextlib.suppress(OSError):
            file.chmod(0o600)
    return key


def _judge(held: Held, issuer: Held, now: datetime) -> Held:
    """The same with its state: by its issuer's signature, then by its dates."""
    if held.certificate is None or issuer.certificate is None:
        return _NOTHING
    try:
        held.certificate.verify_directly_issued_by(issuer.certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return replace(held, state=State.GONE)
    if now >= held.certificate.not_valid_after_utc:
        return replace(held, state=State.GONE)
    return replace(held, state=State.DUE if is_due(held.certificate, now) else State.GOOD)


def _true_time(now: datetime, loaded: list[Held]) -> datetime:
    """The clock's time; or, where the root's birth is still to come, the time of the newest certificate.

    A root from the future means that this clock is behind. What is minted must fit the other machines'
    clocks, and they are at least as late as the newest certificate here.
    """
    root = loaded[0].certificate
    if root is None or root.not_valid_before_utc <= now:
        return now
    births = [held.certificate.not_valid_before_utc for held in loaded if held.certificate is not None]
    return max(births) + issue.BACKDATED


# -- the first stage that must be minted -------------------------------------------------------------

_STAGES: tuple[tuple[str, Callable[[datetime], issue.Profile]], ...] = (
    ("root", issue.root_profile),
    ("intermediate", issue.intermediate_profile),
    ("leaf", issue.leaf_profile),
)
_NONE = len(_STAGES)


def _first_to_mint(folder: Path, root: Held, intermediate: Held, leaf: Held) -> int:
    """The index of the first stage to mint; everything below a new issuer is minted, too.

    Raises AuthorityError when a stage is gone and the key above it is not here.
    """
    if root.state is State.GONE or (root.state is State.DUE and root.key):
        return 0
    if intermediate.state is not State.GOOD or intermediate.key is None:
        if root.key:
            return 1
        if intermediate.state is State.GONE:
            raise AuthorityError(_key_away(folder, "intermediate", "root"))
    if leaf.state is not State.GOOD or leaf.key is None:
        if intermediate.key:
            return 2
        if leaf.state is State.GONE or leaf.key is None:
            raise AuthorityError(_key_away(folder, "leaf", "intermediate"))
    return _NONE


def _key_away(folder: Path, stage: str, issuer: str) -> str:
    return (
        f"{folder / stage}.pem must be minted anew, and {issuer}.key is not there, or does not belong to "
        f"{issuer}.pem: bring {issuer}.key back for a moment, or mint a new root, which every client must "
        "then trust: python -m netlab certs --renew"
    )


# -- from that stage down to the leaf ----------------------------------------------------------------


def _provide(folder: Path, now: datetime, keep: bool, keys: issue.KeyKind | None) -> Certificates:
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        loaded = [_load(folder, stage) if keep else _NOTHING for stage, _ in _STAGES]
        moment = _true_time(now, loaded)
        root = _judge(loaded[0], loaded[0], moment)
        intermediate = _judge(loaded[1], root, moment)
        held = [root, intermediate, _of_kind(_judge(loaded[2], intermediate, moment), keys)]
        first = _first_to_mint(folder, *held)
        notes = list(_notes(folder, now, root, first))
        issuer = held[first - 1].issued if 0 < first < _NONE else None
        files: list[File] = []
        for stage, profile in _STAGES[first:]:
            kind = keys if stage == "leaf" else None
            issuer = _mint_stage(folder, stage, profile(moment), issuer, files, kind)
        with _written(files) as replace_them:
            if first == 0 and keep:
                notes.extend(_put_aside(folder, root.certificate))
            replace_them()
        _write_chain(folder)
    minted = tuple(stage for stage, _ in _STAGES[first:])
    (root_pem, middle_pem, leaf_pem), (root_key, middle_key, leaf_key) = (
        [folder / f"{stage}.{kind}" for stage, _ in _STAGES] for kind in ("pem", "key")
    )
    chain = folder / "chain.pem"
    return Certificates(
        root_pem, middle_pem, leaf_pem, chain, root_key, middle_key, leaf_key, minted, tuple(notes)
    )


def _of_kind(leaf: Held, keys: issue.KeyKind | None) -> Held:
    """The leaf, to be renewed if its key is of another kind than was asked for."""
    if keys is None or leaf.key is None or issue.kind_of(leaf.key) is keys:
        return leaf
    return replace(leaf, key=None)


def _mint_stage(
    folder: Path,
    stage: str,
    profile: issue.Profile,
    issuer: issue.Issued | None,
    files: list[File],
    kind: issue.KeyKind | None = None,
) -> issue.Issued:
    """Mint one certificate with its key, and add both to the files that are to be written."""
    if issuer is not None:
        # An issuer whose own issuer's key is away stays in use to its last day: nothing may outlive it.
        profile = replace(profile, end=min(profile.end, issuer.certificate.not_valid_after_utc))
    made = issue.issue(profile, issuer, issue.new_key(kind or issue.KeyKind.P256))
    files.append((folder / f"{stage}.key", issue.key_pem(made.key), 0o600))
    files.append((folder / f"{stage}.pem", issue.pem(made.certificate), 0o644))
    return made


def _notes(folder: Path, now: datetime, root: Held, first: int) -> Iterator[str]:
    """What a person should know about the root that stays."""
    if first == 0 or root.certificate is None:
        return
    begin = root.certificate.not_valid_before_utc
    if now < begin:
        yield (
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, and {folder / 'root.pem'} is valid from "
            f"{begin:%Y-%m-%d %H:%M} UTC on: set the clock, since until then clients here refuse it (verify "
            "code 9); if the clock is right, run python -m netlab certs --renew"
        )
    if root.state is State.DUE:
        yield (
            f"{folder / 'root.pem'} is valid until {root.certificate.not_valid_after_utc:%Y-%m-%d}, and "
            "root.key is not there: bring root.key back, and the next run makes the root's successor"
        )


def _put_aside(folder: Path, root: x509.Certificate | None) -> Iterator[str]:
    """Keep what was the root under another name: it can come back if the clock, or a file, was wrong."""
    held = [folder / "root.pem", folder / "root.key"]
    there = [path for path in held if path.is_file() and path.stat().st_size]
    if not there:
        return
    if root is not None:
        mark = f"until-{root.not_valid_after_utc:%Y-%m-%d}-{root.serial_number & 0xFFFFFFFF:08x}"
    else:
        mark = hashlib.sha256(there[0].read_bytes()).hexdigest()[:8]
    for path in there:
        # A second name, not a move: until the new root is there, the old one stays where clients look.
        aside = folder / f"old-root-{mark}{path.suffix}"
        aside.unlink(missing_ok=True)
        os.link(path, aside)
    names = " and ".join(f"old-root-{mark}{path.suffix}" for path in there)
    yield (
        f"there is a new {folder / 'root.pem'}, which every client must trust; "
        f"what was there before is kept as {names}"
    )


# -- files ------------------------------------------------------------------------------------------

File = tuple[Path, bytes, int]
"""A file to be written: where, what, and its mode."""


def _write_chain(folder: Path) -> None:
    chain = folder / "chain.pem"
    content = (folder / "leaf.pem").read_bytes() + (folder / "intermediate.pem").read_bytes()
    if not chain.is_file() or chain.read_bytes() != content:
        with _written([(chain, content, 0o644)]) as replace_them:
            replace_them()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time. The lock goes with the descriptor, so a killed process leaves none."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _written(files: Sequence[File]) -> Iterator[Callable[[], None]]:
    """Write the files beside their places; gives the function that puts them there.

    A full disk is met before anything in the folder has changed. A key is never, not for an instant, readable
    by others. Raises OSError.
    """
    ready: list[tuple[str, Path]] = []

    def replace_them() -> None:
        while ready:
            os.replace(*ready[0])
            del ready[0]

    try:
        for path, content, mode in files:
            descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
            ready.append((temporary, path))
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
                os.fchmod(descriptor, mode)
        yield replace_them
    finally:
        for temporary, _ in ready:
            os.unlink(temporary)
