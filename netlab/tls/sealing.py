"""The other direction of `decrypt`, and the check of a signature: what `client13` needs beside reading."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from netlab.tls.decrypt import Tls13

_MOST = 1 << 14  # bytes of content in a record (RFC 8446 §5.1)
_HASHES: dict[int, Any] = {
    0x0403: hashes.SHA256(), 0x0503: hashes.SHA384(), 0x0804: hashes.SHA256(), 0x0805: hashes.SHA384(),
    0x0806: hashes.SHA512(),
}  # fmt: skip


class Sealer:
    """Protects the records of one direction (RFC 8446 §5.2); keys: as `Tls13` has them."""

    def __init__(self, keys: Tls13) -> None:
        self._keys = keys

    def update(self) -> None:
        """The next records are of a new generation (RFC 8446 §7.2)."""
        self._keys = self._keys.next_generation()

    def seal(self, content_type: int, data: bytes) -> bytes:
        """The records that carry data; at least one."""
        pieces = [data[at : at + _MOST] for at in range(0, len(data), _MOST)] or [b""]
        return b"".join(self._keys.seal(content_type, piece) for piece in pieces)


def check_signature(certificate: bytes, scheme: int, signature: bytes, signed: bytes) -> bool:
    """Did the key of a certificate (DER) make this signature? False also for a scheme that is not known."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        if isinstance(key, ed25519.Ed25519PublicKey) and scheme == 0x0807:
            key.verify(signature, signed)
        elif isinstance(key, ec.EllipticCurvePublicKey) and scheme in (0x0403, 0x0503):
            key.verify(signature, signed, ec.ECDSA(_HASHES[scheme]))
        elif isinstance(key, rsa.RSAPublicKey) and scheme in (0x0804, 0x0805, 0x0806):
            used = _HASHES[scheme]
            key.verify(signature, signed, padding.PSS(padding.MGF1(used), padding.PSS.DIGEST_LENGTH), used)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True
