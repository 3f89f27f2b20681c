"""netlab.tls.surgery: what is cut by hand is wrong in one way, and right in every other."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from netlab.tls import breakage, issue, surgery
from netlab.tls.breakage import Hierarchy
from netlab.tls.issue import KeyKind


def test_the_sha_1_signature_is_a_true_signature(good: Hierarchy, now) -> None:
    """It must be refused because it is weak, and not because it is wrong."""
    leaf = breakage.intact(good, now).chain[0]
    weak = surgery.signed_with_sha1(leaf, good.intermediate.key)
    assert isinstance(weak.signature_hash_algorithm, hashes.SHA1)
    key = good.intermediate.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(weak.signature, weak.tbs_certificate_bytes, ec.ECDSA(hashes.SHA1()))
    assert (weak.serial_number, weak.subject) == (leaf.serial_number, leaf.subject)
    assert list(weak.extensions) == list(leaf.extensions)


def test_the_sha_1_signature_needs_an_elliptic_curve(good: Hierarchy) -> None:
    with pytest.raises(ValueError, match="elliptic curve"):
        surgery.signed_with_sha1(good.root.certificate, issue.new_key(KeyKind.RSA_2048))


def test_the_tampered_certificate_differs_in_its_date_alone(good: Hierarchy, now) -> None:
    leaf = breakage.intact(good, now).chain[0]
    forged = surgery.extended_by_hand(leaf)
    assert forged.not_valid_after_utc.year == leaf.not_valid_after_utc.year + 4
    assert (forged.signature, forged.serial_number) == (leaf.signature, leaf.serial_number)
    leaf.verify_directly_issued_by(good.intermediate.certificate)
    with pytest.raises(InvalidSignature):
        forged.verify_directly_issued_by(good.intermediate.certificate)


def test_the_key_that_claims_to_be_anothers_carries_its_public_key_and_signs_with_its_own(
    good: Hierarchy, now
) -> None:
    leaf = breakage.intact(good, now).chain[0]
    pem = surgery.key_that_claims_to_be(leaf)
    public = leaf.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    der = issue_der(pem)
    assert point in der and der.count(point) == 1
    scalar = der.partition(bytes.fromhex("0420"))[2][:32]  # an OCTET STRING of 32 octets: the private value
    own = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    assert own.public_key() != public


def issue_der(pem: bytes) -> bytes:
    import base64

    return base64.b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"-----")))


def test_the_key_that_claims_to_be_anothers_needs_an_elliptic_curve(now) -> None:
    rsa = issue.issue(issue.root_profile(now), key=issue.new_key(KeyKind.RSA_2048))
    with pytest.raises(ValueError, match="elliptic curve"):
        surgery.key_that_claims_to_be(rsa.certificate)


def test_lengths_of_der_values_are_written_as_x_690_says(good: Hierarchy) -> None:
    for size in (0, 127, 128, 255, 256, 65535, 65536):
        value = surgery._der(0x30, b"x" * size)
        assert surgery._content(value) == b"x" * size
    assert surgery._der(0x30, b"x" * 127)[:2] == b"\x30\x7f"
    assert surgery._der(0x30, b"x" * 128)[:3] == b"\x30\x81\x80"
    assert surgery._der(0x30, b"x" * 256)[:4] == b"\x30\x82\x01\x00"
    whole = good.root.certificate.tbs_certificate_bytes
    assert surgery._der(0x30, surgery._content(whole)) == whole
