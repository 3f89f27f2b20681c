"""What is measured of cryptography itself: each entry is one call of the `cryptography` package.

Signatures and key agreements count by the second, encryption by the byte. ML-KEM-768 is there where the
package's OpenSSL has it (3.5 and later).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

Work = Callable[[], object]

RECORD = 16_384  # bytes: what one TLS record carries at most (RFC 8446 §5.1)
MESSAGE = os.urandom(64)
NONCE, NO_DATA = bytes(12), b""

_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)  # as TLS 1.3 signs
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@dataclass(frozen=True)
class Operation:
    """One thing that a handshake does."""

    family: str  # "RSA-2048"
    what: str  # "sign"
    work: Work


@dataclass(frozen=True)
class Cipher:
    """One way to encrypt content, and how many bytes one call takes."""

    name: str
    piece: int
    encrypt: Work
    decrypt: Work


def operations() -> Iterator[Operation]:
    """Signatures, key agreements and key encapsulation, the slowest family first."""
    for bits in (3072, 2048):
        yield from _rsa(bits)
    yield from _p256()
    yield from _edwards()
    yield from _ml_kem()


def _rsa(bits: int) -> Iterator[Operation]:
    key = rsa.generate_private_key(65537, bits)
    public = key.public_key()
    signed = key.sign(MESSAGE, _PSS, hashes.SHA256())
    yield Operation(f"RSA-{bits}", "sign", lambda: key.sign(MESSAGE, _PSS, hashes.SHA256()))
    yield Operation(f"RSA-{bits}", "verify", lambda: public.verify(signed, MESSAGE, _PSS, hashes.SHA256()))


def _p256() -> Iterator[Operation]:
    key, peer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()).public_key()
    ecdsa, public = ec.ECDSA(hashes.SHA256()), key.public_key()
    signed = key.sign(MESSAGE, ecdsa)
    yield Operation("P-256", "sign", lambda: key.sign(MESSAGE, ecdsa))
    yield Operation("P-256", "verify", lambda: public.verify(signed, MESSAGE, ecdsa))
    yield Operation("P-256", "make a key pair", lambda: ec.generate_private_key(ec.SECP256R1()))
    yield Operation("P-256", "agree on a secret", lambda: key.exchange(ec.ECDH(), peer))


def _edwards() -> Iterator[Operation]:
    signer = ed25519.Ed25519PrivateKey.generate()
    public, signed = signer.public_key(), signer.sign(MESSAGE)
    yield Operation("Ed25519", "sign", lambda: signer.sign(MESSAGE))
    yield Operation("Ed25519", "verify", lambda: public.verify(signed, MESSAGE))
    key, peer = x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate().public_key()
    yield Operation("X25519", "make a key pair", x25519.X25519PrivateKey.generate)
    yield Operation("X25519", "agree on a secret", lambda: key.exchange(peer))


def _ml_kem() -> Iterator[Operation]:
    """Nothing where the package or its OpenSSL does not have it."""
    try:
        from cryptography.hazmat.primitives.asymmetric import mlkem

        key = mlkem.MLKEM768PrivateKey.generate()
        public = key.public_key()
        _, sealed = public.encapsulate()
    except (ImportError, UnsupportedAlgorithm):
        return
    yield Operation("ML-KEM-768", "make a key pair", mlkem.MLKEM768PrivateKey.generate)
    yield Operation("ML-KEM-768", "encapsulate", public.encapsulate)
    yield Operation("ML-KEM-768", "decapsulate", lambda: key.decapsulate(sealed))


def ciphers() -> Iterator[Cipher]:
    """RSA as if it were to encrypt the content, and what TLS 1.3 takes for it."""
    for bits in (2048, 3072):
        yield _oaep(bits)
    content = os.urandom(RECORD)
    for name, aead in (
        ("AES-128-GCM", AESGCM(os.urandom(16))),
        ("AES-256-GCM", AESGCM(os.urandom(32))),
        ("ChaCha20-Poly1305", ChaCha20Poly1305(os.urandom(32))),
    ):
        yield _aead(name, aead, content)


def _oaep(bits: int) -> Cipher:
    """One call takes what fits beside two hashes and two bytes (RFC 8017 §7.1.1): 190 bytes of 2048 bits."""
    key = rsa.generate_private_key(65537, bits)
    public = key.public_key()
    piece = bits // 8 - 2 * 32 - 2
    content = os.urandom(piece)
    sealed = public.encrypt(content, _OAEP)
    return Cipher(
        f"RSA-{bits}, OAEP",
        piece,
        lambda: public.encrypt(content, _OAEP),
        lambda: key.decrypt(sealed, _OAEP),
    )


def _aead(name: str, aead: AESGCM | ChaCha20Poly1305, content: bytes) -> Cipher:
    # One nonce for all calls: the key protects nothing but random bytes, and the nonce's value costs no time.
    sealed = aead.encrypt(NONCE, content, NO_DATA)
    return Cipher(
        name,
        len(content),
        lambda: aead.encrypt(NONCE, content, NO_DATA),
        lambda: aead.decrypt(NONCE, sealed, NO_DATA),
    )
