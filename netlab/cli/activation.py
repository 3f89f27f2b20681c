"""`serve` under a service manager: the listening socket that it hands over, and the word that we serve.

systemd's protocol in two halves. Socket activation (sd_listen_fds(3)): systemd listens, and starts the
service with the socket as descriptor 3; LISTEN_PID names the process that it is meant for, LISTEN_FDS counts.
Readiness (sd_notify(3)): the service sends READY=1 to the datagram socket that NOTIFY_SOCKET names. Both need
the standard library alone. Without these variables nothing of it happens.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping

from netlab.cli.errors import UserError

# SD_LISTEN_FDS_START: the first descriptor behind standard input, output and error.
FIRST_FD = 3

_LISTEN = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def listening(fd: int, source: str) -> socket.socket:
    """The listening socket behind a descriptor. Raises UserError when it is none.

    source: what named the descriptor, for the error.
    """
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        raise UserError(f"{source} is no listening socket: {error.strerror}") from None
    try:
        if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OSError(errno.EINVAL, "it does not listen")
    except OSError as error:
        sock.detach()  # the descriptor is the caller's
        raise UserError(f"{source} is no listening socket: {error.strerror}") from None
    return sock


def activated(
    environ: MutableMapping[str, str] | None = None, pid: int | None = None
) -> socket.socket | None:
    """The socket that systemd has opened for this process; None without socket activation.

    environ, pid: this process's. The variables are removed: a child must not take the socket for its own.
    Raises UserError for more sockets than one, and for a descriptor that does not listen.
    """
    environ = os.environ if environ is None else environ
    told = {name: environ.get(name, "") for name in _LISTEN}
    if told["LISTEN_PID"] != str(os.getpid() if pid is None else pid) or not told["LISTEN_FDS"].isdecimal():
        return None
    for name in _LISTEN:
        environ.pop(name, None)
    count = int(told["LISTEN_FDS"])
    if count == 0:
        return None
    if count > 1:
        raise UserError(
            f"LISTEN_FDS={count}: netlab serves on one socket; write one ListenStream= into the socket unit, "
            "or one unit for each"
        )
    os.set_inheritable(FIRST_FD, False)
    return listening(FIRST_FD, "LISTEN_FDS: descriptor 3")


def notify(state: str, environ: MutableMapping[str, str] | None = None) -> bool:
    """Tell the service manager; whether there was one to tell. What fails is ignored: serving comes first.

    state: lines of sd_notify(3), such as READY=1. environ: this process's.
    """
    address = (os.environ if environ is None else environ).get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    name = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto(state.encode(), name)
    except OSError:
        return False
    return True
