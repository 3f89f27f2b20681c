"""A hexdump that says what it shows: ranges of octets with labels, underlined in place.

    0000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|
          ^^^^^^^^ method
                      ^^ request target

Here lives the drawing; what the ranges mean is said by the caller (`annotate` does it for packets).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH = 16
_MARGIN = 6  # "0000  "


@dataclass(frozen=True, slots=True)
class Range:
    """Octets start to stop (stop excluded) and what they are."""

    start: int
    stop: int
    label: str

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"range {self.start}:{self.stop} ({self.label}): start must lie in 0..stop")


def hexdump(data: bytes, ranges: Sequence[Range] = (), *, base: int = 0) -> str:
    """Sixteen octets a line, in hexadecimal and as text; below it, carets for every range that it holds.

    The label stands where its range begins. A line that lies wholly inside a range needs no carets; a
    range that began above and ends here is closed with its label again. base: the offset printed for
    data[0]. Raises ValueError for a range beyond data.
    """
    for item in ranges:
        if item.stop > len(data):
            raise ValueError(
                f"range {item.start}:{item.stop} ({item.label}) lies beyond the {len(data)} octets"
            )
    lines = []
    for start in range(0, len(data), _WIDTH):
        row = data[start : start + _WIDTH]
        lines.append(_row(base + start, row))
        lines.extend(
            _underline(item, start, len(row)) for item in ranges if _shows(item, start, start + len(row))
        )
    return "\n".join(lines)


def _row(offset: int, row: bytes) -> str:
    pairs = [f"{octet:02x}" for octet in row]
    left, right = " ".join(pairs[:8]), " ".join(pairs[8:])
    text = "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in row)
    return f"{offset:04x}  {left:<23}  {right:<23}  |{text}|"


def _shows(item: Range, start: int, stop: int) -> bool:
    begins, ends = start <= item.start < stop, start < item.stop <= stop
    return begins or (ends and item.start < item.stop)


def _column(index: int) -> int:
    """Where the two digits of octet index stand in its line."""
    return _MARGIN + index * 3 + (index >= _WIDTH // 2)


def _underline(item: Range, start: int, length: int) -> str:
    first, last = max(item.start - start, 0), min(item.stop - start, length) - 1
    left = _column(first)
    # An empty range marks a place, not octets: one bar before it.
    carets = "^" * (_column(last) + 2 - left) if last >= first else "|"
    label = item.label if item.start >= start else f"… {item.label}"
    return f"{'':{left}}{carets} {label}"
