"""Issuing one certificate: a `Profile` says what stands in it, `issue` has it signed.

Every certificate of netlab, good or broken, is made by the one function `issue`; the good profiles are
here, and a broken one is a good one with a single thing changed (see `breakage`). No files: see `authority`.
Standard: RFC 5280 (sections are given at each extension).
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A certificate is renewed when a third of its life is left. So an issuer is always renewed before
# anything that it signs could outlive it: 3650 / 3 > 365, and 365 / 3 > 30.
ROOT_LIFE = timedelta(days=3650)
INTERMEDIATE_LIFE = timedelta(days=365)
LEAF_LIFE = timedelta(days=30)
# Clocks of virtual machines run late, so a certificate is good from a little before it is made.
BACKDATED = timedelta(hours=1)

NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")

# What the root may ever speak for. A learner puts this root into a trust store: should its key be stolen,
# the thief can pretend to be the learner's own machine, and not the learner's bank.
LOOPBACK = x509.NameConstraints(
    permitted_subtrees=[
        x509.DNSName("localhost"),  # and every name below it
        x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
        x509.IPAddress(ipaddress.ip_network("::1/128")),
    ],
    excluded_subtrees=None,
)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

Extension = type[x509.ExtensionType]


class KeyKind(enum.Enum):
    """The kinds of key pair that a certificate here may be about; the value is what people call it."""

    P256 = "P-256"
    P384 = "P-384"
    ED25519 = "Ed25519"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_1024 = "RSA-1024"  # broken on purpose: see `breakage`


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate says about its holder."""

    subject: str
    begin: datetime
    end: datetime
    authority: bool = False
    path_length: int | None = None  # how many authorities may stand below this one; None: any number
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    purposes: tuple[x509.ObjectIdentifier, ...] = ()  # none: any purpose
    reach: x509.NameConstraints | None = None
    without: tuple[Extension, ...] = ()  # extensions that RFC 5280 asks for, left out on purpose
    uncritical: tuple[Extension, ...] = ()  # and those that are not marked critical, though they must be


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and the private key that belongs to it."""

    certificate: x509.Certificate
    key: Key


def root_profile(now: datetime) -> Profile:
    """A root with one authority below it at most, that speaks for this machine alone."""
    end = now + ROOT_LIFE
    return Profile("netlab root", now - BACKDATED, end, authority=True, path_length=1, reach=LOOPBACK)


def intermediate_profile(now: datetime) -> Profile:
    """The authority that signs the leaves, and leaves only, so that the root's key may rest."""
    end = now + INTERMEDIATE_LIFE
    return Profile("netlab intermediate", now - BACKDATED, end, authority=True, path_length=0)


def leaf_profile(now: datetime) -> Profile:
    """A server on this machine."""
    purposes = (ExtendedKeyUsageOID.SERVER_AUTH,)
    end = now + LEAF_LIFE
    return Profile("localhost", now - BACKDATED, end, names=NAMES, addresses=ADDRESSES, purposes=purposes)


def client_profile(now: datetime) -> Profile:
    """A client that shows a certificate of its own (RFC 8446 §4.4.2): no host name, and another purpose."""
    purposes = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    return Profile("netlab client", now - BACKDATED, now + LEAF_LIFE, purposes=purposes)


def new_key(kind: KeyKind = KeyKind.P256) -> Key:
    """A key pair; on P-256 if no other is asked for: its signatures are short, and every client knows it."""
    match kind:
        case KeyKind.P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyKind.P384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyKind.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, key_size=int(kind.value.removeprefix("RSA-")))


def kind_of(key: Key) -> KeyKind | None:
    """The kind of a key pair; None for one that `new_key` does not make."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return KeyKind.ED25519
    name = f"RSA-{key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else f"P-{key.key_size}"
    return next((kind for kind in KeyKind if kind.value == name), None)


def issue(profile: Profile, issuer: Issued | None = None, key: Key | None = None) -> Issued:
    """Have a certificate signed.

    Args:
        profile: what stands in it.
        issuer: the certificate and key that sign; None: the holder's own (a self-signed certificate).
        key: the holder's key pair; None: a new one on P-256.
    """
    key = key or new_key()
    signer = issuer.key if issuer else key
    subject = _name(profile.subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        # Random, so that an attacker cannot foretell what will be signed (the attack on MD5, 2008). §4.1.2.2
        .serial_number(x509.random_serial_number())
        .not_valid_before(profile.begin)
        .not_valid_after(profile.end)
    )
    for extension, critical in _extensions(profile, key, signer):
        builder = builder.add_extension(extension, critical)
    return Issued(builder.sign(signer, _digest(signer)), key)


def _digest(signer: Key) -> hashes.SHA256 | hashes.SHA384 | None:
    """The hash that goes with a key: Ed25519 brings its own, P-384 takes SHA-384 (RFC 8446 §4.2.3)."""
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(signer, ec.EllipticCurvePrivateKey) and signer.curve.key_size > 256:
        return hashes.SHA384()
    return hashes.SHA256()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _extensions(profile: Profile, key: Key, signer: Key) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """Each extension, and whether it is critical: a verifier that does not know such a one must refuse."""
    for extension, critical in _all_extensions(profile, key, signer):
        if type(extension) not in profile.without:
            yield extension, critical and type(extension) not in profile.uncritical


def _all_extensions(profile: Profile, key: Key, signer: Key) -> Iterator[tuple[x509.ExtensionType, bool]]:
    # §4.2.1.9: without it, any holder of any certificate could sign others.
    yield x509.BasicConstraints(profile.authority, profile.path_length), True
    yield _key_usage(profile.authority), True
    # §4.2.1.1 and .2: "my key is …, my issuer's key is …". Python 3.13 refuses without (strict mode).
    yield x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
    yield x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
    if profile.names or profile.addresses:
        # §4.2.1.6: the names that count. The subject's common name is for people.
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in profile.names]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in profile.addresses]
        yield x509.SubjectAlternativeName(names), False
    if profile.purposes:
        yield x509.ExtendedKeyUsage(profile.purposes), False  # §4.2.1.12
    if profile.reach:
        yield profile.reach, True  # §4.2.1.10: must be critical


def _key_usage(authority: bool) -> x509.KeyUsage:
    """§4.2.1.3: an authority signs certificates and revocation lists, a server or client signs handshakes.

    No key here enciphers another: that is the static RSA key exchange, which TLS 1.3 removed.
    """
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def revoke(
    issuer: Issued, revoked: Sequence[x509.Certificate], now: datetime, life: timedelta = timedelta(days=7)
) -> x509.CertificateRevocationList:
    """The issuer's signed list of certificates that are no longer good, though not expired (§5).

    Args:
        issuer: signs the list; a verifier accepts it for certificates of this issuer alone.
        revoked: what the list names; empty: nothing is revoked.
        now: the list is good from an hour before this time.
        life: and until this long after it.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - BACKDATED)
        .next_update(now + life)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
    )
    for certificate in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(now - BACKDATED)
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
            .build()
        )
    return builder.sign(issuer.key, _digest(issuer.key))


def pem(*signed: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """Certificates or revocation lists as PEM (RFC 7468), one after the other."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in signed)


def key_pem(key: Key) -> bytes:
    """The private key as PEM, PKCS #8, not encrypted: the caller keeps others from reading it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
