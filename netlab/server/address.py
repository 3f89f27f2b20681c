"""From a server's arguments to the place where it listens; what cannot be used is said all at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from netlab.net.listening import GivenPlace, Place, TcpPlace, UnixPlace


def place_of(
    host: str | None,
    port: int,
    uds: str | None,
    uds_mode: int | None,
    sock: socket.socket | None,
) -> tuple[Place, bool]:
    """Where to listen, and whether the server opens that socket itself.

    Raises ValueError, naming every argument that cannot be used and its repair.
    """
    mistakes = [
        *_port_mistakes(port, uds, sock),
        *_uds_mistakes(host, uds, uds_mode, sock),
        *(_socket_mistakes(sock) if sock is not None else ()),
    ]
    if mistakes:
        raise ValueError("a server cannot be made of this: " + "; ".join(mistakes))
    if sock is not None:
        return GivenPlace(sock, host), False
    if uds is not None:
        return UnixPlace(uds, uds_mode), True
    return TcpPlace(host if host is not None else "127.0.0.1", port), True


def _port_mistakes(port: int, uds: str | None, sock: socket.socket | None) -> Iterator[str]:
    if not 0 <= port <= 65535:
        yield f"port is {port}: give 0 to 65535"
    elif port and uds is not None:
        yield f"uds {uds!r} and port {port}: give one of the two"
    elif port and sock is not None:
        yield f"sock and port {port}: the socket has a port already, leave this one out"


def _uds_mistakes(
    host: str | None, uds: str | None, mode: int | None, sock: socket.socket | None
) -> Iterator[str]:
    if uds is not None:
        if not uds.strip("\0"):
            yield f"uds is {uds!r}: give the path of a Unix socket, such as '/run/netlab.sock'"
        if sock is not None:
            yield "uds and sock: give one of the two"
        if host is not None:
            yield f"uds {uds!r} and host {host!r}: give one of the two"
    if mode is not None:
        if uds is None or uds.startswith("\0"):
            yield f"uds_mode is {mode:#o}, but there is no path that could have it: give uds, too"
        if not 0 <= mode <= 0o777:
            yield f"uds_mode is {mode:#o}: give permissions such as 0o660"


def _socket_mistakes(sock: socket.socket) -> Iterator[str]:
    if sock.family not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        yield f"sock is of the family {sock.family!r}: give a TCP or Unix socket"
    elif sock.type != socket.SOCK_STREAM:
        yield f"sock is of the type {sock.type!r}: give a stream socket"
    elif not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        yield "sock does not listen: call its listen() first"
