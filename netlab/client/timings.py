"""Where the time of one request went, in seconds; and the trace of what happened on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(slots=True)
class Timings:
    """Seconds of each phase, in the order of a request's life; 0.0 for a phase that was not needed."""

    wait: float = 0.0
    """For a place in the pool."""
    dns: float = 0.0
    connect: float = 0.0
    """One round trip: SYN, SYN-ACK. Through a proxy, the tunnel too."""
    tls: float = 0.0
    """One round trip with TLS 1.3, two with TLS 1.2, and the signatures."""
    first_byte: float = 0.0
    """From handing the request to the kernel until the first byte of the response."""
    content: float = 0.0
    """From there until the last byte."""
    reused: bool = False
    """Did the request find an open connection?"""

    @property
    def total(self) -> float:
        """The sum."""
        return self.wait + self.dns + self.connect + self.tls + self.first_byte + self.content


class Step(Enum):
    """What a trace is told."""

    OPENING = "a connection is opened"
    RESOLVED = "a name became addresses"
    CONNECTED = "TCP is connected"
    TUNNELLED = "the proxy has made a tunnel"
    SECURED = "the TLS handshake is done"
    REUSED = "an idle connection is used again"
    STALE = "an idle connection turned out to be closed"
    SENT = "a request head was sent"
    CONTINUE = "an interim response came"
    HEAD = "the final response head came"
    RETRIED = "the request is sent again on a new connection"
    KEPT = "the connection is idle, open for the next request"
    CLOSED = "the connection is closed"


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One step. connection: a netlab.client.connection.Connection, or None before there is one.

    detail: OPENING an Opened; RESOLVED the addresses; CONNECTED the one that answered, as `socket` has it;
    TUNNELLED the proxy's Origin; SECURED a TLSInfo; SENT the head as bytes; CONTINUE and HEAD a ResponseHead;
    KEPT the seconds it may stay idle; CLOSED and STALE a Reason.
    """

    step: Step
    connection: Any
    detail: Any = None


Trace = Callable[[TraceEvent], None]
