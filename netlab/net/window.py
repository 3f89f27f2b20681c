"""How much the kernel may hold of what we write to one peer, and for how long: the peer's window.

What is written and cannot be sent yet lies in the kernel: memory that no RSS shows, 4 MB for each client that
has stopped reading. A limit keeps it small (tcp(7), TCP_NOTSENT_LOWAT), but a small limit has its price: a
stream then leaves in small portions, with a wake-up for each (1.3 to 1.5 times the CPU time, at 128 KiB).

So the limit follows the window that the peer advertises (RFC 9293 §3.8.6). What fits into it has a place on
the peer's side already: if the peer stops reading at this moment, it still drains into their kernel. Only
what goes beyond stays in ours, and that is never more than UNSENT.
"""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import sys

# Bytes not sent yet that the kernel holds for any peer. One that has stopped reading costs us this much, and
# the segments that were being filled or did not fit after all: measured, 70 to 260 KB.
UNSENT = 128 * 1024

# The same for a peer that sends more requests ahead than are answered in one turn. A request of 40 bytes
# costs us a handler: what the peer leaves unread must hold up its next request after hundreds, not thousands.
PIPELINED = 16 * 1024

# The most it may hold for a peer whose window is wide open: beyond, a stream gets no faster.
MOST = 1024 * 1024

# In struct tcp_info (linux/tcp.h, since Linux 5.4): bytes acknowledged; sent, and of these sent again; the
# peer's window.
_ACKNOWLEDGED = struct.Struct("=120xQ")
_SENT = struct.Struct("=200xQQ")
_WINDOW = struct.Struct("=228xI")

_KNOWN = sys.platform == "linux" and hasattr(socket, "TCP_NOTSENT_LOWAT")


def limit(sock: socket.socket) -> None:
    """Hold no more than UNSENT for the peers of this socket; a listening one hands it on to the accepted."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)


def give_up_after(sock: socket.socket, seconds: float) -> None:
    """Let the kernel end a connection whose peer confirms nothing for so long of what lies here for it.

    TCP_USER_TIMEOUT (RFC 5482, tcp(7)); a listening socket hands it on. A peer that reads no response, and
    asks for a small one now and then, is dropped by it long before the kernel's buffer is full, where our own
    deadline begins. It costs no request anything. No other system than Linux has it.
    """
    if _KNOWN:
        milliseconds = min(math.ceil(seconds * 1000), 2**31 - 1)
        with contextlib.suppress(OSError):  # a Unix socket, whose peer has no window
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def tighten(sock: socket.socket) -> None:
    """Hold no more than PIPELINED for this peer, until a large write asks again."""
    if _KNOWN:
        with contextlib.suppress(OSError):  # a Unix socket; or the peer has left, which the write will say
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, PIPELINED)


def follow(sock: socket.socket) -> None:
    """Before a large write: hold half of what fits into the peer's window, from UNSENT to MOST bytes."""
    if not _KNOWN:
        return
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _WINDOW.size)
        if len(info) == _WINDOW.size:
            (acknowledged,), (sent, again) = _ACKNOWLEDGED.unpack_from(info), _SENT.unpack_from(info)
            room = _WINDOW.unpack_from(info)[0] - (sent - again - acknowledged)
            # Half of it: a receiver counts its own overhead, too, and may take less than it has promised.
            room = min(max(room // 2, UNSENT), MOST)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, room)
    except OSError:
        return  # a Unix socket, which has no window; or the peer has left, which the write will say
