"""A client that leaves in the middle of a response. A TestClient always reads to the end."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Any

from netlab.testing.rawclient import PATIENCE, address_of

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds: close() sends RST


def leave_after(
    server: Any, n_bytes: int, path: str, *, reset: bool, context: ssl.SSLContext | None
) -> bytes:
    """GET the path, read so many bytes of the answer (head included), close; what was read.

    reset: end with RST, as a process that is killed does with unread bytes, instead of FIN. context: for
    https. Raises AssertionError when the answer is shorter.
    """
    host, port = address_of(server)
    raw = socket.create_connection((host, port), PATIENCE)
    connection = context.wrap_socket(raw, server_hostname="localhost") if context is not None else raw
    with connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        got = b""
        while len(got) < n_bytes:
            data = connection.recv(min(1 << 16, n_bytes - len(got)))
            assert data, f"the response ended after {len(got)} bytes; the client was to leave at {n_bytes}"
            got += data
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    return got
