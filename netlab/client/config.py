"""How long a client waits and how much it holds: frozen, validated when built, each value with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from netlab.http1.limits import Limits

# A client asked for what it gets: a download of any size streams through. `ClientResponse.read` has its own
# limit, since that is memory. Response heads are larger than request heads: a Content-Security-Policy, or the
# cookies of a whole company, fill 32 KiB.
DEFAULT_LIMITS = Limits(content=(1 << 63) - 1, field_section=64 * 1024, field_lines=1024)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines in seconds; math.inf for none. One sweep looks at them all (`net.sweep`): never early, and up
    to a quarter of a second late; `total` and `timeout=` of a request have timers of their own.

    Raises ValueError, naming every value that cannot be used.
    """

    connect: float = 10.0
    """Name look-up and TCP. A SYN that is lost is sent again after 1, 3 and 7 seconds."""

    handshake: float = 10.0
    """The TLS handshake."""

    head: float = 60.0
    """From the last byte of the request until the final response's head: the server is thinking."""

    content: float = 30.0
    """Without a byte of content that a reader is waiting for."""

    stall: float = 30.0
    """Without the server taking a byte of the request."""

    expect: float = 1.0
    """For 100 (Continue); then the content is sent unasked (RFC 9110 §10.1.1: not for ever)."""

    drain: float = 1.0
    """For the rest of content that the caller does not read, so that the connection can be used again."""

    pool: float = math.inf
    """For a place in the pool."""

    total: float = math.inf
    """The whole request, content included; `timeout=` of a request goes before it."""

    def __post_init__(self) -> None:
        wrong = [
            f"{field.name} is {value!r}: give a number of seconds above 0, such as {field.default}"
            for field in fields(self)
            if not _is_number(value := getattr(self, field.name)) or not value > 0
        ]
        if wrong:
            raise ValueError("timeouts that cannot be used: " + "; ".join(wrong))


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many connections, and how long they live. Raises ValueError with every mistake at once."""

    limit: int = 100
    """Connections over all hosts; 0 for no limit."""

    limit_per_host: int = 0
    """Connections to one host (scheme, name and port); 0 for no limit but the one above."""

    keepalive_timeout: float = 30.0
    """Seconds that a connection may be idle; 0: none is used twice. Keep it below the server's, else the
    server closes first, and requests run into that."""

    max_lifetime: float = 3600.0
    """Seconds after which a connection is not used again (less up to a tenth, by chance, so that those opened
    together do not all end together): so that a client follows its server to a new address."""

    drain: int = 64 * 1024
    """Bytes of unread content that are read past to keep a connection; a new one is cheaper than more."""

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is {value!r}: give {what}"
            for name, value, good, what in (
                ("limit", self.limit, _is_count(self.limit), "a whole number, 0 for no limit"),
                (
                    "limit_per_host",
                    self.limit_per_host,
                    _is_count(self.limit_per_host),
                    "a whole number, 0 for no limit",
                ),
                (
                    "keepalive_timeout",
                    self.keepalive_timeout,
                    _is_number(self.keepalive_timeout) and self.keepalive_timeout >= 0,
                    "seconds, 0 to keep none",
                ),
                (
                    "max_lifetime",
                    self.max_lifetime,
                    _is_number(self.max_lifetime) and self.max_lifetime > 0,
                    "seconds above 0, math.inf for no limit",
                ),
                ("drain", self.drain, _is_count(self.drain), "a number of bytes, 0 for none"),
            )
            if not good
        ]
        if wrong:
            raise ValueError("a pool that cannot be: " + "; ".join(wrong))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


DEFAULT_TIMEOUTS = Timeouts()
