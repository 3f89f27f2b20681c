"""A TLS 1.3 client that encrypts its own records: it sends KeyUpdate messages, whole or in parts.

The handshake is the ssl module's. Then the key log tells the client's traffic secret, and from there on this
file does the work of RFC 8446 §5.2, §5.3, §7.1 and §7.2, for TLS_AES_256_GCM_SHA384, OpenSSL's first suite.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import ssl
import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HANDSHAKE, APPLICATION_DATA = 22, 23
KEY_UPDATE = b"\x18\x00\x00\x01"
WANTS_REPLY = KEY_UPDATE + b"\x01"
WANTS_NO_REPLY = KEY_UPDATE + b"\x00"


def _expand_label(secret: bytes, label: bytes, length: int) -> bytes:
    info = struct.pack("!HB", length, 6 + len(label)) + b"tls13 " + label + b"\x00"
    return hmac.digest(secret, info + b"\x01", "sha384")[:length]


class Rekeying:
    """A client in its own hands after the handshake. sock: connected, non-blocking."""

    def __init__(self, sock: socket.socket, keylog: Path) -> None:
        self.sock = sock
        self._keylog = keylog
        self._loop = asyncio.get_running_loop()

    async def handshake(self) -> None:
        """TLS 1.3, without a look at the certificate; then take over."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.keylog_filename = str(self._keylog)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._loop.sock_sendall(self.sock, outgoing.read())
                incoming.write(await self._loop.sock_recv(self.sock, 1 << 16))
        await self._loop.sock_sendall(self.sock, outgoing.read())
        cipher = tls.cipher()
        assert cipher is not None and cipher[0] == "TLS_AES_256_GCM_SHA384"
        lines = (line.split() for line in self._keylog.read_text().splitlines())
        self._use(next(bytes.fromhex(line[2]) for line in lines if line[0] == "CLIENT_TRAFFIC_SECRET_0"))

    def _use(self, secret: bytes) -> None:
        self._secret = secret
        self._aead = AESGCM(_expand_label(secret, b"key", 32))
        self._iv = int.from_bytes(_expand_label(secret, b"iv", 12), "big")
        self._sequence = 0

    def record(self, content: bytes, kind: int = APPLICATION_DATA) -> bytes:
        """One encrypted record."""
        header = struct.pack("!BHH", 23, 0x0303, len(content) + 1 + 16)
        nonce = (self._iv ^ self._sequence).to_bytes(12, "big")
        self._sequence += 1
        return header + self._aead.encrypt(nonce, content + bytes([kind]), header)

    def updated(self) -> None:
        """A KeyUpdate was sent: the next record uses the next key."""
        self._use(_expand_label(self._secret, b"traffic upd", 48))

    def key_updates(self, count: int, message: bytes = WANTS_NO_REPLY) -> bytes:
        """So many KeyUpdate messages, each in a record and under a key of its own."""
        records = []
        for _ in range(count):
            records.append(self.record(message, HANDSHAKE))
            self.updated()
        return b"".join(records)
