"""The keys of TLS 1.3: from one shared secret to every record of a connection. RFC 8446 §7.

    client                                        server
      ClientHello: a public share           →
                                            ←     ServerHello: a public share
          both sides compute the same shared secret; from here on everything is encrypted
                                            ←     Certificate, CertificateVerify, Finished
      Finished                              →
      application data                      ↔       HTTP

The shared secret is never used as a key. HKDF turns it into four traffic secrets, one for each direction and
stage:

                0 → HKDF-Extract = early secret
                                        │ Derive-Secret(., "derived", "")
    shared secret → HKDF-Extract = handshake secret ─► "c hs traffic", "s hs traffic"  (hash of both hellos)
                                        │ Derive-Secret(., "derived", "")
                0 → HKDF-Extract = master secret ────► "c ap traffic", "s ap traffic"  (… to server Finished)

Each traffic secret gives a key and an IV; each record has a nonce of its own; Finished proves that both
sides saw the same messages. You write these steps. They work for any cipher suite: hash_name is "sha256" or
"sha384".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# The random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest". RFC 8446 §4.1.3
RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()

SERVER_HELLO, MESSAGE_HASH = 2, 254


class Secrets(NamedTuple):
    """The four traffic secrets of a connection, in the order in which they are derived."""

    client_handshake: bytes
    server_handshake: bytes
    client_traffic: bytes
    server_traffic: bytes


class Keys(NamedTuple):
    """What protects the records of one direction: the key, and the IV (12 bytes)."""

    key: bytes
    iv: bytes


class Opened(NamedTuple):
    """What was inside a record: content, and its real type (21 alert, 22 handshake, 23 application data)."""

    content_type: int
    content: bytes


def hkdf_extract(hash_name: str, salt: bytes, material: bytes) -> bytes:
    """HKDF-Extract (RFC 5869 §2.2). Given: one HMAC, the salt is the key."""
    return hmac.digest(salt or bytes(size_of(hash_name)), material, hash_name)


def size_of(hash_name: str) -> int:
    """The length of a hash in bytes. Given."""
    return hashlib.new(hash_name).digest_size


# --- the six steps ------------------------------------------------------------------------------------


def hkdf_expand_label(hash_name: str, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label: length bytes, made of a secret for one purpose. RFC 8446 §7.1, RFC 5869 §2.3.

    HkdfLabel = length (2 bytes) | size of label (1) | "tls13 " + label | size of context (1) | context
    T(0) = nothing        T(i) = HMAC(secret, T(i-1) + HkdfLabel + byte i)        output = T(1) + T(2) + …
    """
    # >>> task 1: write HKDF-Expand-Label
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(secret, block + info + bytes([counter]), hash_name)
        output += block
        counter += 1
    return output[:length]
    # <<< task 1


def transcript_hash(hash_name: str, messages: Sequence[bytes]) -> bytes:
    """The hash of handshake messages, one after the other, each with its header of 4 bytes. RFC 8446 §4.4.1.

    If the second message is a HelloRetryRequest (type 2, RETRY_RANDOM at bytes 6 to 38), the first
    ClientHello is replaced: by a message of type MESSAGE_HASH (254) whose content is the hash of that
    ClientHello.
    """
    # >>> task 2: write Derive-Secret
    kept = list(messages)
    if len(kept) > 1 and kept[1][0] == SERVER_HELLO and kept[1][6:38] == RETRY_RANDOM:
        hashed = hashlib.new(hash_name, kept[0]).digest()
        kept[0] = bytes([MESSAGE_HASH, 0, 0, len(hashed)]) + hashed
    return hashlib.new(hash_name, b"".join(kept)).digest()
    # <<< task 2


def derive_secret(hash_name: str, secret: bytes, label: bytes, messages: Sequence[bytes]) -> bytes:
    """Derive-Secret: a secret that depends on the messages so far. RFC 8446 §7.1.

    Derive-Secret(secret, label, messages) = HKDF-Expand-Label(secret, label, transcript hash, size of the
    hash)
    """
    # >>> task 2: write Derive-Secret
    context = transcript_hash(hash_name, messages)
    return hkdf_expand_label(hash_name, secret, label, context, size_of(hash_name))
    # <<< task 2


def key_schedule(hash_name: str, shared: bytes, hellos: Sequence[bytes], flight: Sequence[bytes]) -> Secrets:
    """The four traffic secrets. RFC 8446 §7.1; the drawing stands at the head of this file.

    hellos: the messages up to ServerHello; flight: the server's messages behind it, up to its Finished.
    """
    # >>> task 3: walk down the key schedule
    zeros = bytes(size_of(hash_name))
    early = hkdf_extract(hash_name, b"", zeros)
    handshake = hkdf_extract(hash_name, derive_secret(hash_name, early, b"derived", []), shared)
    master = hkdf_extract(hash_name, derive_secret(hash_name, handshake, b"derived", []), zeros)
    everything = [*hellos, *flight]
    return Secrets(
        derive_secret(hash_name, handshake, b"c hs traffic", hellos),
        derive_secret(hash_name, handshake, b"s hs traffic", hellos),
        derive_secret(hash_name, master, b"c ap traffic", everything),
        derive_secret(hash_name, master, b"s ap traffic", everything),
    )
    # <<< task 3


def traffic_keys(hash_name: str, secret: bytes, key_length: int) -> Keys:
    """The key and the IV of one direction: labels "key" and "iv", no context. RFC 8446 §7.3.

    key_length: 16 for AES-128, 32 for AES-256; the IV has 12 bytes.
    """
    # >>> task 4: derive keys and nonces
    key = hkdf_expand_label(hash_name, secret, b"key", b"", key_length)
    return Keys(key, hkdf_expand_label(hash_name, secret, b"iv", b"", 12))
    # <<< task 4


def nonce(iv: bytes, sequence: int) -> bytes:
    """The nonce of a record: the IV XOR the sequence number in 12 bytes, big-endian. RFC 8446 §5.3."""
    # >>> task 4: derive keys and nonces
    counter = sequence.to_bytes(len(iv), "big")
    return bytes(a ^ b for a, b in zip(iv, counter, strict=True))
    # <<< task 4


def open_record(keys: Keys, sequence: int, record: bytes) -> Opened:
    """What is inside an encrypted record. RFC 8446 §5.2.

    record: header (5 bytes), ciphertext and tag. The header is the additional data. The plaintext is the
    content, one byte for the content type, and zeros as padding. Raises InvalidTag for a wrong key or
    sequence number, ValueError for a plaintext of nothing but zeros.
    """
    # >>> task 5: open a record
    plain = AESGCM(keys.key).decrypt(nonce(keys.iv, sequence), record[5:], record[:5])
    inner = plain.rstrip(b"\0")
    if not inner:
        raise ValueError("a record without a content type (RFC 8446 §5.4)")
    return Opened(inner[-1], inner[:-1])
    # <<< task 5


def verify_data(hash_name: str, secret: bytes, messages: Sequence[bytes]) -> bytes:
    """The content of a Finished message. RFC 8446 §4.4.4.

    secret: the handshake traffic secret of the sender; messages: everything before this Finished.

        finished key = HKDF-Expand-Label(secret, "finished", "", size of the hash)
        verify data  = HMAC(finished key, transcript hash)
    """
    # >>> task 6: check Finished
    key = hkdf_expand_label(hash_name, secret, b"finished", b"", size_of(hash_name))
    return hmac.digest(key, transcript_hash(hash_name, messages), hash_name)
    # <<< task 6
