"""The SYN filter: how a listening socket stops without losing a connection.

First no new handshake begins, then the completed ones are accepted, then the socket closes.
"""

from __future__ import annotations

import array
import socket
import struct

# Linux, from <asm-generic/socket.h>: the socket module has no name for it.
_SO_ATTACH_FILTER = 26

# What the kernel asks of each segment that comes for a listening socket (classic BPF: code, jt, jf, k).
_NO_SYN = (
    (0x30, 0, 0, 13),  # load octet 13 of the TCP header: the flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # yes: drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # no: a handshake that has begun may end
)


def refuse_handshakes(listener: socket.socket) -> None:
    """Let no new handshake begin on a listening TCP socket; those under way complete and can be accepted.

    Closing a listener resets the connections that the kernel has completed and the server has not accepted
    yet. So a drain does this first, then accepts what is left, then closes. A client whose SYN is dropped
    sends it again after a second; by then it is refused, or finds the server's successor. On other systems
    than Linux nothing happens.
    """
    program = array.array("B", b"".join(struct.pack("HBBI", *line) for line in _NO_SYN))
    try:
        listener.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_NO_SYN), program.buffer_info()[0])
        )
    except OSError:
        pass
