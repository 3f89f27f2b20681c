"""Read a recorded TLS 1.2 connection with the server's stolen private key. RFC 5246.

    client                                        server
      ClientHello (client random)           →
                                            ←     ServerHello (server random), Certificate (public key)
      ClientKeyExchange                     →       the pre-master secret, encrypted with the public key
      ChangeCipherSpec, Finished            →
                                            ←     ChangeCipherSpec, Finished
      application data                      ↔       HTTP, encrypted

With *static RSA* key exchange, everything that the keys are made of crosses the wire. Two randoms cross in
clear, and the pre-master secret crosses encrypted with the server's public key. So the private key, stolen
years later, opens every connection that was ever recorded:

    private key → pre-master secret → master secret → key block → keys → the HTTP

You write these steps one by one. The suite is always TLS_RSA_WITH_AES_256_GCM_SHA384 (0x009d): RSA key
exchange, AES-256-GCM for the records, SHA-384 for the PRF.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HASH = "sha384"
MASTER_LENGTH = 48

TLS12, TLS13 = 0x0303, 0x0304
TLS_RSA_WITH_AES_256_GCM_SHA384 = 0x009D

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET, CLIENT_KEY_EXCHANGE = 1, 2, 4, 16
EXTENDED_MASTER_SECRET, SUPPORTED_VERSIONS = 23, 43


class WrongKey(Exception):
    """The private key is not the one that this connection used."""


class OutOfReach(Exception):
    """No private key opens this connection: the secret never crossed the wire."""


class Keys(NamedTuple):
    """The keys of one direction: 32 bytes for AES-256, and the 4 bytes that every nonce starts with."""

    key: bytes
    iv: bytes


@dataclass
class Recording:
    """What an eavesdropper reads off the wire without any key.

    offered: the version in the ClientHello; version, suite: what the server chose; extended: both sides
    sent the extended_master_secret extension; messages: the handshake messages in clear, one after the
    other, up to and including ClientKeyExchange; exchange: the content of ClientKeyExchange (empty: there
    was none); protected: the encrypted records of each side ("client", "server"), each with its header of 5
    bytes.
    """

    offered: int = 0
    version: int = 0
    suite: int = 0
    client_random: bytes = b""
    server_random: bytes = b""
    extended: bool = False
    messages: bytes = b""
    exchange: bytes = b""
    protected: dict[str, list[bytes]] = field(default_factory=lambda: {"client": [], "server": []})


class Loot(NamedTuple):
    """What the thief reads: the HTTP of both directions."""

    request: bytes
    response: bytes


# --- the six steps ------------------------------------------------------------------------------------


def recover_pre_master(key: rsa.RSAPrivateKey, encrypted: bytes, offered: int) -> bytes:
    """The pre-master secret: 48 bytes, of which the first two are the version that the client offered.

    encrypted: what the client encrypted with RSAES-PKCS1-v1_5. Raises WrongKey when it can't be the secret: a
    wrong key raises ValueError, or gives random bytes and no error at all. RFC 5246 §7.4.7.1.
    """
    # >>> task 1: recover the pre-master secret
    try:
        pre_master = key.decrypt(encrypted, padding.PKCS1v15())
    except ValueError as error:
        raise WrongKey(f"the key does not decrypt the pre-master secret: {error}") from None
    if len(pre_master) != MASTER_LENGTH or pre_master[:2] != offered.to_bytes(2, "big"):
        start = pre_master[:2].hex()
        raise WrongKey(f"{len(pre_master)} bytes that start with {start} are no pre-master secret")
    return pre_master
    # <<< task 1


def prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudorandom function: length bytes made of secret, label and seed. RFC 5246 §5.

    P_hash(secret, seed) = HMAC(secret, A(1) + seed) + HMAC(secret, A(2) + seed) + …
    A(0) = seed          A(i) = HMAC(secret, A(i-1))
    PRF(secret, label, seed) = P_hash(secret, label + seed)
    """
    # >>> task 2: write the PRF
    seed = label + seed
    output, a = b"", seed
    while len(output) < length:
        a = hmac.digest(secret, a, HASH)
        output += hmac.digest(secret, a + seed, HASH)
    return output[:length]
    # <<< task 2


def master_secret(pre_master: bytes, recording: Recording) -> bytes:
    """The master secret, 48 bytes: from the two randoms, or, when extended, from the hash of the messages.

    RFC 5246 §8.1: PRF(pre_master, "master secret", client random + server random).
    RFC 7627 §4: PRF(pre_master, "extended master secret", Hash(messages up to ClientKeyExchange)).
    """
    # >>> task 3: derive the master secret
    if recording.extended:
        session_hash = hashlib.new(HASH, recording.messages).digest()
        return prf(pre_master, b"extended master secret", session_hash, MASTER_LENGTH)
    randoms = recording.client_random + recording.server_random
    return prf(pre_master, b"master secret", randoms, MASTER_LENGTH)
    # <<< task 3


def cut_keys(master: bytes, recording: Recording) -> tuple[Keys, Keys]:
    """The client's keys and the server's, cut from the key block. RFC 5246 §6.3, RFC 5288 §3.

    key block = PRF(master, "key expansion", server random + client random)
    client key (32) | server key (32) | client IV (4) | server IV (4)
    """
    # >>> task 4: cut the keys
    block = prf(master, b"key expansion", recording.server_random + recording.client_random, 72)
    return Keys(block[:32], block[64:68]), Keys(block[32:64], block[68:72])
    # <<< task 4


def open_record(keys: Keys, sequence: int, record: bytes) -> bytes:
    """The content of an encrypted record. Raises InvalidTag when the keys or the sequence number are wrong.

    record: header (type, version, length: 5 bytes), explicit nonce (8), ciphertext, tag (16).
    sequence: how many encrypted records came before it in this direction. RFC 5288 §3, RFC 5246 §6.2.3.3.

        nonce = IV + explicit nonce
        additional data = sequence (8) + type (1) + version (2) + length of the content (2)
    """
    # >>> task 5: open a record
    explicit, ciphertext = record[5:13], record[13:]
    length = len(ciphertext) - 16
    additional = sequence.to_bytes(8, "big") + record[:3] + length.to_bytes(2, "big")
    return AESGCM(keys.key).decrypt(keys.iv + explicit, ciphertext, additional)
    # <<< task 5


def steal(key: rsa.RSAPrivateKey, recording: Recording) -> Loot:
    """The HTTP of a recorded connection, opened with the server's private key.

    Raises OutOfReach, with the message where the theft stops and why, for any key exchange but static RSA.
    Raises WrongKey when the key does not fit. The HTTP is the content of the records of type 23.
    """
    # >>> task 6: steal the conversation
    if recording.version >= TLS13:
        raise OutOfReach("ServerHello chose TLS 1.3, which has no RSA key exchange (RFC 8446 §1.2)")
    if recording.suite != TLS_RSA_WITH_AES_256_GCM_SHA384:
        size = len(recording.exchange)
        what = f"ClientKeyExchange holds a public share ({size} bytes), nothing encrypted"
        raise OutOfReach(f"{what}: with ECDHE the RSA key only signs (RFC 8422 §2)")
    pre_master = recover_pre_master(key, recording.exchange[2:], recording.offered)
    client, server = cut_keys(master_secret(pre_master, recording), recording)
    read = {"client": b"", "server": b""}
    for side, keys in (("client", client), ("server", server)):
        for sequence, record in enumerate(recording.protected[side]):
            try:
                content = open_record(keys, sequence, record)
            except InvalidTag:
                raise WrongKey(f"record {sequence} of the {side} does not open: its tag is wrong") from None
            if record[0] == APPLICATION_DATA:
                read[side] += content
    return Loot(read["client"], read["server"])
    # <<< task 6


# --- given: what anyone reads off the wire --------------------------------------------------------------


def read_recording(chunks: Iterable[tuple[str, bytes]]) -> Recording:
    """Sort recorded bytes into a Recording. chunks: ("client" or "server", bytes), as they were sent."""
    recording = Recording()
    hidden = {"client": False, "server": False}  # from its ChangeCipherSpec on, a side encrypts
    pending = {"client": b"", "server": b""}
    for side, record in _records(chunks):
        if hidden[side] or (record[0] == APPLICATION_DATA and recording.version >= TLS13):
            recording.protected[side].append(record)
        elif record[0] == CHANGE_CIPHER_SPEC:
            hidden[side] = recording.version < TLS13  # in TLS 1.3 it means nothing (RFC 8446 §5)
        elif record[0] == HANDSHAKE:
            messages, pending[side] = _cut(pending[side] + record[5:], 1, 3)
            for message in messages:
                _note(recording, message)
    return recording


def _records(chunks: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    waiting = {"client": b"", "server": b""}
    for side, data in chunks:
        records, waiting[side] = _cut(waiting[side] + data, 3, 2)
        for record in records:
            yield side, record


def _cut(data: bytes, at: int, size: int) -> tuple[list[bytes], bytes]:
    """Whole items and the rest of data. An item: a header whose size bytes from `at` on are the length."""
    items = []
    while len(data) >= at + size:
        end = at + size + int.from_bytes(data[at : at + size], "big")
        if len(data) < end:
            break
        items.append(data[:end])
        data = data[end:]
    return items, data


def _note(recording: Recording, message: bytes) -> None:
    """Keep what a message in clear says. Both hellos: version (2 bytes), random (32), session id."""
    kind, body = message[0], message[4:]
    if kind == CLIENT_HELLO:
        recording.offered, recording.client_random = int.from_bytes(body[:2], "big"), body[2:34]
    elif kind == SERVER_HELLO:
        recording.version, recording.server_random = int.from_bytes(body[:2], "big"), body[2:34]
        at = 35 + body[34]
        recording.suite = int.from_bytes(body[at : at + 2], "big")
        extensions = dict(_extensions(body[at + 5 :]))
        recording.extended = EXTENDED_MASTER_SECRET in extensions
        if SUPPORTED_VERSIONS in extensions:
            recording.version = int.from_bytes(extensions[SUPPORTED_VERSIONS], "big")
    if kind != NEW_SESSION_TICKET:  # it comes behind ClientKeyExchange, and no key depends on it
        recording.messages += message
    if kind == CLIENT_KEY_EXCHANGE:
        recording.exchange = body


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        kind, size = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
        yield kind, data[at + 4 : at + 4 + size]
        at += 4 + size
