"""SSL 3.0, RC4 and 3DES, which no OpenSSL of today speaks: made here, and read by tshark as well."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from netlab.tls import ciphers, prf
from netlab.tls.tracing.values import Side
from netlab.tls.wire.suites import Suite, suite
from tests.tls import peers
from tests.tls.against_tshark import followed, write
from tests.tls.conversing import REQUEST, RESPONSE, Wire
from tests.tls.test_tracer import opens

SSL3 = 0x0300
Seal = Callable[[int, bytes], bytes]


def record(kind: int, data: bytes) -> bytes:
    return bytes([kind, 3, 0]) + len(data).to_bytes(2, "big") + data


def message(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + len(data).to_bytes(3, "big") + data


def sealing(used: Suite, key: bytes, mac_key: bytes, iv: bytes) -> Seal:
    """What protects the records of one direction (RFC 6101 §5.2.3)."""
    cipher = (
        Cipher(ciphers.block(used.cipher, key), modes.CBC(iv))
        if used.block > 1
        else Cipher(ciphers.stream(key), None)
    ).encryptor()
    padding, count = (48 if used.mac == "md5" else 40), 0

    def seal(kind: int, data: bytes) -> bytes:
        nonlocal count
        head = count.to_bytes(8, "big") + bytes([kind]) + len(data).to_bytes(2, "big")
        inner = hashlib.new(used.mac, mac_key + b"\x36" * padding + head + data).digest()
        plain = data + hashlib.new(used.mac, mac_key + b"\x5c" * padding + inner).digest()
        count += 1
        if used.block > 1:
            filler = -(len(plain) + 1) % used.block
            plain += os.urandom(filler) + bytes([filler])  # SSL 3.0 pads with anything
        return record(kind, cipher.update(plain))

    return seal


def conversation(number: int) -> Wire:
    """A whole connection of SSL 3.0 with that suite, and its key log."""
    used = suite(number)
    assert used is not None
    client, server, master = os.urandom(32), os.urandom(32), os.urandom(48)
    keys = prf.key_block(SSL3, used, master, client, server)
    to_server = sealing(used, keys.client_key, keys.client_mac, keys.client_iv)
    to_client = sealing(used, keys.server_key, keys.server_mac, keys.server_iv)
    chosen = number.to_bytes(2, "big")
    hello = message(1, b"\x03\0" + client + b"\0" + b"\0\x02" + chosen + b"\x01\0")
    answer = message(2, b"\x03\0" + server + b"\0" + chosen + b"\0")
    done, exchange = message(14, b""), message(16, os.urandom(128))
    before = hello + answer + done + exchange
    mine = message(20, prf.verify_data(SSL3, used, master, before, True))
    theirs = message(20, prf.verify_data(SSL3, used, master, before + mine, False))
    switch = record(20, b"\x01")
    wire = Wire(
        [
            (Side.CLIENT, record(22, hello)),
            (Side.SERVER, record(22, answer) + record(22, done)),
            (Side.CLIENT, record(22, exchange) + switch + to_server(22, mine)),
            (Side.SERVER, switch + to_client(22, theirs)),
            (Side.CLIENT, to_server(23, REQUEST)),
            (Side.SERVER, to_client(23, RESPONSE)),
        ]
    )
    wire.log = f"CLIENT_RANDOM {client.hex()} {master.hex()}\n".encode()
    wire.said = {Side.CLIENT: REQUEST, Side.SERVER: RESPONSE}
    return wire


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "number", [0x05, 0x2F, *(pytest.param(number, marks=pytest.mark.soak) for number in (0x04, 0x0A, 0x35))]
)
def test_ssl3_is_opened_as_tshark_opens_it(number: int, tmp_path: Path) -> None:
    """RC4 with MD5 and SHA-1, 3DES, AES-128 and AES-256."""
    peers.needs("tshark")
    wire, path = conversation(number), tmp_path / "old.pcapng"
    assert opens(wire).finished == [(Side.CLIENT, True), (Side.SERVER, True)]
    write(path, [wire])
    assert followed(path, 1) == {(0, side): data for side, data in wire.said.items()}
