"""Errors for exchanges that failed with their connection: one clear line each."""

from __future__ import annotations

import ssl

from netlab.client.config import Timeouts
from netlab.client.errors import (
    BadResponse,
    ClientError,
    ContentTooLarge,
    Disconnected,
    SessionClosed,
    TimedOut,
    Truncated,
)
from netlab.client.reasons import Reason
from netlab.http1.errors import ProtocolError


def connection_lost(where: str, error: Exception | None, responded: bool) -> Disconnected:
    """The connection broke, or ended before any byte of a response. responded: in the middle of it."""
    kind = Truncated if responded else Disconnected
    return kind(_how_it_ended(where, error, responded))


def not_a_response(where: str, error: ProtocolError, ended: bool) -> ClientError:
    """What came breaks a rule of HTTP, or ended inside a response. ended: the server has closed."""
    if ended:
        return Truncated(f"{where} closed the connection too early: {error}")
    kind = ContentTooLarge if error.status == 413 else BadResponse
    return kind(where, error)


_NOT_DONE = {
    "stall": "took no byte of the request",
    "head": "sent no response",
    "content": "sent no byte of content",
}


def late(where: str, phase: str, timeouts: Timeouts) -> TimedOut:
    """A deadline has passed. phase: its name in `Timeouts`."""
    return TimedOut(f"{where} {_NOT_DONE[phase]} for {getattr(timeouts, phase):g} s", phase)


def connection_closed(where: str, reason: Reason) -> ClientError:
    """We have closed the connection while the exchange was under way."""
    if reason is Reason.SESSION_CLOSED:
        return SessionClosed("the session was closed")
    return Disconnected(f"the connection to {where} was closed: {reason.value}")


def _how_it_ended(where: str, error: Exception | None, responded: bool) -> str:
    """One line for a connection that broke under a request."""
    when = "in the middle of its response" if responded else "before it answered"
    if isinstance(error, ssl.SSLEOFError):
        cut = ": the content may be cut short" if responded else ""
        return f"{where} closed the connection {when}, without close_notify{cut} (RFC 8446 §6.1)"
    if error is None:
        return f"{where} closed the connection {when}"
    return f"the connection to {where} broke {when}: {getattr(error, 'strerror', None) or error}"
