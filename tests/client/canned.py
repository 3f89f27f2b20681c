"""A server for `netlab fetch`: a thread that answers request after request with bytes from a list."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from netlab.tls import authority, server_context

Fetch = Callable[..., tuple[int, bytes, str]]
"""Runs the command in this process: exit status, standard output, standard error."""


class Canned:
    """Answers request after request with the next of `answers`, and closes; requests: what came."""

    def __init__(self, *answers: bytes, certificates: authority.Certificates | None = None) -> None:
        self.answers, self.requests = list(answers), list[bytes]()
        self._tls = certificates and server_context(certificates.chain, certificates.leaf_key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if certificates else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Canned:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with suppress(OSError), sock:
                sock.settimeout(20)
                with self._tls.wrap_socket(sock, server_side=True) if self._tls else sock as wrapped:
                    self._answer(wrapped)

    def _answer(self, sock: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            more = sock.recv(65536)
            if not more:
                return
            request += more
        head, _, content = request.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
        while length and len(content) < length[0]:
            content += sock.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + content)
        sock.sendall(self.answers.pop(0))


def answer(content: bytes, *lines: str, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    head = [f"HTTP/1.1 {status}", f"Content-Length: {size}", "Connection: close", *lines, "", ""]
    return "\r\n".join(head).encode() + content
