"""How long a server waits for anything: its deadlines in seconds, each with its reason.

Sizes and counts live in `netlab.http1.limits`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines in seconds. Raises ValueError, naming every value that cannot be used and its repair."""

    head: float = 10.0
    """From accept (or the first byte of a later request) until the head is whole, a TLS handshake included.
    A slow head is how slowloris holds a thousand connections with one packet a minute each."""

    idle: float = 75.0
    """A persistent connection with nothing to do. Above the 60 s after which common load balancers let go of
    theirs: who closes first must be the client's side, or a request is lost in the race. While a server is
    full and somebody waits at its door, those that have been idle for longer than `head` are let go."""

    content: float = 30.0
    """Of waiting for content, in which `Limits.least` bytes of it must come. While the handler is busy with
    what it has, this clock stands."""

    stall: float = 30.0
    """A client that takes nothing of a response, from the last byte of it that its kernel has confirmed; in
    each such time it must take `Limits.least` bytes."""

    linger: float = 5.0
    """After a refusal, reading on until the client has seen it and closed: closing on unread bytes sends a
    reset, and a reset destroys the answer on its way (RFC 9112 §9.6). Who sends `Limits.least` bytes and more
    in that time is in the middle of an upload and has as long again, six times at most (nginx: 30 s, too)."""

    drain: float = 30.0
    """From SIGTERM until what is still under way is cut off."""

    def __post_init__(self) -> None:
        wrong = [
            f"{field.name} is {value!r}: give a number of seconds above 0, such as {field.default}"
            for field in fields(self)
            if not isinstance(value := getattr(self, field.name), (int, float))
            or isinstance(value, bool)
            or not 0 < value < math.inf
        ]
        if wrong:
            raise ValueError("timeouts that cannot be used: " + "; ".join(wrong))

    @property
    def shortest(self) -> float:
        """The shortest of them, in seconds."""
        return float(min(getattr(self, field.name) for field in fields(self)))


DEFAULT_TIMEOUTS = Timeouts()
