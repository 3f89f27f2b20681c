"""Record protection taken off: TLS 1.3, and the AEAD, CBC and stream suites of TLS 1.2 and older.

RFC 8446 §5.2 (TLS 1.3), RFC 5246 §6.2.3 (the three shapes of TLS 1.2), RFC 7366 (encrypt-then-MAC), RFC 5288
(GCM), RFC 6655 (CCM), RFC 7905 (ChaCha20). A `Protection` opens the records of one direction in their
order. What it opened says where the parts lie, on the wire and in the plaintext, so that each byte has a
name.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from netlab.tls import ciphers
from netlab.tls.keyschedule import TrafficKeys, next_generation, traffic_keys
from netlab.tls.prf import SSL3, TLS11
from netlab.tls.record import HEADER_LENGTH
from netlab.tls.wire.suites import Mode, Suite

Layout = tuple[tuple[str, int], ...]


class UndecryptableError(Exception):
    """A record does not open: its tag, its MAC or its padding does not fit."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A record without its protection.

    fragment: the names and sizes of the parts behind the header, on the wire; inner: those of the decrypted
    bytes; plain: the decrypted bytes, of which content is a part.
    """

    content_type: int
    content: bytes
    plain: bytes
    fragment: Layout
    inner: Layout
    sequence: int


class Protection(Protocol):
    """Opens the records of one direction. sequence: the number of the next record.

    skippable: can a record be opened although the one before it is missing? tries: see `open_within`.
    """

    sequence: int
    skippable: bool
    tries: int

    def open(self, record: bytes) -> Opened:
        """Open a whole record, header included. Raises UndecryptableError; then sequence stays."""


class _Aead(Protocol):
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


# Sequence numbers that are tried beside the next one, for a protection and for a record: a capture with
# many gaps must not cost more than its size.
_TRIES, WINDOW = 20_000, 256


def open_within(protection: Protection, record: bytes, window: int) -> Opened:
    """Open a record of which up to window predecessors are missing. Raises UndecryptableError."""
    before = protection.sequence
    try:
        return protection.open(record)
    except UndecryptableError as error:
        problem = error
    for ahead in range(1, min(window, WINDOW, protection.tries) + 1) if protection.skippable else ():
        protection.tries -= 1
        protection.sequence = before + ahead
        try:
            return protection.open(record)
        except UndecryptableError:
            continue
    protection.sequence = before
    raise problem


_TOO_SHORT = "it is too short for its protection"
_BAD_TAG = "the authentication tag does not fit: the secret is another connection's, or bytes changed"


def _aead(suite: Suite, key: bytes) -> _Aead:
    if suite.cipher == "CHACHA20_POLY1305":
        return ChaCha20Poly1305(key)
    return AESCCM(key, suite.tag) if "CCM" in suite.cipher else AESGCM(key)


def _nonce(iv: bytes, sequence: int) -> bytes:
    """The IV with the sequence number XORed into its end (RFC 8446 §5.3, RFC 7905 §2)."""
    return (int.from_bytes(iv, "big") ^ sequence).to_bytes(len(iv), "big")


class Tls13:
    """AEAD of TLS 1.3 (RFC 8446 §5.2): the content, its real type and zeros lie in one ciphertext."""

    def __init__(self, suite: Suite, keys: TrafficKeys, secret: bytes = b"") -> None:
        self.sequence, self.tries, self.skippable = 0, _TRIES, True
        self.suite, self.keys, self.secret = suite, keys, secret
        self._aead = _aead(suite, keys.key)

    def open(self, record: bytes) -> Opened:
        """See Protection."""
        header, sealed = record[:HEADER_LENGTH], record[HEADER_LENGTH:]
        if len(sealed) <= self.suite.tag:
            raise UndecryptableError(_TOO_SHORT)
        try:
            plain = self._aead.decrypt(_nonce(self.keys.iv, self.sequence), sealed, header)
        except InvalidTag:
            raise UndecryptableError(_BAD_TAG) from None
        content = plain.rstrip(b"\0")
        if not content:
            raise UndecryptableError("it holds zeros alone, without a content type (RFC 8446 §5.4)")
        tag = self.suite.tag
        fragment = (("ciphertext", len(sealed) - tag), ("authentication_tag", tag))
        inner = (("content", len(content) - 1), ("type", 1), ("zeros", len(plain) - len(content)))
        opened = Opened(content[-1], content[:-1], plain, fragment, inner, self.sequence)
        self.sequence += 1
        return opened

    def next_generation(self) -> Tls13:
        """The protection after a KeyUpdate (RFC 8446 §7.2)."""
        used = self.suite
        secret = next_generation(used.hash, self.secret)
        return Tls13(used, traffic_keys(used.hash, secret, used.key), secret)

    def seal(self, content_type: int, content: bytes) -> bytes:
        """The other way: one record that carries content, at most 2**14 bytes."""
        size = len(content) + 1 + self.suite.tag
        header = b"\x17\x03\x03" + size.to_bytes(2, "big")
        inner = content + bytes([content_type])
        sealed = self._aead.encrypt(_nonce(self.keys.iv, self.sequence), inner, header)
        self.sequence += 1
        return header + sealed


class Aead12:
    """AEAD of TLS 1.2 (RFC 5246 §6.2.3.3): GCM and CCM send half of their nonce, ChaCha20 none of it."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self.sequence, self.tries, self.skippable = 0, _TRIES, True
        self._suite, self._iv = suite, iv
        self._aead = _aead(suite, key)

    def open(self, record: bytes) -> Opened:
        """See Protection."""
        explicit, tag = self._suite.explicit, self._suite.tag
        sealed = record[HEADER_LENGTH + explicit :]
        if len(sealed) < tag:
            raise UndecryptableError(_TOO_SHORT)
        sent = record[HEADER_LENGTH : HEADER_LENGTH + explicit]
        nonce = self._iv + sent if explicit else _nonce(self._iv, self.sequence)
        size = len(sealed) - tag
        bound = self.sequence.to_bytes(8, "big") + record[:3] + size.to_bytes(2, "big")
        try:
            plain = self._aead.decrypt(nonce, sealed, bound)
        except InvalidTag:
            raise UndecryptableError(_BAD_TAG) from None
        fragment = (("explicit_nonce", explicit), ("ciphertext", size), ("authentication_tag", tag))
        opened = Opened(record[0], plain, plain, fragment, (("content", size),), self.sequence)
        self.sequence += 1
        return opened


class _Mac:
    """The MAC of a record: HMAC (RFC 5246 §6.2.3.1), or SSL 3.0's older way (RFC 6101 §5.2.3.1)."""

    def __init__(self, version: int, hash_name: str, key: bytes) -> None:
        self.size = hashlib.new(hash_name).digest_size
        self._version, self._hash, self._key = version, hash_name, key

    def fits(self, found: bytes, sequence: int, record: bytes, data: bytes) -> bool:
        """Is found the MAC of data? record: gives type and version."""
        number, length = sequence.to_bytes(8, "big"), len(data).to_bytes(2, "big")
        if self._version != SSL3:
            return hmac.digest(self._key, number + record[:3] + length + data, self._hash) == found
        padding = 48 if self._hash == "md5" else 40
        inner = self._key + b"\x36" * padding + number + record[:1] + length + data
        outer = self._key + b"\x5c" * padding + hashlib.new(self._hash, inner).digest()
        return hashlib.new(self._hash, outer).digest() == found


_BAD_MAC = "the MAC does not fit: the secret is another connection's, or bytes changed"


class Block:
    """A block cipher in CBC mode: MAC, pad, encrypt (RFC 5246 §6.2.3.2); or pad, encrypt, MAC (RFC 7366)."""

    def __init__(
        self, version: int, suite: Suite, key: bytes, mac_key: bytes, iv: bytes, encrypt_then_mac: bool
    ) -> None:
        self.sequence, self.tries, self.skippable = 0, _TRIES, version >= TLS11
        self._version, self._suite, self._key = version, suite, key
        self._mac = _Mac(version, suite.mac, mac_key)
        self._iv = iv  # TLS 1.0: the last block of the record before; later versions send it in each record
        self._then_mac = encrypt_then_mac

    def open(self, record: bytes) -> Opened:
        """See Protection."""
        block, mac = self._suite.block, self._mac.size
        explicit = block if self._version >= TLS11 else 0
        fragment = record[HEADER_LENGTH:]
        outer = mac if self._then_mac else 0
        sealed = fragment[explicit : len(fragment) - outer]
        if len(fragment) < explicit + block + outer or len(sealed) % block:
            raise UndecryptableError("its length is no multiple of the cipher's block")
        if outer and not self._mac.fits(fragment[-outer:], self.sequence, record, fragment[:-outer]):
            raise UndecryptableError(_BAD_MAC)
        iv = fragment[:explicit] if explicit else self._iv
        decryptor = Cipher(ciphers.block(self._suite.cipher, self._key), modes.CBC(iv)).decryptor()
        plain = decryptor.update(sealed) + decryptor.finalize()
        if not explicit:
            self._iv = sealed[-block:]
        size = self._unpad(record, plain, 0 if outer else mac)
        layout: Layout = (("iv", explicit), ("ciphertext", len(sealed)), ("mac", outer))
        rest = len(plain) - size - (0 if outer else mac)
        inner: Layout = (
            ("content", size), ("mac", 0 if outer else mac), ("padding", rest - 1), ("padding_length", 1),
        )  # fmt: skip
        opened = Opened(record[0], plain[:size], plain, layout, inner, self.sequence)
        self.sequence += 1
        return opened

    def _unpad(self, record: bytes, plain: bytes, mac: int) -> int:
        """The size of the content; padding and MAC are checked."""
        padding = plain[-1]
        size = len(plain) - padding - 1 - mac
        even = plain[-padding - 1 :] == bytes([padding]) * (padding + 1)
        if size < 0 or not (even or self._version == SSL3):  # SSL 3.0 pads with anything (RFC 6101 §5.2.3.2)
            raise UndecryptableError("the padding does not fit: the secret is another connection's")
        if mac and not self._mac.fits(plain[size : size + mac], self.sequence, record, plain[:size]):
            raise UndecryptableError(_BAD_MAC)
        return size


class Stream:
    """RC4, or no cipher at all, with a MAC behind the content (RFC 5246 §6.2.3.1)."""

    def __init__(self, version: int, suite: Suite, key: bytes, mac_key: bytes) -> None:
        self.sequence, self.tries, self.skippable = 0, _TRIES, suite.mode is Mode.NULL
        self._mac = _Mac(version, suite.mac, mac_key)
        self._cipher = Cipher(ciphers.stream(key), None).decryptor() if suite.mode is Mode.STREAM else None

    def open(self, record: bytes) -> Opened:
        """See Protection. A stream cipher goes on whether the MAC fits or not."""
        fragment = record[HEADER_LENGTH:]
        plain = self._cipher.update(fragment) if self._cipher else fragment
        size = len(plain) - self._mac.size
        if size < 0:
            raise UndecryptableError(_TOO_SHORT)
        if not self._mac.fits(plain[size:], self.sequence, record, plain[:size]):
            raise UndecryptableError(_BAD_MAC)
        parts: Layout = (("content", size), ("mac", self._mac.size))
        sealed: Layout = (("ciphertext", len(fragment)),) if self._cipher else parts
        opened = Opened(record[0], plain[:size], plain, sealed, parts, self.sequence)
        self.sequence += 1
        return opened
