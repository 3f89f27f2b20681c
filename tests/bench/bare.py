"""The floor: a loop over Python's own sockets and ssl that answers as the others do, and is no server.

Run it as `python -m tests.bench.bare PORT [CERTIFICATE KEY]`. It serves one connection at a time, reads one
request and looks at nothing but its path; no deadlines, no limits, no application. What it costs is what
the kernel, OpenSSL and Python's binding to it cost: a server in Python can hardly be faster than this.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import sys

from tests.bench.apps import HELLO, PIECE

_HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %b\r\n%b\r\n\r\n"
_HELLO = _HEAD % (b"application/json", b"Content-Length: %d" % len(HELLO)) + HELLO
_STREAM = _HEAD % (b"application/octet-stream", b"Transfer-Encoding: chunked")
_PATH = re.compile(rb"GET /stream\?mib=([0-9]+) ")


def main() -> None:
    """Serve: PORT, and CERTIFICATE and KEY for TLS."""
    port, *files = sys.argv[1:]
    tls = None
    if files:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*files)
    with socket.create_server(("127.0.0.1", int(port)), backlog=2048) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError):
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> None:
    request = connection.recv(1 << 16)
    long = _PATH.match(request)
    if long is None:
        connection.sendall(_HELLO)
    else:
        connection.sendall(_STREAM)
        for _ in range(int(long[1])):
            _send_chunk(connection)
        connection.sendall(b"0\r\n\r\n")
    if isinstance(connection, ssl.SSLSocket):
        connection.setblocking(False)  # say close_notify, and do not wait for theirs
        connection.unwrap()


def _send_chunk(connection: socket.socket) -> None:
    size = b"%x\r\n" % len(PIECE)
    if isinstance(connection, ssl.SSLSocket):
        for part in (size, PIECE, b"\r\n"):
            connection.sendall(part)
        return
    gone = connection.sendmsg((size, PIECE, b"\r\n"))
    if gone < len(size) + len(PIECE) + 2:  # interrupted by a signal: hardly ever
        connection.sendall((size + PIECE + b"\r\n")[gone:])


if __name__ == "__main__":
    main()
