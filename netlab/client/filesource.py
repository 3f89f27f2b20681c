"""A file, or anything else with bytes in it, as the pieces of a request's content."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO

from netlab.client.errors import InvalidRequest

# Bytes of one read. From the page cache it takes some 10 µs; handing it to a thread would take longer.
PIECE = 64 * 1024


class FileSource:
    """Bytes from a path, an open binary file, bytes, text or an async iterable.

    size: how many bytes, None if unknown. Raises InvalidRequest for what cannot be read.
    """

    def __init__(self, source: Path | BinaryIO | bytes | str | AsyncIterable[bytes]) -> None:
        self._source: Any = source.encode() if isinstance(source, str) else source
        self._start = 0
        self.size: int | None = None
        self.can_be_read_again = True
        """Can `stream` be called a second time?"""
        if isinstance(self._source, (bytes, bytearray)):
            self.size = len(self._source)
        elif isinstance(source, Path):
            self.size = _size_of(source)
        elif hasattr(source, "__aiter__"):
            self.can_be_read_again = False
        elif hasattr(source, "read"):
            self._measure()
        else:
            raise InvalidRequest(f"{type(source).__name__} is no file: give a path, a binary file or bytes")

    def _measure(self) -> None:
        file = self._source
        if isinstance(file, io.TextIOBase):
            raise InvalidRequest("the file is open as text: open it with mode 'rb'")
        try:
            self._start = file.tell()
            self.size = file.seek(0, os.SEEK_END) - self._start
            file.seek(self._start)
        except (OSError, AttributeError, ValueError):
            self.size, self.can_be_read_again = None, False  # a pipe

    async def stream(self) -> AsyncIterator[bytes]:
        """The bytes in pieces, never more than `size`: a file that grows meanwhile is cut there."""
        source = self._source
        if isinstance(source, (bytes, bytearray)):
            yield bytes(source)
        elif isinstance(source, Path):
            with source.open("rb") as file:
                for piece in _read(file, self.size):
                    yield piece
        elif hasattr(source, "__aiter__"):
            async for piece in source:
                yield piece
        else:
            if self.can_be_read_again:
                source.seek(self._start)
            for piece in _read(source, self.size):
                yield piece


def _size_of(path: Path) -> int | None:
    try:
        status = path.stat()
    except OSError as error:
        raise InvalidRequest(f"cannot read {path}: {error.strerror}") from None
    if path.is_dir():
        raise InvalidRequest(f"cannot read {path}: it is a folder")
    return status.st_size if path.is_file() else None


def _read(file: BinaryIO, size: int | None) -> Any:
    left = size
    while left is None or left > 0:
        piece = file.read(PIECE if left is None else min(PIECE, left))
        if not piece:
            return
        if left is not None:
            left -= len(piece)
        yield piece
