"""Text that fits a terminal: prose wrapped at words, tables in columns or, when narrow, one block a row.

Pure: text and a width in characters in, lines out. Nothing is ever cut off: what does not fit goes on in the
next line. A command in backticks is kept in one piece while it fits.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

_WIDEST = 116  # characters: a table in a pipe, and the longest line that reads well
_WHOLE_WORD = 28  # characters: a longer word may be broken so that its column can be narrow
_GAP = 2
_JOINT = "\x00"  # stands for a space that must not be broken at


def terminal_width() -> int | None:
    """The width of the terminal, or what COLUMNS says; None in a pipe."""
    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return shutil.get_terminal_size((_WIDEST, 24)).columns
    return None


def width_of_lines() -> int | None:
    """Where prose wraps; None where it must not."""
    width = terminal_width()
    return None if width is None else max(min(width, _WIDEST), 20)


def width_of_tables() -> int:
    """How wide a table may be."""
    return width_of_lines() or _WIDEST


def wrapped(text: str, width: int | None, indent: int | None = None) -> list[str]:
    """One line as several; the later ones stand under the first word, or `indent` characters in."""
    if width is None or len(text) + (indent or 0) <= width:
        return [text]
    hanging = " " * (len(text) - len(text.lstrip()) if indent is None else indent)
    whole = re.sub(r"`[^`]*`", lambda match: match[0].replace(" ", _JOINT), text.strip())
    lines = textwrap.wrap(
        whole,
        max(width, len(hanging) + 10),
        initial_indent=hanging,
        subsequent_indent=hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace(_JOINT, " ") for line in lines] or [text]


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[tuple[int, str]]:
    """(index of the row, line): columns where they fit, else blocks. The head's rows have the index -1."""
    widths = _fitted(columns, rows, width)
    if widths is None:
        yield from _blocks(columns, rows, width)
        return
    yield -1, _line(columns, widths)
    yield -1, "  ".join("-" * column for column in widths)
    for index, row in enumerate(rows):
        cells = [_broken(cell, column) for cell, column in zip(row, widths, strict=True)]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            yield index, _line(parts, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(column) for cell, column in zip(cells, widths, strict=True)).rstrip()


def _broken(cell: str, width: int) -> list[str]:
    lines = [textwrap.wrap(line, width, break_on_hyphens=False) or [""] for line in cell.split("\n")]
    return [part for line in lines for part in line]


def _fitted(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Column widths that fit; the widest gives way first. None when words would have to be broken."""
    cells = [[row[at] for row in (columns, *rows)] for at in range(len(columns))]
    widths = [max(1, *(len(line) for cell in column for line in cell.split("\n"))) for column in cells]
    least = [
        max([1, *(min(len(word), _WHOLE_WORD) for cell in column for word in cell.split())])
        for column in cells
    ]
    least = [max(floor, len(column)) for floor, column in zip(least, columns, strict=True)]
    room = width - _GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        # Only a column that is wider than its words can give way.
        at = max((at for at in range(len(widths)) if widths[at] > least[at]), key=widths.__getitem__)
        widths[at] -= 1
    return widths


def _blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[tuple[int, str]]:
    """Each row by itself: its first cell, and below it every other one after its column's name."""
    for index, row in enumerate(rows):
        yield index, ""
        for line in _broken(row[0], width):
            yield index, line
        for name, cell in zip(columns[1:], row[1:], strict=True):
            if cell:
                lines = wrapped(f"  {name}: {' '.join(cell.split())}", width, None)
                first, *rest = lines
                yield index, first
                for line in rest:
                    yield index, f"  {line}" if len(line) + 2 <= width else line
