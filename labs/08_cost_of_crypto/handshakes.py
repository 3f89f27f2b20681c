"""Whole TLS 1.3 connections between two contexts in memory: their CPU time, and no network in it.

Client and server run in this one thread, one after the other, so a time here is the work of both sides.
"""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from netlab import tls
from netlab.tls import breakage, cases, recipes
from netlab.tls.issue import KeyKind

PIECE = bytes(16_384)  # what a server gives to OpenSSL at once: one full record


@dataclass
class Connection:
    """Two ends that have shaken hands."""

    client: ssl.SSLObject
    server: ssl.SSLObject

    def send(self, size: int) -> None:
        """A request, and a response of `size` bytes in full records: one end encrypts, the other decrypts."""
        self.client.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.server.read(1024)
        left = size
        while left > 0:
            piece = PIECE if left >= len(PIECE) else PIECE[:left]
            self.server.write(piece)
            got = 0
            while got < len(piece):
                got += len(self.client.read(len(PIECE)))
            left -= len(piece)


@dataclass
class Pair:
    """A server with a certificate on one kind of key, and a client that trusts it."""

    kind: KeyKind
    client: ssl.SSLContext
    server: ssl.SSLContext
    session: ssl.SSLSession | None = None

    def full(self) -> Connection:
        """A whole handshake: key agreement, certificates, signature, verification."""
        return self._shake(None)

    def resumed(self) -> Connection:
        """A handshake on a session of before: key agreement alone, no certificate (RFC 8446 §2.2)."""
        if self.session is None:
            first = self.full()
            first.send(1)  # the tickets have come by then
            self.session = first.client.session
        made = self._shake(self.session)
        if not made.client.session_reused:
            raise RuntimeError("the server did not resume the session")
        return made

    def _shake(self, session: ssl.SSLSession | None) -> Connection:
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.client.wrap_bio(down, up, server_hostname="localhost", session=session)
        server = self.server.wrap_bio(up, down, server_side=True)
        waiting = [client, server]
        while waiting:
            for side in tuple(waiting):
                try:
                    side.do_handshake()
                    waiting.remove(side)
                except ssl.SSLWantReadError:
                    pass
        return Connection(client, server)


def pair(kind: KeyKind) -> Pair:
    """A leaf, and an intermediate that signed it, with keys of this kind; the root is on P-256."""
    now = datetime.now(UTC)
    good = breakage.hierarchy(now)
    with tempfile.TemporaryDirectory() as folder:
        files = cases.write(recipes.keys_of(kind)(good, now), good, Path(folder))
        only = ssl.TLSVersion.TLSv1_3
        client = tls.client_context(files.root, minimum=only)
        return Pair(kind, client, tls.server_context(files.chain, files.key, minimum=only))
