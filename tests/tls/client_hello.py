"""A ClientHello made by hand: what no ssl module can be told to say."""

from __future__ import annotations

X25519, FFDHE8192 = 0x001D, 0x0104


def _behind_length(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _behind_length(data, 2)


def client_hello(groups: tuple[int, ...] = (X25519,), protocols: tuple[bytes, ...] = ()) -> bytes:
    """A TLS 1.3 ClientHello without a key share: the server may ask for one of a group that it accepts."""
    extensions = (
        _extension(43, b"\x02\x03\x04")  # supported_versions: TLS 1.3 alone
        + _extension(13, b"\x00\x04\x04\x03\x08\x04")  # signature_algorithms: ECDSA with P-256, RSA-PSS
        + _extension(10, _behind_length(b"".join(g.to_bytes(2, "big") for g in groups), 2))
        + _extension(51, b"\x00\x00")  # key_share: none
    )
    if protocols:
        extensions += _extension(16, _behind_length(b"".join(_behind_length(p, 1) for p in protocols), 2))
    body = (
        b"\x03\x03" + bytes(range(32)) + _behind_length(bytes(32), 1)
        + b"\x00\x04\x13\x02\x13\x01" + b"\x01\x00" + _behind_length(extensions, 2)
    )  # fmt: skip
    return b"\x16\x03\x01" + _behind_length(b"\x01" + _behind_length(body, 3), 2)
