"""Where a connection is in its life, why it was opened, and why it was not used again: in words.

Recorded on the connection, counted by the pool, told to the trace: without it, tuning a pool is guessing.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a connection is in its life."""

    CONNECTING = "connecting"
    READY = "idle"
    EXCHANGE = "in use"
    DRAINING = "draining"
    CLOSED = "closed"


class Opened(Enum):
    """Why a connection was opened."""

    FIRST = "no connection to this host was open"
    BUSY = "every connection to this host was in use"
    STALE = "the idle connection could not be used again"
    RETRY = "the connection before it was closed before the server answered"
    WARM_UP = "warm_up() asked for it"


class Reason(Enum):
    """Why a connection was closed."""

    SERVER_SAID_CLOSE = "the server said Connection: close"
    WE_SAID_CLOSE = "we said Connection: close"
    HTTP_1_0 = "an HTTP/1.0 response without Connection: keep-alive"
    UNTIL_CLOSE = "the response ended with its connection"
    IDLE = "idle for longer than keepalive_timeout"
    SERVER_TIMEOUT = "idle for nearly as long as the server's Keep-Alive: timeout allows"
    LIFETIME = "older than max_lifetime"
    SERVER_CLOSED = "the server closed it while it was idle"
    UNASKED = "the server sent bytes without a request"
    EVICTED = "its place was needed for another host"
    UNREAD = "more content was left unread than is worth reading past"
    ABANDONED = "the caller gave up before the end of the response"
    UNSENT = "the response came before the request was sent whole"
    TIMED_OUT = "a deadline passed"
    BROKEN = "the connection broke"
    BAD_RESPONSE = "the server broke a rule of HTTP"
    CONNECT_FAILED = "could not connect"
    SESSION_CLOSED = "the session was closed"
