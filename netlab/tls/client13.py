"""A client of TLS 1.3 in the open: bytes in, bytes out, every secret in sight (RFC 8446).

OpenSSL chooses its own key shares, and Python can't choose a suite of TLS 1.3. This client can: it makes the
server ask for another ClientHello, it offers one suite alone, and it knows the whole key schedule. It is made
to be traced, not to carry secrets: it speaks X25519, P-256 and P-384, and resumes nothing.

What it checks: the server's signature over the handshake, and its Finished. Whether the certificate is to be
trusted is the caller's question: `certificate` holds it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import new as new_hash

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netlab.tls import keylog, keyschedule, record
from netlab.tls.decrypt import Tls13, UndecryptableError
from netlab.tls.handshake import Situation, decode, name_of
from netlab.tls.keyschedule import KeySchedule
from netlab.tls.sealing import Sealer, check_signature
from netlab.tls.tracing.assembly import Assembler
from netlab.tls.tracing.hellos import server_facts
from netlab.tls.wire import registry, suites
from netlab.tls.wire.spans import Span, TraceError

X25519, P256, P384 = 29, 23, 24
GROUPS = (X25519, P256, P384)
SUITES = (0x1302, 0x1303, 0x1301)
# What the client can check: ECDSA with P-256 and P-384, Ed25519, RSA-PSS; RSA PKCS #1 inside certificates.
_SCHEMES = (0x0403, 0x0503, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401)

Private = x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Offer:
    """What a ClientHello offers. share: the group of its key share; None sends none: the server must ask."""

    host: str
    suites: tuple[int, ...] = SUITES
    share: int | None = X25519
    protocols: tuple[str, ...] = ("http/1.1",)


def _vector(prefix: int, data: bytes) -> bytes:
    return len(data).to_bytes(prefix, "big") + data


def _numbers(values: tuple[int, ...]) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def _generate(group: int) -> Private:
    if group == X25519:
        return x25519.X25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if group == P256 else ec.SECP384R1())


def _public(private: Private) -> bytes:
    if isinstance(private, x25519.X25519PrivateKey):
        return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _agree(private: Private, peer: bytes) -> bytes:
    if isinstance(private, x25519.X25519PrivateKey):
        return private.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
    return private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(private.curve, peer))


class Client13:
    """One connection. Send what `sending` holds, feed what comes; once `established`, `write` and `read`.

    log: the secrets by label. private: the private keys of the shares that were sent. certificate: the
    server's, as DER. `receive` raises TraceError when the server refuses, or breaks the protocol.
    """

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.random = os.urandom(32)
        self.log: dict[str, bytes] = {}
        self.private: list[Private] = []
        self.certificate = b""
        self.established = self.closed = False
        self._session_id = os.urandom(32)  # so that old devices on the way see what they know (appendix D.4)
        self._reader, self._assembler = record.RecordReader(), Assembler()
        self._transcript = b""
        self._received: list[bytes] = []
        self._opener: Tls13 | None = None
        self._sealer: Sealer | None = None
        self._schedule: KeySchedule | None = None
        self._suite: suites.Suite | None = None
        self._context: bytes | None = None  # of a CertificateRequest
        self._retried = False
        self._shares: dict[int, Private] = {}
        self._out = b""
        self._hello(self._share(offer.share), b"")

    def sending(self) -> bytes:
        """Take the bytes that are to be sent."""
        out, self._out = self._out, b""
        return out

    def read(self) -> bytes:
        """Take the application data that came."""
        found = b"".join(self._received)
        self._received.clear()
        return found

    def write(self, data: bytes) -> None:
        """Send application data."""
        assert self._sealer is not None and self.established
        self._out += self._sealer.seal(record.APPLICATION_DATA, data)

    def close(self) -> None:
        """Send close_notify."""
        if self._sealer is not None:
            self._out += self._sealer.seal(record.ALERT, b"\x01\x00")

    def receive(self, data: bytes) -> None:
        """Take the next bytes of the server. Raises TraceError."""
        self._reader.feed(data)
        while (raw := self._reader.next_record()) is not None:
            self._record(raw)
        if problem := self._reader.problem():
            raise TraceError(self._reader.offset, f"the server does not speak TLS: {problem}")

    # -- records

    def _record(self, raw: bytes) -> None:
        kind, content = raw[0], raw[record.HEADER_LENGTH :]
        if kind == record.CHANGE_CIPHER_SPEC:
            return
        if self._opener is not None and kind == record.APPLICATION_DATA:
            try:
                opened = self._opener.open(raw)
            except UndecryptableError as error:
                raise TraceError(self._reader.offset - len(raw), str(error)) from None
            kind, content = opened.content_type, opened.content
        if kind == record.ALERT and len(content) == 2:
            if content[1]:
                raise TraceError(self._reader.offset, f"the server refuses: {registry.alert(content[1])}")
            self.closed = True
        elif kind == record.HANDSHAKE:
            self._assembler.feed(self._reader.offset, content)
            for message, _ in self._assembler.messages():
                self._message(message)
        elif self.established:
            self._received.append(content)

    # -- messages

    def _message(self, message: bytes) -> None:
        name = name_of(message)
        fields = decode(message, Situation())
        follow = {
            "hello_retry_request": self._hello_retry_request,
            "server_hello": self._server_hello,
            "certificate": self._certificate,
            "certificate_request": self._certificate_request,
            "certificate_verify": self._certificate_verify,
            "finished": self._finished,
            "key_update": self._key_update,
        }.get(name)
        if follow is not None:
            follow(fields, message)
        elif not self.established:
            self._transcript += message

    def _hello(self, share: bytes, cookie: bytes) -> None:
        """RFC 8446 §4.1.2."""
        extensions = [
            (10, _vector(2, _numbers(GROUPS))), (13, _vector(2, _numbers(_SCHEMES))), (43, b"\x02\x03\x04"),
            (51, _vector(2, share)),
        ]  # fmt: skip
        if not self.offer.host.replace(".", "").isdigit() and ":" not in self.offer.host:
            name = self.offer.host.encode("idna")
            extensions.append((0, _vector(2, b"\0" + _vector(2, name))))
        names = b"".join(_vector(1, name.encode()) for name in self.offer.protocols)
        extensions.append((16, _vector(2, names)))
        if cookie:
            extensions.append((44, _vector(2, cookie)))
        block = b"".join(number.to_bytes(2, "big") + _vector(2, data) for number, data in extensions)
        body = b"\x03\x03" + self.random + _vector(1, self._session_id)
        body += _vector(2, _numbers(self.offer.suites)) + b"\x01\0" + _vector(2, block)
        message = b"\x01" + _vector(3, body)
        self._transcript += message
        version = b"\x03\x03" if self._retried else b"\x03\x01"
        self._out += b"\x16" + version + _vector(2, message)

    def _share(self, group: int | None) -> bytes:
        """A KeyShareEntry with a new key; no bytes without a group."""
        if group is None:
            return b""
        private = self._shares[group] = _generate(group)
        self.private.append(private)
        return group.to_bytes(2, "big") + _vector(2, _public(private))

    def _hello_retry_request(self, fields: Span, message: bytes) -> None:
        """RFC 8446 §4.1.4: the hash of the first ClientHello takes its place in the transcript."""
        group = fields.number("extensions", "key_share", "extension_data", "selected_group")
        used = suites.suite(fields.number("cipher_suite"))
        if self._retried or group not in GROUPS or used is None:
            raise TraceError(
                self._reader.offset, "a HelloRetryRequest that can't be followed", "RFC 8446 §4.1.4"
            )
        self._retried = True
        digest = new_hash(used.hash, self._transcript).digest()
        self._transcript = b"\xfe" + _vector(3, digest) + message
        self._out += b"\x14\x03\x03\0\x01\x01"
        cookie = fields.octets("extensions", "cookie", "extension_data", "cookie", "cookie")
        self._hello(self._share(group), cookie)

    def _server_hello(self, fields: Span, message: bytes) -> None:
        """RFC 8446 §4.1.3."""
        facts = server_facts(fields)
        used, private = suites.suite(facts.suite), self._shares.get(facts.group)
        if facts.version != 0x0304:
            raise TraceError(self._reader.offset, f"the server chose {registry.version(facts.version)}")
        if used is None or not used.tls13 or facts.suite not in self.offer.suites or private is None:
            raise TraceError(self._reader.offset, "the server chose what was not offered", "RFC 8446 §4.1.3")
        self._transcript += message
        self._suite = used
        self._schedule = KeySchedule(used.hash)
        self._schedule.early()
        try:
            self._schedule.handshake(_agree(private, facts.share))
        except ValueError:
            raise TraceError(self._reader.offset, "the server's key share is no point of its group") from None
        for label, short in (
            (keylog.CLIENT_HANDSHAKE, "c hs traffic"),
            (keylog.SERVER_HANDSHAKE, "s hs traffic"),
        ):
            self.log[label] = self._schedule.derive(label, short, self._hash())
        self._opener = self._keys(keylog.SERVER_HANDSHAKE)

    def _certificate(self, fields: Span, message: bytes) -> None:
        self.certificate = fields.octets("certificate_list", "certificate_entry", "certificate")
        self._transcript += message

    def _certificate_request(self, fields: Span, message: bytes) -> None:
        self._context = fields.octets("certificate_request_context")
        self._transcript += message

    def _certificate_verify(self, fields: Span, message: bytes) -> None:
        """RFC 8446 §4.4.3: the signature is over the hash of all messages before it."""
        signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + self._hash()
        scheme = fields.number("digitally_signed", "algorithm")
        signature = fields.octets("digitally_signed", "signature", "signature")
        if not check_signature(self.certificate, scheme, signature, signed):
            raise TraceError(self._reader.offset, "the server's signature does not fit its certificate")
        self._transcript += message

    def _finished(self, fields: Span, message: bytes) -> None:
        """RFC 8446 §4.4.4; then the client's own Finished, and the keys of the application."""
        assert self._suite is not None and self._schedule is not None
        expected = keyschedule.finished(self._suite.hash, self.log[keylog.SERVER_HANDSHAKE], self._hash())
        if not self.certificate or expected != message[4:]:
            raise TraceError(self._reader.offset, "the server's Finished does not fit", "RFC 8446 §4.4.4")
        self._transcript += message
        self._schedule.master()
        for label, short in (
            (keylog.CLIENT_TRAFFIC, "c ap traffic"), (keylog.SERVER_TRAFFIC, "s ap traffic"),
            (keylog.EXPORTER, "exp master"),
        ):  # fmt: skip
            self.log[label] = self._schedule.derive(label, short, self._hash())
        self._answer()
        self._opener = self._keys(keylog.SERVER_TRAFFIC)
        self._sealer = Sealer(self._keys(keylog.CLIENT_TRAFFIC))
        self.established = True

    def _answer(self) -> None:
        """The client's last flight: no certificate where one was asked for, and Finished."""
        assert self._suite is not None
        if not self._retried:
            self._out += b"\x14\x03\x03\0\x01\x01"
        sealer = Sealer(self._keys(keylog.CLIENT_HANDSHAKE))
        if self._context is not None:
            empty = b"\x0b" + _vector(3, _vector(1, self._context) + b"\0\0\0")
            self._transcript += empty
            self._out += sealer.seal(record.HANDSHAKE, empty)
        data = keyschedule.finished(self._suite.hash, self.log[keylog.CLIENT_HANDSHAKE], self._hash())
        self._out += sealer.seal(record.HANDSHAKE, b"\x14" + _vector(3, data))

    def _key_update(self, fields: Span, message: bytes) -> None:
        """RFC 8446 §4.6.3: new keys for what the server sends; and for what the client sends, if it asks."""
        if self._opener is None or self._sealer is None:
            raise TraceError(
                self._reader.offset, "a KeyUpdate before the handshake is over", "RFC 8446 §4.6.3"
            )
        self._opener = self._opener.next_generation()
        if fields.number("request_update"):
            self._out += self._sealer.seal(record.HANDSHAKE, b"\x18\0\0\x01\0")
            self._sealer.update()

    def _hash(self) -> bytes:
        assert self._suite is not None
        return new_hash(self._suite.hash, self._transcript).digest()

    def _keys(self, label: str) -> Tls13:
        assert self._suite is not None
        used = self._suite
        return Tls13(used, keyschedule.traffic_keys(used.hash, self.log[label], used.key), self.log[label])
