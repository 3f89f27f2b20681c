"""Handshake messages put together: one may lie in many records, and many in one (RFC 8446 §5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.tls.handshake import HEADER_LENGTH
from netlab.tls.tracing.values import Piece

# The longest message that is put together. OpenSSL takes 100 KiB for a chain of certificates; the length
# field could say 16 MiB.
LONGEST = 1 << 20


class TooLongError(Exception):
    """A message says that it is longer than LONGEST."""


class Assembler:
    """Joins the content of handshake records of one side. Feed it in order, then take whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._pieces: list[tuple[int, int, int]] = []  # record, place in its content, bytes

    @property
    def waiting(self) -> int:
        """Bytes of a message that is not whole."""
        return len(self._buffer)

    @property
    def starts_in(self) -> int:
        """The offset of the record where the waiting message starts."""
        return self._pieces[0][0] if self._pieces else 0

    def feed(self, record: int, content: bytes) -> None:
        """Take the content of the record that starts at offset record."""
        if content:
            self._buffer += content
            self._pieces.append((record, 0, len(content)))

    def messages(self) -> Iterator[tuple[bytes, tuple[Piece, ...]]]:
        """Every message that is whole now, with its pieces. Raises TooLongError; then nothing waits."""
        at, pieces = 0, self._pieces
        used = 0
        try:
            while len(self._buffer) - at >= HEADER_LENGTH:
                size = HEADER_LENGTH + int.from_bytes(self._buffer[at + 1 : at + 4], "big")
                if size > LONGEST:
                    used, at = len(pieces), len(self._buffer)
                    raise TooLongError(f"a handshake message of {size} bytes: netlab reads {LONGEST} at most")
                if at + size > len(self._buffer):
                    break
                data = bytes(self._buffer[at : at + size])
                at += size
                used, found = _take(pieces, used, size)
                yield data, found
        finally:
            del self._buffer[:at]
            del pieces[:used]

    def clear(self) -> None:
        """Forget what waits."""
        self._buffer.clear()
        self._pieces.clear()


def _take(pieces: list[tuple[int, int, int]], used: int, size: int) -> tuple[int, tuple[Piece, ...]]:
    """Cut size bytes from the front of the pieces; the index of the first that is left, and what was cut."""
    found = []
    while size:
        record, start, count = pieces[used]
        taken = min(count, size)
        found.append(Piece(record, start, start + taken))
        size -= taken
        if taken == count:
            used += 1
        else:
            pieces[used] = (record, start + taken, count - taken)
    return used, tuple(found)
