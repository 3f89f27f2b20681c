"""Conversations of Python's ssl with itself, in memory: the bytes of both sides, and the key log."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from netlab.tls.keylog import KeyLog, passing_file
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Record, Side

NO_EXTENDED_MASTER_SECRET = 1 << 0
NO_ENCRYPT_THEN_MAC = 1 << 19
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@cache
def identity(kind: str) -> bytes:
    """A self-signed certificate for localhost and its key, as PEM."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def load(context: ssl.SSLContext, kind: str = "rsa") -> None:
    """Give a context the identity; OpenSSL reads it from a file only."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(identity(kind))
        context.load_cert_chain(file.name)


@dataclass
class Wire:
    """What went over the wire, in order, and the key log."""

    sent: list[tuple[Side, bytes]] = field(default_factory=list)
    log: bytes = b""
    session: ssl.SSLSession | None = None
    cipher: str = ""
    said: dict[Side, bytes] = field(default_factory=lambda: dict.fromkeys(Side, b""))

    def trace(self, ring: Keyring | None = None, piece: int = 0) -> tuple[Tracer, list[Record]]:
        """Read it with the tracer; piece: the bytes to feed at a time, 0 as they were sent."""
        tracer = Tracer(ring if ring is not None else Keyring(KeyLog(self.log)))
        records: list[Record] = []
        for side, data in self.sent:
            step = piece or len(data)
            for at in range(0, len(data), step):
                records += tracer.feed(side, data[at : at + step])
        tracer.end()
        return tracer, records


def contexts(
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, ciphers: str = "", options: int = 0, kind: str = "rsa"
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A client and a server that speak one version. options: OpenSSL's bits, for both."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    load(server, kind)
    for context in (client, server):
        context.options |= options
        if ciphers:
            context.set_ciphers(ciphers)
        context.minimum_version = version
        context.maximum_version = version
    return client, server


class Talk:
    """One conversation under way."""

    def __init__(
        self, client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None = None
    ) -> None:
        self.wire = Wire()
        self._pipes = {side: (ssl.MemoryBIO(), ssl.MemoryBIO()) for side in Side}
        into, out = self._pipes[Side.CLIENT]
        self.client = client.wrap_bio(into, out, server_hostname="localhost", session=session)
        into, out = self._pipes[Side.SERVER]
        self.server = server.wrap_bio(into, out, server_side=True)
        self._ends = {Side.CLIENT: self.client, Side.SERVER: self.server}

    def carry(self) -> bool:
        """Move what was written to the other side; was there anything?"""
        moved = False
        for side in Side:
            if data := self._pipes[side][1].read():
                self.wire.sent.append((side, data))
                self._pipes[side.other][0].write(data)
                moved = True
        return moved

    def handshake(self) -> None:
        """Complete the handshake, or let it fail as it does."""
        waiting = set(Side)
        while waiting:
            for side in sorted(waiting, key=lambda s: s.value):
                try:
                    self._ends[side].do_handshake()
                    waiting.discard(side)
                except ssl.SSLWantReadError:
                    pass
                self.carry()
        self.carry()

    def say(self, side: Side, data: bytes) -> None:
        """One side sends, the other receives."""
        self._ends[side].write(data)
        self.wire.said[side] += data
        self.carry()
        received = b""
        while len(received) < len(data):
            received += self._ends[side.other].read(1 << 20)
        assert received == data

    def close(self) -> None:
        """Both sides send close_notify."""
        for side in Side:
            try:
                self._ends[side].unwrap()
            except ssl.SSLError:
                pass
            self.carry()
        try:
            self.client.unwrap()
        except ssl.SSLError:
            pass


@contextmanager
def logging(*logged: ssl.SSLContext) -> Iterator[Wire]:
    """Collect the key log of contexts in memory, for the block."""
    holder = Wire()
    with passing_file() as memory:
        for context in logged:
            context.keylog_filename = memory.path
        yield holder
        holder.log = memory.new()


def converse(client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Wire:
    """A handshake, a request, a response, and both close_notify."""
    with logging(client) as logged:
        talk = Talk(client, server, session)
        talk.handshake()
        talk.say(Side.CLIENT, REQUEST)
        talk.say(Side.SERVER, RESPONSE)
        talk.wire.session = talk.client.session
        cipher = talk.client.cipher()
        assert cipher is not None
        talk.wire.cipher = cipher[0]
        talk.close()
    talk.wire.log = logged.log
    return talk.wire
