"""How long a connection reads on after its last response. RFC 9112 §9.6.

A close on unread bytes sends a reset, and a reset destroys the response that is still on its way. So the
server sends FIN and reads on until the client has closed, too; what it reads is counted and dropped.
"""

from __future__ import annotations

from netlab.server.bodytimer import BodyTimer, Clock

# A client that goes on uploading has so many times `Timeouts.linger`.
WINDOWS = 6


class Linger:
    """The timer of a lingering connection.

    least: bytes that an uploading client must send in each window. window: seconds. A client that sends
    nothing has one window; one that is in the middle of an upload, and has not seen the response yet, has up
    to WINDOWS of them.
    """

    __slots__ = ("_clock", "_timer")

    def __init__(self, least: int, window: float, clock: Clock) -> None:
        self._clock = clock
        self._timer = BodyTimer(least, window, end=clock.deadline(WINDOWS * window))
        self._timer.start(clock)

    @property
    def deadline(self) -> float:
        """When the connection is closed, if nothing more comes."""
        return self._timer.deadline

    def received(self, size: int) -> None:
        """So many bytes have come."""
        self._timer.stop(self._clock)
        self._timer.received += size
        self._timer.start(self._clock)
