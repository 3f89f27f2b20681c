"""OpenSSL's own object inside an `ssl.SSLSocket`: bytes pass to and from it without a Python function.

`SSLSocket.recv` calls `read`, `send` calls `write`, and each of them asks whether the socket is still open:
six Python functions for a request (FAST.md). All of them end at one object, which the module `ssl` keeps as
`_sslobj`. It reads and writes the same descriptor and raises the same SSLWantReadError and SSLWantWriteError.
What the functions around it add is left to `transport`: an end without close_notify, and a socket that has
forgotten its TLS.
"""

from __future__ import annotations

import socket
import ssl
from typing import Protocol, cast


class TlsObject(Protocol):
    """What a transport needs of it."""

    def read(self, most: int, /) -> bytes:
        """Bytes; none after a close_notify. Raises SSLWantReadError, SSLWantWriteError, OSError.

        An end without close_notify raises SSLEOFError.
        """

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """How many bytes have gone. Raises SSLWantReadError, SSLWantWriteError, OSError."""

    def do_handshake(self) -> None:
        """A step of the handshake. Raises SSLWantReadError, SSLWantWriteError, OSError."""


def tls_object(sock: ssl.SSLSocket) -> TlsObject:
    """The object, or the socket itself, which has the same three methods.

    The socket: of a class of the caller's own (`SSLContext.sslsocket_class`), which may do more in them; of a
    peer that has left already; and in a Python whose `ssl` calls the object by another name.
    """
    inner = getattr(sock, "_sslobj", None) if type(sock) is ssl.SSLSocket else None
    return cast(TlsObject, sock if inner is None else inner)


def is_regular_end(error: OSError, sock: socket.socket) -> bool:
    """Does a read that failed so count as the end of TLS? Without close_notify: if the socket is set so."""
    return isinstance(error, ssl.SSLEOFError) and bool(getattr(sock, "suppress_ragged_eofs", False))
