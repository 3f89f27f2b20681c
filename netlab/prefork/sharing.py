"""One address that several processes listen on: SO_REUSEPORT for TCP, one shared socket for a Unix path.

A socket that another program has opened, such as systemd, is shared as well.

What the processes are, and how they are started, stands in `workers`.
"""

from __future__ import annotations

import socket
from typing import Any

from netlab.net.listening import GivenPlace, Name, TcpPlace, UnixPlace, tcp_socket


class Address:
    """Where all the workers listen: had once by the supervisor, for as long as it lives.

    options: those of Server; host, port, uds, uds_mode and sock are taken out of them. Raises OSError when
    the address cannot be had.
    """

    _shared: UnixPlace | GivenPlace | None  # where one socket serves all the workers

    def __init__(self, options: dict[str, Any]) -> None:
        uds, mode = options.pop("uds", None), options.pop("uds_mode", None)
        host, port = options.pop("host", None) or "127.0.0.1", options.pop("port", 0)
        given = options.pop("sock", None)
        self._shared = UnixPlace(uds, mode) if uds is not None else GivenPlace(given) if given else None
        if self._shared is not None:
            self._held = self._shared.listen()
            self.name = self._shared.name(self._held)
        else:
            self._held = _reserve(host, port)
            self.name = Name(host, self._held.getsockname()[1])

    @property
    def host(self) -> str | None:
        """The caller's word for the host; None for a shared socket."""
        return None if self._shared is not None else self.name.host

    @property
    def shared(self) -> bool:
        """Is it one socket for all the workers, which others go on to listen on when one of them ends?"""
        return self._shared is not None

    def listen(self) -> socket.socket:
        """In a worker: a socket that listens. Raises OSError."""
        if self._shared is not None:
            return self._held
        self._held.close()  # the supervisor holds the port, the worker need not
        return TcpPlace(self.name.host, self.name.port, shared=True).listen()

    def __enter__(self) -> Address:
        return self

    def close(self) -> None:
        """Give the address up: once no worker listens either, no client can connect. No error when done."""
        if self._shared is not None:
            self._shared.release()
        self._held.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def _reserve(host: str, port: int) -> socket.socket:
    """A socket that keeps a port for us and never listens. Raises OSError when another program has it."""
    if port:
        # SO_REUSEPORT alone would let us share the port of a server that has nothing to do with us.
        _bind(host, port, shared=False).close()
    return _bind(host, port, shared=True)


def _bind(host: str, port: int, shared: bool) -> socket.socket:
    sock, address = tcp_socket(host, port, shared)
    try:
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock
