"""Files made whole or not at all: a full disk, a crash or a second run never leaves half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labs.runner.errors import LabError

# What a filesystem without hard links answers to link(2): exFAT, some network and shared folders.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


_MENDS = {
    errno.ENOSPC: "make room on the disk, then run it again",
    errno.EDQUOT: "make room on the disk, then run it again",
    errno.EACCES: "LABS_WORK=FOLDER keeps your work in a folder of your own",
    errno.EROFS: "LABS_WORK=FOLDER keeps your work in a folder of your own",
}


def refused(path: Path, what: str, error: OSError) -> LabError:
    """One line: the file, what failed, why, and what to do about it. `what`: "cannot be written"."""
    mend = _MENDS.get(error.errno or 0, "")
    return LabError(f"{path}: {what}: {error.strerror}" + (f" ({mend})" if mend else ""))


def write_new(target: Path, data: bytes) -> None:
    """Make a file that is not there yet. Raises FileExistsError, and OSError with nothing left behind."""
    with _written(target, data) as name:
        try:
            # A link, not a rename: should another process make the file meanwhile, theirs stays.
            os.link(name, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
            os.rename(name, target)


def write_whole(target: Path, text: str) -> None:
    """Make a file, or put another in its place. Raises LabError, and then leaves what was there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _written(target, text.encode()) as name:
            os.replace(name, target)
    except OSError as error:
        raise LabError(f"{target}: cannot be written: {error.strerror}") from None


@contextmanager
def _written(target: Path, data: bytes) -> Iterator[str]:
    """A file beside the target that holds the data; it is gone afterwards unless it was renamed."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
