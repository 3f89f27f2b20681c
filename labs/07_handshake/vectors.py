"""The values of RFC 8448 that lab 07 checks with, read from `rfc8448.txt` beside this file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FULL, RETRIED = "3", "5"  # sections: a full handshake, and one with a HelloRetryRequest


@cache
def values(section: str) -> dict[str, bytes]:
    """The values of a section by name."""
    lines = Path(__file__).with_name("rfc8448.txt").read_text("ascii").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: bytes.fromhex(value) for number, name, value in rows if number == section}


def messages(section: str, *names: str) -> list[bytes]:
    """Handshake messages of a section, by name."""
    return [values(section)[name] for name in names]


HELLOS = {
    FULL: ("client_hello_1", "server_hello"),
    RETRIED: ("client_hello_1", "hello_retry_request", "client_hello_2", "server_hello"),
}
FLIGHT = ("encryptedextensions", "certificate", "certificateverify", "server_finished")
