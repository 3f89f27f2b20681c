"""May this connection be used again, and for how long? RFC 9112 §9.3 and our own limits. Pure.

Moments are seconds on the clock of the session.
"""

from __future__ import annotations

import re

from netlab.client.reasons import Reason
from netlab.http1.framing import UNTIL_CLOSE, FramingKind
from netlab.http1.messages import ResponseHead
from netlab.net.sweep import NEVER

# Keep-Alive: timeout=5, max=100 (RFC 2068 §19.7.1.1; in no later RFC, and sent by most servers)
_HINT = re.compile(r"(?:^|[,;\s])timeout\s*=\s*([0-9]{1,7})(?![0-9.])", re.IGNORECASE)

# Close this much before the server would: its clock began when it sent, ours when we received.
MARGIN = 1.0


def may_idle(head: ResponseHead, keepalive_timeout: float) -> tuple[float, Reason]:
    """Seconds that the connection may be idle after this response, and whose limit that is."""
    said = head.fields.get("keep-alive")
    if said is not None and (hint := _HINT.search(said)) is not None:
        seconds = float(hint[1])
        theirs = seconds - min(MARGIN, seconds / 2)
        if theirs < keepalive_timeout:
            return theirs, Reason.SERVER_TIMEOUT
    return keepalive_timeout, Reason.IDLE


def said_close(head: ResponseHead, we_said: bool) -> Reason | None:
    """Why the response that begins with this head ends its connection, or None. RFC 9112 §9.3, §9.6

    we_said: did the request have Connection: close?
    """
    if head.framing is UNTIL_CLOSE:
        return Reason.UNTIL_CLOSE
    if we_said:
        return Reason.WE_SAID_CLOSE
    if not head.persistent:
        return Reason.HTTP_1_0 if head.minor == 0 else Reason.SERVER_SAID_CLOSE
    return None


def worth_draining(head: ResponseHead, received: int, most: int) -> bool:
    """Is it cheaper to read past the rest of this content than to open a new connection?

    received: bytes of content that have come. most: bytes that may be read past.
    """
    if head.framing.kind is FramingKind.LENGTH:
        return head.framing.length - received <= most and most > 0
    return most > 0


class Lifespan:
    """How long one connection may be used, and how long it may be idle."""

    __slots__ = ("_idle_until", "_idle_why", "_retire_at")

    def __init__(self) -> None:
        self._retire_at = self._idle_until = NEVER
        self._idle_why = Reason.IDLE

    def start(self, now: float, lifetime: float) -> None:
        """The connection is open, and may be used for `lifetime` seconds."""
        self._retire_at = now + lifetime

    def rest(self, head: ResponseHead, now: float, keepalive_timeout: float) -> Reason | None:
        """The response that begins with this head is complete. Why the connection must not idle, or None."""
        seconds, self._idle_why = may_idle(head, keepalive_timeout)
        self._idle_until = now + seconds
        if seconds <= 0:
            return self._idle_why
        return Reason.LIFETIME if now >= self._retire_at else None

    def rest_unused(self, now: float, keepalive_timeout: float) -> None:
        """The connection is idle without having carried a request."""
        self._idle_until, self._idle_why = now + keepalive_timeout, Reason.IDLE

    def left(self, now: float) -> float:
        """Seconds until an idle connection is closed."""
        return min(self._idle_until, self._retire_at) - now

    def over(self, now: float) -> Reason | None:
        """Why the connection must not be used at this moment, or None."""
        if now >= self._retire_at:
            return Reason.LIFETIME
        return self._idle_why if now >= self._idle_until else None

    @property
    def ends_with(self) -> Reason:
        """Which limit an idle connection reaches first."""
        return Reason.LIFETIME if self._retire_at <= self._idle_until else self._idle_why
