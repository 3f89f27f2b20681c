"""A small TLS server on loopback, and a client that reports what it saw."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


@dataclass
class Serving:
    """A server at work, and what it saw of each client: the protocol chosen, or the reason it left."""

    port: int
    seen: list[str | None] = field(default_factory=list)


@contextlib.contextmanager
def serving(context: ssl.SSLContext) -> Iterator[Serving]:
    """Answer every connection with `hello`, one after the other, in a thread that ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:
        stop, stopped = socket.socketpair()
        stack.callback(stop.close)
        stack.callback(stopped.close)
        server = Serving(listener.getsockname()[1])

        def work() -> None:
            while stopped not in select.select([listener, stopped], [], [])[0]:
                connection, _ = listener.accept()
                connection.settimeout(20)
                try:
                    with context.wrap_socket(connection, server_side=True) as secured:
                        if secured.recv(65536):
                            secured.sendall(RESPONSE)
                        server.seen.append(secured.selected_alpn_protocol())
                except OSError as error:
                    server.seen.append(getattr(error, "reason", str(error)))
                    connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield server
        finally:
            stop.send(b"x")
            thread.join()


@dataclass(frozen=True)
class Seen:
    """What one client saw: the verify code (0: accepted), its message, and the connection's properties."""

    code: int
    message: str = ""
    version: str | None = None
    cipher: str = ""
    alpn: str | None = None
    ticket: bool = False


def connect(port: int, context: ssl.SSLContext, host: str = "localhost") -> Seen:
    """One handshake, one request, one response."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                version = secured.version()
                secured.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = b""
                while part := secured.recv(65536):
                    answer += part
                assert answer == RESPONSE
                ticket = secured.session is not None and secured.session.has_ticket
                cipher = secured.cipher()
                assert cipher is not None
                return Seen(0, "", version, cipher[0], secured.selected_alpn_protocol(), bool(ticket))
        except ssl.SSLCertVerificationError as refusal:
            return Seen(refusal.verify_code, refusal.verify_message)
