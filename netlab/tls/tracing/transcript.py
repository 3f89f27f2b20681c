"""The transcript: all handshake messages in their order, for Finished and the secrets (RFC 8446 §4.4.1)."""

from __future__ import annotations

import hashlib

# Longer than any handshake that OpenSSL takes; beyond it nothing is checked against the transcript any more.
LIMIT = 4 << 20


class Transcript:
    """The messages of one handshake, as bytes. closed: the handshake is over, its messages forgotten."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.closed = False

    def add(self, message: bytes) -> None:
        """Take the next message."""
        if not self.closed:
            self.data += message
            if len(self.data) > LIMIT:
                self.close()

    def hash(self, hash_name: str) -> bytes | None:
        """Transcript-Hash of the messages so far; None once it is closed."""
        return None if self.closed else hashlib.new(hash_name, self.data).digest()

    def retry(self, hash_name: str) -> None:
        """Put the hash of the first ClientHello in its place (RFC 8446 §4.4.1: message_hash)."""
        digest = hashlib.new(hash_name, self.data).digest()
        self.data = bytearray(bytes([254, 0, 0, len(digest)]) + digest)

    def close(self) -> None:
        """Forget the messages."""
        self.data.clear()
        self.closed = True
