"""A minimum data rate for responses: does the client take what it has asked for, or does it only hold us?

Here time and bytes are counted. What becomes of a client that is too slow is said in `connection`.
"""

from __future__ import annotations


class SendTimer:
    """How fast a client takes a response, from the moment at which the kernel could not take all of it.

    Two rules. A client that takes nothing for one window of time is too slow. So is a client that takes less
    than `least` bytes in a window, or than what was left: one byte now and then would hold a connection and
    its descriptor forever.

    "Taken" means confirmed by the client's kernel (an ACK). What our own kernel has accepted says nothing: it
    accepts bytes by the megabyte, and asks for more only when a third of them has gone.

    least: bytes. window: seconds. unconfirmed: bytes written that the client has not confirmed. now: seconds.
    """

    __slots__ = ("_due", "_least", "_silent_until", "_unconfirmed", "_until", "_window")

    def __init__(self, least: int, window: float, unconfirmed: int, now: float) -> None:
        self._least = least
        self._window = window
        self._unconfirmed = unconfirmed
        self._silent_until = now + window
        self._start(now)

    def _start(self, now: float) -> None:
        """Begin a window."""
        self._until = now + self._window
        self._due = min(self._least, self._unconfirmed)  # bytes still to be taken in this window

    def is_late(self, unconfirmed: int, now: float) -> bool:
        """Look again: is the client too slow? Arguments as above."""
        if unconfirmed != self._unconfirmed:
            self._due -= self._unconfirmed - unconfirmed
            self._unconfirmed = unconfirmed
            self._silent_until = now + self._window
        elif self._silent_until <= now:
            return True
        if self._until <= now:
            if self._due > 0:
                return True
            self._start(now)
        return False
