"""A certificate authority for localhost in a folder: root → intermediate → leaf, renewed when due.

The life of a call: lock the folder; look at what is there; issue from the first stage that is due down to
the leaf; write. A root that is still good is never touched, so whoever trusts it may go on trusting it.
What stands in a certificate is in `issue`; how it is broken on purpose, in `breakage`; its use, in `context`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from netlab.tls import issue

if not hasattr(x509.Certificate, "not_valid_after_utc"):
    raise ImportError("cryptography is older than 42", name="cryptography")

FOLDER = Path("certs")

# Renewed when this much of its life is left: the lives in `issue` are chosen to go with it.
DUE_WHEN_LEFT = 1 / 3


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are, and which stages this call minted (none, if all was good)."""

    root: Path  # what a client trusts
    intermediate: Path
    leaf: Path  # the server's own certificate, to look at
    chain: Path  # the leaf, then the intermediate: what a server sends
    root_key: Path
    intermediate_key: Path
    leaf_key: Path
    minted: tuple[str, ...] = ()


def mint(folder: str | os.PathLike[str] = FOLDER, *, now: datetime | None = None) -> Certificates:
    """Make a new root, intermediate and leaf in place of whatever the folder holds.

    Args:
        folder: made if it does not exist.
        now: the time to mint for, with its time zone; None: the clock's.

    Raises:
        OSError: the folder cannot be made or written.
    """
    return _provide(Path(folder), _aware(now), keep=False)


def ensure(folder: str | os.PathLike[str] = FOLDER, *, now: datetime | None = None) -> Certificates:
    """Make what is missing, damaged or due for renewal, and leave the rest alone.

    Several processes may call this at once: the folder is locked, and the later ones find all well.

    Raises:
        OSError: the folder cannot be made, or something is due and it cannot be written.
    """
    return _provide(Path(folder), _aware(now), keep=True)


def is_due(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether to renew: it is not valid yet, or no more than a third of its life is left."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now < begin or end - now <= (end - begin) * DUE_WHEN_LEFT


def _aware(now: datetime | None) -> datetime:
    if now is not None and now.tzinfo is None:
        raise ValueError(f"now={now} has no time zone (write datetime.now(UTC))")
    return datetime.now(UTC) if now is None else now.astimezone(UTC)


# -- from the first stage that is due, down to the leaf ---------------------------------------------

_STAGES: tuple[tuple[str, Callable[[datetime], issue.Profile]], ...] = (
    ("root", issue.root_profile),
    ("intermediate", issue.intermediate_profile),
    ("leaf", issue.leaf_profile),
)


def _provide(folder: Path, now: datetime, keep: bool) -> Certificates:
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        minted: list[str] = []
        issuer: issue.Issued | None = None
        for stage, profile in _STAGES:
            # Below a new issuer nothing old can stay: it bears another issuer's signature.
            held = _read(folder, stage, issuer, now) if keep and not minted else None
            if held is None:
                held = issue.issue(profile(now), issuer)
                _write(folder / f"{stage}.key", issue.key_pem(held.key), mode=0o600)
                _write(folder / f"{stage}.pem", issue.pem(held.certificate), mode=0o644)
                minted.append(stage)
            issuer = held
        leaf, intermediate = folder / "leaf.pem", folder / "intermediate.pem"
        chain = folder / "chain.pem"
        content = leaf.read_bytes() + intermediate.read_bytes()
        if not chain.is_file() or chain.read_bytes() != content:
            _write(chain, content, mode=0o644)
    root_key, intermediate_key, leaf_key = (folder / f"{stage}.key" for stage, _ in _STAGES)
    return Certificates(
        folder / "root.pem", intermediate, leaf, chain, root_key, intermediate_key, leaf_key, tuple(minted)
    )


def _read(folder: Path, stage: str, issuer: issue.Issued | None, now: datetime) -> issue.Issued | None:
    """What the folder holds of a stage; None if it is missing, damaged, another issuer's, or due."""
    key_file = folder / f"{stage}.key"
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{stage}.pem").read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        certificate.verify_directly_issued_by(issuer.certificate if issuer else certificate)
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return None
    if not isinstance(key, issue.Key) or key.public_key() != certificate.public_key():
        return None  # the second is a mixture: one minting's key beside another's certificate
    if is_due(certificate, now):
        return None
    if key_file.stat().st_mode & 0o077:
        key_file.chmod(0o600)  # loosened since, by a copy or an archive
    return issue.Issued(certificate, key)


# -- files ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time. The lock goes with the descriptor, so a killed process leaves none."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write the whole file or nothing of it; a key is never, not for an instant, readable by others."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made mode 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
            os.fchmod(descriptor, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
