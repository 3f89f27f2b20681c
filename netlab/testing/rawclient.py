"""Raw bytes out, and what came back: for tests that assert what stands on the wire.

Blocking sockets: use it with netlab_live, or any server that runs in another thread or process.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

# Seconds that bytes which are due may take.
PATIENCE = 5.0
_SHOWN = 60  # bytes of a line that a failure shows before and behind the first wrong one


def address_of(server: Any) -> tuple[str, int]:
    """Host and port of a server: an object with `url`, a URL, or (host, port)."""
    if isinstance(server, tuple):
        return str(server[0]), int(server[1])
    parts = urlsplit(server if isinstance(server, str) else server.url)
    if not parts.hostname:
        raise ValueError(f"{server!r} names no host: give a server, a URL, or (host, port)")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def connect(server: Any, tls: ssl.SSLContext | bool | None = None) -> socket.socket:
    """A connection to the server, with TLS where its URL is https.

    tls: a context in place of one that trusts the server's own `root`; False for none. Raises OSError.
    """
    url = server if isinstance(server, str) else str(getattr(server, "url", ""))
    connection = socket.create_connection(address_of(server), PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls is None:
        tls = url.startswith("https:")
    if tls is False:
        return connection
    if tls is True:
        root = getattr(server, "root", None)
        tls = ssl.create_default_context(cafile=root and str(root))
    try:
        return tls.wrap_socket(connection, server_hostname=address_of(server)[0])
    except OSError:
        connection.close()
        raise


class RawConnection:
    """One connection. `sent` and `received` keep every byte, without the TLS around it."""

    def __init__(self, server: Any, tls: ssl.SSLContext | bool | None = None) -> None:
        self.sent = b""
        self.received = b""
        self._taken = 0
        self._socket = connect(server, tls)

    def send(self, data: bytes, *, apart: bool = False) -> None:
        """Send bytes as they are. apart: one `send` for each byte."""
        if isinstance(data, str):
            raise TypeError(f"the wire carries bytes, not text: write b{data[:20]!r}… or give text.encode()")
        self.sent += data
        for piece in [data[at : at + 1] for at in range(len(data))] if apart else [data]:
            self._socket.sendall(piece)

    def end(self) -> None:
        """Send FIN: nothing more will be sent, the answer can still come."""
        self._socket.shutdown(socket.SHUT_WR)

    def expect(self, expected: bytes) -> None:
        """The next bytes are these. Raises AssertionError with a caret under the first one that differs."""
        __tracebackhide__ = True
        end = self._taken + len(expected)
        while len(self.received) < end and self._more():
            pass
        got = self.received[self._taken : end]
        assert got == expected, difference(self.sent, expected, got)
        self._taken = end

    def until(self, marker: bytes) -> bytes:
        """The next bytes up to and with the marker. Raises AssertionError when it does not come."""
        __tracebackhide__ = True
        while (at := self.received.find(marker, self._taken)) < 0:
            assert self._more(), f"{marker!r} did not come, but {self.received[self._taken :]!r:.300}"
        start, self._taken = self._taken, at + len(marker)
        return self.received[start : self._taken]

    def rest(self) -> bytes:
        """Everything up to the end of the connection. Raises AssertionError when it stays open."""
        __tracebackhide__ = True
        while self._more():
            pass
        start, self._taken = self._taken, len(self.received)
        return self.received[start:]

    def expect_closed(self) -> None:
        """The server has closed, and sent nothing more."""
        __tracebackhide__ = True
        left = self.rest()
        assert not left, f"the server sent {left!r:.300} before it closed"

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _more(self) -> bool:
        """Read what comes next; False at the end."""
        __tracebackhide__ = True
        try:
            data = self._socket.recv(1 << 16)
        except TimeoutError:
            shown = self.received[self._taken :]
            raise AssertionError(
                f"nothing more came for {PATIENCE:g} s; the connection is open; what came is {shown!r:.300}"
            ) from None
        self.received += data
        return bool(data)


def difference(sent: bytes, expected: bytes, got: bytes) -> str:
    """What was sent, what was expected and what came, with a caret under the first byte that differs."""
    at = next((n for n, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b), None)
    at = min(len(expected), len(got)) if at is None else at
    start = max(0, at - _SHOWN)
    before = _visible(expected[start:at])
    lines = [
        f"the answer differs from byte {at} on",
        f"  sent      {_visible(sent[-4 * _SHOWN :])}",
        f"  expected  {before}{_visible(expected[at : at + _SHOWN])}",
        f"  got       {before}{_visible(got[at : at + _SHOWN])}",
        f"            {' ' * len(before)}^",
    ]
    return "\n".join(lines)


def _visible(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode()
