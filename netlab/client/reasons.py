"""Why a connection was not used again: every answer there is, in words.

No client that we know tells; without it, tuning a pool is guessing. Recorded on the connection, counted by
the pool, told to the trace.
"""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Why a connection was closed."""

    SERVER_SAID_CLOSE = "the server said Connection: close"
    WE_SAID_CLOSE = "we said Connection: close"
    HTTP_1_0 = "an HTTP/1.0 response without Connection: keep-alive"
    UNTIL_CLOSE = "the response ended with its connection"
    IDLE = "idle for longer than keepalive_timeout"
    SERVER_TIMEOUT = "idle for nearly as long as the server's Keep-Alive: timeout allows"
    LIFETIME = "older than its lifetime"
    SERVER_CLOSED = "the server closed it while it was idle"
    UNASKED = "the server sent bytes that nobody had asked for"
    EVICTED = "its place was needed for another host"
    UNREAD = "more content was left unread than is worth reading past"
    ABANDONED = "the caller gave up before the end of the response"
    UNSENT = "the response came before the request was sent whole"
    TIMED_OUT = "a deadline passed"
    BROKEN = "the connection broke"
    BAD_RESPONSE = "the server broke a rule of HTTP"
    CONNECT_FAILED = "it never came about"
    SESSION_CLOSED = "the session was closed"
