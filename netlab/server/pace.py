"""A request's content on its way: is its client slow, or has it stopped? RFC 9110 §15.5.9.

Here time and octets are counted. Who reads the content, and what a client hears that has stopped, is said in
`connection` and `lifecycle`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netlab.net.sweep import NEVER

if TYPE_CHECKING:
    from netlab.net.sweep import Sweep


class Pace:
    """How fast one content comes while somebody waits for it.

    A deadline that each octet renews is none: one octet now and then would hold a connection for ever. So
    each window of time must bring the least there may be. The window is made of waiting alone: while its
    reader is busy with something else, the client loses no time. What has come beyond the least buys none.

    least: bytes. window: seconds. owes_continue: does the client wait for a 100 (Continue) before it sends?
    end: the moment at which there are no further windows.
    """

    __slots__ = (
        "_end",
        "_least",
        "_left",
        "_window",
        "answered",
        "deadline",
        "heard",
        "over",
        "owes_continue",
        "whole",
    )

    def __init__(self, least: int, window: float, owes_continue: bool = False, end: float = NEVER) -> None:
        self._least = least
        self._window = self._left = window
        self._end = end
        self.owes_continue = owes_continue
        self.answered = False
        """Has the response begun? Then it is too late for a 100."""
        self.whole = False
        """Has it been read to its end?"""
        self.over = False
        """Has its exchange ended? Nobody may read of it any more."""
        self.heard = 0
        """Bytes of content since the window began. Whoever takes some adds them."""
        self.deadline = NEVER
        """Of the wait that is under way."""

    def begin(self, sweep: Sweep) -> None:
        """Somebody waits."""
        if self.heard >= self._least:
            self.heard = 0
            self._left = self._window
        self.deadline = min(sweep.deadline(self._left), self._end)

    def end(self, sweep: Sweep) -> None:
        """Nobody waits any more."""
        self._left = self.deadline - sweep.deadline(0)
        self.deadline = NEVER
