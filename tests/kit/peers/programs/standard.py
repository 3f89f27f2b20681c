"""The routes of `tests.kit.peers` with http.server.

Run it as `python -m tests.kit.peers.programs.standard FOLDER PORT [CHAIN KEY]`. http.server itself reads no
chunked content and writes none: both are the work of this program.
"""

from __future__ import annotations

import hashlib
import ssl
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.kit.peers.world import LINES


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1, so that connections persist."""

    protocol_version = "HTTP/1.1"
    folder = Path()

    def do_GET(self) -> None:
        """hello, chunked, big."""
        if self.path == "/":
            self._send(200, b"hello")
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(LINES), 10_000):
                piece = LINES[at : at + 10_000]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            file = self.folder / "www" / "big"
            self.send_response(200)
            self.send_header("Content-Length", str(file.stat().st_size))
            self.end_headers()
            with file.open("rb") as source:
                while piece := source.read(65536):
                    self.wfile.write(piece)

    def do_POST(self) -> None:
        """digest, refuse."""
        if self.path == "/refuse":
            self.close_connection = True
            self._send(413, b"")
            return
        digest = hashlib.sha256()
        for piece in self._content():
            digest.update(piece)
        self._send(200, digest.hexdigest().encode())

    def _content(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers["Content-Length"])
        while left and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)
            yield piece

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def main() -> None:
    """Serve until a signal."""
    folder, port, *files = sys.argv[1:]
    Handler.folder = Path(folder)
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
