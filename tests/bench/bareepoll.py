"""The floor for persistent connections: an epoll loop over Python's own sockets and ssl. It is no server.

Run it as `python -m tests.bench.bareepoll PORT [CERTIFICATE KEY]`. It takes each read for one request, looks
at nothing in it, and sends a constant: no parser, no deadlines, no limits, no application.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys

from tests.bench.apps import HELLO

_HELLO = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(HELLO) + HELLO
)
_HANDSHAKE_PATIENCE = 5.0  # seconds; nothing else is served meanwhile


def main() -> None:
    """Serve: PORT, and CERTIFICATE and KEY for TLS."""
    port, *files = sys.argv[1:]
    tls = None
    if files:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*files)
    with socket.create_server(("127.0.0.1", int(port)), backlog=2048) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _loop(listener, tls)


def _loop(listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    connections: dict[int, socket.socket] = {}
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    while True:
        for fd, _ in epoll.poll():
            connection = connections.get(fd)
            if connection is None:
                _accept(listener, tls, connections, epoll)
                continue
            try:
                data = connection.recv(1 << 16)
                if data:
                    connection.send(_HELLO)
                    continue
            except (ssl.SSLWantReadError, BlockingIOError):
                continue
            except OSError:
                pass
            del connections[fd]
            connection.close()


def _accept(
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    connections: dict[int, socket.socket],
    epoll: select.epoll,
) -> None:
    connection, _ = listener.accept()
    if tls is not None:
        connection.settimeout(_HANDSHAKE_PATIENCE)
        try:
            connection = tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
    connection.setblocking(False)
    connections[connection.fileno()] = connection
    epoll.register(connection.fileno(), select.EPOLLIN)


if __name__ == "__main__":
    main()
