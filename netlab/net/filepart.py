"""Part of a file on its way out: what remains of it, and how the kernel sends it without our reading it."""

from __future__ import annotations

import errno
import os

# One call sends at most this much, so that a large file does not keep the other connections waiting.
MOST = 1024 * 1024


class FilePart:
    """Part of a file that waits to be sent by the kernel (sendfile)."""

    __slots__ = ("_count", "_fd", "_offset")

    def __init__(self, fd: int, offset: int, count: int) -> None:
        self._fd, self._offset, self._count = fd, offset, count

    def __len__(self) -> int:
        return self._count

    def send(self, to: int) -> int:
        """Send some of it. Raises BlockingIOError, and OSError when the file ends too early."""
        sent = os.sendfile(to, self._fd, self._offset, min(self._count, MOST))
        if not sent:
            raise OSError(errno.ENODATA, "the file has shrunk while it was sent")
        return sent

    def after(self, sent: int) -> FilePart:
        """What remains when `sent` bytes have gone."""
        return FilePart(self._fd, self._offset + sent, self._count - sent)
