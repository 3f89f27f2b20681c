"""What no library would sign or write, cut into the DER by hand: for the broken certificates of `breakage`.

Here live a signature over SHA-1, a date changed after signing, and a private key that is not the one that it
says. Certificates that are merely unwise are made by `issue`. DER: X.690; certificates: RFC 5280 §4.1.
"""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from netlab.tls.issue import Key, key_pem, new_key

_SEQUENCE, _BIT_STRING = 0x30, 0x03
# AlgorithmIdentifier ::= SEQUENCE { OBJECT IDENTIFIER }                       RFC 5758 §3.2, RFC 3279 §2.2.3
_ECDSA_WITH_SHA256 = bytes.fromhex("300a 0608 2a8648ce3d040302")
_ECDSA_WITH_SHA1 = bytes.fromhex("3009 0607 2a8648ce3d0401")


def signed_with_sha1(certificate: x509.Certificate, issuer_key: Key) -> x509.Certificate:
    """The same certificate, signed again as cryptography's builder refuses to: ECDSA over SHA-1.

    Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }, and the
    algorithm is named twice: outside, and inside what is signed (RFC 5280 §4.1.1.2).
    """
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the issuer's key is not on an elliptic curve: ecdsa-with-SHA1 needs one")
    inside = _content(certificate.tbs_certificate_bytes).replace(_ECDSA_WITH_SHA256, _ECDSA_WITH_SHA1, 1)
    tbs = _der(_SEQUENCE, inside)
    signature = issuer_key.sign(tbs, ec.ECDSA(hashes.SHA1()))
    # A BIT STRING begins with the number of bits unused in its last octet: none.
    whole = tbs + _ECDSA_WITH_SHA1 + _der(_BIT_STRING, b"\x00" + signature)
    return x509.load_der_x509_certificate(_der(_SEQUENCE, whole))


def extended_by_hand(certificate: x509.Certificate) -> x509.Certificate:
    """The same certificate with notAfter four years later (so that 29 February stays a date)."""
    end = certificate.not_valid_after_utc
    # UTCTime has two digits for the year (RFC 5280 §4.1.2.5.1): the length of nothing changes.
    written = f"{end:%y%m%d%H%M%S}Z".encode()
    later = f"{(end.year + 4) % 100:02}{end:%m%d%H%M%S}Z".encode()
    der = certificate.public_bytes(serialization.Encoding.DER)
    return x509.load_der_x509_certificate(der.replace(written, later, 1))


def _der(tag: int, content: bytes) -> bytes:
    """Tag, length, content: a length of 128 or more is led by the number of its own octets (X.690 §8.1.3)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _content(der: bytes) -> bytes:
    """What is left of one DER value without its tag and length."""
    long_form = der[1] & 0x80
    return der[2 + (der[1] & 0x7F if long_form else 0) :]


def key_that_claims_to_be(certificate: x509.Certificate) -> bytes:
    """A P-256 private key as PEM that carries the certificate's public key, and is another key.

    OpenSSL compares public keys alone when it loads a chain and a key, so a server loads this one. What it
    then signs does not hold under the certificate: a thief has the certificate, and not its key.
    ECPrivateKey ends with the public key (RFC 5915 §3), as an uncompressed point (SEC 1 §2.3.3).
    """
    mine = new_key()
    own, claimed = (_point(key) for key in (mine.public_key(), certificate.public_key()))
    der = serialization.load_pem_private_key(key_pem(mine), None).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    encoded = base64.encodebytes(der.replace(own, claimed, 1)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{encoded}-----END PRIVATE KEY-----\n".encode()


def _point(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the certificate's key is not on an elliptic curve")
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
