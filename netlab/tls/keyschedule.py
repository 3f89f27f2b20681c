"""The key schedule of TLS 1.3, step by step (RFC 8446 §7.1): each step is kept with its inputs, for display.

            0                                     PSK or 0
            ▼                                        ▼
      HKDF-Extract ──────────────────────────► Early Secret ───► binder key, early traffic secret
            │ Derive-Secret("derived")
            ▼
      HKDF-Extract ◄── (EC)DHE shared secret = Handshake Secret ► client and server handshake traffic secrets
            │ Derive-Secret("derived")
            ▼
      HKDF-Extract ◄── 0                     = Master Secret ───► application traffic, exporter, resumption

The functions are pure; `KeySchedule` calls them in order and notes every `Derivation`. TLS 1.2 is in `prf`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

Value = bytes | str | int


@dataclass(frozen=True, slots=True)
class Derivation:
    """One derivation. name: of what comes out; function: as the RFC calls it; inputs: in the RFC's order."""

    name: str
    function: str
    inputs: tuple[tuple[str, Value], ...]
    output: bytes
    section: str


Note = Callable[[Derivation], object]


def digest_size(hash_name: str) -> int:
    """Hash.length (RFC 8446 §7.1), in bytes."""
    return hashlib.new(hash_name).digest_size


def hkdf_extract(hash_name: str, salt: bytes, material: bytes) -> bytes:
    """HKDF-Extract (RFC 5869 §2.2)."""
    return hmac.digest(salt or bytes(digest_size(hash_name)), material, hash_name)


def hkdf_expand(hash_name: str, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869 §2.3): length bytes, at most 255 hashes of them. Raises ValueError for more."""
    if length > 255 * digest_size(hash_name):
        raise ValueError(f"HKDF-Expand of {length} bytes: 255 hashes are the most (RFC 5869 §2.3)")
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(secret, block + info + bytes([counter]), hash_name)
        output += block
        counter += 1
    return output[:length]


def hkdf_label(label: str, context: bytes, length: int) -> bytes:
    """The HkdfLabel structure: what HKDF-Expand-Label gives to HKDF-Expand (RFC 8446 §7.1)."""
    full = b"tls13 " + label.encode()
    return length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context


def hkdf_expand_label(hash_name: str, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 §7.1)."""
    return hkdf_expand(hash_name, secret, hkdf_label(label, context, length), length)


def derive_secret(hash_name: str, secret: bytes, label: str, transcript_hash: bytes) -> bytes:
    """Derive-Secret (RFC 8446 §7.1); transcript_hash: the hash of the messages so far."""
    return hkdf_expand_label(hash_name, secret, label, transcript_hash, len(transcript_hash))


@dataclass(frozen=True, slots=True)
class TrafficKeys:
    """What protects the records of one direction (RFC 8446 §7.3)."""

    key: bytes
    iv: bytes


def traffic_keys(
    hash_name: str, secret: bytes, key_length: int, note: Note | None = None, name: str = ""
) -> TrafficKeys:
    """Key and initialisation vector from a traffic secret (RFC 8446 §7.3)."""
    found = []
    for label, length in (("key", key_length), ("iv", 12)):
        output = hkdf_expand_label(hash_name, secret, label, b"", length)
        found.append(output)
        if note:
            note(_labelled(f"{name} {label}".strip(), secret, label, b"", output, "RFC 8446 §7.3"))
    return TrafficKeys(*found)


def finished(hash_name: str, secret: bytes, transcript_hash: bytes, note: Note | None = None) -> bytes:
    """The verify_data of a Finished (RFC 8446 §4.4.4); secret: the sender's handshake traffic secret."""
    key = hkdf_expand_label(hash_name, secret, "finished", b"", len(secret))
    output = hmac.digest(key, transcript_hash, hash_name)
    if note:
        section = "RFC 8446 §4.4.4"
        note(_labelled("finished key", secret, "finished", b"", key, section))
        inputs: tuple[tuple[str, Value], ...] = (("key", key), ("transcript hash", transcript_hash))
        note(Derivation("verify_data", "HMAC", inputs, output, section))
    return output


def next_generation(hash_name: str, secret: bytes, note: Note | None = None) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446 §7.2)."""
    output = hkdf_expand_label(hash_name, secret, "traffic upd", b"", len(secret))
    if note:
        note(
            _labelled("next application traffic secret", secret, "traffic upd", b"", output, "RFC 8446 §7.2")
        )
    return output


def resumption_psk(hash_name: str, master: bytes, nonce: bytes, note: Note | None = None) -> bytes:
    """The PSK that a ticket stands for; master: the resumption master secret (RFC 8446 §4.6.1)."""
    output = hkdf_expand_label(hash_name, master, "resumption", nonce, len(master))
    if note:
        note(_labelled("resumption PSK", master, "resumption", nonce, output, "RFC 8446 §4.6.1"))
    return output


def _labelled(
    name: str, secret: bytes, label: str, context: bytes, output: bytes, section: str
) -> Derivation:
    inputs: tuple[tuple[str, Value], ...] = (
        ("secret", secret), ("label", label), ("context", context), ("length", len(output)),
    )  # fmt: skip
    return Derivation(name, "HKDF-Expand-Label", inputs, output, section)


class KeySchedule:
    """The three secrets of one connection, each from the one before; steps holds what was done so far.

    Call `early`, `handshake` and `master` in this order; `derive` after each of them. psk is empty in a full
    handshake, shared is empty when only the PSK is used.

        schedule = KeySchedule("sha256")
        schedule.early()
        schedule.handshake(shared)
        client = schedule.derive("client handshake traffic secret", "c hs traffic", transcript_hash)
    """

    def __init__(self, hash_name: str) -> None:
        self.hash_name = hash_name
        self.steps: list[Derivation] = []
        self.secret = b""  # the latest of the three
        self._zero = bytes(digest_size(hash_name))
        self._empty = hashlib.new(hash_name).digest()

    def early(self, psk: bytes = b"") -> bytes:
        """The Early Secret."""
        return self._extract("Early Secret", self._zero, psk or self._zero, "PSK")

    def handshake(self, shared: bytes = b"") -> bytes:
        """The Handshake Secret; shared: the secret of the (EC)DHE key agreement."""
        salt = self.derive("derived secret", "derived", self._empty)
        return self._extract("Handshake Secret", salt, shared or self._zero, "(EC)DHE shared secret")

    def master(self) -> bytes:
        """The Master Secret."""
        salt = self.derive("derived secret", "derived", self._empty)
        return self._extract("Master Secret", salt, self._zero, "0")

    def derive(self, name: str, label: str, transcript_hash: bytes) -> bytes:
        """Derive-Secret from the latest secret; name: of what comes out."""
        output = derive_secret(self.hash_name, self.secret, label, transcript_hash)
        inputs: tuple[tuple[str, Value], ...] = (
            ("secret", self.secret), ("label", label), ("transcript hash", transcript_hash),
        )  # fmt: skip
        self.steps.append(Derivation(name, "Derive-Secret", inputs, output, "RFC 8446 §7.1"))
        return output

    def _extract(self, name: str, salt: bytes, material: bytes, what: str) -> bytes:
        self.secret = hkdf_extract(self.hash_name, salt, material)
        inputs: tuple[tuple[str, Value], ...] = (("salt", salt), (what, material))
        self.steps.append(Derivation(name, "HKDF-Extract", inputs, self.secret, "RFC 8446 §7.1"))
        return self.secret
