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
    """For a whole request head: from accept (a TLS handshake included), or from the first byte of a later
    request. Without it, slowloris holds a thousand connections with one packet a minute each."""

    idle: float = 75.0
    """For an idle persistent connection. Above the 60 s after which common load balancers close theirs: the
    client's side must close first, or a request is lost in the race. While a full server has clients waiting
    in its backlog, it closes connections that have been idle for longer than `head`, the longest-idle first.
    """

    content: float = 30.0
    """Of waiting for a body: in each such time `Limits.least` bytes of it must come, or the client gets a
    408. The clock stands while the handler is busy with what it has."""

    stall: float = 30.0
    """For a client that takes nothing of a response: from the last byte that its kernel has confirmed. In
    each such time it must take `Limits.least` bytes. A client that is slower is dropped. On Linux the kernel
    drops one that takes nothing, though it goes on sending requests (TCP_USER_TIMEOUT)."""

    linger: float = 5.0
    """For a lingering close: after its last response the server reads on until the client closes, too. A
    close on unread bytes sends a reset, and a reset destroys the response on its way (RFC 9112 §9.6). A
    client that sends `Limits.least` bytes in that time is in the middle of an upload and gets as long again,
    six times at most (nginx lingers for 30 s, too). A full server gives no such time."""

    drain: float = 30.0
    """From SIGTERM until the exchanges that are still under way are cut off."""

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
