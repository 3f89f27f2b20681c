"""A client that leaves in the middle of a response. A TestClient always reads to the end."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Any

from netlab.testing.rawclient import address_of, connect

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds: close() sends RST


def leave_after(
    server: Any, n_bytes: int, path: str, *, reset: bool, context: ssl.SSLContext | None
) -> bytes:
    """GET the path, read so many bytes of the answer (head included), close; what was read.

    reset: end with RST, as a process that is killed does with unread bytes, instead of FIN. context: for
    https, where the server's own root is not to be trusted. Raises AssertionError when the answer is shorter.
    """
    __tracebackhide__ = True
    host, port = address_of(server)
    with connect(server, context) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        got = b""
        while len(got) < n_bytes:
            try:
                data = connection.recv(min(1 << 16, n_bytes - len(got)))
            except TimeoutError:
                data = b""
            assert data, f"only {len(got)} bytes came; the client was to leave at {n_bytes}"
            got += data
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    return got
