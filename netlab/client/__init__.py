"""The HTTP/1.1 client: sessions, their pool of persistent connections, one connection's life.

Read in this order: `session` (what a user calls), `dispatch` (how a request gets its connection), `pool`
(which connection it gets), `connection` (one connection and what goes over it). Left out, frankly: HTTP/2,
digest authentication, SOCKS proxies.
"""

from netlab.client.authentication import BasicAuth
from netlab.client.config import PoolLimits, Timeouts
from netlab.client.cookies import Cookie, CookieJar
from netlab.client.errors import (
    BadResponse,
    CertificateRefused,
    ClientError,
    ConnectFailed,
    ContentTooLarge,
    DecodingFailed,
    Disconnected,
    InvalidRequest,
    InvalidURL,
    ProxyRefused,
    RedirectRefused,
    SessionClosed,
    StatusError,
    TimedOut,
    TLSFailed,
    TooManyRedirects,
    Truncated,
    UnknownHost,
)
from netlab.client.multipart import FormData
from netlab.client.reasons import Opened, Reason
from netlab.client.session import ClientResponse, Session
from netlab.client.statistics import Statistics
from netlab.client.timings import Timings

__all__ = [
    "BadResponse",
    "BasicAuth",
    "CertificateRefused",
    "ClientError",
    "ClientResponse",
    "ConnectFailed",
    "ContentTooLarge",
    "Cookie",
    "CookieJar",
    "DecodingFailed",
    "Disconnected",
    "FormData",
    "InvalidRequest",
    "InvalidURL",
    "Opened",
    "PoolLimits",
    "ProxyRefused",
    "Reason",
    "RedirectRefused",
    "Session",
    "SessionClosed",
    "Statistics",
    "StatusError",
    "TLSFailed",
    "TimedOut",
    "Timeouts",
    "Timings",
    "TooManyRedirects",
    "Truncated",
    "UnknownHost",
]
