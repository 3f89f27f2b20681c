"""Keys of TLS 1.2 and older: the PRF, the master secret, the key block, Finished (RFC 5246 §5, §6.3, §8.1).

TLS 1.0 and 1.1 split the secret between MD5 and SHA-1 (RFC 4346 §5); SSL 3.0 has a construction of its own
(RFC 6101 §6). The extended master secret binds the keys to the handshake (RFC 7627). Pure functions; each
takes a `note` that gets the step with its inputs.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from netlab.tls.keyschedule import Derivation, Note, Value
from netlab.tls.wire.suites import Suite

SSL3, TLS10, TLS11, TLS12 = 0x0300, 0x0301, 0x0302, 0x0303

MASTER_LENGTH = 48


def p_hash(hash_name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash (RFC 5246 §5): HMAC applied to its own output until there are length bytes."""
    output, a = b"", seed
    while len(output) < length:
        a = hmac.digest(secret, a, hash_name)
        output += hmac.digest(secret, a + seed, hash_name)
    return output[:length]


def prf(version: int, hash_name: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudorandom function of a version; hash_name counts from TLS 1.2 on."""
    if version >= TLS12:
        return p_hash(hash_name, secret, label + seed, length)
    half = (len(secret) + 1) // 2  # with an odd length both halves hold the byte in the middle (RFC 4346 §5)
    left = p_hash("md5", secret[:half], label + seed, length)
    right = p_hash("sha1", secret[len(secret) - half :], label + seed, length)
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _ssl3(secret: bytes, seed: bytes, length: int) -> bytes:
    """SSL 3.0: MD5(secret + SHA-1("A" + secret + seed)), then "BB", "CCC" and so on (RFC 6101 §6.1)."""
    output = b""
    for count in range(1, (length + 15) // 16 + 1):
        inner = hashlib.sha1(bytes([64 + count]) * count + secret + seed).digest()
        output += hashlib.md5(secret + inner).digest()
    return output[:length]


def master_secret(
    version: int, suite: Suite, pre_master: bytes, client: bytes, server: bytes, note: Note | None = None
) -> bytes:
    """The master secret from the pre-master secret and the two randoms (RFC 5246 §8.1)."""
    if version == SSL3:
        output = _ssl3(pre_master, client + server, MASTER_LENGTH)
    else:
        output = prf(version, suite.hash, pre_master, b"master secret", client + server, MASTER_LENGTH)
    if note:
        inputs: tuple[tuple[str, Value], ...] = (
            ("pre-master secret", pre_master), ("label", "master secret"), ("client random", client),
            ("server random", server),
        )  # fmt: skip
        note(Derivation("master secret", "PRF", inputs, output, "RFC 5246 §8.1"))
    return output


def extended_master_secret(
    version: int, suite: Suite, pre_master: bytes, session_hash: bytes, note: Note | None = None
) -> bytes:
    """The master secret from the hash of all messages up to ClientKeyExchange (RFC 7627 §4)."""
    label = b"extended master secret"
    output = prf(version, suite.hash, pre_master, label, session_hash, MASTER_LENGTH)
    if note:
        inputs: tuple[tuple[str, Value], ...] = (
            ("pre-master secret", pre_master), ("label", label.decode()), ("session hash", session_hash),
        )  # fmt: skip
        note(Derivation("master secret", "PRF", inputs, output, "RFC 7627 §4"))
    return output


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """The six keys of a connection (RFC 5246 §6.3); a part is empty where the suite does not use it."""

    client_mac: bytes
    server_mac: bytes
    client_key: bytes
    server_key: bytes
    client_iv: bytes
    server_iv: bytes


def key_block(
    version: int, suite: Suite, master: bytes, client: bytes, server: bytes, note: Note | None = None
) -> KeyBlock:
    """Cut the key block: MAC keys, keys, IVs, the client's before the server's each time."""
    mac = hashlib.new(suite.mac).digest_size if suite.mac else 0
    # Only TLS 1.0 and SSL 3.0 take the first IV of a block cipher from the key block (RFC 4346 §1.1).
    iv = suite.fixed or (suite.block if suite.block > 1 and version <= TLS10 else 0)
    sizes = (mac, mac, suite.key, suite.key, iv, iv)
    seed = server + client  # the other way round than for the master secret
    if version == SSL3:
        block = _ssl3(master, seed, sum(sizes))
    else:
        block = prf(version, suite.hash, master, b"key expansion", seed, sum(sizes))
    parts, at = [], 0
    for size in sizes:
        parts.append(block[at : at + size])
        at += size
    if note:
        inputs: tuple[tuple[str, Value], ...] = (
            ("master secret", master), ("label", "key expansion"), ("server random", server),
            ("client random", client), ("length", len(block)),
        )  # fmt: skip
        note(Derivation("key block", "PRF", inputs, block, "RFC 5246 §6.3"))
    return KeyBlock(*parts)


def transcript_hash(version: int, suite: Suite, messages: bytes) -> bytes:
    """The hash of messages for Finished and the session hash (RFC 5246 §7.4.9, RFC 7627 §3)."""
    if version >= TLS12:
        return hashlib.new(suite.hash, messages).digest()
    return hashlib.md5(messages).digest() + hashlib.sha1(messages).digest()


def verify_data(
    version: int, suite: Suite, master: bytes, messages: bytes, client: bool, note: Note | None = None
) -> bytes:
    """What a Finished must hold (RFC 5246 §7.4.9): 12 bytes, in SSL 3.0 36 (RFC 6101 §5.6.9)."""
    if version == SSL3:
        return _ssl3_finished(master, messages, b"CLNT" if client else b"SRVR")
    label = "client finished" if client else "server finished"
    hashed = transcript_hash(version, suite, messages)
    output = prf(version, suite.hash, master, label.encode(), hashed, 12)
    if note:
        inputs: tuple[tuple[str, Value], ...] = (
            ("master secret", master), ("label", label), ("transcript hash", hashed),
        )  # fmt: skip
        note(Derivation("verify_data", "PRF", inputs, output, "RFC 5246 §7.4.9"))
    return output


def _ssl3_finished(master: bytes, messages: bytes, sender: bytes) -> bytes:
    found = b""
    for name, padding in (("md5", 48), ("sha1", 40)):
        inner = hashlib.new(name, messages + sender + master + b"\x36" * padding).digest()
        found += hashlib.new(name, master + b"\x5c" * padding + inner).digest()
    return found
