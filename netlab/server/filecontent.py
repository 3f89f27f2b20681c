"""Part of an open file as the content of a response. Which part, and of which file, is said in `files`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import ClassVar

# One read of a file on a TLS connection, whose bytes must pass through this process: 16 records.
PIECE = 256 * 1024


class FileContent:
    """Part of an open file as a response's stream: the transport sends it without reading it, where it can.

    Owns the descriptor: `aclose` closes it. As an async iterator (TLS) it hands out views of one buffer,
    each valid until the next is asked for.
    """

    open_files: ClassVar[int] = 0
    """Descriptors that these hold in this process: the server counts them with its connections."""

    def __init__(self, fd: int, offset: int, count: int) -> None:
        self.fd = fd
        self.offset = offset
        self.count = count
        self._closed = False
        FileContent.open_files += 1

    def __aiter__(self) -> AsyncIterator[memoryview]:
        return self._read()

    async def _read(self) -> AsyncIterator[memoryview]:
        view = memoryview(bytearray(min(PIECE, self.count)))
        offset, end = self.offset, self.offset + self.count
        while offset < end:
            size = os.preadv(self.fd, [view[: end - offset]], offset)
            if size == 0:
                return  # the file has shrunk; the sender notices what is missing
            offset += size
            yield view[:size]

    async def aclose(self) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            FileContent.open_files -= 1
            os.close(self.fd)

    def __del__(self) -> None:
        self._close()
