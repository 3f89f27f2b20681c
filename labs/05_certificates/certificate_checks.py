"""What the checks of this lab ask of a certificate. The rules: RFC 5280 §4.2."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec


def extension(certificate, kind, what):
    """An extension's value and whether it is critical."""
    try:
        found = certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        pytest.fail(f"{what} has no {kind.__name__} extension")
    return found.value, found.critical


def signed_by(certificate, issuer):
    """Whether the names match and the signature holds under the issuer's key."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def assert_authority(identity, what, path_length):
    constraints, critical = extension(identity.certificate, x509.BasicConstraints, what)
    assert constraints.ca, f"{what} must say that it is a CA: BasicConstraints(ca=True, …)"
    assert critical, (
        f"BasicConstraints of {what} must be critical: a client that does not know it must refuse"
    )
    assert constraints.path_length == path_length, (
        f"{what} may have {path_length} authorities below it: path_length={path_length}, "
        f"not {constraints.path_length}"
    )


def assert_signs_certificates_and_lists(identity, what):
    usage, critical = extension(identity.certificate, x509.KeyUsage, what)
    assert critical, f"KeyUsage of {what} must be critical"
    assert usage.key_cert_sign, f"without key_cert_sign no client accepts a certificate that {what} signs"
    assert usage.crl_sign, f"without crl_sign {what} can never take a certificate back"
    assert not usage.digital_signature, f"{what} signs certificates and lists, and no handshakes"


def assert_own_key(identity, what):
    key = identity.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey), f"the key of {what} must be on P-256: new_key()"
    assert key == identity.key.public_key(), f"the certificate of {what} is about another key than it returns"
    mark, _ = extension(identity.certificate, x509.SubjectKeyIdentifier, what)
    expected = x509.SubjectKeyIdentifier.from_public_key(key)
    assert mark == expected, f"the SubjectKeyIdentifier of {what} must come from its own public key"


def assert_points_at(certificate, issuer, what):
    mark, _ = extension(certificate, x509.AuthorityKeyIdentifier, what)
    expected = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest
    assert mark.key_identifier == expected, (
        f"the AuthorityKeyIdentifier of {what} must identify its issuer's key, not its own"
    )


def assert_life(certificate, now, life, what):
    lives = certificate.not_valid_after_utc - now
    assert lives == life, f"{what} should be good for {life.days} days from now, and is for {lives}"
    assert certificate.not_valid_before_utc < now, f"{what} must be good a little before now: clocks differ"
