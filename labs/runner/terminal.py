"""What a person sees: rich on a terminal, the same words in plain text anywhere else.

Everything the labs print goes through here. Wire bytes and learners' words are never read as markup.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from labs.runner import layout

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
        """Prose: it wraps at words, each line under its own indentation. The style is for a terminal."""
        width = layout.width_of_lines()
        for line in text.split("\n"):
            self._put("\n".join(layout.wrapped(line, width)), style)

    def verbatim(self, text: str, style: str = PLAIN) -> None:
        """Commands, paths, source and wire bytes: no line end is added, so that they can be copied."""
        self._put(text, style)

    def facts(self, pairs: Iterable[tuple[str, str]], style: str = PLAIN) -> None:
        """Names, and beside each its text, which wraps within its own column."""
        pairs = list(pairs)
        column = max((len(name) for name, _ in pairs), default=0) + 2
        for name, text in pairs:
            first, *rest = layout.wrapped(text, layout.width_of_lines(), column)
            self._put("\n".join([f"{name:<{column}}{first.strip()}", *rest]), style)

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] = ()
    ) -> None:
        """Aligned columns whose long cells wrap; on a narrow terminal one block a row. `styles`: a row's."""
        for row, line in layout.table(columns, rows, layout.width_of_tables()):
            self._put(line, STRONG if row < 0 else styles[row] if row < len(styles) else PLAIN)

    def markdown(self, text: str) -> None:
        """A hint or a README; lines of code stay as they are."""
        self.say(text.strip("\n").rstrip())

    def code(self, text: str) -> None:
        """Python source."""
        self.verbatim(text.rstrip())

    @contextmanager
    def progress(self, total: int) -> Iterator[Progress]:
        """A bar of `total` steps; without a terminal, nothing: the lines that are said tell enough."""
        yield _Silent()

    def _put(self, text: str, style: str) -> None:
        print(text, flush=True)


class _Silent:
    def note(self, text: str) -> None:
        """Nothing to see."""

    def advance(self) -> None:
        """Nothing to see."""


class RichTerminal(Terminal):
    """Colour, rendered Markdown, highlighted code, a live bar."""

    fancy = True

    def __init__(self) -> None:
        from rich.console import Console

        # No emoji: "exercise.py:100:" is a place, not 💯.
        self._console = Console(highlight=False, emoji=False)

    def _put(self, text: str, style: str) -> None:
        self._console.print(text, style=style or None, markup=False, soft_wrap=True)

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

        said = TextColumn("{task.description}", markup=False)
        columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), said)
        with Bar(*columns, console=self._console, transient=True) as bar:
            yield _Live(bar, bar.add_task("", total=total))


class _Live:
    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task

    def note(self, text: str) -> None:
        self._bar.update(self._task, description=text)

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
