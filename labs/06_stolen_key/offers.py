"""What the clients of this machine offer a server: their cipher suites, read from their own ClientHello.

A client shows its suites before any answer. Python's clients write their hello into memory; curl and openssl
write it to a loopback socket that answers nothing.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from netlab import tls
from netlab.tls.wire.suites import suite


class Offer(NamedTuple):
    """How many cipher suites a client offers, and the names of those with static RSA key exchange."""

    client: str
    suites: int
    static_rsa: list[str]


def all_offers() -> list[Offer]:
    """Every client that is found on this machine."""
    found = [
        ("Python's default client", _from_memory(ssl.create_default_context())),
        ("netlab's client", _from_memory(tls.client_context())),
    ]
    commands = {
        "curl": ["curl", "--silent", "--max-time", "5", "--noproxy", "*", "https://127.0.0.1:{port}/"],
        "openssl s_client": ["openssl", "s_client", "-connect", "127.0.0.1:{port}"],
    }
    found += [(name, _from_socket(command)) for name, command in commands.items() if shutil.which(command[0])]
    return [_offer(name, hello) for name, hello in found if hello]


def _from_memory(context: ssl.SSLContext) -> bytes:
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def _from_socket(command: Sequence[str]) -> bytes:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        words = [word.format(port=listening.getsockname()[1]) for word in command]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet) as client:
            try:
                connection, _ = listening.accept()
                with connection:
                    connection.settimeout(10)
                    return _one_record(connection)
            except OSError:
                return b""
            finally:
                client.kill()


def _one_record(connection: socket.socket) -> bytes:
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    return data


def _offer(client: str, record: bytes) -> Offer:
    hello = record[5:]
    at = 39 + hello[38]  # behind header (4), version (2), random (32) and session id: RFC 8446 §4.1.2
    end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
    numbers = [int.from_bytes(hello[place : place + 2], "big") for place in range(at + 2, end, 2)]
    known = [found for number in numbers if (found := suite(number))]
    return Offer(client, len(numbers), [found.name for found in known if found.key_exchange == "RSA"])
