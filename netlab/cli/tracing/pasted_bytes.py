"""`trace --hex`: bytes that were pasted: hex, a C array, a hexdump with offsets and text."""

from __future__ import annotations

import re
from itertools import pairwise

from netlab.cli.errors import UserError
from netlab.tls.wire import registry

# A line of a hexdump: an offset, then up to sixteen bytes, then perhaps the same bytes as text.
_DUMP = re.compile(
    r"^\s*(?:0x)?[0-9a-fA-F]{3,8}[:\s]\s*((?:[0-9a-fA-F]{2,4}[\s-]{1,2}){1,16})(?:\s.*|\|.*)?$"
)
MOST = 1 << 14  # bytes of content in a record (RFC 8446 §5.1)
_NOISE = re.compile(r"0x|\\x|[\s,:;{}\[\]\"'()-]")


def parse(text: str) -> bytes:
    """The bytes of a pasted text. Raises UserError where it holds something that is no hexadecimal."""
    lines = [line for line in text.splitlines() if line.strip()]
    dumped = [_DUMP.match(line + " ") for line in lines]
    if lines and all(dumped) and _offsets_rise(lines):
        digits = "".join(_NOISE.sub("", match[1]) for match in dumped if match)
    else:
        digits = _NOISE.sub("", text)
    if (wrong := re.search(r"[^0-9a-fA-F]", digits)) is not None:
        raise UserError(
            f"--hex: {wrong[0]!r} is no hexadecimal digit: paste 16 03 01, 160301, 0x16, or a hexdump"
        )
    if not digits:
        raise UserError("--hex: no bytes: paste a TLS record, for example 15 03 03 00 02 01 00")
    if len(digits) % 2:
        raise UserError(f"--hex: {len(digits)} hexadecimal digits: a byte has two, so one is missing")
    return bytes.fromhex(digits)


def _offsets_rise(lines: list[str]) -> bool:
    """Does each line begin with an offset that is larger than the one before, the first with zero?"""
    offsets = []
    for line in lines:
        found = re.match(r"\s*(?:0x)?([0-9a-fA-F]+)", line)
        offsets.append(int(found[1], 16) if found else -1)
    return offsets[0] == 0 and all(a < b for a, b in pairwise(offsets))


def as_records(data: bytes) -> bytes:
    """Bytes that start with a handshake message instead of a record get the header that is missing."""
    whole = len(data) >= 4 and int.from_bytes(data[1:4], "big") + 4 == len(data)
    if not whole or data[0] not in registry.HANDSHAKE_TYPES:
        return data
    pieces = [data[at : at + MOST] for at in range(0, len(data), MOST)]
    return b"".join(b"\x16\x03\x03" + len(piece).to_bytes(2, "big") + piece for piece in pieces)
