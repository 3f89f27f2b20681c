"""One address that several processes listen on: SO_REUSEPORT for TCP, one shared socket for a Unix path.

What the processes are, and how they are started, stands in `workers`.
"""

from __future__ import annotations

import socket
from typing import Any

from netlab.server.server import _listen_tcp, _listen_unix, _remove_socket


class Address:
    """Where all the workers listen: had once by the supervisor, for as long as it lives."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._uds = options.pop("uds", None)
        self.host: str = options.pop("host", "127.0.0.1")
        if self._uds:
            self._held = _listen_unix(self._uds)
        else:
            self._held = _reserve(self.host, options.pop("port", 0))
            self.port: int = self._held.getsockname()[1]

    def listen(self) -> socket.socket:
        """In a worker: a socket that listens. Raises OSError."""
        if self._uds:
            return self._held
        self._held.close()  # the supervisor holds the port, not we
        return _listen_tcp(self.host, self.port, reuse_port=True)

    def url(self, secure: bool) -> str:
        """Where the workers answer, as Server.url has it."""
        if self._uds:
            return f"unix:{self._uds}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if secure else 'http'}://{host}:{self.port}"

    def __enter__(self) -> Address:
        return self

    def close(self) -> None:
        """Let go: once no worker listens either, nobody can connect. No error when it is done already."""
        self._held.close()
        if self._uds:
            _remove_socket(self._uds)

    def __exit__(self, *_: object) -> None:
        self.close()


def _reserve(host: str, port: int) -> socket.socket:
    """A socket that keeps a port for us and never listens. Raises OSError when somebody else has it."""
    if port:
        # SO_REUSEPORT alone would let us share the port of a server that has nothing to do with us.
        _bind(host, port, shared=False).close()
    return _bind(host, port, shared=True)


def _bind(host: str, port: int, shared: bool) -> socket.socket:
    info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(info[0], info[1], info[2])
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if info[0] == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(info[4])
    except BaseException:
        sock.close()
        raise
    return sock
