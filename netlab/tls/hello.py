"""What a ClientHello says, read from its bytes: protocols (ALPN) and groups. RFC 8446 §4.1.2, RFC 7301.

Nothing is decrypted here: a ClientHello is plain text. What has not come whole is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence

# Extension types (IANA, TLS ExtensionType Values).
SUPPORTED_GROUPS, ALPN = 10, 16

# Alert descriptions (RFC 8446 §6).
NO_APPLICATION_PROTOCOL = 120

_RECORD, _MESSAGE, _CLIENT_HELLO = 5, 4, b"\x01"
_VERSION_AND_RANDOM = 2 + 32


def alert(description: int) -> bytes:
    """A fatal alert before any key is agreed: a record in plain text (RFC 8446 §6)."""
    return bytes((21, 3, 3, 0, 2, 2, description))


def extensions(hello: bytes) -> dict[int, bytes]:
    """Extension type → its data, of a record that holds a whole ClientHello; of anything else: none."""
    end = _RECORD + int.from_bytes(hello[3:5], "big")
    message = hello[_RECORD:end]
    if hello[:1] != b"\x16" or len(hello) < end or message[:1] != _CLIENT_HELLO:
        return {}
    rest = message[_MESSAGE + _VERSION_AND_RANDOM :]
    for size in (1, 2, 1):  # session id, cipher suites, compression methods: each behind its length
        _, rest = _vector(rest, size)
    content, _ = _vector(rest, 2)
    found = {}
    while len(content) >= 4:
        kind = int.from_bytes(content[:2], "big")
        found[kind], content = _vector(content[2:], 2)
    return found


def _vector(data: bytes, size: int) -> tuple[bytes, bytes]:
    """What stands behind a length of `size` bytes, and what comes after it (RFC 8446 §3.4)."""
    end = size + int.from_bytes(data[:size], "big")
    return data[size:end], data[end:]


def groups(hello: bytes) -> list[int]:
    """The key-agreement groups on offer, the client's favourite first."""
    names, _ = _vector(extensions(hello).get(SUPPORTED_GROUPS, b""), 2)
    return [int.from_bytes(names[i : i + 2], "big") for i in range(0, len(names), 2)]


def protocols(hello: bytes) -> list[bytes]:
    """The protocol names on offer (ALPN), the client's favourite first; none without the extension."""
    names, _ = _vector(extensions(hello).get(ALPN, b""), 2)
    found = []
    while names:
        name, names = _vector(names, 1)
        found.append(name)
    return found


def without_common_protocol(hello: bytes, ours: Sequence[bytes]) -> list[bytes]:
    """The client's protocols if none of them is ours: the server must refuse it (RFC 7301 §3.2)."""
    # Two searches spare nearly every handshake the parsing.
    if b"\x00\x10" not in hello or any(bytes((len(name),)) + name in hello for name in ours):
        return []
    theirs = protocols(hello)
    return [] if set(theirs) & set(ours) else theirs
