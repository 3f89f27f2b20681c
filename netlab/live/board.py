"""What a board is: its text, its controls with their bounds, and its experiment. Values alone.

Running an experiment is in `runs`, its page in `pages`.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from netlab.live.liverun import LiveRun, Value


class Refused(Exception):
    """Why an experiment cannot run, or cannot go on: one sentence for the page, with its repair."""


@dataclass(frozen=True, slots=True)
class Number:
    """A slider. low, high: bounds, both allowed. step: 1 gives whole numbers. unit: what is counted."""

    name: str
    label: str
    low: float
    high: float
    default: float
    step: float = 1
    unit: str = ""

    def checked(self, value: object) -> Value:
        """The value in its type. Raises ValueError that says what is allowed."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{self.label}: {value!r} is no number")
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.label}: {value:g} is not between {self.low:g} and {self.high:g}")
        return int(value) if float(self.step).is_integer() else float(value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several words. labels: what the page shows instead of a word."""

    name: str
    label: str
    options: tuple[str, ...]
    default: str
    labels: tuple[str, ...] = ()

    def checked(self, value: object) -> Value:
        """The value. Raises ValueError that lists the options."""
        if value not in self.options:
            raise ValueError(f"{self.label}: {value!r} is none of {', '.join(self.options)}")
        return str(value)


@dataclass(frozen=True, slots=True)
class Switch:
    """A checkbox."""

    name: str
    label: str
    default: bool = False

    def checked(self, value: object) -> Value:
        """The value. Raises ValueError."""
        if not isinstance(value, bool):
            raise ValueError(f"{self.label}: {value!r} is neither true nor false")
        return value


@dataclass(frozen=True, slots=True)
class Text:
    """A text field. longest: characters. rows: above 1 it is a text area."""

    name: str
    label: str
    default: str = ""
    longest: int = 2000
    rows: int = 1

    def checked(self, value: object) -> Value:
        """The value. Raises ValueError."""
        if not isinstance(value, str):
            raise ValueError(f"{self.label}: {value!r} is no text")
        if len(value) > self.longest:
            raise ValueError(f"{self.label}: {len(value)} characters, at most {self.longest} are allowed")
        return value


Control = Number | Choice | Switch | Text


@dataclass(frozen=True, slots=True)
class Action:
    """A button for a running experiment, which asks for it with `LiveRun.action`.

    by_page: it has no button; the board's own script presses it, with a value if it wants.
    """

    name: str
    label: str
    by_page: bool = False


Experiment = Callable[[LiveRun], Awaitable[None]]


class Companion(Protocol):
    """What a board needs beside its experiments, from its first page until the site ends: servers, say."""

    async def open(self, site: str, tls: ssl.SSLContext) -> list[str]:
        """Start, or do nothing if it runs.

        site: the origin of the site. tls: a context with the site's certificate. Returns other origins that
        the board's page may send requests to, and show in frames.
        """

    async def close(self) -> None:
        """End; no error if it does not run."""


@dataclass(frozen=True, slots=True)
class Board:
    """One board. Raises ValueError, naming every mistake, for a board that contradicts itself.

    name: its word in addresses, and of its module in static/. look_for: what to look for, in one sentence.
    experiment: runs until it ends, or is cancelled: on Stop, after `seconds`, when no page looks any more,
    and when the site ends. It frees all it has in any of these cases. lab: the folder of its lab. companion:
    makes what it needs beside its experiments, which get it as `LiveRun.companion`.
    """

    name: str
    title: str
    look_for: str
    experiment: Experiment
    controls: tuple[Control, ...] = ()
    actions: tuple[Action, ...] = ()
    seconds: float = 60.0
    lab: str = ""
    companion: Callable[[], Companion] | None = None
    start: str = "Start"
    """The word on the button that starts it."""

    def __post_init__(self) -> None:
        wrong = [
            f"{control.name}: its default is not allowed: {error}"
            for control in self.controls
            if (error := _error(control, control.default))
        ]
        names = [each.name for each in (*self.controls, *self.actions)]
        wrong += [f"{name}: this name stands twice" for name in sorted(set(names)) if names.count(name) > 1]
        if not 0 < self.seconds <= 3600:
            wrong.append(f"seconds is {self.seconds}: give seconds up to 3600")
        if wrong:
            raise ValueError(f"the board {self.name} cannot be used: " + "; ".join(wrong))

    def checked(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """The controls' values; a control that is not given has its default.

        Raises ValueError that names every mistake.
        """
        known = {control.name: control for control in self.controls}
        wrong = [f"there is no control {name!r}" for name in given if name not in known]
        wrong += [error for name in given if name in known and (error := _error(known[name], given[name]))]
        if wrong:
            raise ValueError("; ".join(wrong))
        return {name: control.checked(given.get(name, control.default)) for name, control in known.items()}


def _error(control: Control, value: object) -> str:
    """What is wrong with the value, or nothing."""
    try:
        control.checked(value)
    except ValueError as error:
        return str(error)
    return ""
