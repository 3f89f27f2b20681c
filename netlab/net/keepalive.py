"""TCP keepalive: a peer that has vanished is noticed while neither side speaks. RFC 9293 §3.8.4.

A client that loses its network, or closes while its request is still being worked on, sends nothing that
tells us so. Without probes its descriptor and its handler are held until the handler ends.
"""

from __future__ import annotations

import socket

# The kernel probes a peer that has been silent for IDLE seconds, then every INTERVAL seconds. After PROBES
# probes without an answer the connection is broken: a peer that has vanished is noticed after 70 seconds. The
# kernel's own default is two hours. A peer that is alive answers a probe with one empty segment.
IDLE = 30
INTERVAL = 10
PROBES = 4


def probe_peers(sock: socket.socket) -> None:
    """Let the kernel probe the peers of this TCP socket; a listening one hands it on to the accepted ones.

    Nothing happens on a Unix socket, whose peer cannot vanish without the kernel's knowledge.
    """
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # macOS has TCP_KEEPALIVE for the first of these.
    for name, value in (("TCP_KEEPIDLE", IDLE), ("TCP_KEEPINTVL", INTERVAL), ("TCP_KEEPCNT", PROBES)):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
