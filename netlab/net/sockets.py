"""Questions and orders to the kernel about one socket, each a single system call."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import sys
import termios
from typing import Any


def cork(sock: socket.socket, on: int) -> None:
    """1: the kernel sends whole segments only, and keeps the rest back; 0: it sends that, too."""
    if hasattr(socket, "TCP_CORK"):
        with contextlib.suppress(OSError):  # a Unix socket, or one whose peer has left: `send` says so
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)


def reset_on_close(sock: socket.socket) -> None:
    """Make `close` send a reset (RST) and drop what has not left (SO_LINGER with zero seconds)."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def pending_error(sock: socket.socket) -> OSError | None:
    """Why the connection broke; None if the kernel knows of no error."""
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return OSError(code, "the connection broke") if code else None


def unconfirmed(fd: int) -> int:
    """Bytes in the kernel's send buffer that the peer's kernel has not confirmed (TIOCOUTQ)."""
    try:
        queued = fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int.from_bytes(queued, sys.byteorder)


Ends = tuple[tuple[str, int | None] | None, tuple[str, int] | None]
"""The server's address and the client's; None where there is none, or none any more."""


def both_ends(sock: socket.socket) -> Ends:
    """(host, port) of the socket's own end and of its peer's; of a Unix socket (path, None), and None."""
    try:
        ours: Any = sock.getsockname()
        theirs: Any = sock.getpeername()
    except OSError:
        return None, None
    own = (ours, None) if isinstance(ours, str) else ours[:2] if isinstance(ours, tuple) else None
    return own, theirs[:2] if isinstance(theirs, tuple) else None
