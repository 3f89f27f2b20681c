"""Recorded conversations for lab 06: a fresh key, a server, a client, and the bytes between them.

Here lives what makes recordings, in memory for the checks and over loopback for the measurement. Every key
is minted anew and forgotten: no key of this lab is ever stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import netlab
from netlab.capture import Direction
from netlab.relay import Relay
from netlab.tls import keylog

REQUEST = b"GET /account HTTP/1.1\r\nHost: localhost\r\nCookie: session=4711\r\nConnection: close\r\n\r\n"
SECRET = b'{"balance": 1234567}'

NO_EXTENDED_MASTER_SECRET = 1 << 0  # SSL_OP_NO_EXTENDED_MASTER_SECRET; Python does not name it

Chunks = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Kind:
    """One way to agree on keys. ciphers: in OpenSSL's words; extended: the form of the master secret."""

    name: str
    ciphers: str = ""
    extended: bool = True
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2


STATIC_RSA = Kind("TLS 1.2, static RSA", "AES256-GCM-SHA384")
STATIC_RSA_CLASSIC = Kind("TLS 1.2, static RSA, classic master secret", "AES256-GCM-SHA384", extended=False)
ECDHE = Kind("TLS 1.2, ECDHE", "ECDHE-RSA-AES256-GCM-SHA384")
TLS13 = Kind("TLS 1.3", version=ssl.TLSVersion.TLSv1_3)
KINDS = (STATIC_RSA_CLASSIC, STATIC_RSA, ECDHE, TLS13)


def new_key(number: int = 0) -> rsa.RSAPrivateKey:
    """A fresh RSA key, one for each number in this process."""
    return _key(number)


@cache
def _key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def contexts(kind: Kind) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A client and a server that agree on keys in that one way; the server's key is `new_key()`."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The thief does not care whether the client checked the certificate; lab 05 does.
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for context in (client, server):
        context.minimum_version = context.maximum_version = kind.version
        if kind.ciphers:
            context.set_ciphers(kind.ciphers)
        if not kind.extended:
            context.options |= NO_EXTENDED_MASTER_SECRET
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(_identity())
        server.load_cert_chain(file.name)
    return client, server


@cache
def _identity() -> bytes:
    """The server's key and a certificate that it signed itself, as PEM."""
    key, now = new_key(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    forms = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, *forms)
    return private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Recorded:
    """What went over the wire, and the secrets that OpenSSL noted down: the checks compare with them."""

    chunks: Chunks
    key_log: bytes

    @property
    def master(self) -> bytes:
        """The master secret of a TLS 1.2 connection."""
        return bytes.fromhex(self.key_log.split(b"CLIENT_RANDOM ")[1].split()[1].decode())


def in_memory(kind: Kind, request: bytes = REQUEST, response: bytes = SECRET) -> Recorded:
    """A handshake, a request, a response and the two close_notify, between two sides in memory."""
    client, server = contexts(kind)
    with keylog.passing_file() as memory:
        client.keylog_filename = memory.path
        chunks = _Pipe(client, server).talk(request, response)
        return Recorded(chunks, memory.new())


class _Pipe:
    """Two ends of a TLS connection, and what each of them sent."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext) -> None:
        self.chunks: Chunks = []
        self._pipes = {side: (ssl.MemoryBIO(), ssl.MemoryBIO()) for side in ("client", "server")}
        self._client = client.wrap_bio(*self._pipes["client"])
        self._server = server.wrap_bio(*self._pipes["server"], server_side=True)

    def _carry(self) -> None:
        for side, other in (("client", "server"), ("server", "client")):
            if data := self._pipes[side][1].read():
                self.chunks.append((side, data))
                self._pipes[other][0].write(data)

    def talk(self, request: bytes, response: bytes) -> Chunks:
        waiting = [self._client, self._server]
        while waiting:
            for end in list(waiting):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                    waiting.remove(end)
                self._carry()
        for sender, receiver, data in (
            (self._client, self._server, request),
            (self._server, self._client, response),
        ):
            sender.write(data)
            self._carry()
            while data:
                data = data[len(receiver.read(len(data))) :]
        for end in (self._client, self._server):
            with contextlib.suppress(ssl.SSLError):
                end.unwrap()
            self._carry()
        return self.chunks


async def over_loopback(kind: Kind) -> Chunks:
    """The same over a TCP connection: netlab is the server, a relay on the way records every byte."""
    client, server = contexts(kind)

    async def app(request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, SECRET, {"content-type": "application/json"})

    async with netlab.Server(app, port=0, tls=server) as serving, Relay("127.0.0.1", serving.port) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port, ssl=client)
        writer.write(REQUEST)
        answer = await reader.read()
        if SECRET not in answer:
            raise RuntimeError(f"the server answered {answer[:60]!r}")
        writer.close()
        await writer.wait_closed()
        (conversation,) = relay.conversations
        await conversation.wait_closed()
        sides = {Direction.TO_SERVER: "client", Direction.TO_CLIENT: "server"}
        return [(sides[chunk.direction], chunk.data) for chunk in conversation.chunks]
