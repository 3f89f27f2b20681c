"""Questions and orders to the kernel about one socket, each a single system call."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import sys
import termios
from collections.abc import Callable
from typing import Any

# Only Linux has it.
_CORK: int | None = getattr(socket, "TCP_CORK", None)


def cork(sock: socket.socket, on: int) -> None:
    """1: the kernel sends whole segments only, and keeps the rest back; 0: it sends that, too."""
    if _CORK is not None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, _CORK, on)
        except OSError:
            pass  # a Unix socket, or one whose peer has left: `send` says so


def reset_on_close(sock: socket.socket) -> None:
    """Make `close` send a reset (RST) and drop what has not left (SO_LINGER with zero seconds)."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def let_alert_be_read(sock: socket.socket, most: int) -> None:
    """OpenSSL has written an alert that says why; a close on unread bytes is a reset, which may undo it.

    The FIN takes along what is corked. What the peer sends later makes a reset all the same: there is no
    lingering for a peer that does not speak TLS. most: bytes that one of four reads takes.
    """
    try:
        sock.shutdown(socket.SHUT_WR)
        for _ in range(4):
            sock.recv(most)
    except OSError:
        pass  # no more has come, or the peer has gone


def pending_error(sock: socket.socket) -> OSError | None:
    """Why the connection broke; None if the kernel knows of no error."""
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return OSError(code, "the connection broke") if code else None


def _unconfirmed_on_linux(sock: socket.socket) -> int:
    """tcp(7), SIOCOUTQ, which has the number of TIOCOUTQ."""
    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


# sys/socket.h of macOS; Python's socket module does not name it.
_SO_NWRITE = 0x1024


def _unconfirmed_on_macos(sock: socket.socket) -> int:
    """SO_NWRITE: the bytes in the send buffer. There, TIOCOUTQ is for terminals alone."""
    return sock.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)


_UNCONFIRMED: dict[str, Callable[[socket.socket], int]] = {
    "linux": _unconfirmed_on_linux,
    "darwin": _unconfirmed_on_macos,
}
"""How each system is asked, by `sys.platform`."""


def unconfirmed(sock: socket.socket, system: str = sys.platform) -> int:
    """Bytes in the kernel's send buffer that the peer's kernel has not confirmed.

    0 on a system that has no entry in the table, and for a socket that is closed. Without that number a drain
    closes an idle connection at once, though its last response may still be on its way: a request that
    arrives then resets it. And a client is late only by what waits in this process.
    """
    ask = _UNCONFIRMED.get(system)
    if ask is None:
        return 0
    try:
        return ask(sock)
    except (OSError, ValueError):  # ValueError: a closed socket's descriptor is -1
        return 0


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
