"""The ClientHello of SSL 2.0, which clients of SSL 3.0 and TLS sent until about 2010 (RFC 5246 appendix E.2).

A server that knows better answers it with a ServerHello of its own version. Nothing else of SSL 2.0 is read.
"""

from __future__ import annotations

from netlab.tls.wire import registry
from netlab.tls.wire.spans import Cursor, Span, read_all

HEADER_LENGTH = 2


def hello_size(data: bytes | bytearray) -> int | None:
    """The bytes of a hello at the start of data, header included; None for anything else.

    Two bytes of length with the top bit set, type 1, and a version: 0x0002, or 0x03xx where the client
    could go on with SSL 3.0 or TLS.
    """
    if len(data) < 5 or not data[0] & 0x80 or data[2] != 1:
        return None
    if bytes(data[3:5]) != b"\x00\x02" and not (data[3] == 3 and data[4] <= 4):
        return None
    return HEADER_LENGTH + ((data[0] & 0x7F) << 8 | data[1])


def decode(data: bytes) -> Span:
    """The fields of such a hello, header included. Raises nothing."""

    def whole(cursor: Cursor) -> None:
        cursor.number(2, "length", lambda value: f"{value & 0x7FFF} bytes")
        cursor.number(1, "msg_type", registry.handshake_type)
        cursor.number(2, "version", registry.version)
        sizes = [
            cursor.number(2, name) for name in ("cipher_spec_length", "session_id_length", "challenge_length")
        ]
        for name, size in zip(("cipher_specs", "session_id", "challenge"), sizes, strict=True):
            if name == "cipher_specs" and not size % 3:
                cursor.group(name, lambda part, size=size: _specs(part, size))  # type: ignore[misc]
            else:
                cursor.opaque(size, name)

    return read_all(data, "client_hello", whole)


def _specs(cursor: Cursor, size: int) -> None:
    """Three bytes each: a zero and a suite of TLS, or a cipher of SSL 2.0."""
    for _ in range(size // 3):
        cursor.number(3, "cipher_spec", lambda v: registry.cipher_suite(v) if v < 0x10000 else "SSL 2.0")
