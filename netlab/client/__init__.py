"""The HTTP/1.1 client: sessions, their pool of persistent connections, one connection's life.

Read in this order: `session` (what a user calls), `pool` (who gets which connection), `connection` (one
connection and what goes over it). Left out, and said so: cookies, redirects (a 3xx is handed to the caller),
content codings (none is asked for), proxies, HTTP/2.
"""

from netlab.client.config import PoolLimits, Timeouts
from netlab.client.errors import (
    BadResponse,
    CertificateRefused,
    ClientError,
    ConnectFailed,
    ContentTooLarge,
    Disconnected,
    InvalidRequest,
    InvalidURL,
    SessionClosed,
    TimedOut,
    TLSFailed,
    Truncated,
    UnknownHost,
)
from netlab.client.reasons import Reason
from netlab.client.session import ClientResponse, Session
from netlab.client.timings import Timings

__all__ = [
    "BadResponse",
    "CertificateRefused",
    "ClientError",
    "ClientResponse",
    "ConnectFailed",
    "ContentTooLarge",
    "Disconnected",
    "InvalidRequest",
    "InvalidURL",
    "PoolLimits",
    "Reason",
    "Session",
    "SessionClosed",
    "TLSFailed",
    "TimedOut",
    "Timeouts",
    "Timings",
    "Truncated",
    "UnknownHost",
]
