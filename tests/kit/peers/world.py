"""The content that every server has: a text that compresses well, and a large file with a known SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

LINES = b"".join(b"line %d of a text that the server sends in chunks\n" % number for number in range(4000))
BIG = 200 << 20
_PIECE = bytes(range(256)) * 4096  # 1 MiB


def pieces(size: int = BIG) -> Iterator[bytes]:
    """The content of /big in pieces of 1 MiB, each different from the one before it."""
    for number in range(size >> 20):
        yield _PIECE[number % 251 :] + _PIECE[: number % 251]


def make_big(folder: Path, size: int = BIG) -> str:
    """Write the file `big` into the servers' folder. Returns its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with (folder / "www" / "big").open("wb") as file:
        for piece in pieces(size):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()
