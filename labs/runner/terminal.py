"""What a person sees: rich on a terminal, the same words in plain text anywhere else.

Everything the labs print goes through here. Wire bytes and learners' words are never read as markup.
"""

from __future__ import annotations

import itertools
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

_WIDTH, _NARROWEST = 116, 12  # characters: of a plain table, and of the column that gives way

GOOD, BAD, WARN, DIM, STRONG, PLAIN = "green", "red", "yellow", "dim", "bold", ""


class Progress(Protocol):
    """A bar: how far, and what is under way."""

    def note(self, text: str) -> None:
        """Show what is under way."""

    def advance(self) -> None:
        """One more is done."""


class Terminal:
    """Plain text: pipes, logs, CI, and wherever rich is not installed."""

    fancy = False

    def say(self, text: str = "", style: str = PLAIN) -> None:
        """One paragraph. The style is a hint that plain text ignores."""
        print(text, flush=True)

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] = ()
    ) -> None:
        """Aligned columns, long cells wrapped. `styles` colours the rows, one each."""
        widths = _fitted([max(len(row[at]) for row in [columns, *rows]) for at in range(len(columns))])
        for row in [columns, ["-" * width for width in widths], *rows]:
            cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
            for line in itertools.zip_longest(*cells, fillvalue=""):
                print("  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip())
        sys.stdout.flush()

    def markdown(self, text: str) -> None:
        """A hint or a README."""
        self.say(text.strip())

    def code(self, text: str) -> None:
        """Python source."""
        self.say(text.rstrip())

    @contextmanager
    def progress(self, total: int) -> Iterator[Progress]:
        """A bar of `total` steps; without a terminal, nothing: the lines that are said tell enough."""
        yield _Silent()


def _fitted(widths: list[int]) -> list[int]:
    """Column widths that fit a line: the widest gives way first."""
    widths = [max(width, 1) for width in widths]
    while sum(widths) + 2 * (len(widths) - 1) > _WIDTH and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


class _Silent:
    def note(self, text: str) -> None:
        """Nothing to see."""

    def advance(self) -> None:
        """Nothing to see."""


class RichTerminal(Terminal):
    """Colour, tables that fit the width, highlighted code, a live bar."""

    fancy = True

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)

    def say(self, text: str = "", style: str = PLAIN) -> None:
        """One paragraph in a style."""
        self._console.print(text, style=style or None, markup=False, soft_wrap=True)

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] = ()
    ) -> None:
        """A table as wide as the terminal; long cells wrap."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            drawn.add_column(column)
        for at, row in enumerate(rows):
            drawn.add_row(*(Text(cell) for cell in row), style=styles[at] if at < len(styles) else None)
        self._console.print(drawn)

    def markdown(self, text: str) -> None:
        """Rendered Markdown."""
        from rich.markdown import Markdown

        self._console.print(Markdown(text))

    def code(self, text: str) -> None:
        """Highlighted Python."""
        from rich.syntax import Syntax

        self._console.print(Syntax(text.rstrip(), "python", background_color="default", word_wrap=True))

    @contextmanager
    def progress(self, total: int) -> Iterator[Progress]:
        """A live bar at the bottom, gone when the work is done."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Bar(*columns, console=self._console, transient=True) as bar:
            yield _Live(bar, bar.add_task("", total=total))


class _Live:
    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task

    def note(self, text: str) -> None:
        self._bar.update(self._task, description=text.replace("[", "\\["))

    def advance(self) -> None:
        self._bar.advance(self._task)


def count(number: int, noun: str) -> str:
    """ "1 lab", "2 labs"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def terminal() -> Terminal:
    """The best that this output can show."""
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        try:
            return RichTerminal()
        except ImportError:
            pass
    return Terminal()


def asking() -> bool:
    """Whether a person is there to answer: both ends are a terminal, and this is not CI."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("CI", "") in ("", "false", "0")
