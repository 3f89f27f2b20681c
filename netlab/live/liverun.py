"""What an experiment gets from its board: values, pressed buttons, and a way for its results to the pages."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from netlab.live.feed import Feed

Value = float | int | str | bool

PRESSED = 16
"""Presses of buttons that wait for the experiment; more are dropped."""


class LiveRun:
    """What an experiment gets: its values, the buttons that were pressed, and where its results go."""

    def __init__(self, values: Mapping[str, Value], feed: Feed, companion: Any = None) -> None:
        self.values = values
        self.companion = companion
        """What the board's `companion` has made, or None."""
        self.afterwards: Callable[[str], None] | None = None
        """Takes the presses when the experiment is over, until the next one starts. Set by an experiment
        that has results to choose from; None: nothing can be pressed then."""
        self.began = time.monotonic()
        self._feed = feed
        self._pressed: deque[str] = deque(maxlen=PRESSED)
        self._press = asyncio.Event()

    @property
    def elapsed(self) -> float:
        """Seconds since the experiment began."""
        return time.monotonic() - self.began

    def number(self, name: str) -> float:
        """A control's value as a number."""
        return float(self.values[name])

    def text(self, name: str) -> str:
        """A control's value as text."""
        return str(self.values[name])

    def show(self, key: str, value: Any) -> None:
        """See Feed.show."""
        self._feed.show(key, value)

    def add(self, key: str, item: Any) -> None:
        """See Feed.add."""
        self._feed.add(key, item)

    def say(self, sentence: str) -> None:
        """The line of text that screen readers hear: a whole sentence."""
        self._feed.show("said", sentence)

    async def action(self) -> str:
        """Wait for the next press of a button: its name; of a script's with a value "NAME VALUE"."""
        while (name := self.take_action()) is None:
            self._press.clear()
            await self._press.wait()
        return name

    def take_action(self) -> str | None:
        """A button that was pressed, without waiting; None: there is no further one."""
        return self._pressed.popleft() if self._pressed else None

    def press(self, name: str, value: str = "") -> None:
        """A button was pressed on a page."""
        pressed = f"{name} {value}".strip()
        if self.afterwards is not None:
            self.afterwards(pressed)
            return
        self._pressed.append(pressed)
        self._press.set()
